"""Which bay for which load: every reason against a bay, and a ranking of those that may be taken.

Distances are measured between bay outlines in the park's metric CRS (metres). The caller has already
chosen the occupants that matter: whoever stands in the lot or is expected while the load is to stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from shapely.geometry.base import BaseGeometry

from parking.refused import Reason, no
from parking.rules.segregation import DEFAULTS, Load, Rulebook, Verdict, between
from parking.vocabulary import Advice, LoadState, Refusal

#: Default bay for a tank semi-trailer, metres. Design default (设计默认值), no standard.
DESIGN_LENGTH_M, DESIGN_WIDTH_M = 20.0, 4.0
#: Points a bay can earn; a zone meant for the class outweighs any distance beyond what is needed.
ZONE_POINTS, DISTANCE_POINTS, ROOM_POINTS = 50.0, 30.0, 10.0
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
    load: Load, bays: Sequence[BayFacts], occupants: Sequence[Occupant], book: Rulebook = DEFAULTS
) -> list[Suggestion]:
    """Every ordinary bay, possible ones first, best first. Isolation bays are never offered."""
    free_isolation = _free_isolation(bays, occupants)
    offered = [_suggestion(load, b, bays, occupants, book, free_isolation) for b in bays if not b.isolation]
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


def _suggestion(
    load: Load,
    bay: BayFacts,
    bays: Sequence[BayFacts],
    occupants: Sequence[Occupant],
    book: Rulebook,
    free_isolation: int,
) -> Suggestion:
    zone_points, zone = _zone(load, bay)
    room_points, room = _room(bay)
    far_points, far = _distance(load, bay, {b.id: b for b in bays}, occupants, book)
    reasons = (zone, far, room, no(Advice.ISOLATION_KEPT, count=free_isolation))
    blocked = against(load, bay, bays, occupants, book)
    return Suggestion(bay.id, bay.code, bay.zone, zone_points + far_points + room_points, reasons, blocked)


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


def _distance(
    load: Load, bay: BayFacts, bays: dict[int, BayFacts], occupants: Sequence[Occupant], book: Rulebook
) -> tuple[float, Reason]:
    """Points for the distance to the nearest load that must be kept apart at all."""
    apart = [(*clash(load, bay, o.load, bays[o.bay_id], book), o) for o in occupants if o.bay_id != bay.id]
    restricted = [(metres, verdict, o) for verdict, metres, o in apart if verdict.reason]
    if not restricted:
        return DISTANCE_POINTS, no(Advice.NOTHING_INCOMPATIBLE)
    metres, verdict, occupant = min(restricted, key=lambda found: found[0] - found[1].needed_m)
    points = DISTANCE_POINTS * min(1.0, metres / (ENOUGH * max(verdict.needed_m, 1.0)))
    return points, _near(Advice.NEAREST_INCOMPATIBLE, bay, occupant, bays, verdict, metres)


def _free_isolation(bays: Iterable[BayFacts], occupants: Iterable[Occupant]) -> int:
    taken = {o.bay_id for o in occupants}
    return sum(b.isolation and b.out_of_service is None and b.id not in taken for b in bays)
