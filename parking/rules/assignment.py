"""Which bay for which load: every reason against a bay, and a ranking of those that may be taken.

Distances are measured between bay outlines in the park's metric CRS (metres). The caller has already
chosen the occupants that matter: whoever stands in the lot or is expected while the load is to stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from shapely.geometry.base import BaseGeometry

from parking.refused import Reason, no
from parking.rules.nearness import nearness
from parking.rules.segregation import DEFAULTS, Load, Rulebook, Verdict, between
from parking.vocabulary import Advice, LoadState, Refusal

#: Default bay for a tank semi-trailer, metres. Design default (设计默认值), no standard.
DESIGN_LENGTH_M, DESIGN_WIDTH_M = 20.0, 4.0
#: Points a bay can earn; a zone meant for the class outweighs any distance beyond what is needed.
ZONE_POINTS, DISTANCE_POINTS, ROOM_POINTS, WAY_POINTS = 50.0, 30.0, 10.0, 10.0
#: Of those who stand too near, so many are named beside a suggestion: the ones farthest from what is needed.
NAMED = 3
#: Distance beyond this many times what is needed is worth no more.
ENOUGH = 4.0


@dataclass(frozen=True, slots=True)
class BayFacts:
    """A bay as the rules see it. ``shape``: outline in the metric CRS; classes are class prefixes."""

    id: int
    code: str
    zone: str
    hazard_classes: tuple[str, ...]
    load_states: tuple[str, ...]
    isolation: bool
    length_m: float
    width_m: float
    out_of_service: str | None
    shape: BaseGeometry
    height_m: float | None = None  # None: open to the sky


@dataclass(frozen=True, slots=True)
class Occupant:
    """A load that stands in a bay, or is expected there, during the stay in question."""

    bay_id: int
    plate: str
    load: Load


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A bay, how good it is (higher is better), why, and what forbids it (empty: it may be taken)."""

    bay_id: int
    bay_code: str
    zone: str
    score: float
    reasons: tuple[Reason, ...]
    blocked: tuple[Reason, ...]

    @property
    def possible(self) -> bool:
        return not self.blocked


def rank(
    load: Load,
    bays: Sequence[BayFacts],
    occupants: Sequence[Occupant],
    book: Rulebook = DEFAULTS,
    ways: Mapping[int, float] | None = None,
) -> list[Suggestion]:
    """Every ordinary bay, possible ones first, best first. Isolation bays are never offered.

    ``ways``: bay id → metres to drive from the gate by the bay to the dock. Says of each bay what
    ``against`` says, but names only the worst few where many stand too near.
    """
    scene = _Scene(load, bays, occupants, book, ways or {})
    offered = [scene.suggestion(n, b) for n, b in enumerate(bays) if not b.isolation]
    return sorted(offered, key=lambda s: (not s.possible, -s.score, s.bay_code))


def against(
    load: Load,
    bay: BayFacts,
    bays: Iterable[BayFacts],
    occupants: Sequence[Occupant],
    book: Rulebook = DEFAULTS,
) -> tuple[Reason, ...]:
    """Every reason why ``load`` may not stand in ``bay``; empty means it may."""
    shapes = {b.id: b for b in bays}
    return (*unfit(load, bay), *_taken(bay, occupants), *_neighbours(load, bay, shapes, occupants, book))


def unfit(load: Load, bay: BayFacts) -> Iterator[Reason]:
    """What the bay itself says against the load, whoever stands around it."""
    if bay.out_of_service is not None:
        yield no(Refusal.BAY_OUT_OF_SERVICE, bay=bay.code, reason=bay.out_of_service)
    if bay.isolation:
        yield no(Refusal.BAY_ISOLATION, bay=bay.code)
    for hazard in dict.fromkeys(load.classes):
        if not _class_fits(hazard, bay.hazard_classes):
            yield no(Refusal.BAY_CLASS, bay=bay.code, hazard_class=hazard or "?")
    if load.load_state not in bay.load_states:
        yield no(Refusal.BAY_LOAD_STATE, bay=bay.code, load_state=load.load_state)


def clash(one: Load, bay: BayFacts, other: Load, next_bay: BayFacts, book: Rulebook) -> tuple[Verdict, float]:
    """The verdict over two loads and how far apart (metres) their bays are."""
    return between(one, other, book), float(bay.shape.distance(next_bay.shape))


def _taken(bay: BayFacts, occupants: Iterable[Occupant]) -> Iterator[Reason]:
    if any(o.bay_id == bay.id for o in occupants):
        yield no(Refusal.BAY_TAKEN, bay=bay.code)


def _neighbours(
    load: Load, bay: BayFacts, bays: dict[int, BayFacts], occupants: Iterable[Occupant], book: Rulebook
) -> Iterator[Reason]:
    for occupant in occupants:
        if occupant.bay_id == bay.id:
            continue
        verdict, apart = clash(load, bay, occupant.load, bays[occupant.bay_id], book)
        if not verdict.allows(apart):
            yield _near(Refusal.BAY_NEIGHBOUR, bay, occupant, bays, verdict, apart)


def _near(
    word: Refusal | Advice,
    bay: BayFacts,
    occupant: Occupant,
    bays: dict[int, BayFacts],
    verdict: Verdict,
    apart: float,
) -> Reason:
    mine, theirs = verdict.reason or ("?", "?")
    return no(
        word,
        bay=bay.code,
        neighbour=bays[occupant.bay_id].code,
        plate=occupant.plate,
        hazard_class=mine,
        neighbour_class=theirs,
        distance_m=_down(apart),
        needed_m=verdict.needed_m,
        source=verdict.source,
    )


def _down(metres: float) -> float:
    """Rounded down to decimetres, so that a shortfall is never rounded away."""
    return int(metres * 10) / 10


def _class_fits(hazard_class: str | None, prefixes: Iterable[str]) -> bool:
    if hazard_class is None:
        return False
    return any(hazard_class == p or hazard_class.startswith(p + ".") for p in prefixes)


class _Scene:
    """One load, all bays and all occupants: each verdict asked for once, all distances at one go."""

    def __init__(
        self,
        load: Load,
        bays: Sequence[BayFacts],
        occupants: Sequence[Occupant],
        book: Rulebook,
        ways: Mapping[int, float],
    ) -> None:
        near = nearness([b.id for b in bays], [b.shape for b in bays])
        loads = {id(o.load): o.load for o in occupants}  # many occupants share one value
        distinct = {other: between(load, other, book) for other in set(loads.values())}
        verdicts = {n: distinct[other] for n, other in loads.items()}
        self.load, self.ways = load, ways
        self.bays = {b.id: b for b in bays}
        self.shortest, self.longest = min(ways.values(), default=0.0), max(ways.values(), default=0.0)
        self.isolation_kept = no(Advice.ISOLATION_KEPT, count=_free_isolation(bays, occupants))
        self.said: dict[tuple[Any, ...], tuple[float, Reason]] = {}
        self.fits: dict[tuple[Any, ...], bool] = {}  # what fits one bay fits its like
        self.taken = {o.bay_id for o in occupants}
        judged = [(o, verdicts[id(o.load)]) for o in occupants]
        # whoever must be kept apart at all: nobody else can be too near
        self.apart = apart = [(o, v) for o, v in judged if v.reason is not None or v.needed_m > 0]
        where = np.array([near.place[o.bay_id] for o, _ in apart], dtype=np.int64)
        self.metres = near.metres[:, where]
        self.lacking = self.metres - np.array([v.needed_m for _, v in apart])
        self.lacking[where, np.arange(len(apart))] = np.inf  # in the bay itself: taken, not too near
        nearest = self.lacking.argmin(axis=1) if apart else np.full(len(bays), -1)
        least = self.lacking[np.arange(len(bays)), nearest] if apart else np.full(len(bays), np.inf)
        self.nearest: list[int] = np.where(np.isfinite(least), nearest, -1).tolist()
        self.crowded: list[bool] = (least < 0).tolist()

    def suggestion(self, n: int, bay: BayFacts) -> Suggestion:
        zone_points, zone = self._once(("zone", bay.zone, bay.hazard_classes), bay)
        room_points, room = self._once(("room", bay.length_m, bay.width_m), bay)
        far_points, far = self._distance(n, bay)
        way_points, way = self._way(bay)
        reasons = (zone, far, room, *way, self.isolation_kept)
        points = zone_points + far_points + room_points + way_points
        return Suggestion(bay.id, bay.code, bay.zone, points, reasons, tuple(self._blocked(n, bay)))

    def _once(self, key: tuple[Any, ...], bay: BayFacts) -> tuple[float, Reason]:
        """What is said of many bays alike is put together once."""
        if key not in self.said:
            self.said[key] = _zone(self.load, bay) if key[0] == "zone" else _room(bay)
        return self.said[key]

    def _blocked(self, n: int, bay: BayFacts) -> Iterator[Reason]:
        alike = bay.hazard_classes, bay.load_states, bay.isolation, bay.out_of_service is None
        if alike not in self.fits:
            self.fits[alike] = not any(unfit(self.load, bay))
        if not self.fits[alike]:
            yield from unfit(self.load, bay)
        if bay.id in self.taken:
            yield no(Refusal.BAY_TAKEN, bay=bay.code)
        if not self.crowded[n]:
            return
        near = np.flatnonzero(self.lacking[n] < 0)
        if len(near) > NAMED:
            near = near[np.argsort(self.lacking[n, near], kind="stable")[:NAMED]]
        for k in near.tolist():
            yield self._near(Refusal.BAY_NEIGHBOUR, n, bay, k)

    def _distance(self, n: int, bay: BayFacts) -> tuple[float, Reason]:
        """Points for the distance to the nearest load that must be kept apart at all."""
        nearest = self.nearest[n]
        if nearest < 0:
            return DISTANCE_POINTS, no(Advice.NOTHING_INCOMPATIBLE)
        enough = ENOUGH * max(self.apart[nearest][1].needed_m, 1.0)
        points = DISTANCE_POINTS * min(1.0, float(self.metres[n, nearest]) / enough)
        return points, self._near(Advice.NEAREST_INCOMPATIBLE, n, bay, nearest)

    def _near(self, word: Refusal | Advice, n: int, bay: BayFacts, k: int) -> Reason:
        occupant, verdict = self.apart[k]
        return _near(word, bay, occupant, self.bays, verdict, float(self.metres[n, k]))

    def _way(self, bay: BayFacts) -> tuple[float, tuple[Reason, ...]]:
        """Points for a short way, among the bays of this lot."""
        metres = self.ways.get(bay.id)
        if metres is None:
            return 0.0, ()
        least, most = self.shortest, self.longest
        points = WAY_POINTS * (most - metres) / (most - least) if most > least else WAY_POINTS
        return points, (no(Advice.WAY, metres=round(metres)),)


def _zone(load: Load, bay: BayFacts) -> tuple[float, Reason]:
    """A zone meant for this class alone is best; general bays are kept for those that have no other."""
    count = max(1, len(bay.hazard_classes))
    if load.load_state is not LoadState.EMPTY_CLEAN and count == 1:
        return ZONE_POINTS, no(Advice.ZONE_SPECIFIC, zone=bay.zone, hazard_class=load.classes[0])
    return ZONE_POINTS / (count + 1), no(Advice.ZONE_GENERAL, zone=bay.zone, count=count)


def _room(bay: BayFacts) -> tuple[float, Reason]:
    if bay.length_m >= DESIGN_LENGTH_M and bay.width_m >= DESIGN_WIDTH_M:
        return ROOM_POINTS, no(Advice.ROOM_ENOUGH, length_m=bay.length_m, width_m=bay.width_m)
    return 0.0, no(
        Advice.ROOM_TIGHT,
        length_m=bay.length_m,
        width_m=bay.width_m,
        design_length_m=DESIGN_LENGTH_M,
        design_width_m=DESIGN_WIDTH_M,
    )


def _free_isolation(bays: Iterable[BayFacts], occupants: Iterable[Occupant]) -> int:
    taken = {o.bay_id for o in occupants}
    return sum(b.isolation and b.out_of_service is None and b.id not in taken for b in bays)
