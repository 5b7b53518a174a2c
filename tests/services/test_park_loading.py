"""Layers are versions: loaded once, followed by others, never changed, never forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from shapely.affinity import translate
from sqlalchemy import func, select

from geo.layers import feature_hash, read_park
from geo.shapes import LayerKind
from parking import seed
from parking.models import Bay, Goods, LayerVersion, Lot
from parking.queries import park as parks
from parking.services import park

DEMO = Path(__file__).parents[2] / "fixtures" / "park"
NOW = datetime(2026, 3, 2, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


@pytest.fixture(scope="module")
def drawn():
    return read_park(DEMO)[0]


def test_the_park_comes_back_as_it_was_drawn(session, drawn):
    park.load(session, drawn, seed.goods(DEMO), NOW, "test")
    session.flush()
    back = parks.current(session)
    assert {feature_hash(f) for f in back.features} == {feature_hash(f) for f in drawn.features}
    assert (back.metric_crs, back.watch_area, back.policy) == (
        drawn.metric_crs,
        drawn.watch_area,
        drawn.policy,
    )
    assert back.official is False
    assert session.scalar(select(func.count(Goods.un_number))) >= 40


def test_every_bay_stands_in_the_lot_with_its_true_size(session, drawn):
    park.load(session, drawn, [], NOW, "test")
    bays = session.scalars(select(Bay)).all()
    assert len(bays) == len(drawn.of(LayerKind.BAY))
    assert session.scalars(select(Lot.code)).all() == ["LOT"]
    assert any(b.isolation for b in bays) and all(b.out_of_service is None for b in bays)


def test_loading_again_makes_no_new_version(session, drawn):
    park.load(session, drawn, [], NOW, "test")
    before = session.scalars(select(LayerVersion.id)).all()
    park.load(session, drawn, [], LATER, "test")
    assert sorted(session.scalars(select(LayerVersion.id))) == sorted(before)
    assert session.scalars(select(LayerVersion).where(LayerVersion.withdrawn_at.is_not(None))).all() == []


def test_a_line_drawn_anew_follows_the_old_one_which_stays_on_record(session, drawn):
    park.load(session, drawn, [], NOW, "test")
    line = drawn.of(LayerKind.CONTROL_LINE)[0]
    moved = replace(line, geometry=translate(line.geometry, 0.0001, 0))
    changed = replace(drawn, features=(*(f for f in drawn.features if f is not line), moved))
    park.load(session, changed, [], LATER, "test")
    rows = session.scalars(
        select(LayerVersion).where(LayerVersion.kind == "control_line").order_by(LayerVersion.id)
    ).all()
    assert [r.withdrawn_at for r in rows] == [LATER, None]
    assert parks.current(session).of(LayerKind.CONTROL_LINE)[0].geometry.equals(moved.geometry)


def test_a_bay_no_longer_drawn_is_out_of_service_and_back_when_drawn_again(session, drawn):
    park.load(session, drawn, [], NOW, "test")
    gone = drawn.of(LayerKind.BAY)[0]
    park.load(
        session, replace(drawn, features=tuple(f for f in drawn.features if f is not gone)), [], LATER, "t"
    )
    bay = session.scalars(select(Bay).where(Bay.code == gone.code)).one()
    session.refresh(bay)
    assert bay.out_of_service == park.WITHDRAWN
    park.load(session, drawn, [], LATER + timedelta(days=1), "test")
    session.refresh(bay)
    assert bay.out_of_service is None


def test_a_park_with_errors_is_not_loaded(engine, tmp_path):
    with pytest.raises(seed.ParkUnusable) as unusable:
        seed.load_park(tmp_path, NOW, "test", engine)
    assert unusable.value.report.errors


def test_without_a_park_the_question_is_refused(session):
    with pytest.raises(parks.NoPark):
        parks.current(session)
