"""Who passed near a place: the same answer whether fixes are hot, packed or both; none is missed."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from geo.passing import Legs, Place, drivable, passes
from parking.db import transaction
from parking.models import FixRow, Terminal, Vehicle
from parking.packed import cells
from parking.queries import passing
from parking.services import packing, partitions
from parking.vocabulary import Certainty
from tests.services.test_partitions import row

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
DAY, AFTER = timedelta(days=1), timedelta(hours=6)
HERE = Place(110.95, 35.65, 500)


def second(n):
    return BEGIN + timedelta(seconds=n)


def put(session, rows):
    session.execute(insert(FixRow), rows)


@pytest.fixture
def opening(engine):
    return lambda: transaction(engine)


def named(session):
    session.add_all(Vehicle(plate=f"晋M{n:05d}", plate_colour=2, first_seen_at=BEGIN) for n in range(1, 4))
    session.flush()
    return {v.plate: v.id for v in session.scalars(select(Vehicle))}


def ask(session, since=0, until=86400, place=HERE):
    return passing.passed(session, place, second(since), second(until)).passed


@pytest.mark.parametrize("packed", [False, True])
def test_a_truck_between_two_reports_is_found_and_said_to_be_inferred(engine, opening, packed):
    with transaction(engine) as session:
        partitions.sweep(session, BEGIN, DAY)
        ids = list(named(session).values())
        put(session, [row(second(60), 1, 1, vehicle_id=ids[0], lon=110.94, lat=35.65),
                      row(second(90), 1, 2, vehicle_id=ids[0], lon=110.96, lat=35.65),
                      row(second(60), 2, 1, vehicle_id=ids[1], lon=110.949, lat=35.65),
                      row(second(60), 3, 1, vehicle_id=ids[2], lon=110.94, lat=35.70)])  # fmt: skip
    if packed:
        assert packing.pack_closed(opening, BEGIN + 2 * DAY, AFTER)
    with transaction(engine) as session:
        stood, between = ask(session)
        assert (between.plate, between.certainty) == ("晋M00001", Certainty.INFERRED)
        assert between.closest_m < 1 and second(60) < between.first < between.last < second(90)
        assert (stood.plate, stood.certainty) == ("晋M00002", Certainty.CERTAIN)
        assert ask(session, 0, 59) == () and len(ask(session, 74, 76)) == 1


def test_after_a_long_gap_nobody_says_it_drove_straight(engine):
    with transaction(engine) as session:
        put(
            session,
            [row(second(0), 1, 1, lon=110.9, lat=35.65), row(second(600), 1, 2, lon=111.0, lat=35.65)],
        )
        (seen,) = ask(session)
        assert seen.certainty is Certainty.SOMEWHERE_BETWEEN and seen.gap_s == 600


def test_who_comes_twice_is_listed_twice(engine):
    with transaction(engine) as session:
        seen = (0, 110.95), (300, 110.951), (1000, 111.0), (2000, 110.95)
        put(session, [row(second(t), 1, t, lon=lon, lat=35.65) for t, lon in seen])
        first, again = ask(session)
        assert (first.first, first.certainty) == (second(0), Certainty.CERTAIN)
        assert again.last == second(2000) and again.first > second(1800)


@pytest.mark.parametrize("mark", ["teleport", "null_island", "not_located", "future"])
def test_a_fix_nobody_believes_places_nobody(engine, mark):
    with transaction(engine) as session:
        put(session, [row(second(0), 1, 1, lon=110.95, lat=35.65, mark=mark)])
        assert ask(session) == ()


@pytest.mark.parametrize("packed", [False, True])
def test_a_terminal_bound_to_no_vehicle_is_named_by_its_phone(engine, opening, packed):
    with transaction(engine) as session:
        partitions.sweep(session, BEGIN, DAY)
        session.add(Terminal(phone="13900000001", auth_code="x", registered_at=BEGIN))
        session.flush()
        number = session.scalar(select(Terminal.id))
        put(session, [row(second(0), number, 1, vehicle_id=None, mark="unbound", lon=110.95, lat=35.65)])
    if packed:
        assert packing.pack_closed(opening, BEGIN + 2 * DAY, AFTER)
    with transaction(engine) as session:
        (seen,) = ask(session)
        assert (seen.vehicle_id, seen.terminal_phone) == (None, "13900000001")


def test_over_midnight_between_packed_and_hot_days(engine, opening):
    """The leg crosses from one period into the next: both packed, then packed and hot."""
    with transaction(engine) as session:
        partitions.sweep(session, BEGIN, DAY)
        for vehicle, midnight in ((1, 86400), (2, 2 * 86400)):
            put(session, [row(second(midnight - 20), vehicle, 1, lon=110.94, lat=35.65),
                          row(second(midnight + 20), vehicle, 2, lon=110.96, lat=35.65)])  # fmt: skip
    packing.pack_closed(opening, BEGIN + 2 * DAY + AFTER, AFTER)
    with transaction(engine) as session:
        assert session.scalar(select(FixRow.vehicle_id)) == 2
        for vehicle, midnight in ((1, 86400), (2, 2 * 86400)):
            assert [p.vehicle_id for p in ask(session, midnight - 10, midnight + 10)] == [vehicle]


def test_a_late_fix_shows_a_detour_of_a_packed_track(engine, opening):
    with transaction(engine) as session:
        partitions.sweep(session, BEGIN, DAY)
        put(session, [row(second(60 * n), 1, n, lon=110.94 + n / 100, lat=35.66) for n in range(3)])
    packing.pack_closed(opening, BEGIN + 2 * DAY, AFTER)
    with transaction(engine) as session:
        assert ask(session) == ()
        put(session, [row(second(90), 1, 77, lon=110.955, lat=35.651, mark="late")])
        (seen,) = ask(session)
        assert seen.certainty is Certainty.CERTAIN


@pytest.mark.parametrize("seed", range(2))
def test_packed_hot_and_mixed_answer_alike(engine, opening, seed):
    luck = random.Random(seed)
    rows = []
    for vehicle in range(1, 13):
        lon, lat, at = luck.uniform(110.9, 111.0), luck.uniform(35.6, 35.7), 0
        for n in range(150):
            at += luck.choice((1, 10, 30, 60, 400, 4000))
            lon, lat = lon + luck.uniform(-0.004, 0.004), lat + luck.uniform(-0.004, 0.004)
            mark = luck.choice((None, None, None, "late", "teleport", "unbound"))
            rows.append(row(second(at), vehicle, n, lon=round(lon, 6), lat=round(lat, 6), mark=mark))
    questions = [(luck.randrange(200_000), Place(luck.uniform(110.9, 111), luck.uniform(35.6, 35.7), 500))
                 for _ in range(25)]  # fmt: skip

    def answers(session):
        return [ask(session, at, at + 20_000, place) for at, place in questions]

    with transaction(engine) as session:
        partitions.sweep(session, BEGIN, DAY)
        put(session, rows)
        wanted = answers(session)
    assert any(wanted)
    packing.pack_closed(opening, BEGIN + DAY + AFTER, AFTER)
    with transaction(engine) as session:
        assert answers(session) == wanted
        late = row(second(50), 1, 9999, lon=110.95, lat=35.65, mark="late")
        put(session, [late, *rows[:20]])
        mixed = answers(session)
    packing.pack_closed(opening, BEGIN + 40 * DAY, AFTER)
    with transaction(engine) as session:
        assert session.scalar(select(FixRow.time)) is None
        assert answers(session) == mixed


DEGREE = st.floats(-0.2, 0.2)


@given(st.tuples(DEGREE, DEGREE, DEGREE, DEGREE), st.floats(10, 5000), st.integers(0, 3600))
def test_whatever_comes_near_has_a_cell_that_is_asked_for(ends, radius, seconds):
    place = Place(110.95, 35.65, radius)
    a, b, c, d = ends
    legs = Legs(np.array([0]), np.array([110.95 + a]), np.array([35.65 + b]),
                np.array([seconds * 1_000_000]), np.array([110.95 + c]), np.array([35.65 + d]))  # fmt: skip
    found = passes(legs, place, 0, seconds * 1_000_000)
    if found.near[0]:
        assert set(cells.of_legs(legs).tolist()) & set(cells.around(place))
        assert 0 <= found.enters[0] <= found.leaves[0] <= seconds * 1_000_000


@given(st.tuples(DEGREE, DEGREE, DEGREE, DEGREE), st.floats(10, 5000))
def test_the_closest_point_is_closest(ends, radius):
    a, b, c, d = ends
    place = Place(110.95, 35.65, radius)
    legs = Legs(np.array([0]), np.array([110.95 + a]), np.array([35.65 + b]), np.array([60_000_000]),
                np.array([110.95 + c]), np.array([35.65 + d]))  # fmt: skip
    share = np.linspace(0, 1, 400)
    x = (a + share * (c - a)) * np.cos(np.radians(35.65)) * 111_195.08
    y = (b + share * (d - b)) * 111_195.08
    closest = passes(legs, place, 0, 60_000_000).closest_m[0]
    assert closest <= np.hypot(x, y).min() + 1e-6
    assert closest >= np.hypot(x, y).min() - np.hypot(c - a, d - b) * 111_195.08 / 399 - 1e-6


def test_what_no_truck_can_drive_is_not_joined():
    hour = 3600 * 1_000_000
    legs = Legs(np.zeros(4, np.int64), np.full(4, 110.0), np.full(4, 35.0),
                np.array([hour, hour + 1, hour, 0]), np.array([112.0, 110.1, 114.0, 110.0]),
                np.full(4, 35.0))  # fmt: skip
    assert drivable(legs).tolist() == [True, False, False, True]
