# ruff: noqa: E501 - sentences of a page
"""Five assignments explained in words: the pages ASSIGNMENTS.md are what the product really answers.

``WRITE_PAGES=1`` writes them anew after a change of rules or words; read them before committing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from geo.layers import read_park
from parking import seed, speech
from parking.models import Booking, Goods
from parking.queries import lot as lots
from parking.services import bays, bookings, park, planning
from parking.services.bays import Suggestion
from parking.vocabulary import LoadState
from tests.factories import DRIVER, HERE, STAFF, form

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "fixtures" / "park"
NOW = datetime(2026, 3, 2, tzinfo=UTC)
DAY = date(2026, 3, 2)
FILES = {"en": "ASSIGNMENTS.md", "zh": "ASSIGNMENTS.zh-CN.md"}
#: Words of the page itself, by language.
SAID = {
    "en": {
        "title": "# Five assignments, explained",
        "link": "**English** · [中文](ASSIGNMENTS.zh-CN.md)",
        "intro": "What hazpark answers a dispatcher, word for word, on the illustrative park that comes with it. A test "
        "asks the product again and compares this page with the answers. Distances are design defaults a park sets itself.",
        "best": "**Best: bay {bay}** (zone {zone}), because:",
        "not": "**Not bay {bay}**, because:",
        "count": "{possible} of {all} bays may be taken.",
        "none": "**No bay may be taken.** For example bay {bay}, because:",
        "plan": "**The plan:** {quality}",
        "row": "- {plate}: bay {bay}{before}",
        "before": " (before: {bay})",
        "lost": "Bay {bay} is closed: oil on the ground. Its driver has lost it; hazpark plans again at once:",
        "1": "## 1. Petrol, the lot is empty\n\nA tanker with 28 t of petrol (UN 1203) is booked for 09:00 to 13:00.",
        "2": "## 2. Oxygen, with petrol and chlorine already there\n\nLiquid oxygen (UN 1073) may stand in zone D, and so may chlorine (UN 1017): one is in bay {b}. A petrol tanker holds bay {a}.",
        "3": "## 3. An empty tank that was not cleaned\n\nA tanker that carried caustic soda (UN 1824) comes empty, uncleaned. It counts like a loaded one.",
        "4": "## 4. Enough bays, but too much in the lot\n\nBenzene (UN 1114): {count} tankers of 28 t hold bays already, one more asks for the same hours.",
        "5": "## 5. A bay goes out of service\n\nThree petrol tankers hold bays.",
    },
    "zh": {
        "title": "# 五次泊位分配说明",
        "link": "[English](ASSIGNMENTS.md) · **中文**",
        "intro": "以下为 hazpark 在自带示意园区上给调度员的原话。测试会重新询问系统，并与本页逐字比对。各距离为设计默认值，由园区自行设定。",
        "best": "**首选泊位 {bay}**（{zone} 区），理由：",
        "not": "**不选泊位 {bay}**，理由：",
        "count": "{all} 个泊位中有 {possible} 个可用。",
        "none": "**没有可用泊位。** 例如泊位 {bay}，理由：",
        "plan": "**计划：**{quality}",
        "row": "- {plate}：泊位 {bay}{before}",
        "before": "（原为 {bay}）",
        "lost": "泊位 {bay} 因地面有油停用，驾驶员失去泊位；系统立即重新计划：",
        "1": "## 一、汽油，停车场空着\n\n一辆装 28 吨汽油（UN 1203）的罐车，预约 9:00 至 13:00。",
        "2": "## 二、液氧，场内已有汽油和氯气\n\n液氧（UN 1073）可停 D 区，氯气（UN 1017）也可停 D 区，且已有一辆占泊位 {b}。汽油罐车占泊位 {a}。",
        "3": "## 三、未清洗的空罐\n\n一辆曾装氢氧化钠溶液（UN 1824）的罐车空车、未清洗，按重车对待。",
        "4": "## 四、泊位够，但场内总量太大\n\n苯（UN 1114）：{count} 辆 28 吨罐车已占泊位，又一辆要停同一时段。",
        "5": "## 五、泊位停用\n\n三辆汽油罐车已有泊位。",
    },
}


def truck(session: Session, un: str, plate: str, **changes: Any) -> Booking:
    window = {"window_start": NOW + timedelta(hours=1), "window_end": NOW + timedelta(hours=5)}
    made = form(un_number=un, plate=plate, enterprise="焦化厂", **window, **changes)
    booking = bookings.request(session, made, NOW, DRIVER, HERE)
    if booking.state == "submitted":
        bookings.enterprise_approve(session, booking.id, NOW, "enterprise:test", HERE)
    return booking


def with_best(session: Session, un: str, plate: str, **changes: Any) -> tuple[Booking, str]:
    booking = truck(session, un, plate, **changes)
    bay = bays.suggest(session, booking.id, NOW)[0].bay_code
    bays.assign(session, booking.id, bay, NOW, STAFF, HERE)
    return booking, bay


def explained(found: Sequence[Suggestion], lang: str, against: Suggestion | None = None) -> list[str]:
    said = SAID[lang]
    possible = [s for s in found if s.possible]
    lines = [said["count"].format(possible=len(possible), all=len(found)), ""]
    if possible:
        best = possible[0]
        lines += [
            said["best"].format(bay=best.bay_code, zone=best.zone),
            "",
            *_bullets(best.reasons, lang),
            "",
        ]
    if against is not None:
        key = "not" if possible else "none"
        lines += [said[key].format(bay=against.bay_code), "", *_bullets(against.blocked, lang), ""]
    return lines


def _bullets(reasons: Sequence[Any], lang: str) -> list[str]:
    return [f"- {speech.say(r.word, r.facts, lang)}" for r in reasons]


def first(found: Sequence[Suggestion], word: str) -> Suggestion | None:
    """The suggestion that fails by this alone, or by this first."""
    hits = [s for s in found if any(r.word == word for r in s.blocked)]
    return min(hits, key=lambda s: (len(s.blocked), s.bay_code), default=None)


def page(session: Session, lang: str) -> str:
    said = SAID[lang]
    out = [said["title"], "", said["link"], "", said["intro"], ""]
    petrol = truck(session, "1203", "晋M10001")
    found = bays.suggest(session, petrol.id, NOW)
    out += [said["1"], "", *explained(found, lang, first(found, "bay_class"))]
    bays.assign(session, petrol.id, found[0].bay_code, NOW, STAFF, HERE)
    _, chlorine = with_best(session, "1017", "晋M10002", mass_kg=1000)
    found = bays.suggest(session, truck(session, "1073", "晋M10003").id, NOW)
    near = first(found, "bay_neighbour")
    here = bays.survey(session, petrol.lot_id)
    holds = {s.booking_id: here.by_id(s.bay_id).code for s in here.stays}
    out += [said["2"].format(a=holds[petrol.id], b=chlorine), "", *explained(found, lang, near)]
    empty = truck(session, "1824", "晋M10004", load_state=LoadState.EMPTY_UNCLEANED)
    found = bays.suggest(session, empty.id, NOW)
    out += [said["3"], "", *explained(found, lang, first(found, "bay_load_state"))]
    return "\n".join([*out, *_fourth(session, lang), *_fifth(session, lang)]).rstrip() + "\n"


def _fourth(session: Session, lang: str) -> list[str]:
    benzene = session.get_one(Goods, "1114")
    benzene.critical_quantity_t = benzene.critical_quantity_t or 50.0
    count = 0
    asking = truck(session, "1114", "晋M20000", mass_kg=28_000)
    while (found := bays.suggest(session, asking.id, NOW))[0].possible:
        bays.assign(session, asking.id, found[0].bay_code, NOW, STAFF, HERE)
        count += 1
        asking = truck(session, "1114", f"晋M200{count:02d}", mass_kg=28_000)
    full = first(found, "index_zone") or first(found, "index_lot")
    return [SAID[lang]["4"].format(count=count), "", *explained(found, lang, full)]


def _fifth(session: Session, lang: str) -> list[str]:
    said = SAID[lang]
    later = {"mass_kg": 20_000}
    trucks = [truck(session, "1203", f"晋M1000{n}", **later) for n in (7, 8, 9)]
    for t in trucks:  # the day after, when nothing else is in the lot
        t.window_start, t.window_end = t.window_start + timedelta(days=1), t.window_end + timedelta(days=1)
    session.flush()
    for t in trucks:
        bays.assign(session, t.id, bays.suggest(session, t.id, NOW)[0].bay_code, NOW, STAFF, HERE)
    before = _held(session, trucks)
    bay = before[trucks[0].id]
    bays.set_out_of_service(session, bay, "oil on the ground", NOW, STAFF, HERE)
    when = NOW + timedelta(hours=20)
    planning.replan(session, trucks[0].lot_id, when, STAFF, HERE)
    after = _held(session, trucks)
    lines = [
        said["5"],
        "",
        *(said["row"].format(plate=t.plate, bay=before[t.id], before="") for t in trucks),
        "",
    ]
    lines += [said["lost"].format(bay=bay), ""]
    for t in trucks:
        old = said["before"].format(bay=before[t.id]) if before[t.id] != after[t.id] else ""
        lines.append(said["row"].format(plate=t.plate, bay=after[t.id], before=old))
    day = planning.read_day(session, trucks[0].lot_id, DAY + timedelta(days=1), when)
    quality = planning.quality(planning.as_json(day, planning.make(day, 3.0)), lang)
    return [*lines, "", said["plan"].format(quality=quality), ""]


def _held(session: Session, trucks: Sequence[Booking]) -> dict[int, str]:
    lot = bays.survey(session, trucks[0].lot_id)
    return {s.booking_id: lot.by_id(s.bay_id).code for s in lot.stays}


@pytest.mark.parametrize("lang", FILES)
def test_the_page_of_five_assignments_is_what_the_product_answers(session: Session, lang: str):
    drawn, _ = read_park(DEMO)
    park.load(session, drawn, seed.goods(DEMO), NOW, "test")
    session.flush()
    assert lots.current(session)
    written = page(session, lang)
    file = ROOT / FILES[lang]
    if os.environ.get("WRITE_PAGES") == "1":
        file.write_text(written)
    assert file.read_text() == written, "run with WRITE_PAGES=1 and read what changed"
