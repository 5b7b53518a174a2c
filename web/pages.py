"""What every page shows: the park's name and notice, the clock, the menu, the tone of a state."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Flask, current_app, g
from sqlalchemy.exc import SQLAlchemyError

from geo.shapes import LayerKind
from parking import clock
from parking.queries import park as park_query
from parking.speech import N_
from parking.vocabulary import (
    BayState,
    BookingState,
    CommandState,
    ConflictState,
    DrawingState,
    FenceState,
    HoldState,
    RequestState,
    Severity,
    ViolationState,
    VisitState,
    WarningLevel,
)
from web.language import _, lang
from web.people import current_person
from web.store import reading

#: How the park card is kept, seconds: a fresh park shows soon, a page costs no query.
_KEPT_S = 5.0


@dataclass(frozen=True, slots=True)
class ParkCard:
    """What a page says about the park."""

    names: Mapping[str, str]
    notices: Mapping[str, str]
    official: bool

    @property
    def name(self) -> str:
        return self.names[lang()]

    @property
    def notice(self) -> str:
        return self.notices[lang()]


#: State → tone. A tone has a colour and a shape; the word stands beside it, never the colour alone.
TONES: Mapping[str, str] = {
    BookingState.DRAFT: "off",
    BookingState.SUBMITTED: "wait",
    BookingState.ENTERPRISE_APPROVED: "wait",
    BookingState.WAITLISTED: "wait",
    BookingState.SUSPENDED: "stop",
    BookingState.RETURNED: "stop",
    BookingState.NO_SHOW: "off",
    BookingState.APPROVED: "good",
    BookingState.USED: "calm",
    BookingState.REJECTED: "stop",
    BookingState.CANCELLED: "off",
    BookingState.EXPIRED: "off",
    VisitState.WAITING_OUTSIDE: "wait",
    VisitState.ARRIVED: "wait",
    VisitState.INSPECTED: "good",
    VisitState.QUEUED: "wait",
    VisitState.MISSING: "stop",
    VisitState.ISOLATED: "stop",
    VisitState.WASHING: "calm",
    VisitState.EVACUATED: "stop",
    VisitState.CLOSED: "off",
    VisitState.CLOSED_INFERRED: "off",
    VisitState.REFUSED: "stop",
    VisitState.ADMITTED: "calm",
    VisitState.PARKED: "good",
    VisitState.CALLED: "wait",
    VisitState.EN_ROUTE_IN: "calm",
    VisitState.AT_DOCK: "calm",
    VisitState.WORK_DONE: "calm",
    VisitState.EN_ROUTE_OUT: "calm",
    VisitState.EXITED: "off",
    ViolationState.OPEN: "stop",
    ViolationState.ACKNOWLEDGED: "off",
    ViolationState.REFUTED: "calm",
    Severity.REMINDER: "calm",
    Severity.WARNING: "wait",
    Severity.ALARM: "stop",
    HoldState.HELD: "wait",  # a bay that is held or occupied says the same
    HoldState.OCCUPIED: "calm",
    HoldState.RELEASED: "off",
    WarningLevel.BLUE: "calm",
    WarningLevel.YELLOW: "wait",
    WarningLevel.ORANGE: "stop",
    WarningLevel.RED: "stop",
    DrawingState.OPEN: "wait",
    DrawingState.TAKEN: "good",
    DrawingState.DECLINED: "off",
    BayState.FREE: "good",
    BayState.OUT_OF_SERVICE: "off",
    BayState.ISOLATION: "stop",
    CommandState.QUEUED: "wait",
    CommandState.SENT: "wait",
    CommandState.ANSWERED: "good",
    CommandState.FAILED: "stop",
    CommandState.EXPIRED: "off",
    FenceState.WANTED: "wait",
    FenceState.HELD: "good",
    FenceState.GOING: "wait",
    FenceState.FAILED: "stop",
    ConflictState.OPEN: "stop",
    ConflictState.CLOSED: "off",
    RequestState.WAITING: "wait",
    RequestState.DENIED: "off",
}

_KINDS: Mapping[LayerKind, str] = {
    LayerKind.BOUNDARY: N_("Park boundary"),
    LayerKind.CONTROL_LINE: N_("Land-use safety control line"),
    LayerKind.ZONE: N_("Zones"),
    LayerKind.GATE: N_("Gates"),
    LayerKind.BAY: N_("Bays"),
    LayerKind.ROUTE: N_("Approved routes"),
    LayerKind.DOCK: N_("Docks"),
    LayerKind.CAMERA: N_("Cameras"),
}


def init_app(app: Flask) -> None:
    app.extensions["hazpark.park"] = (0.0, None)
    app.jinja_env.globals.update(
        tone=tone,
        kind_name=layer_name,
        park_card=park_card,
        menu=menu,
        person=_person,
        demo_clock=demo_clock,
        park_now=clock.now,
    )


def layer_name(kind: LayerKind) -> str:
    """What a layer is called, in the reader's language."""
    return _(_KINDS[kind])


def tone(state: str | None) -> str:
    return TONES.get(state or "", "off")


def park_card() -> ParkCard | None:
    """Name and notice of the park, or None while none is loaded or the database is away."""
    if g.get("bare"):
        return None
    until, card = current_app.extensions["hazpark.park"]
    if time.monotonic() < until:
        kept: ParkCard | None = card
        return kept
    card = _read_card()
    current_app.extensions["hazpark.park"] = (time.monotonic() + _KEPT_S, card)
    return card


def menu() -> Iterator[tuple[str, str]]:
    """(endpoint, label) of the pages this person may open, in the order of the rooms."""
    from web.gates import may_enter

    if g.get("bare") or current_person() is None:
        return
    for endpoint, label in current_app.extensions["hazpark.menu"]:
        if may_enter(endpoint):
            yield endpoint, label


def demo_clock() -> dict[str, Any] | None:
    """The demo clock for the banner and its ticking script, or None on a real installation."""
    running = clock.demo_clock()
    if running is None:
        return None
    real = datetime.now(UTC).timestamp()
    fast = running.at(real) < running.park_end
    return {
        "now": running.at(real),
        "playing": running.playing,
        "rate": running.rate if fast else 1,
        "until": running.park_end,
        "lead": clock.lead(),
    }


def _person() -> Any:
    return None if g.get("bare") else current_person()


def _read_card() -> ParkCard | None:
    try:
        with reading() as session:
            park = park_query.current(session)
    except (SQLAlchemyError, LookupError):
        return None
    return ParkCard(
        {"zh": park.name_zh, "en": park.name_en},
        {"zh": park.notice_zh, "en": park.notice_en},
        park.official,
    )
