"""The likely roads of the steps of a batch at which lines have to be asked, worked out together.

The same as ``Sight.road`` of each; a step that is not among them makes its own.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from geo.corridor import Spot
from geo.roads import roads as roads_of
from geo.zonemap import Floats, Ints
from parking.rules.era import Era
from parking.rules.ground import Ground

Roads = dict[int, list[Spot]]


def roads(
    ground: Ground, era: Era, codes: tuple[str, ...], rows: Ints, at: Floats, spots: Floats, stretch: Ints
) -> Roads:
    """The roads to ``rows`` from the row before each, of vehicles that may take the routes ``codes``.

    Columns over all rows: ``at`` seconds, ``spots`` (n, 2) metres, ``stretch`` of road.
    """
    if not len(rows) or era.lines_differ or era.crowded or era.timed:  # what holds is asked step by step
        return {}
    corridors = ground.corridors_for(codes, datetime.fromtimestamp(float(at[rows[0]]), UTC))
    policy = ground.policy
    reach = 2 * policy.accuracy_m + policy.fastest_kmh / 3.6 * (at[rows] - at[rows - 1])
    one = (stretch[rows] == stretch[rows - 1]) & (stretch[rows] >= 0)
    found: Roads = {}
    for chosen, among in ((~one, corridors), (one, era.stretches)):
        own = rows[chosen]
        begins, ends = spots[own - 1], spots[own]
        if among is corridors:
            held = (era.held_by(corridors, *begins.T), era.held_by(corridors, *ends.T))
        else:
            run = np.flatnonzero(era.all_shared(stretch[own], begins, ends, corridors))
            held = ((run, stretch[own][run]),) * 2
        likely = roads_of(among, begins, ends, held, reach[chosen], policy.accuracy_m)
        found |= dict(zip(own.tolist(), likely, strict=True))
    return found
