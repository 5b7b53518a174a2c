"""A batch of fixes seen at once: columns of what the rules look at, and which rules surely stay calm.

Most fixes are of vehicles that do nothing remarkable. For each step from one fix to the next this says,
by arrays, which rules would find nothing and remember nothing if they had nothing going on before. The
rules themselves (one step, one vehicle) decide everything else, so a doubt here costs time, never truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.corridor import DETOUR_FACTOR, DETOUR_SLACK_M
from geo.zonemap import Floats, Ints
from parking.rules import plausibility
from parking.rules.era import Bools, Era, Places
from parking.rules.ground import Ground

#: Bits of ``Scene.calm``.
REACHED, LINES, ROUTE, SPEED, BOOKED, HEARD = 1, 2, 4, 8, 16, 32
#: Beside them: the fix is farther from every line than the terminal's accuracy.
SURE = 64
ALL_CALM = REACHED | LINES | ROUTE | SPEED | BOOKED | HEARD
#: Those that speak of the step from the row before.
OF_STEPS = REACHED | LINES | HEARD


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Fixes by vehicle and time, columns of one length.

    ``first``: no fix of the same vehicle stands before it; ``journey``: the place of what was known of the
    vehicle in ``Journeys``.
    """

    first: Bools
    at: Floats
    lon: Floats
    lat: Floats
    speed_kmh: Floats
    journey: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Distinct journeys as columns."""

    booked: Bools
    unladen: Bools
    routes: Sequence[tuple[str, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """``x``, ``y`` metres; ``era``: its number; ``calm``: bits of the rules that have nothing to do."""

    x: Floats
    y: Floats
    era: Ints
    eras: dict[int, Era]
    places: Places
    calm: NDArray[np.uint8]


def see(ground: Ground, track: Track, known: Known) -> Scene:
    """The scene of a track. Row n is taken as a step from row n - 1 unless ``first``."""
    x, y = ground.frame.metres(track.lon, track.lat)
    numbers, eras = ground.eras(track.at)
    parts = [_look(eras[n], np.flatnonzero(numbers == n), x, y, track, known) for n in eras]
    places, covered, common, room = _joined(len(x), parts)
    gap, step = np.zeros(len(x)), np.zeros(len(x))
    gap[1:] = np.diff(track.at)
    step[1:] = np.hypot(np.diff(x), np.diff(y))
    follows = ~track.first
    follows[:1] = False
    reached = follows & (gap > 0) & plausibility.reachable_all(step, gap, ground.policy.fastest_kmh)
    calm = np.where(reached, REACHED, 0).astype(np.uint8)
    still = reached & (numbers == np.roll(numbers, 1)) & (places.inside == np.roll(places.inside, 1))
    for number, era in eras.items():
        rows = np.flatnonzero(still & (numbers == number))
        calm[rows[_apart(era, rows, x, y, step, room, common)]] |= LINES
    calm[room > ground.policy.accuracy_m] |= SURE
    calm[_on_route(ground, eras, numbers, places, covered, known, track)] |= ROUTE
    calm[~(track.speed_kmh > places.limit_kmh * (1 + ground.policy.speeding_tolerance))] |= SPEED
    calm[_entitled(ground, eras, numbers, places, known, track)] |= BOOKED
    calm[follows & ~(np.roll(places.in_park, 1) & (gap >= ground.policy.silence_s))] |= HEARD
    return Scene(x, y, numbers, eras, places, calm)


def ends_of_calm(calm: NDArray[np.uint8]) -> Ints:
    """For each row where the run of all-calm rows that it begins ends: itself when it is not calm."""
    restless = np.append(np.flatnonzero((calm & ALL_CALM) != ALL_CALM), len(calm))
    return restless[np.searchsorted(restless, np.arange(len(calm)))]


_Part = tuple[Ints, Places, Bools, Ints, Floats]


def _look(era: Era, rows: Ints, x: Floats, y: Floats, track: Track, known: Known) -> _Part:
    """Rows of one era: what they are, whether an allowed corridor covers them, in which they lie, room."""
    x, y = x[rows], y[rows]
    points, routes = era.covering(x, y)
    allowed = np.array([era.allowed(codes) for codes in known.routes], dtype=bool)
    covered, lies_in = np.zeros(len(rows), dtype=bool), np.zeros(len(rows), dtype=np.intp)
    covered[points[allowed[track.journey[rows[points]], routes]]] = True
    np.bitwise_or.at(lies_in, points, np.left_shift(1, routes % 62))
    return rows, era.places(x, y), covered, lies_in, era.room(x, y)


def _joined(n: int, parts: Sequence[_Part]) -> tuple[Places, Bools, Ints, Floats]:
    if len(parts) == 1:
        _, places, covered, lies_in, room = parts[0]
        return places, covered, lies_in, room
    order = np.argsort(np.concatenate([rows for rows, *_ in parts]))
    shifts = np.cumsum([0, *(len(p.limits) for _, p, *_ in parts)])

    def column(name: str) -> NDArray[np.generic]:
        return np.concatenate([getattr(p, name) for _, p, *_ in parts])[order]

    limit_of = np.concatenate([p.limit_of + shifts[k] for k, (_, p, *_) in enumerate(parts)])[order]
    limits = tuple(name for _, p, *_ in parts for name in p.limits)
    names = ("inside", "in_park", "in_ring", "in_lot", "owes_route", "resting", "limit_kmh")
    places = Places(**{name: column(name) for name in names}, limit_of=limit_of, limits=limits)  # type: ignore[arg-type]
    covered, lies_in, room = (np.concatenate([part[k] for part in parts])[order] for k in (2, 3, 4))
    return places, covered, lies_in, room


def _apart(
    era: Era, rows: Ints, x: Floats, y: Floats, step: Floats, room: Floats, lies_in: Ints
) -> NDArray[np.intp]:
    """Which of ``rows`` (same lines inside before and after) surely met no line on their way.

    Far from all lines the likely road, however it winds, cannot reach one. Nearer, the straight way must
    meet none, nor any road along a route both ends lie at.
    """
    before = rows - 1
    wide = max((route.half_width_m for route in era.routes), default=0.0)
    longest = DETOUR_FACTOR * step[rows] + DETOUR_SLACK_M + 2 * wide
    between = room[before] + room[rows]
    apart = between > np.maximum(longest, step[rows])
    near = np.flatnonzero(~apart)
    clear = between[near] > step[rows[near]]
    a, b = before[near[~clear]], rows[near[~clear]]
    clear[~clear] = ~era.met(x[a], y[a], x[b], y[b])
    a, b = before[near], rows[near]
    winding = clear & ((lies_in[a] & lies_in[b]) != 0)
    a, b = a[winding], b[winding]
    clear[winding] = ~era.met_on_road(x[a], y[a], x[b], y[b])
    apart[near] = clear
    return np.flatnonzero(apart)


def _on_route(
    ground: Ground,
    eras: dict[int, Era],
    numbers: Ints,
    places: Places,
    covered: Bools,
    known: Known,
    track: Track,
) -> Bools:
    """No route is owed here, or one is followed."""
    free = places.resting | ~places.owes_route | covered
    if ground.policy.ring_off_route:
        free |= places.in_ring & known.unladen[track.journey]
    else:
        free |= places.in_ring
    for number, era in eras.items():
        if not era.routes:
            free |= numbers == number
    return free


def _entitled(
    ground: Ground, eras: dict[int, Era], numbers: Ints, places: Places, known: Known, track: Track
) -> Bools:
    """Booked, or outside every control line."""
    if not ground.policy.ring_unbooked:
        return np.ones(len(numbers), dtype=bool)
    entitled = known.booked[track.journey]
    for number, era in eras.items():
        entitled = entitled | ((numbers == number) & ((places.inside & era.control_bits) == 0))
    return entitled
