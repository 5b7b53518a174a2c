"""Drives nobody planned, for properties: stops, stray and unlocated fixes, stuck speeds, alarms, gaps."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from hypothesis import strategies as st

from geo.fix import Fix
from tests.land import after, drive, fix

#: Corners of the little park worth driving by: lines, gates, lot, dock, route, far outside.
PLACES = (
    (0, -1200), (0, -800), (0, -560), (0, -300), (0, 100), (0, 395), (-300, -325), (-300, -450),
    (-300, -600), (200, 0), (480, 20), (600, 0), (-985, -300), (-1010, 200), (300, -900), (-650, 310),
)  # fmt: skip


@dataclass(frozen=True)
class Drive:
    """One vehicle's drive; the numbers say all of it, so that a failure is short to tell."""

    seed: int
    every_s: float
    kmh: float
    legs: int

    def fixes(self, most: int = 90) -> list[Fix]:
        """In order of time, at most ``most``."""
        dice = random.Random(self.seed)
        spots = [dice.choice(PLACES) for _ in range(self.legs + 1)]
        fixes: list[Fix] = []
        for here, there in pairwise(spots):
            if here != there:
                fixes += drive([here, there], self.kmh, self.every_s, begin=_next(fixes, self.every_s))
            if dice.random() < 0.5:
                seconds = dice.choice([100, 200, 400])
                fixes += _stands(dice, there, seconds, _next(fixes, self.every_s), self.every_s)
        return _spoilt(dice, fixes[:most])


drives = st.builds(
    Drive,
    seed=st.integers(0, 2**32),
    every_s=st.sampled_from([5.0, 10.0, 30.0]),
    kmh=st.sampled_from([4.0, 25.0, 45.0, 70.0]),
    legs=st.integers(2, 5),
)


def _next(fixes: Sequence[Fix], every: float) -> float:
    return after(fixes, every) if fixes else 0.0


def _stands(dice: random.Random, spot: tuple[float, float], seconds: float, begin: float, every: float):
    return [
        fix(spot[0] + dice.gauss(0, 4), spot[1] + dice.gauss(0, 4), begin + n * every, 0.0)
        for n in range(int(seconds // every))
    ]


def _spoilt(dice: random.Random, fixes: list[Fix]) -> list[Fix]:
    """A tenth of the fixes is something else."""
    speedless = dice.random() < 0.2
    spoilt = [replace(f, speed_kmh=dice.choice([None, 0.0])) for f in fixes] if speedless else fixes
    return [_odd(dice, f) if dice.random() < 0.1 else f for f in spoilt]


def _odd(dice: random.Random, one: Fix) -> Fix:
    shift = dice.choice([0.0004, 0.001, 0.02])
    return dice.choice(
        [
            replace(one, lon=one.lon + dice.choice([-1, 1]) * shift),
            replace(one, located=False, alarm=dice.choice([0, 1])),
            replace(one, lon=0.0, lat=0.0),
            replace(one, alarm=1 << 30),
            replace(one, speed_kmh=None),
        ]
    )
