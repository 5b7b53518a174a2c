"""The q/Q indicator guards every acceptance, also when two dispatchers accept in the same instant."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from parking.db import transaction
from parking.models import Goods
from parking.refused import Refused
from parking.services import bays, overstay
from parking.vocabulary import Advice, Refusal
from tests.factories import HERE, NOW, STAFF, booked, held, hours, lot, parked
from tests.services.test_booking_races import assigning, race, won, words

pytestmark = pytest.mark.servers
TIGHT = {"index_limits": {"lot": {"warn": 0.8, "refuse": 1.0}, "zones": {"Z3": {"warn": 0.3, "refuse": 0.5}}}}


def tight_lot(session, rules=TIGHT):
    """28 t of petrol make 0.28 here (Q = 100 t)."""
    made = lot(session)
    session.get_one(Goods, "1203").critical_quantity_t = 100.0
    session.flush()
    from parking.models import ParkRow

    row = session.scalars(select(ParkRow)).one()
    row.settings = {**row.settings, "rules": rules}
    session.flush()
    return made


def reasons(refused):
    return [r.word for r in refused.value.reasons]


def test_the_zone_is_full_before_the_lot_and_each_says_what_makes_it_up(session):
    tight_lot(session)
    held(session, "B01")
    asks = booked(session)
    with pytest.raises(Refused) as no:
        bays.assign(session, asks.id, "B02", NOW, STAFF, HERE)
    assert reasons(no) == [Refusal.INDEX_ZONE]
    assert no.value.reasons[0].facts["index"] == "0.56"
    for bay in ("B05", "B06"):
        held(session, bay)
    with pytest.raises(Refused) as no:
        bays.assign(session, asks.id, "B07", NOW, STAFF, HERE)
    assert reasons(no) == [Refusal.INDEX_LOT]
    found = {s.bay_code: s for s in bays.suggest(session, asks.id, NOW)}
    assert Refusal.INDEX_LOT in [r.word for r in found["B07"].blocked]
    assert Advice.INDEX_HIGH in [r.word for r in found["B07"].reasons]


def test_the_future_counts_instant_by_instant(session):
    tight_lot(session)
    held(session, "B01", window_start=NOW + hours(6), window_end=NOW + hours(8))
    early = booked(session, window_start=NOW + hours(1), window_end=NOW + hours(5))
    bays.assign(session, early.id, "B02", NOW, STAFF, HERE)
    late = booked(session, window_start=NOW + hours(1), window_end=NOW + hours(7))
    with pytest.raises(Refused) as no:
        bays.assign(session, late.id, "B03", NOW, STAFF, HERE)
    assert reasons(no) == [Refusal.INDEX_ZONE]


def test_a_vehicle_that_overstays_goes_on_counting(session):
    tight_lot(session)
    made = parked(session, "B01")
    overstay.sweep(session, made.window_end + hours(1))
    asks = booked(session, window_start=NOW + hours(9), window_end=NOW + hours(12))
    with pytest.raises(Refused) as no:
        bays.assign(session, asks.id, "B02", made.window_end + hours(1), STAFF, HERE)
    assert reasons(no) == [Refusal.INDEX_ZONE]


def test_two_who_accept_in_the_same_instant_exceed_no_limit(engine):
    for _ in range(10):
        with transaction(engine) as session:
            if session.scalar(select(Goods.un_number).limit(1)) is None:
                tight_lot(session)
            asked = [booked(session).id for _ in range(2)]
        outcomes = race(engine, *(assigning(b, bay) for b, bay in zip(asked, ("B01", "B02"), strict=True)))
        assert len(won(outcomes)) == 1
        assert words(outcomes) == {Refusal.INDEX_ZONE}
        with transaction(engine) as session:
            from parking.models import Hold

            for hold in session.scalars(select(Hold)):
                hold.state = "released"


def test_a_vehicle_longer_than_the_bay_is_not_offered_it(session):
    lot(session)
    made = booked(session, length_m=22.0, width_m=2.55, height_m=4.0)
    with pytest.raises(Refused) as no:
        bays.assign(session, made.id, "B01", NOW, STAFF, HERE)
    assert reasons(no) == [Refusal.BAY_TOO_SMALL]
    assert all(
        Refusal.BAY_TOO_SMALL in [r.word for r in s.blocked] for s in bays.suggest(session, made.id, NOW)
    )
    unknown = booked(session)
    best = bays.suggest(session, unknown.id, NOW)[0]
    assert Advice.SIZE_ASSUMED in [r.word for r in best.reasons]
