"""The likely roads of many steps at once: the same as ``Corridors.road`` for each, by arrays.

Planar, metres in the park's metric CRS.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from geo.corridor import DETOUR_FACTOR, DETOUR_SLACK_M, Corridors, Passings, Spot, beside, shortest
from geo.zonemap import Floats, Ints

Pairs = tuple[Ints, Ints]


def roads(
    corridors: Corridors, a: Floats, b: Floats, held: tuple[Pairs, Pairs], reach_m: Floats, slack_m: float
) -> list[list[Spot]]:
    """The likely path from each of ``a`` (n, 2) to its ``b``; nobody can drive farther than ``reach_m``.

    ``held``: for ``a`` and for ``b`` the pairs (place, corridor it lies in, by its place among all).
    """
    found: list[list[Spot]] = [[_spot(here), _spot(there)] for here, there in zip(a, b, strict=True)]
    step, line = _both(held, len(corridors))
    longest = np.minimum(DETOUR_FACTOR * np.hypot(*(b - a).T) + DETOUR_SLACK_M, reach_m)
    begins, ends = (corridors.chains.passings(at, step, line, slack_m) for at in (a, b))
    for n, begin, end in _shortest(step, line, begins, ends, longest):
        aside = (beside(begin[1], slack_m), beside(end[1], slack_m))
        found[step[n]][1:1] = corridors[int(line[n])].chain.between(begin[0], end[0], aside)
    return found


def _shortest(
    step: Ints, line: Ints, begins: Passings, ends: Passings, longest: Floats
) -> Iterator[tuple[int, Spot, Spot]]:
    """For each step the pair (step, line) with the shortest believable way, if any, and its passings."""
    count = len(step)
    one = (np.bincount(begins.pair, minlength=count) == 1) & (np.bincount(ends.pair, minlength=count) == 1)
    places = np.full((2, count), -1, dtype=np.intp)
    for side, passings in zip(places, (begins, ends), strict=True):
        side[passings.pair] = np.arange(len(passings.pair))
    b, e = places
    lengths = np.full(count, np.inf)
    lengths[one] = np.abs(ends.chainage[e[one]] - begins.chainage[b[one]])
    lengths[lengths > longest[step]] = np.inf
    several: dict[int, tuple[Spot, Spot]] = {}
    for n, begin, end in _several(~one, begins, ends):
        if (way := shortest(begin, end, float(longest[step[n]]))) is not None:
            lengths[n], several[n] = way[0], way[1:]
    order = np.lexsort((line, lengths, step))
    best = order[np.unique(step[order], return_index=True)[1]]
    for n in best[np.isfinite(lengths[best])].tolist():
        if n in several:
            yield n, *several[n]
        else:
            yield n, _passing(begins, int(b[n])), _passing(ends, int(e[n]))


def _several(
    many: NDArray[np.bool_], begins: Passings, ends: Passings
) -> Iterator[tuple[int, list[Spot], list[Spot]]]:
    """The pairs with several passings at either end (or none), one by one."""
    chosen = np.flatnonzero(many)
    if len(chosen):
        number = np.cumsum(many) - 1
        lists = []
        for of in (begins, ends):
            mine = many[of.pair]
            kept = Passings(number[of.pair[mine]], of.chainage[mine], of.left[mine])
            lists.append(kept.of_pairs(len(chosen)))
        yield from zip(chosen.tolist(), *lists, strict=True)


def _passing(of: Passings, n: int) -> Spot:
    return float(of.chainage[n]), float(of.left[n])


def _both(held: tuple[Pairs, Pairs], count: int) -> Pairs:
    """Pairs (step, corridor) of which both ends lie in it, in order."""
    here, there = (place * count + corridor for place, corridor in held)
    both = np.intersect1d(here, there)
    return both // max(1, count), both % max(1, count)


def _spot(place: Floats) -> Spot:
    return float(place[0]), float(place[1])
