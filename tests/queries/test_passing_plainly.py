"""Who passed, against a judge that knows no blocks, no indexes and no arrays."""

from __future__ import annotations

import math
import random
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from geo.passing import DEGREE_M, FASTEST_KMH, LONGEST_S, Place
from parking.db import transaction
from parking.models import FixBlock
from parking.packed import grouping, outline
from parking.packed.block import Damaged
from parking.queries import blockpaths, passing
from parking.services import outlining, packing, partitions
from tests.queries.test_passing import AFTER, BEGIN, DAY, opening, put, second
from tests.services.test_partitions import row

__all__ = ["opening"]
QUESTIONS = 30


def fleet(luck, vehicles=40, fixes=120):
    """Trucks that stand and go about the place, some a whole day, some an hour."""
    rows = []
    for vehicle in range(1, vehicles + 1):
        lon, lat, at = luck.uniform(110.93, 110.97), luck.uniform(35.63, 35.67), luck.randrange(80_000)
        pace = luck.choice((0.0001, 0.002, 0.01))
        for n in range(fixes):
            at += luck.choice((1, 30, 30, 60, 400, luck.choice((400, 4000))))
            lon, lat = lon + luck.uniform(-pace, pace), lat + luck.uniform(-pace, pace)
            mark = luck.choice((None, None, None, None, "late", "teleport"))
            rows.append(row(second(at), vehicle, n, lon=round(lon, 6), lat=round(lat, 6), mark=mark))
    return rows


def plain(rows, place, since, until):
    """Vehicle → how near it came in that time, leg by leg."""
    tracks = {}
    for fix in sorted(rows, key=lambda r: (r["time"], r["serial"])):
        if fix["mark"] in (None, "late"):
            tracks.setdefault(fix["vehicle_id"], []).append(fix)
    near = {}
    for vehicle, track in tracks.items():
        for one, two in zip([track[0], *track], track, strict=False):
            metres = closest(one if joined(one, two) else two, two, place, since, until)
            if metres is not None and metres <= place.radius_m:
                near[vehicle] = min(metres, near.get(vehicle, math.inf))
    return near


def joined(one, two):
    seconds = (two["time"] - one["time"]).total_seconds()
    x = (two["lon"] - one["lon"]) * math.cos(math.radians((one["lat"] + two["lat"]) / 2))
    metres = math.hypot(x, two["lat"] - one["lat"]) * DEGREE_M
    return seconds <= LONGEST_S and metres <= 100 + FASTEST_KMH / 3.6 * seconds


def closest(one, two, place, since, until):
    if two["time"] < since or one["time"] > until:
        return None
    seconds = (two["time"] - one["time"]).total_seconds()
    x0, y0, x1, y1 = (
        value
        for fix in (one, two)
        for value in (
            (fix["lon"] - place.lon) * math.cos(math.radians(place.lat)) * DEGREE_M,
            (fix["lat"] - place.lat) * DEGREE_M,
        )
    )
    first, last = 0.0, 1.0
    if seconds > 0:
        first = min(1, max(0, (since - one["time"]).total_seconds() / seconds))
        last = min(1, max(0, (until - one["time"]).total_seconds() / seconds))
    dx, dy = x1 - x0, y1 - y0
    length2 = dx * dx + dy * dy
    share = -(x0 * dx + y0 * dy) / length2 if length2 else 0.0
    share = min(last, max(first, share))
    return math.hypot(x0 + share * dx, y0 + share * dy)


def questions(luck, rows):
    for _ in range(QUESTIONS):
        seen = luck.choice(rows)
        place = Place(seen["lon"] + luck.gauss(0, 0.004), seen["lat"] + luck.gauss(0, 0.004),
                      luck.choice((50, 500, 500, 3000)))  # fmt: skip
        since = seen["time"] + timedelta(seconds=luck.randrange(-3600, 1800))
        yield place, since, since + timedelta(seconds=luck.choice((0, 600, 3600, 20_000, 86_400)))


def same(session, rows, asked):
    """Every question is answered as by the plain judge; how many vehicles were named in all."""
    named = 0
    for place, since, until in asked:
        wanted = plain(rows, place, since, until)
        found = {}
        for one in passing.passed(session, place, since, until).passed:
            found[one.vehicle_id] = min(one.closest_m, found.get(one.vehicle_id, math.inf))
        assert set(found) == set(wanted)
        # the closest point told is the surest one, which need not be the closest of all
        assert all(found[v] >= wanted[v] - 0.001 for v in wanted)
        named += len(found)
    return named


@pytest.mark.parametrize("seed", range(3))
def test_the_answer_is_that_of_a_plain_judge(engine, opening, seed, monkeypatch):
    """Hot, packed by this version, and packed by one that drew no outlines; in pieces of any size."""
    monkeypatch.setattr(outline, "LEGS", (9, 16, 64)[seed])
    monkeypatch.setattr(grouping, "BLOCK", (300, 1000, 16_384)[seed])
    monkeypatch.setattr(blockpaths, "HELD", (1, 2000, 65_536)[seed])
    luck = random.Random(seed)
    rows = fleet(luck)
    asked = list(questions(luck, rows))
    with transaction(engine) as session:
        partitions.sweep(session, BEGIN, DAY)
        put(session, rows)
        named = same(session, rows, asked)
    assert named > QUESTIONS
    packing.pack_closed(opening, BEGIN + 40 * DAY, AFTER)
    drawn = select(func.count()).where(func.length(FixBlock.outline) > 0)
    with transaction(engine) as session:
        assert session.scalar(drawn)
        assert same(session, rows, asked) == named
        session.execute(update(FixBlock).values(outline=None))
        assert same(session, rows, asked) == named


def test_blocks_of_an_earlier_version_are_outlined_a_few_at_a_time(engine, opening, monkeypatch):
    monkeypatch.setattr(outlining, "AT_ONCE", 1)
    monkeypatch.setattr(grouping, "BLOCK", 100)
    rows = fleet(random.Random(9), vehicles=5)
    with transaction(engine) as session:
        partitions.sweep(session, BEGIN, DAY)
        put(session, rows)
    packing.pack_closed(opening, BEGIN + 40 * DAY, AFTER)
    kept = select(FixBlock.id, FixBlock.outline, FixBlock.path, FixBlock.rest).order_by(FixBlock.id)
    plain_ones = select(func.count()).where(FixBlock.outline.is_(None))
    with transaction(engine) as session:
        before = session.execute(kept).all()
        assert len(before) > 2
        session.execute(update(FixBlock).values(outline=None))
    told = []
    assert outlining.outline_plain(opening, most=1, tell=told.append) == 1
    with transaction(engine) as session:
        assert session.scalar(plain_ones) == len(before) - 1
        assert packing.alone(session)  # as a packer at work
        assert outlining.outline_plain(opening) == 0
    assert outlining.outline_plain(opening, tell=told.append) == len(before) - 1
    assert told == [1, *range(1, len(before))]
    with transaction(engine) as session:
        assert session.execute(kept).all() == before


def test_an_outline_that_does_not_fit_its_block_is_no_all_clear(engine, opening):
    rows = fleet(random.Random(9), vehicles=5)
    with transaction(engine) as session:
        partitions.sweep(session, BEGIN, DAY)
        put(session, rows)
    packing.pack_closed(opening, BEGIN + 40 * DAY, AFTER)
    seen = rows[0]
    place = Place(seen["lon"], seen["lat"], 500)
    with transaction(engine) as session:
        other = session.scalars(select(FixBlock.outline).order_by(FixBlock.id)).all()[-1]
        session.execute(update(FixBlock).values(outline=other))
    with pytest.raises(Damaged), transaction(engine) as session:
        passing.passed(session, place, seen["time"], seen["time"] + timedelta(seconds=1))


def test_a_second_is_enough_to_be_seen_in(engine, opening):
    """A question about one instant finds the leg under way then, across the border of two periods."""
    rows = [row(second(86_400 + s), 1, n, lon=110.95, lat=35.65) for n, s in enumerate((-20, 20))]
    with transaction(engine) as session:
        partitions.sweep(session, BEGIN, DAY)
        put(session, rows)
    packing.pack_closed(opening, BEGIN + 40 * DAY, AFTER)
    with transaction(engine) as session:
        at = second(86_400)
        (seen,) = passing.passed(session, Place(110.95, 35.65, 500), at, at).passed
        assert seen.first == seen.last == at
