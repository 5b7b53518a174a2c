"""Crossing the boundary, the control lines and the edges of closed zones.

A vehicle is on the other side only when a fix lies beyond the line by more than the terminal's
accuracy; until then the crossing is pending, and jitter along the line is none. Pending is only the
latest crossing: who comes back, however little, and goes over the line elsewhere went over it there.
A line crossed there and back between two fixes is found too; to accuse somebody of it the likely road must
have led deeper than the accuracy. Where the crossing happened is read from the likely road. When the line
itself is moved, nobody crossed it; the side is taken anew.
The boundary may be crossed at a hazmat gate only; a control line is no driving fence: crossing it is
recorded, the rules of the ring decide what is an offence. A closed zone is entered on a booking for it.

The side of boundary and control line is always remembered; of a zone only while the vehicle is inside or too
near its edge to say: no side remembered, and a fix before, is outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import shapely

from geo.crossing import Crossing, crossings, deepest, depth, farthest_out
from geo.shapes import LayerKind
from parking.rules.crossed import Over, finding, reachable_gate
from parking.rules.era import Area, Era
from parking.rules.scene import LINES
from parking.rules.sight import Finding, Sight

#: A step of so many accuracies is driven, no jitter.
APART = 4.0


@dataclass(frozen=True, slots=True)
class Side:
    """Which side of one line a vehicle is on, and the crossing not yet confirmed."""

    code: str
    inside: bool
    at: float = 0.0  # seconds since 1970
    x: float = 0.0
    y: float = 0.0
    gap_s: float = 0.0
    pending: bool = False
    unseen_gate: str = ""  # a hazmat gate within reach of a crossing nobody can place
    since: float = 0.0  # the vehicle was last surely on this side; 0: it is
    reached: float = 0.0  # metres beyond the line its way led since the crossing not yet confirmed
    gap: tuple[float, ...] = ()  # x, y of the fixes before and after the crossing


def step(sides: tuple[Side, ...], sight: Sight) -> tuple[tuple[Side, ...], list[Finding]]:
    """The sides after this fix, and what was crossed."""
    known = {s.code: s for s in sides}
    after: list[Side] = []
    found: list[Finding] = []
    resting = _resting(known, sight) if sight.before is not None else frozenset()
    for kind, area in [*sight.era.outlines, *_zones(sight, known)]:
        key = f"{kind}:{area.code}"
        if key in resting:
            after.append(known[key])
            continue
        side, seen = _step(known.get(key), key, kind, area, sight)
        after += [side] if side else []
        found += seen
    rest, made = at_rest(sight.era, sight.place.inside), tuple(after)
    return (rest if made == rest else made), found


def _resting(known: dict[str, Side], sight: Sight) -> frozenset[str]:
    """Of boundary and control lines those nothing happens at: sure before and now, and no way over them."""
    era, slack = sight.era, sight.policy.accuracy_m
    road = [(sight.x, sight.y)] if sight.calm & LINES else [*sight.road, (sight.x, sight.y)]
    away = era.outlines_apart(road, slack)
    asked = np.flatnonzero(~away)
    if len(asked):
        edges = era.outline_edges[asked]
        clear = ~shapely.dwithin(edges, shapely.points(sight.x, sight.y), slack)
        if not sight.calm & LINES:
            clear &= ~shapely.intersects(edges, shapely.linestrings(sight.road))
        away[asked] = clear
    sides = zip(era.line_keys, at_rest(era, sight.place.inside), away.tolist(), strict=False)
    return frozenset(key for key, side, far in sides if far and known.get(key) == side)


def settled(sides: tuple[Side, ...], era: Era, inside: int) -> bool:
    """Nothing is pending, and the sides are those of a place with these bits (``Place.inside``)."""
    return sides is era.memo.get(inside) or sides == at_rest(era, inside)


def at_rest(era: Era, inside: int) -> tuple[Side, ...]:
    """The sides of a place with these bits and sure of all: one and the same tuple each time."""
    if inside not in era.memo:
        every = [Side(key, bool(inside >> n & 1)) for n, key in enumerate(era.line_keys)]
        always = len(era.outlines)
        era.memo[inside] = (*every[:always], *(side for side in every[always:] if side.inside))
    sides: tuple[Side, ...] = era.memo[inside]
    return sides


def _zones(sight: Sight, known: dict[str, Side]) -> list[tuple[LayerKind, Area]]:
    """Watched zones the vehicle is in, or that its way may have met; in the order drawn."""
    guarded = sight.era.guarded
    if not guarded:
        return []
    way = shapely.linestrings(_road(sight) if sight.before else [(sight.x, sight.y)] * 2)
    near = shapely.dwithin([zone.shape for zone in guarded], way, sight.policy.accuracy_m)
    return [
        (LayerKind.ZONE, zone)
        for zone, close in zip(guarded, near, strict=True)
        if close or f"{LayerKind.ZONE}:{zone.code}" in known
    ]


def _road(sight: Sight) -> list[tuple[float, float]]:
    """The likely road; where none meets a line, the straight way says the same."""
    if sight.calm & LINES and sight.before is not None:
        return [(sight.before.x, sight.before.y), (sight.x, sight.y)]
    return sight.road


def _step(
    side: Side | None, key: str, kind: LayerKind, area: Area, sight: Sight
) -> tuple[Side | None, list[Finding]]:
    beyond = depth(area.shape, sight.x, sight.y)
    sure = abs(beyond) > sight.policy.accuracy_m
    if side is None and kind is LayerKind.ZONE:
        side = _was_outside(key, area, sight)
    if side is None:
        return _kept(Side(key, inside=beyond > 0), kind, sure) if sure else None, []
    if sight.before is None:
        return _kept(_after_break(side, beyond, sight), kind, sure), []
    met = () if sight.calm & LINES else crossings(area.shape, sight.road)
    since = side.since or _last_sure(side, area, sight)
    if (beyond > 0) == side.inside:
        cut = (_back if side.pending else _cut)(side, met, kind, area, sight)
        return _kept(Side(side.code, side.inside, since=0.0 if sure else since), kind, sure), cut
    crossed = _pending(side, met[-1], since, sight) if met else side
    if not sure:
        return replace(crossed, reached=max(side.reached, _reached(side, area, sight))), []
    side = crossed
    after = _kept(Side(side.code, not side.inside), kind, sure)
    return after, [_crossed(side, beyond, kind, area, sight)] if side.pending else []


def _kept(side: Side, kind: LayerKind, sure: bool) -> Side | None:
    """Of a zone only what is not "surely outside" is remembered."""
    return None if kind is LayerKind.ZONE and sure and not side.inside else side


def _was_outside(key: str, area: Area, sight: Sight) -> Side | None:
    """The side of a zone nothing is remembered of: outside, if the fix before says so."""
    before = sight.before
    if before is None or depth(area.shape, before.x, before.y) >= -sight.policy.accuracy_m:
        return None
    return Side(key, inside=False)


def _after_break(side: Side, beyond: float, sight: Sight) -> Side:
    """After a jump nothing says how the vehicle got here; only the side is taken over."""
    return Side(side.code, inside=beyond > 0 if abs(beyond) > sight.policy.accuracy_m else side.inside)


def _last_sure(side: Side, area: Area, sight: Sight) -> float:
    """The first instant the vehicle may have reached the line since the fix before."""
    before = sight.before or sight
    beyond = depth(area.shape, before.x, before.y) * (1 if side.inside else -1)
    free = max(0.0, beyond - sight.policy.accuracy_m) / (sight.policy.fastest_kmh / 3.6)
    return before.at + min(free, sight.gap_s)


def _pending(side: Side, crossing: Crossing, since: float, sight: Sight) -> Side:
    gap, before = sight.gap_s, sight.before or sight
    return replace(
        side,
        at=_time(sight, crossing),
        x=crossing.x,
        y=crossing.y,
        gap_s=gap,
        pending=True,
        unseen_gate=reachable_gate(sight) if gap > sight.policy.unsure_gap_s else "",
        since=since,
        gap=(before.x, before.y, sight.x, sight.y),
    )


def _time(sight: Sight, crossing: Crossing) -> float:
    return sight.at - sight.gap_s * (1 - crossing.share)


def _crossed(side: Side, beyond: float, kind: LayerKind, area: Area, sight: Sight) -> Finding:
    over = _over(side, not side.inside, abs(beyond))
    until = sight.at - max(0.0, abs(beyond) - sight.policy.accuracy_m) / (sight.policy.fastest_kmh / 3.6)
    return finding(kind, area, sight, replace(over, until=max(until, side.at)))


def _over(side: Side, inward: bool, depth_m: float) -> Over:
    return Over(
        side.at, side.x, side.y, inward, depth_m, side.gap_s, min(side.since, side.at), side.at,
        side.gap, side.unseen_gate,
    )  # fmt: skip


def _cut(side: Side, met: tuple[Crossing, ...], kind: LayerKind, area: Area, sight: Sight) -> list[Finding]:
    """Over the line and back between two fixes: the first and the last crossing."""
    if len(met) < 2:
        return []
    first = _pending(side, met[0], _last_sure(side, area, sight), sight)
    return _there_and_back(first, met[-1], kind, area, sight)


def _back(side: Side, met: tuple[Crossing, ...], kind: LayerKind, area: Area, sight: Sight) -> list[Finding]:
    """Back after a crossing no fix proved: the fixes beyond the line lay too near it, the way did not."""
    return _there_and_back(side, met[-1], kind, area, sight) if met else []


def _there_and_back(first: Side, last: Crossing, kind: LayerKind, area: Area, sight: Sight) -> list[Finding]:
    reached = max(first.reached, _reached(first, area, sight))
    if reached <= _least_depth(kind, sight):
        return []
    home = _pending(first, last, first.since, sight)
    gap = max(first.gap_s, home.gap_s)
    overs = (_over(first, not first.inside, reached), _over(home, first.inside, reached))
    return [finding(kind, area, sight, replace(over, until=sight.at, gap_s=gap, cut=True)) for over in overs]


def _least_depth(kind: LayerKind, sight: Sight) -> float:
    """Deeper than jitter could explain; where an edge only records, a long step is no jitter."""
    only_records = kind is LayerKind.ZONE and sight.step_m > APART * sight.policy.accuracy_m
    return 0.0 if only_records else sight.policy.accuracy_m


def _reached(side: Side, area: Area, sight: Sight) -> float:
    """Metres beyond the line the way to this fix led."""
    return max(0.0, (farthest_out if side.inside else deepest)(area.shape, sight.road))


def to_json(sides: Sequence[Side]) -> list[dict[str, Any]]:
    return [asdict(s) for s in sides]


def from_json(data: Sequence[dict[str, Any]]) -> tuple[Side, ...]:
    return tuple(Side(**{**d, "gap": tuple(d.get("gap", ()))}) for d in data)
