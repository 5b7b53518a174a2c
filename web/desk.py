"""What the control room's pages share: filters typed into addresses, people's names, facts in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask import Flask

from geo.shapes import Feature, LayerKind, Park
from parking.queries.violations import ViolationView
from parking.services.notices import MILD
from parking.speech import N_
from parking.vocabulary import Role, Severity, ViolationKind
from web.forms import PARK_ZONE
from web.language import _, clock_time, name, span

#: Facts of a violation: label and how to say the value. What is not listed is said elsewhere.
_LABELS: Mapping[str, tuple[str, str]] = {
    "line": (N_("Line"), "text"),
    "direction": (N_("Direction"), "direction"),
    "depth_m": (N_("Beyond the line"), "metres"),
    "earliest_at": (N_("Earliest"), "moment"),
    "latest_at": (N_("Latest"), "moment"),
    "gate": (N_("At gate"), "text"),
    "on_route": (N_("On a route"), "yes"),
    "zone": (N_("Zone"), "text"),
    "gate_kind": (N_("Kind of gate"), "text"),
    "route": (N_("Nearest approved route"), "text"),
    "largest_offset_m": (N_("Farthest off"), "metres"),
    "driven_m": (N_("Driven meanwhile"), "metres"),
    "bay": (N_("Assigned bay"), "text"),
    "near": (N_("Seen by bay"), "text"),
    "away_m": (N_("Away by"), "metres"),
    "peak_kmh": (N_("Highest speed"), "kmh"),
    "limit_kmh": (N_("Allowed"), "kmh"),
    "band": (N_("Band over the limit"), "text"),
    "seconds": (N_("Lasted"), "seconds"),
    "alarm": (N_("Alarm of the terminal"), "text"),
    "limit": (N_("Limit"), "text"),
    "due_at": (N_("Limit was"), "moment"),
    "booked": (N_("Booked"), "yes"),
    "loaded": (N_("Carrying a load"), "yes"),
}
_DIRECTIONS = {"in": N_("inward"), "out": N_("outward")}
#: Kinds judged by the control line; the other places are judged by the boundary.
_RING = frozenset({ViolationKind.RING_OFF_ROUTE, ViolationKind.RING_STOP, ViolationKind.RING_UNBOOKED})
_BOUNDARY = frozenset({ViolationKind.BOUNDARY_CROSSING, ViolationKind.WRONG_GATE})
_CROSSED = _BOUNDARY | {ViolationKind.ZONE_UNBOOKED}


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(by_whom=by_whom, severity_of=severity_of, read_moment=moment)


def by_whom(actor: str | None) -> str:
    """``supervisor:li`` as people say it."""
    if not actor:
        return "—"
    role, _colon, username = actor.partition(":")
    if role in list(Role):
        return f"{name(Role(role))} {username}"
    if role == "driver":
        return _("driver of booking {code}", code=username)
    return _("the system") if actor in ("system", "monitor") else actor


def severity_of(kind: ViolationKind) -> Severity:
    return Severity.WARNING if kind in MILD else Severity.ALARM


def spoken(found: ViolationView) -> Iterator[tuple[str, str]]:
    """(label, value) of the facts beside the sentence."""
    facts = found.spoken_facts()
    for key, (label, how) in _LABELS.items():
        if facts.get(key) not in (None, ""):
            yield _(label), _value(facts[key], how)


def _value(value: Any, how: str) -> str:
    if how == "metres":
        return f"{value:g} m"
    if how == "kmh":
        return f"{value:g} km/h"
    if how == "seconds":
        return span(float(value))
    if how == "yes":
        return _("yes") if value else _("no")
    if how == "direction":
        return _(_DIRECTIONS[value]) if value in _DIRECTIONS else str(value)
    if how == "moment":
        return clock_time(value) if isinstance(value, datetime) else str(value)
    return str(value)


def certainty(found: ViolationView) -> str:
    """How sure it is, in a sentence, with the gap that makes it unsure."""
    gap = found.facts.get("gap_s")
    texts = {
        "certain": N_("Seen in the positions themselves."),
        "inferred": N_("Concluded from positions before and after."),
        "somewhere_between": N_("It happened between two positions; the gap is too long to say where."),
    }
    crossed = found.kind in _CROSSED and found.certainty == "certain"
    both = N_("Positions on both sides, beyond the line by more than their accuracy.")
    said = [_(both if crossed else texts[found.certainty])]
    if gap:
        said.append(_("Gap between the positions: {gap}.", gap=span(float(gap))))
    return " ".join(said)


def line_of(park: Park, found: ViolationView) -> Feature | None:
    """The legal line a violation is about, in the version in force at its begin."""
    kind = _line_kind(found.kind)
    if kind is None:
        return None
    lines = park.in_force(kind, found.started_at)
    wanted = {str(found.facts.get("line", "")), found.subject}
    return next((f for f in lines if f.code in wanted), lines[0] if len(lines) == 1 else None)


def _line_kind(kind: ViolationKind) -> LayerKind | None:
    if kind in _RING:
        return LayerKind.CONTROL_LINE
    if kind is ViolationKind.ZONE_UNBOOKED:
        return LayerKind.ZONE
    return LayerKind.BOUNDARY if kind in _BOUNDARY else None


def day(text: str | None) -> date | None:
    """A day as a date field sends it, or None."""
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def begins(of: date | None) -> datetime | None:
    """The first instant of a day in the park."""
    return datetime(of.year, of.month, of.day, tzinfo=PARK_ZONE).astimezone(UTC) if of else None


def ends(of: date | None) -> datetime | None:
    """The first instant after a day in the park."""
    return begins(of + timedelta(days=1)) if of and of < date.max else None


def moment(text: str | None) -> datetime | None:
    """``2026-03-02T07:30`` in park time, as an aware instant; None when it cannot be read."""
    try:
        read = datetime.fromisoformat(text or "")
        return (read if read.tzinfo else read.replace(tzinfo=PARK_ZONE)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
