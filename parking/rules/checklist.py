"""The entry checklist: which rows apply, what the answers come to, and what must follow. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from parking.refused import Reason, no
from parking.rules.park_rules import matches
from parking.rules.substance import Load
from parking.vocabulary import CheckResult, DocumentKind, LoadState, OnFail, Refusal, SelfCheck


class Outcome(StrEnum):
    """What the whole list comes to, worst last."""

    PASSED = "passed"
    OPEN = "open"  # rows are not answered yet
    HOLD = "hold"
    REFUSE = "refuse"
    ISOLATE = "isolate"


@dataclass(frozen=True, slots=True)
class Row:
    """One row. ``load_states`` and ``classes`` say whom it is asked of (empty: everybody).

    ``document``: a paper whose end of validity is asked for with the row. ``self_check``: what the product
    finds out by itself for it.
    """

    code: str
    on_fail: OnFail
    text_zh: str
    text_en: str
    holder: str = "vehicle"
    document: DocumentKind | None = None
    load_states: tuple[LoadState, ...] = ()
    classes: tuple[str, ...] = ()
    source: str = ""
    self_check: SelfCheck | None = None

    def applies(self, load: Load) -> bool:
        """Whether the row is asked of a vehicle with this load. What is unknown is asked."""
        if self.load_states and load.load_state not in self.load_states:
            return False
        hazards = load.hazards
        if not self.classes:
            return True
        return any(matches(None if h == "?" else h, self.classes) for h in hazards)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found for a row; ``valid_until`` of its paper, if it asks for one."""

    result: CheckResult
    valid_until: date | None = None
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the list comes to: the worst consequence, the rows that failed and why, the rows still open."""

    outcome: Outcome
    failed: Mapping[str, OnFail] = field(default_factory=dict)
    open: tuple[str, ...] = ()


_WORST = {OnFail.HOLD: Outcome.HOLD, OnFail.REFUSE: Outcome.REFUSE, OnFail.ISOLATE: Outcome.ISOLATE}
_RANK = list(Outcome)


def judge(rows: Iterable[Row], answers: Mapping[str, Answer], load: Load, leaves: date) -> Verdict:
    """The verdict over every row that applies. A paper is judged on the day the stay ends (``leaves``)."""
    asked = [row for row in rows if row.applies(load)]
    failed = {r.code: r.on_fail for r in asked if r.code in answers and fails(r, answers[r.code], leaves)}
    waiting = tuple(r.code for r in asked if r.code not in answers)
    worst = max((_WORST[w] for w in failed.values()), key=_RANK.index, default=Outcome.PASSED)
    if worst is Outcome.ISOLATE or not waiting:
        return Verdict(worst, failed, waiting)  # a leak waits for no further questions
    return Verdict(Outcome.OPEN, failed, waiting)


def fails(row: Row, answer: Answer, leaves: date) -> bool:
    """Whether an answer is a failure: said so, or its paper ends before the stay does."""
    if answer.result is CheckResult.FAIL:
        return True
    expired = answer.valid_until is not None and answer.valid_until < leaves
    return row.document is not None and answer.result is CheckResult.PASS and expired


def against(row: Row, answer: Answer) -> tuple[Reason, ...]:
    """Why an answer may not be taken as it is."""
    if answer.result is CheckResult.NOT_APPLICABLE and row.on_fail is not OnFail.HOLD:
        return (no(Refusal.CHECK_NOT_SKIPPED, code=row.code),)
    if answer.result is CheckResult.PASS and row.document is not None and answer.valid_until is None:
        return (no(Refusal.CHECK_DATE_MISSING, code=row.code, document=row.document),)
    if answer.result is CheckResult.FAIL and not answer.remark:
        return (no(Refusal.CHECK_REMARK_MISSING, code=row.code),)
    return ()


def following(verdict: Verdict, rows: Sequence[Row], lang: str = "zh") -> str:
    """The failed rows as one remark for the driver and the record."""
    texts = {r.code: (r.text_en if lang == "en" else r.text_zh) for r in rows}
    return "；".join(f"{code} {texts.get(code, '')}" for code in verdict.failed)[:500]


_LADEN = (LoadState.LOADED, LoadState.EMPTY_UNCLEANED)
_ASSUMED = "设计默认值"

#: The default list. Sources name a rule only where its text was read; a park edits every row.
DEFAULT: tuple[Row, ...] = (
    Row("V1", OnFail.HOLD, "车牌、颜色、车型与预约一致", "Plate, colour and type match the booking",
        source="金乡通告（车牌识别入园）"),
    Row("V2", OnFail.REFUSE, "行驶证有效至离园", "Vehicle licence valid to the end of the stay",
        document=DocumentKind.VEHICLE_LICENCE, source=_ASSUMED),
    Row("V3", OnFail.REFUSE, "道路运输证有效，经营范围包含所装类项",
        "Road transport permit valid, its scope covers class and item",
        document=DocumentKind.TRANSPORT_PERMIT, source="交通运输部令2019年第29号 第22条"),
    Row("V4", OnFail.REFUSE, "罐体检验有效，适装介质包含所装货物",
        "Tank inspection valid, the substance is on its list",
        document=DocumentKind.TANK_INSPECTION, load_states=_LADEN, source="交通运输部令2019年第29号 第23条"),
    Row("V5", OnFail.HOLD, "罐体号、挂车牌与运单一致", "Tank number and trailer plate match the waybill",
        source=_ASSUMED),
    Row("V6", OnFail.REFUSE, "质量不超过核定载质量（过磅）", "Mass within the approved load (weighbridge)",
        load_states=(LoadState.LOADED,), source="交通运输部令2019年第29号 第23条"),
    Row("V7", OnFail.REFUSE, "标志灯、标志牌齐全且与类别相符",
        "Lamp and placards present and of the right class", load_states=_LADEN,
        source="交通运输部令2019年第29号 第44条"),
    Row("V8", OnFail.HOLD, "卫星定位在线", "Terminal is on line", holder="terminal",
        source="交通运输部令2019年第29号 第25、45条", self_check=SelfCheck.TERMINAL),
    Row("V9", OnFail.ISOLATE, "紧急切断阀、人孔、阀门关闭，无渗漏、滴洒、异味",
        "Emergency shut-off, hatches and valves closed; no leak, drip or smell",
        holder="tank", source="交通运输部令2019年第29号 第26、47条"),
    Row("V10", OnFail.HOLD, "灭火器、防护用品、应急救援器材、防火帽齐备",
        "Extinguishers, protective and rescue gear, spark arrestor on board",
        source="交通运输部令2019年第29号 第44条"),
    Row("V11", OnFail.HOLD, "空车（已清洗）：清洗合格证与罐体相符",
        "Said to be empty and clean: the cleaning certificate is of this tank", holder="tank",
        load_states=(LoadState.EMPTY_CLEAN,), source=_ASSUMED),
    Row("P1", OnFail.REFUSE, "驾驶员准驾车型、危货从业资格证有效",
        "Driver's licence class and qualification certificate valid", holder="driver",
        document=DocumentKind.DRIVER_QUALIFICATION, source="危险化学品安全管理条例 (2013) 第44条"),
    Row("P2", OnFail.REFUSE, "押运员在车、非驾驶员本人、资格证有效",
        "Escort on board, not the driver, qualification valid", holder="escort",
        document=DocumentKind.ESCORT_QUALIFICATION, source="交通运输部令2019年第29号 第44条"),
    Row("P3", OnFail.HOLD, "连续驾驶不超过 4 小时，已休息 20 分钟以上",
        "No more than 4 h at the wheel, rested 20 min or more", holder="driver",
        source="道路交通安全法实施条例 (2017) 第62条"),
    Row("P4", OnFail.HOLD, "未饮酒，无火种，防静电着装，已签入园告知",
        "Sober, no lighter, antistatic clothing, briefing signed", holder="driver", source=_ASSUMED),
    Row("D1", OnFail.REFUSE, "电子运单与货物、车辆、人员一致",
        "E-waybill matches goods, vehicle and people", holder="waybill",
        load_states=_LADEN, source="交通运输部令2019年第29号 第24条"),
    Row("D2", OnFail.HOLD, "安全卡与货物相符", "Safety card matches the substance", holder="card",
        load_states=_LADEN, source="交通运输部令2019年第29号 第44条"),
    Row("D3", OnFail.REFUSE, "剧毒化学品道路运输通行证（路线、时间）相符",
        "Road passage permit for highly toxic chemicals matches route and time", holder="permit",
        document=DocumentKind.TOXIC_PERMIT, load_states=_LADEN, classes=("2.3", "6.1"),
        source="危险化学品安全管理条例 (2013) 第50条；适用范围为设计默认值"),
    Row("D4", OnFail.HOLD, "安全技术说明书可查", "Safety data sheet at hand", holder="card",
        load_states=_LADEN, source=_ASSUMED),
    Row("D5", OnFail.HOLD, "承运人责任险有效", "Carrier's liability insurance valid", holder="carrier",
        document=DocumentKind.INSURANCE, source="道路运输条例 (2023) 第35条"),
    Row("D6", OnFail.REFUSE, "无黑名单、无未结案件", "Not on the blacklist, no open case", holder="carrier",
        source="天门市公告", self_check=SelfCheck.BLACKLIST),
)  # fmt: skip
#: What the product can answer by itself, by code of the row; a park may leave it to people.
SELF_CHECKS: Mapping[str, SelfCheck] = {r.code: r.self_check for r in DEFAULT if r.self_check}
