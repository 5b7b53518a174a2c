"""A batch of fixes seen at once: columns of what the rules look at, and which rules surely stay calm.

Most fixes are of vehicles that do nothing remarkable. For each step from one fix to the next this says,
by arrays, which rules would find nothing and remember nothing if they had nothing going on before. The
rules themselves (one step, one vehicle) decide everything else, so a doubt here costs time, never truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.corridor import DETOUR_FACTOR, DETOUR_SLACK_M
from geo.datum import wgs84_from_gcj02
from geo.zonemap import Floats, Ints
from parking.rules import displaced, frozen, likely, plausibility, speeding
from parking.rules.era import Bools, Era, Places, Words, bits_of
from parking.rules.ground import Ground
from parking.rules.policy import Policy

#: Bits of ``Scene.calm``: a truck could be here by now; the place is another one, or the vehicle says it
#: stands; no sign of a displaced datum; and of the rules: lines, route, speed, booking, silence.
REACHED, MOVED, SENT, LINES, ROUTE, SPEED, BOOKED, HEARD = (1 << n for n in range(8))
#: Nothing speaks against the fix.
BELIEVED = REACHED | MOVED | SENT
ALL_CALM = BELIEVED | LINES | ROUTE | SPEED | BOOKED | HEARD
#: Those that speak of the step from the row before.
OF_STEPS = BELIEVED | LINES | SPEED | HEARD


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Fixes by vehicle and time, columns of one length.

    ``first``: no fix of the same vehicle stands before it; ``journey``: the place of what was known of the
    vehicle in ``Known``.
    """

    first: Bools
    at: Floats
    lon: Floats
    lat: Floats
    speed_kmh: Floats
    odometer_km: Floats
    status: Ints
    journey: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Distinct journeys as columns."""

    booked: Bools
    unladen: Bools
    routes: Sequence[tuple[str, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """``x``, ``y`` metres; ``era``: its number; ``calm``: bits of the rules that have nothing to do;
    ``clear``: surely farther from every line than the terminal's accuracy; ``roads``: the likely road to a
    row from the one before, where the lines had to be asked."""

    x: Floats
    y: Floats
    era: Ints
    eras: dict[int, Era]
    places: Places
    calm: NDArray[np.uint16]
    clear: Bools
    roads: likely.Roads


@dataclass(frozen=True, slots=True, eq=False)
class _Steps:
    """From each row to the next of the same vehicle: seconds, metres; 0 where there is none before."""

    follows: Bools
    gap: Floats
    metres: Floats


def see(ground: Ground, track: Track, known: Known) -> Scene:
    """The scene of a track. Row n is taken as a step from row n - 1 unless ``first``."""
    x, y = ground.frame.metres(track.lon, track.lat)
    numbers, eras = ground.eras(track.at)
    parts = [_look(eras[n], np.flatnonzero(numbers == n), x, y, track, known) for n in eras]
    places, covered, lies_in, room = _joined(parts)
    steps = _steps(track, x, y)
    policy = ground.policy
    reached = steps.follows & (steps.gap > 0)
    reached &= plausibility.reachable_all(steps.metres, steps.gap, policy.fastest_kmh)
    calm = np.where(reached, REACHED, 0).astype(np.uint16)
    calm[_moved(track, policy)] |= MOVED
    calm[_as_sent(ground, eras, numbers, track, steps, places, lies_in, x, y)] |= SENT
    still = reached & (numbers == _before(numbers)) & (places.inside == _before(places.inside))
    clear = _clear(eras, numbers, x, y, room, policy.accuracy_m)
    still &= clear & _before(clear)
    roads: likely.Roads = {}
    for number, era in eras.items():
        rows = np.flatnonzero(still & (numbers == number))
        calm[rows[_apart(era, rows, x, y, steps.metres, room, lies_in, places.stretch)]] |= LINES
        rows = np.flatnonzero(
            reached & (numbers == number) & (numbers == _before(numbers)) & (calm & LINES == 0)
        )
        known_roads = _roads(ground, era, rows, track, known, np.column_stack([x, y]), places.stretch)
        roads |= known_roads
        calm[_met_nothing(era, known_roads, still)] |= LINES
    calm[_on_route(ground, eras, numbers, places, covered, known, track)] |= ROUTE
    calm[~_fast(track, steps, places, policy)] |= SPEED
    calm[_entitled(ground, eras, numbers, places, known, track)] |= BOOKED
    calm[steps.follows & ~(_before(places.in_park) & (steps.gap >= policy.silence_s))] |= HEARD
    return Scene(x, y, numbers, eras, places, calm, clear, roads)


def _clear(
    eras: dict[int, Era], numbers: Ints, x: Floats, y: Floats, room: Floats, accuracy_m: float
) -> Bools:
    """Farther from every line than the accuracy."""
    clear = room > accuracy_m
    for number, era in eras.items():
        asked = np.flatnonzero(~clear & (numbers == number))
        clear[asked] = ~era.beside_line(x[asked], y[asked], accuracy_m)
    return clear


def _before(column: NDArray[Any]) -> NDArray[Any]:
    """Each row's value in the row before; the first row's is anything."""
    return np.roll(column, 1)


def _steps(track: Track, x: Floats, y: Floats) -> _Steps:
    follows = ~track.first
    follows[:1] = False
    gap, metres = np.zeros(len(x)), np.zeros(len(x))
    gap[1:] = np.diff(track.at)
    metres[1:] = np.hypot(np.diff(x), np.diff(y))
    return _Steps(follows, gap, metres)


def _moved(track: Track, policy: Policy) -> Bools:
    """Another place than the one before, or nothing says that the vehicle moved (see ``frozen``)."""
    same = (track.lon == _before(track.lon)) & (track.lat == _before(track.lat))
    speed = np.nan_to_num(track.speed_kmh)
    slow = np.minimum(speed, _before(speed)) < policy.moving_kmh
    bits = (track.status & _before(track.status) & frozen.MOVING_BIT) != 0
    mute = np.isnan(track.odometer_km) & np.isnan(_before(track.odometer_km))
    return np.asarray(~same | (slow & ~bits & mute))


def _as_sent(
    ground: Ground,
    eras: dict[int, Era],
    numbers: Ints,
    track: Track,
    steps: _Steps,
    places: Places,
    lies_in: Words,
    x: Floats,
    y: Floats,
) -> Bools:
    """No evidence that the terminal sends GCJ-02 (see ``displaced``): it stands, lies at a route or a place
    to stand or farther from every route than the shift is, or would lie at none without the shift."""
    driven = np.divide(steps.metres * 3.6, steps.gap, out=np.zeros(len(steps.gap)), where=steps.gap > 0)
    speed = np.where(np.isnan(track.speed_kmh), driven, track.speed_kmh)
    sent = ~(speed >= ground.policy.moving_kmh) | lies_in.any(axis=1) | places.resting
    for number, era in eras.items():
        sent |= (numbers == number) & era.far_from_routes(x, y, displaced.SHIFT_MAX_M)
    asked = np.flatnonzero(~sent)
    if not len(asked):
        return np.asarray(sent)
    meant_x, meant_y = ground.frame.metres(*wgs84_from_gcj02(track.lon[asked], track.lat[asked]))
    for number, era in eras.items():
        here = numbers[asked] == number
        near, _ = era.covering(meant_x[here], meant_y[here])
        none = np.ones(int(here.sum()), dtype=bool)
        none[near] = False
        if all(route.half_width_m >= ground.policy.gcj_near_m for route in era.routes):
            sent[asked[here][none]] = True
    return np.asarray(sent)


def _fast(track: Track, steps: _Steps, places: Places, policy: Policy) -> Bools:
    """Perhaps above the limit, by what the terminal says or by the distance (see ``speeding``)."""
    over = 1 + policy.speeding_tolerance
    said = track.speed_kmh > places.limit_kmh * over
    timed = steps.follows & (steps.gap >= speeding.CROSS_CHECK_S) & (steps.gap <= policy.unsure_gap_s)
    free = steps.metres - 2 * policy.accuracy_m
    least = np.divide(free * 3.6, steps.gap, out=np.zeros(len(free)), where=timed)
    limit = np.maximum(places.limit_kmh, _before(places.limit_kmh))  # nan where one of them is none
    return np.asarray(said | (timed & (least > limit * over * 0.999999)))


def ends_of_calm(calm: NDArray[np.uint16]) -> Ints:
    """For each row where the run of all-calm rows that it begins ends: itself when it is not calm."""
    restless = np.append(np.flatnonzero((calm & ALL_CALM) != ALL_CALM), len(calm))
    return restless[np.searchsorted(restless, np.arange(len(calm)))]


_Part = tuple[Ints, Places, Bools, Words, Floats]


def _look(era: Era, rows: Ints, x: Floats, y: Floats, track: Track, known: Known) -> _Part:
    """Rows of one era: what they are, whether an allowed corridor covers them, in which they lie, room."""
    x, y = x[rows], y[rows]
    lies_in, near = era.routes_at(x, y), era.routes_along(x, y)
    allowed = np.array([bits_of(era.allowed(codes)) for codes in known.routes], dtype=np.uint64)
    covered = np.asarray((near & allowed[track.journey[rows]]).any(axis=1))
    if not era.alike:  # the widest may be the nearest to leave, though another is nearer
        covered &= (lies_in == near).all(axis=1)
    covered &= ~(lies_in & bits_of(era.one_way)).any(axis=1)
    return rows, era.places(x, y), covered, lies_in, era.room(x, y)


def _joined(parts: Sequence[_Part]) -> tuple[Places, Bools, Words, Floats]:
    if len(parts) == 1:
        _, places, covered, lies_in, room = parts[0]
        return places, covered, lies_in, room
    order = np.argsort(np.concatenate([rows for rows, *_ in parts]))
    shifts = np.cumsum([0, *(len(p.limits) for _, p, *_ in parts)])

    def column(name: str) -> NDArray[np.generic]:
        return np.concatenate([getattr(p, name) for _, p, *_ in parts])[order]

    limit_of = np.concatenate([p.limit_of + shifts[k] for k, (_, p, *_) in enumerate(parts)])[order]
    limits = tuple(name for _, p, *_ in parts for name in p.limits)
    names = ("inside", "in_park", "in_ring", "in_lot", "owes_route", "resting", "limit_kmh", "stretch")
    places = Places(**{name: column(name) for name in names}, limit_of=limit_of, limits=limits)  # type: ignore[arg-type]
    most = max(part[3].shape[1] for part in parts)  # routes of another day may be more
    wide = [np.pad(part[3], ((0, 0), (0, most - part[3].shape[1]))) for part in parts]
    covered, room = (np.concatenate([part[k] for part in parts])[order] for k in (2, 4))
    return places, covered, np.concatenate(wide)[order], room


def _apart(
    era: Era, rows: Ints, x: Floats, y: Floats, step: Floats, room: Floats, lies_in: Words, stretch: Ints
) -> NDArray[np.intp]:
    """Which of ``rows`` (same lines inside before and after) surely met no line on their way.

    Far from all lines the likely road, however it winds, cannot reach one. Nearer, the straight way must
    meet none, nor any road along a route both ends lie at.
    """
    if era.crowded:
        return np.zeros(0, dtype=np.intp)
    before = rows - 1
    wide = max((route.half_width_m for route in era.routes), default=0.0)
    longest = DETOUR_FACTOR * step[rows] + DETOUR_SLACK_M + 4 * wide
    between = room[before] + room[rows]
    apart = between > np.maximum(longest, step[rows])
    near = np.flatnonzero(~apart)
    clear = between[near] > step[rows[near]]
    a, b = before[near[~clear]], rows[near[~clear]]
    clear[~clear] = ~era.met(x[a], y[a], x[b], y[b])
    a, b = before[near], rows[near]
    winding = clear & (lies_in[a] & lies_in[b]).any(axis=1)
    a, b = a[winding], b[winding]
    clear[winding] = ~era.met_on_road(x[a], y[a], x[b], y[b], stretch[a], stretch[b])
    apart[near] = clear
    return np.flatnonzero(apart)


def _roads(
    ground: Ground, era: Era, rows: Ints, track: Track, known: Known, spots: Floats, stretch: Ints
) -> likely.Roads:
    found: likely.Roads = {}
    for codes in {known.routes[n] for n in np.unique(track.journey[rows]).tolist()}:
        alike = np.array([routes == codes for routes in known.routes], dtype=bool)
        own = rows[alike[track.journey[rows]]]
        found |= likely.roads(ground, era, codes, own, track.at, spots, stretch)
    return found


def _met_nothing(era: Era, roads: likely.Roads, still: Bools) -> list[int]:
    """Rows that lie clear of the lines on both ends, on the same sides, and whose road meets no line,
    nor does the straight way."""
    rows = [row for row in roads if still[row]]
    ways = [
        shapely.linestrings(way) for row in rows for way in (roads[row], roads[row][:: len(roads[row]) - 1])
    ]
    met = np.asarray(shapely.intersects(era.edges, ways), dtype=bool).reshape(-1, 2)
    return [row for row, crossed in zip(rows, met.tolist(), strict=True) if not any(crossed)]


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
    ring = known.unladen[track.journey] if ground.policy.ring_off_route else np.ones(len(free), dtype=bool)
    for number, era in eras.items():
        here = numbers == number
        free |= here & places.in_ring & ring & (not era.lines_differ)
        free |= here & (not era.routes)
    return free


def _entitled(
    ground: Ground, eras: dict[int, Era], numbers: Ints, places: Places, known: Known, track: Track
) -> Bools:
    """Booked, or outside every control line."""
    entitled = known.booked[track.journey]
    for number, era in eras.items():
        outside = (places.inside & era.control_bits) == 0
        unasked = not ground.policy.ring_unbooked and not era.lines_differ
        entitled = entitled | ((numbers == number) & (outside | unasked))
    return entitled
