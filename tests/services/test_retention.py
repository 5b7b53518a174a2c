"""What is due goes, what is held stays, and every violation that is kept can be found again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select

from parking.db import transaction
from parking.models import Audit, Booking, Evidence, FixBlock, Letter, Notice, Vehicle, Violation, Visit
from parking.queries import fixes
from parking.services import audit, evidence, holds, packing, park, retention, terminals, tracking
from parking.services.tracking import TerminalFix
from parking.settings import Settings, SettingWrong
from tests import factories, land
from tests.land import START, after, drive, stand

DAY = timedelta(days=1)
LATER = START + timedelta(hours=12)
SEVEN_MONTHS, FOUR_YEARS = START + 215 * DAY, START + 4 * 366 * DAY
PHONES = {"晋M00001": "13900000001", "晋M00002": "13900000002", "晋M00003": "13900000003"}


def ways():
    """Plate → what it did: through the fence; stood in the road; drove about and did nothing more."""
    way = drive([(0, -1200), (0, 0)])
    standing = stand(0, 20, 1200, begin=after(way), every_s=20)
    off = drive([(0, 20), (0, 300)], begin=after(standing, 20))
    return {
        "晋M00001": drive([(-300, -300), (-300, -650)]),
        "晋M00002": way + standing + off,
        "晋M00003": drive([(-3000, -1500), (-2000, -1500)]),
    }


@pytest.fixture
def opening(engine):
    """Yesterday's fixes, judged live and packed."""

    def made():
        return transaction(engine)

    with made() as session:
        park.load(session, land.park(), [], START, "test")
        for plate, phone in PHONES.items():
            terminals.register(session, phone, plate, 2, START)
    for plate, track in ways().items():
        with made() as session:
            batch = [TerminalFix(PHONES[plate], n, 0, f) for n, f in enumerate(track)]
            tracking.take(session, batch, max(f.time for f in track))
    assert packing.pack_closed(made, START + 3 * DAY, timedelta(hours=6))
    return made


def let_go(opening, now, dry=False):
    return list(retention.run(opening, Settings(), now, dry))


def violations(session):
    return session.scalars(select(Violation).order_by(Violation.id)).all()


def said(found):
    return found.kind, found.subject, found.started_at, found.ended_at, found.facts


def test_every_violation_is_found_again_after_its_fixes_expired(opening):
    with opening() as session:
        before = [(v.id, said(evidence.rebuild(session, v))) for v in violations(session)]
        kinds = {v.kind for v in violations(session)}
        assert kinds >= {"boundary_crossing", "ring_unbooked", "illegal_stop"}
        assert [said(v)[:3] for v in violations(session)] == [found[:3] for _, found in before]
    let_go(opening, SEVEN_MONTHS)
    with opening() as session:
        assert session.scalar(select(func.count()).select_from(FixBlock)) == 0
        assert session.scalar(select(func.count()).select_from(Evidence)) == len(before)
        assert [(v.id, said(evidence.rebuild(session, v))) for v in violations(session)] == before


def test_positions_that_prove_nothing_are_gone_after_their_time(opening):
    with opening() as session:
        third = session.scalar(select(Vehicle.id).where(Vehicle.plate == "晋M00003"))
        proof = {v.vehicle_id for v in violations(session)}
        assert third not in proof
    let_go(opening, START + 180 * DAY)
    with opening() as session:
        assert fixes.of_vehicle(session, third, START, LATER)
    let_go(opening, SEVEN_MONTHS)
    with opening() as session:
        assert fixes.of_vehicle(session, third, START, LATER) == ()


def test_a_held_vehicle_keeps_all_its_positions_and_no_other_does(opening):
    with opening() as session:
        holds.place(session, "晋M00003", "案 2026-17", LATER, "operator")
        third = session.scalar(select(Vehicle.id).where(Vehicle.plate == "晋M00003"))
        kept = fixes.of_vehicle(session, third, START, LATER)
    let_go(opening, SEVEN_MONTHS)
    assert let_go(opening, SEVEN_MONTHS)[1].total == 0
    with opening() as session:
        assert fixes.of_vehicle(session, third, START, LATER) == kept
        assert session.scalar(select(FixBlock.vehicles)) == [third]
        holds.lift(session, "晋M00003", LATER, "operator")
    let_go(opening, SEVEN_MONTHS)
    with opening() as session:
        assert fixes.of_vehicle(session, third, START, LATER) == ()


def test_a_dry_run_counts_and_changes_nothing(opening):
    counted = {p.kind.name: p.total for p in let_go(opening, SEVEN_MONTHS, dry=True)}
    assert counted["blocks of positions"] == 1 and counted["evidence of violations kept"] > 2
    with opening() as session:
        assert session.scalar(select(func.count()).select_from(FixBlock)) == 1
        assert session.scalar(select(func.count()).select_from(Evidence)) == 0


def test_stopped_after_any_step_and_started_again_it_ends_the_same(opening, monkeypatch):
    monkeypatch.setattr(retention, "STEP", 1)
    with opening() as session:
        before = [said(evidence.rebuild(session, v)) for v in violations(session)]
    for _ in range(20):
        steps = retention.run(opening, Settings(), SEVEN_MONTHS)
        if not any(p.done and (steps.close() or True) for p in steps):
            break
        with opening() as session:
            assert [said(evidence.rebuild(session, v)) for v in violations(session)] == before
    assert all(p.total == 0 for p in let_go(opening, SEVEN_MONTHS, dry=True))


def test_open_violations_stay_for_ever_acknowledged_ones_three_years(opening):
    with opening() as session:
        kept, *others = violations(session)
        for other in others:
            other.state, other.acknowledged_at, other.acknowledged_by = "acknowledged", LATER, "supervisor:x"
            other.ended_at = other.ended_at or LATER
        audit.record(session, "system", "acknowledged", "violation", kept.id, LATER, "test")
        audit.record(session, "system", "acknowledged", "violation", others[0].id, LATER, "test")
    let_go(opening, START + 900 * DAY)
    with opening() as session:
        assert len(violations(session)) == 1 + len(others)
    let_go(opening, FOUR_YEARS)
    with opening() as session:
        assert [v.id for v in violations(session)] == [kept.id]
        assert session.scalars(select(Evidence.violation_id)).all() == [kept.id]
        about = select(Audit.subject_id).where(Audit.subject == "violation")
        assert session.scalars(about).all() == [kept.id]
        assert session.scalar(select(func.count()).select_from(Notice)) == 0


def test_bookings_go_with_all_their_parts_unless_a_violation_speaks_of_them(engine):
    def opening():
        return transaction(engine)

    with opening() as session:
        factories.lot(session)
        one, two = factories.parked(session, "B01"), factories.held(session, "B05")
        vehicle = Vehicle(plate=two.plate, plate_colour=2, first_seen_at=factories.NOW)
        session.add(vehicle)
        session.flush()
        session.execute(insert(Violation).values(
            vehicle_id=vehicle.id, booking_id=two.id, kind="overstay", subject="", facts={}, late=False,
            started_at=factories.NOW, certainty="certain", state="open", seen_at=factories.NOW,
        ))  # fmt: skip
        two_id, open_visit = two.id, one.id
    let_go(opening, factories.NOW + 800 * DAY)
    with opening() as session:
        assert set(session.scalars(select(Booking.id))) == {two_id, open_visit}  # one still stands inside
        visit = session.scalar(select(Visit).where(Visit.booking_id == open_visit))
        visit.state, visit.exited_at = "exited", factories.NOW
    let_go(opening, factories.NOW + 800 * DAY)
    with opening() as session:
        assert session.scalars(select(Booking.id)).all() == [two_id]


def test_undone_letters_are_never_forgotten(opening):
    with opening() as session:
        undone = select(func.count()).select_from(Letter).where(Letter.done_at.is_(None))
        before = session.scalar(undone)
        assert before
    let_go(opening, FOUR_YEARS)
    with opening() as session:
        assert session.scalar(undone) == before


@pytest.mark.parametrize("days", ["182", "0", "-1", "", "many", "99999999999"])
def test_less_than_the_law_asks_is_refused_by_name(days):
    with pytest.raises(SettingWrong, match="HAZPARK_KEEP_FIXES_DAYS"):
        Settings.from_env({"HAZPARK_KEEP_FIXES_DAYS": days})
