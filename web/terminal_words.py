"""What was asked of a terminal, what it replied and what its areas lack, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from parking.queries.fences import FenceView
from parking.queries.terminals import CommandView, ConflictView
from parking.rules.orders import PARAMETERS
from parking.speech import N_
from parking.vocabulary import CommandKind
from web.language import _, clock_time, name, span

#: Bits of the alarm word a person may confirm.
ALARMS: Mapping[int, str] = {
    0: N_("emergency"), 3: N_("danger warning"), 20: N_("area entered or left"),
    21: N_("route entered or left"), 22: N_("time on a segment"), 27: N_("illegal ignition"),
    28: N_("illegal displacement"),
}  # fmt: skip

_FIELD_OF = {number: field for field, (number, _least, _most) in PARAMETERS.items()}


def asked_for(command: CommandView) -> str:
    """The values of a command, beside its kind."""
    p = command.payload
    if command.kind is CommandKind.SEND_TEXT:
        return f"“{p['text']}”"
    if command.kind is CommandKind.TRACK_FOR_A_WHILE:
        every, lasts = span(float(p["interval_s"])), span(float(p["valid_s"]))
        return _("every {every}, for {lasts}", every=every, lasts=lasts) if p["interval_s"] else _("stop")
    if command.kind is CommandKind.SET_PARAMETERS:
        return _settings(p["parameters"])
    if command.kind is CommandKind.CONFIRM_ALARM:
        return ", ".join(_(text) for bit, text in ALARMS.items() if p["bits"] >> bit & 1)
    return str(p.get("name", ""))


def replied(command: CommandView) -> str:
    """What came back."""
    said = command.reply or {}
    if command.kind is CommandKind.LOCATE_NOW and said:
        where = f"{said['lat']:.6f}° N, {said['lon']:.6f}° E" if said["located"] else _("not located")
        return f"{where} · {clock_time(datetime.fromisoformat(said['time']))} · {said['speed_kmh']:g} km/h"
    if command.kind is CommandKind.ASK_PARAMETERS and said:
        return _settings(said["settings"])
    if command.kind is CommandKind.ASK_ATTRIBUTES and said:
        return " · ".join(str(said[k]) for k in ("maker", "model", "hardware", "firmware") if said.get(k))
    return ""


def loss(fence: FenceView) -> str:
    """What the terminal's picture lacks, in metres and square metres."""
    parts = list(_loss(fence.loss))
    return "; ".join(parts)


def clock_offset(seconds: float | None) -> str:
    """How far a terminal's times lie behind (or ahead of) ours."""
    if seconds is None:
        return "—"
    text = span(abs(seconds)) if abs(seconds) >= 1 else _("under 1 s")
    return _("{span} ahead", span=text) if seconds <= -1 else text


def conflict_facts(conflict: ConflictView) -> str:
    """What makes it a conflict."""
    facts = conflict.facts
    if facts.get("sources"):
        return _("addresses {list}", list=", ".join(facts["sources"]))
    if facts.get("devices"):
        return _("devices {list}", list=", ".join(str(d or "—") for d in facts["devices"]))
    if facts.get("metres"):
        return _("places {km} km apart", km=f"{facts['metres'] / 1000:.1f}")
    return _("the vehicle's terminal is {phone}", phone=conflict.other) if conflict.other else ""


def _loss(facts: Mapping[str, Any]) -> Iterator[str]:
    yield _("{points} of {of} points", points=facts["points"], of=facts["of_points"])
    yield _("outlines up to {metres} m apart", metres=f"{facts['farthest_m']:g}")
    if facts.get("added_m2"):
        yield _("{area} m² more than the original", area=f"{facts['added_m2']:,.0f}")
    if facts.get("holes"):
        yield _("{count} holes filled", count=facts["holes"])
    if facts.get("narrower_m"):
        yield _("strip {metres} m narrower on each side", metres=f"{facts['narrower_m']:g}")


def _settings(settings: Mapping[str, Any]) -> str:
    """Parameters by the name a person knows; the others by number."""
    return "; ".join(f"{_parameter(int(number))}: {value}" for number, value in settings.items())


def _parameter(number: int) -> str:
    return name(_FIELD_OF[number]) if number in _FIELD_OF else f"0x{number:04X}"
