"""The answer is one, however the stream is cut, live or replayed: on drives nobody planned."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from shapely import LineString, box

from geo.datum import gcj02_from_wgs84
from geo.fix import Fix
from geo.layers import read_park
from geo.shapes import LayerKind
from parking.rules.monitor import Ground, Journey, State, judge, rejudge
from tests.land import BOOKED, EMPTY, LATER, START, STRANGER, feature, ground
from tests.wild import drives

BAYS = [feature(LayerKind.BAY, f"B{n:02d}", box(-400 + 4 * n, -360, -396 + 4 * n, -340)) for n in range(20)]
IN_BAY = Journey(booked=True, loaded=None, routes=(), booking_id=1, visit_id=1, bay="B18")
journeys = st.sampled_from([BOOKED, EMPTY, STRANGER, IN_BAY])
#: A seed is not made simpler by making it smaller.
quick = settings(deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
cuts = st.lists(st.integers(1, 90), max_size=8)


@cache
def little() -> Ground:
    return ground(*BAYS)


@cache
def demo() -> Ground:
    """The demo park as it is shipped."""
    park, report = read_park(Path(__file__).parents[2] / "fixtures" / "park")
    assert park is not None and not report.errors
    return Ground(park)


def in_pieces(land: Ground, fixes: list[Fix], at: list[int], journey: Journey):
    """State, marks and findings when the state goes through JSON at every cut, as it does in the database."""
    state, marks, found, begin = State.new(), [], {}, 0
    for end in [*sorted({c for c in at if c < len(fixes)}), len(fixes)]:
        through = State.from_json(json.loads(json.dumps(state.to_json())))
        part = judge(land, through, fixes[begin:end], lambda _: journey, LATER)
        state, begin = part.state, end
        marks += part.marks
        found.update({f.key: f for f in part.findings})
    return state, tuple(marks), found


def same(land: Ground, fixes: list[Fix], at: list[int], journey: Journey, seed: int) -> None:
    whole = judge(land, State.new(), fixes, lambda _: journey, LATER)
    assert in_pieces(land, fixes, at, journey) == (
        whole.state,
        whole.marks,
        {f.key: f for f in whole.findings},
    )
    if whole.state.displaced:
        return  # replayed, a terminal found out on the way is not believed from the beginning
    order = list(range(len(fixes)))
    random.Random(seed).shuffle(order)
    replayed = rejudge(land, [fixes[i] for i in order], lambda _: journey, LATER)
    assert {order[n]: m for n, m in enumerate(replayed.marks)} == dict(enumerate(whole.marks))
    assert {f.key: f for f in replayed.findings} == {f.key: f for f in whole.findings}


@settings(quick, max_examples=40)
@given(drive=drives, at=cuts, journey=journeys, seed=st.integers(0, 999))
def test_in_the_little_park(drive, at, journey, seed):
    same(little(), drive.fixes(), at, journey, seed)


def through_the_demo_park(seed: int, every_s: float, kmh: float) -> list[Fix]:
    """From feature to feature of the demo park, some of it standing, some of it off."""
    dice, land = random.Random(seed), demo()
    places = [f.geometry.representative_point() for f in land.park.features if f.kind is not LayerKind.ROUTE]
    places += [g.interpolate(dice.random(), normalized=True) for g in _routes(land)]
    spots = [dice.choice(places) for _ in range(4)]
    x, y = land.frame.metres([p.x for p in spots], [p.y for p in spots])
    line = LineString(list(zip(x, y, strict=True)))
    step, seconds, fixes, along = kmh / 3.6 * every_s, 0.0, [], 0.0
    while along < line.length and len(fixes) < 90:
        here = line.interpolate(along)
        stands = dice.random() < 0.2
        off = dice.choice([0, 0, 0, 0, 0, 0, 0, 60, 900])
        lon, lat = land.frame.degrees([here.x + dice.gauss(0, 3) + off], [here.y + dice.gauss(0, 3)])
        fixes.append(
            Fix(
                START.fromtimestamp(START.timestamp() + seconds, START.tzinfo),
                float(lon[0]),
                float(lat[0]),
                0.0 if stands else dice.choice([kmh, kmh, None]),
                alarm=dice.choice([0] * 20 + [1]),
            )
        )
        seconds += every_s
        along += 0.0 if stands else step
    return fixes


def _routes(land: Ground):
    return [f.geometry for f in land.park.of(LayerKind.ROUTE)]


@settings(quick, max_examples=30)
@given(
    seed=st.integers(0, 2**32),
    every_s=st.sampled_from([5.0, 15.0, 30.0]),
    kmh=st.sampled_from([6.0, 28.0, 60.0]),
    at=cuts,
    journey=st.sampled_from([STRANGER, Journey(booked=True, loaded=True, bay="A01")]),
    shifted=st.booleans(),
)
def test_through_the_demo_park(seed, every_s, kmh, at, journey, shifted):
    fixes = through_the_demo_park(seed, every_s, kmh)
    if shifted:
        lon, lat = gcj02_from_wgs84([f.lon for f in fixes], [f.lat for f in fixes])
        fixes = [
            Fix(f.time, float(a), float(b), f.speed_kmh, alarm=f.alarm)
            for f, a, b in zip(fixes, lon, lat, strict=True)
        ]
    same(demo(), fixes, at, journey, seed % 1000)
