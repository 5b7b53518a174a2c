"""Standing along the calm rows of a scene: the same as ``stopping.step`` on each, without making sights."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.shapes import LayerKind
from parking.rules.era import Bools, Era
from parking.rules.policy import Policy
from parking.rules.scene import Known, Scene, Track
from parking.rules.states import KINDS
from parking.rules.stopping import CALM, Stand
from parking.rules.wrong_bay import FIXES_MIN

#: What standing at a place would be (see ``states.KINDS``): nothing, an offence in the park, one in the
#: ring, to be asked.
NOTHING, PARK, RING, ASK = range(4)
_LINES = {PARK: LayerKind.BOUNDARY, RING: LayerKind.CONTROL_LINE}


class Stands:
    """``bays``: the assigned bay of each journey in ``Known``, if any."""

    def __init__(
        self, policy: Policy, track: Track, seen: Scene, known: Known, bays: Sequence[str | None]
    ) -> None:
        self._policy, self._track, self._scene, self._bays = policy, track, seen, bays
        self.kind = _kinds(policy, track, seen, known)
        self.assigned: Bools = np.array([bay is not None for bay in bays], dtype=bool)[track.journey]
        self._allowed_s = (float("inf"), policy.illegal_stop_s, policy.ring_stop_s)

    @cached_property
    def _lists(self) -> tuple[list[Any], ...]:
        """What is looked at row by row: much quicker to read one by one than arrays."""
        seen, slow = self._scene, self._track.speed_kmh < self._policy.stop_kmh
        columns = (self._track.at, seen.x, seen.y, slow, self.kind, seen.places.resting)
        return tuple(column.tolist() for column in columns)

    def glide(self, stand: Stand | None, row: int, end: int) -> tuple[int, Stand | None]:
        """Pass over the rows from ``row`` up to ``end``; stops before one at which more than standing or
        moving on happens. Returns the first row not passed, and the stand after the one before it.

        ``stand`` is not told, and nothing began elsewhere.
        """
        ats, xs, ys, slow, kinds, resting = self._lists
        radius, parked_s = self._policy.stop_radius_m, self._policy.drift_after_s
        first = -1  # the row the stand began with
        if stand is not None:
            kind, x, y, began, last = KINDS.index(stand.kind), stand.x, stand.y, stand.began, stand.last
            gap, calm, count, mx, my = (
                stand.longest_gap_s,
                stand.calm,
                stand.count,
                stand.mean_x,
                stand.mean_y,
            )
        n = row
        while n < end:
            at, here = ats[n], kinds[n]
            if here == ASK:
                break
            if first < 0 and stand is None:
                stays = False
                calm = 0
            else:
                dx, dy = xs[n] - x, ys[n] - y
                away = sqrt(dx * dx + dy * dy)
                if slow[n] and away > radius and last - began >= parked_s:
                    break  # a drift, perhaps
                stays = away <= (2 * radius if slow[n] else radius)
                stays = stays and not (resting[n] if kind else here)
            if stays:
                if at - began >= self._allowed_s[kind]:
                    break
                if not kind and count + 1 >= FIXES_MIN and self.misplaced(n, at - began, count, mx, my):
                    break
                gap, last, calm, count = max(gap, at - last), at, calm + 1, count + 1
                mx, my = mx + (xs[n] - mx) / count, my + (ys[n] - my) / count
            elif calm >= CALM:
                break
            else:
                first, kind, x, y, began, last, gap, calm, count = n, here, xs[n], ys[n], at, at, 0.0, 1, 1
                mx, my = x, y
            n += 1
        if n == row:
            return row, stand
        if first < 0:
            assert stand is not None  # noqa: S101 - else the first row passed began one
            lon, lat, subject = stand.lon, stand.lat, stand.subject
        else:
            lon, lat = float(self._track.lon[first]), float(self._track.lat[first])
            subject = self.subject(kind, self._era(first), int(self._scene.places.inside[first]))
        return n, Stand(began, x, y, lon, lat, KINDS[kind], subject, last, gap, False, calm, count, mx, my)

    def misplaced(self, row: int, stood_s: float, count: int, mean_x: float, mean_y: float) -> bool:
        """Perhaps at another bay than the assigned one (see ``wrong_bay``): the middle is off the own one."""
        own = self._bays[int(self._track.journey[row])]
        if own is None or stood_s < self._policy.wrong_bay_min * 60:
            return False
        x = mean_x + (float(self._scene.x[row]) - mean_x) / (count + 1)
        y = mean_y + (float(self._scene.y[row]) - mean_y) / (count + 1)
        away = self._era(row).bay_m(own, x, y)
        return away is not None and away > self._policy.wrong_bay_m

    @staticmethod
    def subject(kind: int, era: Era, inside: int) -> str:
        """What standing at a place with these bits would offend against."""
        return era.line_of(_LINES[kind], inside) if kind in _LINES else ""

    def _era(self, row: int) -> Era:
        return self._scene.eras[int(self._scene.era[row])]


def _kinds(policy: Policy, track: Track, seen: Scene, known: Known) -> NDArray[np.int8]:
    places = seen.places
    differ = np.isin(seen.era, [number for number, era in seen.eras.items() if era.lines_differ])
    excused = known.unladen[track.journey] & (not policy.ring_stop_empty)
    ring = np.where(differ, ASK, np.where(excused | (not policy.ring_stop), NOTHING, RING))
    here = np.where(places.in_park, PARK, np.where(places.in_ring, ring, NOTHING))
    return np.where(places.resting, NOTHING, here).astype(np.int8)
