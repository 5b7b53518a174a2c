"""LIFECYCLE.md shows the tables of states and steps as the product has them. WRITE_PAGES=1 writes it anew."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path

from parking.rules import booking, visit
from parking.speech import name
from parking.vocabulary import BookingState, BookingStep, VisitStep

FILE = Path(__file__).parents[2] / "LIFECYCLE.md"
_B, _V = BookingStep, VisitStep

#: What goes wrong, what the product does about it, and the steps of that branch.
BRANCHES: tuple[tuple[str, str, tuple[StrEnum, ...]], ...] = (
    ("迟到 late", "Checked in until the booked end; then the booking ends by itself.", (_B.MISS,)),
    ("未到 no-show", "Marked by the sweep, the bay is free for the waiting list.", (_B.MISS, _B.WAITLIST)),
    ("早到 early", "Waits outside until check-in opens.", (_V.OPEN_WINDOW,)),
    ("车牌不符 wrong plate", "The guard enters the plate seen; checklist, blacklist, other bookings are "
     "asked again, the visit begins anew at the gate.", (_V.INSPECT,)),
    ("查验不合格 refused at inspection", "A failed row of the checklist refuses, holds or isolates.",
     (_V.REFUSE, _V.ISOLATE)),
    ("货物不符 cargo differs", "Put right at the gate and judged anew, or isolated; goods nobody knows are "
     "never entered.", (_V.ISOLATE, _V.REFUSE)),
    ("泊位失效 bay lost", "The booking asks again, another bay is looked for at once, who gets none is told.",
     (_B.LOSE_BAY, _B.APPROVE)),
    ("到场后取消 cancelled after arrival", "The vehicle is sent out; its bay is kept until it has gone.",
     (_V.CANCEL_STAY, _V.CHECK_OUT)),
    ("未到泊位 not in its bay", "Reported after the time the park gives.", (_V.GO_MISSING, _V.PARK)),
    ("过号 call missed", "Back to its bay, behind the next in line.", (_V.MISS_CALL,)),
    ("企业拒收 refused at the dock", "Leaves with what it brought.", (_V.REFUSE_WORK,)),
    ("应急疏散 emergency evacuation", "From anywhere inside; coming back means being checked again.",
     (_V.EVACUATE, _V.COME_BACK)),
)  # fmt: skip


def page() -> str:
    return "\n".join(
        (
            "# 预约与车次的状态 Lives of bookings and visits",
            "",
            "Written by the product from its tables (`parking/rules/booking.py`, `parking/rules/visit.py`).",
            "A step that is not here is refused with the reason; every step is kept: who, when, from where.",
            "",
            "## 预约 Booking",
            "",
            *_table(booking.TABLE, lambda step: ", ".join(sorted(booking.WHOSE[step]))),
            "",
            "## 车次 Visit",
            "",
            *_table(
                visit.TABLE, lambda step: "driver or staff" if step in visit.DRIVER_STEPS else "staff, system"
            ),
            "",
            "## 异常 What goes wrong",
            "",
            "| what | what happens | steps |",
            "|---|---|---|",
            *(f"| {what} | {how} | {', '.join(both(s) for s in steps)} |" for what, how, steps in BRANCHES),
            "",
        )
    )


def _table(table: Mapping[tuple[StrEnum, StrEnum], StrEnum], whose) -> Iterable[str]:
    yield "| from | step | to | whose |"
    yield "|---|---|---|---|"
    kinds = {type(word) for pair in table for word in pair}
    places = {(kind, word): n for kind in kinds for n, word in enumerate(kind)}
    for (state, step), following in sorted(
        table.items(), key=lambda row: [places[type(word), word] for word in row[0]]
    ):
        yield f"| {both(state)} | {both(step)} | {both(following)} | {whose(step)} |"


def both(word: StrEnum) -> str:
    return f"{name(word, 'zh')} {name(word, 'en')}"


def test_the_page_of_lives_is_what_the_tables_say():
    written = page()
    if os.environ.get("WRITE_PAGES") == "1":
        FILE.write_text(written, encoding="utf-8")
    assert FILE.read_text(encoding="utf-8") == written, "run with WRITE_PAGES=1 and read what changed"


def test_every_branch_can_be_taken():
    known = {step for _, step in (*booking.TABLE, *visit.TABLE)}
    assert [steps for _, _, steps in BRANCHES if not set(steps) <= known] == []
    ends = {s for s in BookingState if not any(state == s for state, _ in booking.TABLE)}
    assert {BookingState.NO_SHOW, BookingState.CANCELLED, BookingState.REJECTED, BookingState.USED} <= ends
