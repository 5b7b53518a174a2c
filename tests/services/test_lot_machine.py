"""Random people do random things to one lot, some in the same instant; the lot stays safe at every moment.

``HAZPARK_LONG_TESTS=1`` runs many more.
"""

from __future__ import annotations

import os
from collections import Counter
from datetime import timedelta
from itertools import combinations
from threading import Barrier, Thread

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from shapely import from_wkb
from sqlalchemy import select

from parking.db import transaction
from parking.models import Audit, Base, Bay, Booking, Goods, Hold, ParkRow, Visit
from parking.queries import lot as lots
from parking.refused import Refused
from parking.rules.booking import TABLE as BOOKING_TABLE
from parking.rules.segregation import between
from parking.rules.visit import TABLE as VISIT_TABLE
from parking.services import bays, bookings, overstay, restraints, visits
from parking.vocabulary import INSIDE, BookingState, VisitState, VisitStep
from tests.factories import HERE, NOW, STAFF, form, hours, lot

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]
LONG = os.environ.get("HAZPARK_LONG_TESTS") == "1"
GOODS = ["1203", "1942", "1830", "1230", "3082"]
BAYS = [*(f"B{n:02d}" for n in range(1, 13)), "F01"]
LIMIT = 1.0
RULES = {"index_limits": {"lot": {"warn": 0.8, "refuse": LIMIT}}}
COUNTS: Counter[str] = Counter()


class LotMachine(RuleBasedStateMachine):
    engine = None  # given by the test

    @initialize()
    def empty_lot(self):
        self.now = NOW
        with transaction(self.engine) as session:
            for table in reversed(Base.metadata.sorted_tables):  # quicker than TRUNCATE while nearly empty
                session.execute(table.delete())
            lot(session)
            park = session.scalars(select(ParkRow)).one()
            park.settings = {**park.settings, "rules": RULES}
            for un, quantity in (("1203", 100.0), ("1942", 50.0)):
                session.get_one(Goods, un).critical_quantity_t = quantity
        for un in (*GOODS, *GOODS[:3]):
            self.book(un, 0, 3)
        for one in self._ids(Booking):
            self._best(one)
        self.now += timedelta(minutes=2)
        for one in self._ids(Booking, Booking.state == BookingState.APPROVED)[:4]:
            self._try("check in", lambda s, b=one: visits.check_in(s, b, self.now, "guard:a", HERE))
            self._go_on(self._ids(Visit)[-1])

    def _try(self, what, *doings):
        """Do these in the same instant, each in a transaction of its own; a refusal is an outcome."""
        barrier, wrong = Barrier(len(doings)), []

        def run(doing):
            try:
                with transaction(self.engine) as session:
                    session.scalar(select(1))
                    barrier.wait()
                    doing(session)
                COUNTS[f"{what} done"] += 1
            except Refused:
                COUNTS[f"{what} refused"] += 1
            except BaseException as error:
                wrong.append(error)

        threads = [Thread(target=run, args=(doing,)) for doing in doings]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong, wrong

    def _ids(self, model, *where):
        with transaction(self.engine) as session:
            return list(session.scalars(select(model.id).where(*where).order_by(model.id)))

    @rule(un=st.sampled_from(GOODS), begins=st.integers(0, 3), lasts=st.integers(1, 4))
    def book_one(self, un, begins, lasts):
        self.book(un, begins, lasts)

    def book(self, un, begins, lasts):
        start = self.now + hours(begins) + timedelta(minutes=1)
        made = form(un_number=un, window_start=start, window_end=start + hours(lasts))
        self._try("book", lambda s: bookings.request(s, made, self.now, "driver:x", HERE))

    @rule(data=st.data(), many=st.integers(1, 3))
    def assign(self, data, many):
        asked = self._ids(Booking, Booking.state.in_(("enterprise_approved", "waitlisted", "approved")))
        if not asked:
            return
        pairs = [(data.draw(st.sampled_from(asked)), data.draw(st.sampled_from(BAYS))) for _ in range(many)]
        self._try(
            "assign", *(lambda s, p=p: bays.assign(s, p[0], p[1], self.now, STAFF, HERE) for p in pairs)
        )

    @rule(data=st.data())
    def assign_the_best(self, data):
        asked = self._ids(Booking, Booking.state == BookingState.ENTERPRISE_APPROVED)
        if not asked:
            return
        self._best(data.draw(st.sampled_from(asked)))

    def _best(self, one):
        def best(session):
            found = [x for x in bays.suggest(session, one, self.now) if x.possible]
            if found:
                bays.assign(session, one, found[0].bay_code, self.now, STAFF, HERE)

        self._try("assign the best", best)

    @rule(data=st.data(), word=st.sampled_from(["cancel", "waitlist", "suspend", "resume"]))
    def decide(self, data, word):
        asked = self._ids(Booking)
        if not asked:
            return
        one = data.draw(st.sampled_from(asked))
        more = ("预警",) if word == "suspend" else ()
        self._try(word, lambda s: getattr(bookings, word)(s, one, *more, self.now, STAFF, HERE))

    @rule(data=st.data(), twice=st.booleans())
    def arrive(self, data, twice):
        asked = self._ids(Booking, Booking.state == BookingState.APPROVED)
        if not asked:
            return
        one = data.draw(st.sampled_from(asked))
        gates = [lambda s, g=g: visits.check_in(s, one, self.now, g, HERE) for g in ("guard:a", "guard:b")]
        self._try("check in", *(gates if twice else gates[:1]))

    @rule(data=st.data(), steps=st.lists(st.sampled_from(list(VisitStep)), min_size=1, max_size=3))
    def move(self, data, steps):
        asked = self._ids(Visit)
        if not asked:
            return
        one = data.draw(st.sampled_from(asked))

        def take(session, word):
            visits.step(session, one, word, self.now, STAFF, HERE, dock="D2", remark="说明")

        self._try("step", *(lambda s, w=w: take(s, w) for w in steps))

    @rule(data=st.data())
    def go_on(self, data):
        """The usual next step of somebody, so that vehicles get far enough to meet."""
        asked = self._ids(Visit, Visit.state.in_(("arrived", "admitted", "missing", "queued", "inspected")))
        if not asked:
            return
        self._go_on(data.draw(st.sampled_from(asked)))

    def _go_on(self, one):
        with transaction(self.engine) as session:
            state = session.get_one(Visit, one).state
        word = VisitStep.PARK if state in ("admitted", "missing") else VisitStep.ADMIT
        self._try("go on", lambda s: visits.step(s, one, word, self.now, STAFF, HERE))

    @rule(data=st.data())
    def restrain(self, data):
        asked = self._ids(Visit)
        if asked:
            one = data.draw(st.sampled_from(asked))
            self._try("restrain", lambda s: restraints.restrain(s, one, "查", "staff", self.now, STAFF, HERE))

    @rule(bay=st.sampled_from(BAYS), reason=st.sampled_from([None, "积水"]))
    def service(self, bay, reason):
        self._try("service", lambda s: bays.set_out_of_service(s, bay, reason, self.now, STAFF, HERE))

    @rule(minutes=st.sampled_from([5, 20, 60, 180]))
    def time_passes(self, minutes):
        self.now += timedelta(minutes=minutes)
        self._try("sweep", lambda s: visits.sweep(s, self.now))
        self._try("sweep", lambda s: overstay.sweep(s, self.now))
        self._try("sweep", lambda s: bookings.sweep(s, self.now))

    def _standing(self, session):
        """(bay, load, share) of every vehicle that stands in an ordinary bay."""
        rows = session.execute(
            select(Bay, Booking, Visit.state)
            .join(Hold, (Hold.bay_id == Bay.id) & (Hold.state != "released"))
            .join(Booking, Booking.id == Hold.booking_id)
            .join(Visit, Visit.booking_id == Booking.id)
            .where(Visit.state.in_(("parked", "called")), ~Bay.isolation)
        ).all()
        return [(bay, lots.load_of(session, booking)) for bay, booking, _ in rows]

    @invariant()
    def nobody_stands_where_he_must_not(self):
        with transaction(self.engine) as session:
            standing = self._standing(session)
            assert len({bay.id for bay, _ in standing}) == len(standing), "two in one bay"
            for (one, load), (other, beside) in combinations(standing, 2):
                apart = from_wkb(one.wkb).distance(from_wkb(other.wkb))
                assert between(load, beside).allows(apart), (one.code, load, other.code, beside, apart)

    @invariant()
    def no_limit_is_exceeded(self):
        with transaction(self.engine) as session:
            lot_id = lots.current(session)
            stays = lots.stays(session, lot_id, lots.policy(session, lot_id))
            inside = [s for s in stays if s.inside]
            assert sum(s.share for s in inside) <= LIMIT + 1e-6, [(s.plate, s.share) for s in inside]

    @invariant()
    def holds_and_states_fit_together(self):
        with transaction(self.engine) as session:
            rows = session.execute(
                select(Booking.state, Visit.state, Hold.state)
                .outerjoin(Visit, Visit.booking_id == Booking.id)
                .outerjoin(Hold, (Hold.booking_id == Booking.id) & (Hold.state != "released"))
            ).all()
            for booking, visit, hold in rows:
                assert (booking == BookingState.USED) == (visit is not None), (booking, visit)
                assert booking != BookingState.APPROVED or hold is not None
                assert visit not in INSIDE or visit == VisitState.ISOLATED or hold is not None, (
                    booking,
                    visit,
                )
                assert visit not in ("exited", "closed", "closed_inferred", "refused") or hold is None

    @invariant()
    def every_step_on_record_was_one_of_the_table(self):
        with transaction(self.engine) as session:
            visits_made = {after for (_, step), after in VISIT_TABLE.items()}
            bookings_made = set(BOOKING_TABLE.values())
            for row in session.scalars(select(Audit).where(Audit.action.in_(list(VisitStep)))):
                assert row.facts.get("state", "arrived") in visits_made | {"waiting_outside"} | bookings_made
                assert row.actor and row.source


def test_the_lot_stays_safe_whatever_people_do(engine):
    LotMachine.engine = engine
    run_state_machine_as_test(
        LotMachine,
        settings=settings(
            max_examples=200 if LONG else 6,
            stateful_step_count=60 if LONG else 40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
    print(dict(COUNTS))
    assert COUNTS["assign done"] + COUNTS["assign the best done"] > 5
    assert COUNTS["go on done"] > 5
