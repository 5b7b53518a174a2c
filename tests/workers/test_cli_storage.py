"""The commands of storage: who passed, pack, retention, hold."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select

from parking import __main__ as parking_main
from parking.db import transaction
from parking.models import FixBlock, FixRow, Vehicle
from tests.services.test_partitions import row
from workers import tasks

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
ASK = [
    "passed",
    "--lon",
    "110.95",
    "--lat",
    "35.65",
    "--from",
    "2026-03-02T11:00",
    "--to",
    "2026-03-02T13:00",
]


@pytest.fixture
def filled(engine):
    with transaction(engine) as session:
        truck = Vehicle(plate="晋M00001", plate_colour=2, first_seen_at=NOON)
        session.add(truck)
        session.flush()
        session.execute(insert(FixRow), [
            row(NOON + timedelta(seconds=30 * n), 1, n, vehicle_id=truck.id, lon=110.94 + n / 100, lat=35.651)
            for n in range(3)
        ])  # fmt: skip
    return engine


def run(capsys, *argv):
    status = parking_main.main([*argv, "--lang", "en"])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_who_passed_is_answered_the_same_before_and_after_packing(filled, capsys):
    status, before, _ = run(capsys, *ASK, "--json")
    assert status == 0 and json.loads(before)["plate"] == "晋M00001"
    status, said, _ = run(capsys, "pack")
    assert status == 0 and "3 positions in 1 blocks" in said
    _, after, cost = run(capsys, *ASK, "--json")
    assert after == before and "1 blocks opened, 0 new" in cost
    assert "111 m  certain" in run(capsys, *ASK)[1]


@pytest.mark.parametrize(
    "wrong", [["--radius", "0"], ["--lon", "181"], ["--to", "yesterday"], ["--lat", "nan"]]
)
def test_what_cannot_be_meant_is_refused(database_url, wrong):
    with pytest.raises(SystemExit) as refused:
        parking_main.main([*ASK, *wrong])
    assert refused.value.code == 2


def test_retention_says_what_is_due_why_and_does_it(filled, capsys):
    run(capsys, "pack")
    with transaction(filled) as session:
        for kept in session.scalars(select(FixBlock)):
            kept.last_received = datetime(2020, 1, 1, tzinfo=UTC)
    status, said, _ = run(capsys, "retention", "--dry-run")
    assert status == 0 and "blocks of positions: 1 due" in said and "HAZPARK_KEEP_FIXES_DAYS=183" in said
    assert run(capsys, "hold", "place", "晋M00001", "--reason", "case 7")[0] == 0
    assert "blocks of positions: 0 due" in run(capsys, "retention", "--dry-run")[1]
    assert "case 7" in run(capsys, "hold", "list")[1]
    assert run(capsys, "hold", "lift", "晋M00001")[0] == 0
    assert "  1/1" in run(capsys, "retention")[1]
    assert run(capsys, *ASK)[1] == ""


def test_a_hold_needs_a_vehicle_and_a_reason(filled, capsys):
    assert run(capsys, "hold", "place", "晋M00001")[0] == 2
    assert run(capsys, "hold", "place", "晋M99999", "--reason", "x")[0] == 1


def test_what_beat_rings_makes_partitions_and_packs(filled, redis_url):
    tasks.make_partitions()
    tasks.pack_fixes()
    with transaction(filled) as session:
        assert session.scalar(select(FixBlock.fixes)) == 3
        assert session.scalar(select(FixRow.time)) is None
