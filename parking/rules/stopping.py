"""Standing still where one may not: illegal stops in the park, stops in the ring.

A vehicle stands while every fix lies within the stop radius of the first one; below walking speed a
drift of twice that is still standing. Bay, dock, lot, gate and gate queue are places to stand: reaching or
leaving one ends a stand, however near.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from geo.shapes import LayerKind
from parking.rules.policy import Policy
from parking.rules.scene import Scene, Track
from parking.rules.sight import Finding, Sight, instant
from parking.vocabulary import Certainty, ViolationKind


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a vehicle stands since when; ``kind`` is the offence this place would make of it."""

    began: float
    x: float
    y: float
    lon: float
    lat: float
    kind: str  # a ViolationKind, or "" where standing is allowed
    subject: str
    last: float
    longest_gap_s: float = 0.0
    told: bool = False

    def on(self, last: float, longest_gap_s: float) -> Stand:
        """The same stand, lasting until ``last``."""
        return Stand(
            self.began, self.x, self.y, self.lon, self.lat, self.kind, self.subject, last,
            longest_gap_s, self.told,
        )  # fmt: skip


def step(stand: Stand | None, sight: Sight) -> tuple[Stand | None, list[Finding]]:
    """The stand after this fix, and what is to be told of it."""
    if stand is None or sight.before is None or not _stays(stand, sight) or _elsewhere(stand, sight):
        ended = [_finding(stand, stand.last)] if stand and stand.told else []
        return _begin(sight), ended
    stand = stand.on(sight.at, max(stand.longest_gap_s, sight.at - stand.last))
    if not stand.kind or not (stand.told or stand.last - stand.began >= _allowed_s(stand, sight)):
        return stand, []
    stand = replace(stand, told=True)
    return stand, [_finding(stand, None)]


def _elsewhere(stand: Stand, sight: Sight) -> bool:
    """However near: from the road into a place to stand, or out of one."""
    return sight.place.resting if stand.kind else _offence(sight)[0] != ""


def _stays(stand: Stand, sight: Sight) -> bool:
    away = ((sight.x - stand.x) ** 2 + (sight.y - stand.y) ** 2) ** 0.5
    slow = sight.fix.speed_kmh is not None and sight.fix.speed_kmh < sight.policy.stop_kmh
    return bool(away <= sight.policy.stop_radius_m * (2 if slow else 1))


def _begin(sight: Sight) -> Stand:
    kind, subject = _offence(sight)
    return Stand(sight.at, sight.x, sight.y, sight.fix.lon, sight.fix.lat, kind, subject, sight.at)


def _offence(sight: Sight) -> tuple[str, str]:
    place = sight.place
    if place.resting:
        return "", ""
    if place.in_park:
        return ViolationKind.ILLEGAL_STOP, sight.era.line_of(LayerKind.BOUNDARY, place.inside)
    if place.in_ring and sight.policy.ring_stop:
        return ViolationKind.RING_STOP, sight.era.line_of(LayerKind.CONTROL_LINE, place.inside)
    return "", ""


def _allowed_s(stand: Stand, sight: Sight) -> float:
    ring = stand.kind == ViolationKind.RING_STOP
    return sight.policy.ring_stop_s if ring else sight.policy.illegal_stop_s


def _finding(stand: Stand, ended: float | None) -> Finding:
    return Finding(
        kind=ViolationKind(stand.kind),
        subject=stand.subject,
        started_at=instant(stand.began),
        ended_at=None if ended is None else instant(ended),
        lon=stand.lon,
        lat=stand.lat,
        certainty=Certainty.INFERRED if stand.longest_gap_s > 120 else Certainty.CERTAIN,
        facts={"seconds": round(stand.last - stand.began), "gap_s": round(stand.longest_gap_s, 1)},
    )


class Stops:
    """Standing along the calm rows of a scene: the same as ``step`` on each, without making sights."""

    def __init__(self, policy: Policy, track: Track, seen: Scene) -> None:
        self._policy, self._track, self._scene = policy, track, seen
        self._at, self._x, self._y = track.at.tolist(), seen.x.tolist(), seen.y.tolist()
        slow = track.speed_kmh < policy.stop_kmh
        self._reach = np.where(slow, 2 * policy.stop_radius_m, policy.stop_radius_m).tolist()
        places = seen.places
        ring = places.in_ring if policy.ring_stop else np.zeros(len(slow), dtype=bool)
        kinds = np.where(places.resting, 0, np.where(places.in_park, 1, np.where(ring, 2, 0)))
        self._kind = kinds.tolist()
        self._allowed_s = (0.0, policy.illegal_stop_s, policy.ring_stop_s)

    def glide(self, stand: Stand | None, row: int, end: int) -> tuple[int, Stand | None]:
        """Pass over the rows from ``row`` up to ``end``; stops at one that makes a stand an offence.

        Returns the first row not passed, and the stand after the one before it. ``stand`` is not told yet.
        """
        ats, xs, ys, reach, kinds = self._at, self._x, self._y, self._reach, self._kind
        begun = -1
        if stand is not None:
            kind = _KINDS.index(stand.kind)
            x, y, began, last, gap = stand.x, stand.y, stand.began, stand.last, stand.longest_gap_s
        for n in range(row, end):
            at, here = ats[n], kinds[n]
            moved = begun < 0 and stand is None
            if not moved:
                moved = ((xs[n] - x) ** 2 + (ys[n] - y) ** 2) ** 0.5 > reach[n]
                moved = moved or ((here == 0 and self._rests(n)) if kind else here != 0)
            if moved:
                begun, kind, x, y, began, last, gap = n, here, xs[n], ys[n], at, at, 0.0
                continue
            if kind and at - began >= self._allowed_s[kind]:
                return n, self._made(stand, begun, last, gap)
            gap = max(gap, at - last)
            last = at
        return end, self._made(stand, begun, last, gap)

    def _rests(self, row: int) -> bool:
        return bool(self._scene.places.resting[row])

    def _made(self, stand: Stand | None, begun: int, last: float, gap: float) -> Stand | None:
        if begun < 0:
            return stand and stand.on(last, gap)
        track, kind = self._track, self._kind[begun]
        line = _LINES.get(kind)
        return Stand(
            self._at[begun], self._x[begun], self._y[begun], float(track.lon[begun]), float(track.lat[begun]),
            _KINDS[kind], self._subject(line, begun) if line else "", last, gap,
        )  # fmt: skip

    def _subject(self, line: LayerKind, row: int) -> str:
        era = self._scene.eras[int(self._scene.era[row])]
        return era.line_of(line, int(self._scene.places.inside[row]))


_KINDS = ("", ViolationKind.ILLEGAL_STOP.value, ViolationKind.RING_STOP.value)
_LINES = {1: LayerKind.BOUNDARY, 2: LayerKind.CONTROL_LINE}
