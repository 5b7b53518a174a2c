"""Bays: suggested, assigned, taken out of service. Rules over several bays hold the lot row first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from geo.shapes import LayerKind
from parking import outbox
from parking.events import BayHeld
from parking.models import Bay, Booking, Hold, Override, Visit
from parking.queries import lot as lots
from parking.queries import park as parks
from parking.queries.lot import LotRules
from parking.refused import Reason, Refused, no
from parking.rules import assignment, capacity, occupancy, override, ways
from parking.rules import booking as life
from parking.rules.assignment import BayFacts, Occupant, Suggestion
from parking.rules.capacity import Content
from parking.rules.occupancy import Stay
from parking.rules.segregation import Load, Rulebook
from parking.services import arrivals, audit, bookings, holding, limits, permits
from parking.services.limits import Meter
from parking.vocabulary import (
    AT_GATE,
    BookingState,
    BookingStep,
    HoldState,
    OverrideState,
    Refusal,
    VisitState,
)

__all__ = ["Suggestion", "assign", "set_out_of_service", "standing_reasons", "suggest"]

#: A bay may be given or changed while the vehicle stands in none.
IN_NO_BAY = (
    *AT_GATE,
    VisitState.ADMITTED,
    VisitState.MISSING,
    VisitState.EN_ROUTE_OUT,
    VisitState.WASHING,
    VisitState.ISOLATED,  # cleared by staff, it goes to an ordinary bay
)


@dataclass(frozen=True, slots=True)
class Lot:
    """Everything a decision over several bays looks at."""

    bays: Sequence[BayFacts]
    stays: Sequence[Stay]
    rules: LotRules
    grace: timedelta

    @property
    def book(self) -> Rulebook:
        """What the park says of neighbours."""
        return self.rules.book

    def share(self, load: Load, contents: Sequence[Content]) -> float:
        """What a vehicle adds to the q/Q indicator."""
        return capacity.share(contents, load.load_state, self.rules.policy.residue_kg)

    def bay(self, code: str) -> BayFacts | None:
        return next((b for b in self.bays if b.code == code), None)

    def by_id(self, bay_id: int) -> BayFacts:
        return next(b for b in self.bays if b.id == bay_id)

    def occupants(
        self, besides: int, begins: datetime, ends: datetime | None, now: datetime
    ) -> list[Occupant]:
        """Who stands or is expected in the lot in [begins, ends), without booking ``besides``."""
        return [
            Occupant(s.bay_id, s.plate, s.load)
            for s in self.stays
            if s.booking_id != besides and s.overlaps(begins, ends, now)
        ]


def survey(session: Session, lot_id: int, within: tuple[datetime, datetime] | None = None) -> Lot:
    """Load the lot. Call it after the lot row is locked when something is to be decided.

    ``within``: holds that cannot matter to a booking of that time may be left out.
    """
    rules = lots.rules_of(session, lot_id)
    grace = timedelta(minutes=rules.policy.overstay_grace_min)
    if within is not None:
        more = grace + occupancy.AHEAD
        within = within[0] - more, within[1] + more
    stays = lots.stays(session, lot_id, rules.policy, within)
    return Lot(lots.bays(session, lot_id), stays, rules, grace)


def meters(session: Session, lot_id: int, now: datetime) -> list[Meter]:
    """The q/Q indicator of the lot and its zones, now and at the highest of the next 24 hours."""
    lot = survey(session, lot_id, (now, now + timedelta(hours=24)))
    return limits.meters(lot.stays, lot.bays, lot.rules, now)


def suggest(session: Session, booking_id: int, now: datetime) -> list[Suggestion]:
    """Every ordinary bay for a booking: possible ones first, best first, with reasons. Raises Refused."""
    booking = session.get(Booking, booking_id)
    if booking is None:
        raise Refused(no(Refusal.BOOKING_UNKNOWN))
    visit = session.scalar(select(Visit).where(Visit.booking_id == booking.id))
    window = max(booking.window_start, now), max(booking.window_end, now)
    lot = survey(session, booking.lot_id, window if visit is None else (now, window[1]))
    period = _period(booking, visit, lot.grace, now)
    occupants = lot.occupants(booking.id, *period, now)
    load, contents = lots.carried_of(session, booking)
    ranked = assignment.rank(load, lot.bays, occupants, lot.book, _ways(session, booking, lot))
    about_now = period[0] - timedelta(minutes=lot.rules.policy.check_in_early_min) <= now
    outside = visit is None or visit.state in AT_GATE
    held = arrivals.weather_on(session, load, now) if about_now and outside else ()
    shut = permits.shut_out(session, booking.id, LayerKind.BAY, [b.code for b in lot.bays], period[0])
    return _limited(booking, load, lot.share(load, contents), lot, period, now, ranked, held, shut)


def _limited(
    booking: Booking,
    load: Load,
    share: float,
    lot: Lot,
    period: tuple[datetime, datetime],
    now: datetime,
    ranked: Sequence[Suggestion],
    held: Sequence[Reason] = (),
    shut: Mapping[str, Reason] = MappingProxyType({}),
) -> list[Suggestion]:
    """The ranking with what lot, zones and bay sizes say to it; what is possible stays first.

    ``shut``: bays in closed zones the booking does not name, with why. ``held``: said beside every bay; it
    keeps the vehicle outside for now, but no bay from being given.
    """
    full = limits.against(booking, share, lot.stays, lot.bays, lot.rules, period, now)
    beside = (
        *held,
        *limits.said(booking, share, lot.stays, lot.rules, period, now),
        *limits.assumed(booking),
    )
    bays = {b.id: b for b in lot.bays}
    found = [
        Suggestion(
            s.bay_id, s.bay_code, s.zone, s.score, (*s.reasons, *beside),
            (
                *s.blocked, *(shut[code] for code in (s.bay_code,) if code in shut), *full[s.zone],
                *limits.fit(booking, bays[s.bay_id]),
                *limits.stay(booking, load, bays[s.bay_id], lot.rules, period),
            ),
        )
        for s in ranked
    ]  # fmt: skip
    return sorted(found, key=lambda s: not s.possible)


def _ways(session: Session, booking: Booking, lot: Lot) -> dict[int, float]:
    """Bay id → metres from the gate by the bay to the docks of who expects the vehicle."""
    metres = ways.metres(parks.today(session), [b.shape for b in lot.bays], booking.enterprise)
    return dict(zip((b.id for b in lot.bays), metres.tolist(), strict=True))


def assign(
    session: Session,
    booking_id: int,
    bay_code: str,
    now: datetime,
    actor: str,
    source: str,
    expected: str | None = None,
    naming: permits.Asked | None = None,
) -> Hold:
    """Hold a bay for a booking, or move the hold to another bay before parking. Raises Refused.

    ``expected``: the bay the actor saw on the booking ("" for none). When another one is held by now,
    somebody else was faster and the answer is no. ``naming``: routes and closed zones approved with it; None
    leaves them as they are.
    """
    booking = bookings.locked(session, booking_id)
    visit = session.scalar(select(Visit).where(Visit.booking_id == booking.id))
    following = _assignable(booking, visit, actor)
    lot = survey(session, booking.lot_id)
    bay = lot.bay(bay_code)
    if bay is None:
        raise Refused(no(Refusal.BAY_UNKNOWN, bay=bay_code))
    if naming is not None:
        permits.change(session, booking, naming, bay.id, now, actor, source)
    before = holding.live(session, booking.id)
    if before is not None and before.bay_id == bay.id:
        return before
    _not_overtaken(booking, before, lot, expected)
    period = _period(booking, visit, lot.grace, now)
    _allowed(session, booking, bay, lot, period, now)
    hold = Hold(
        bay_id=bay.id,
        booking_id=booking.id,
        during=Range(*period),
        state=HoldState.OCCUPIED if visit else HoldState.HELD,
        held_at=now,
        held_by=actor,
    )
    _write(session, booking, following, bay, before, hold, now)
    outbox.post(session, BayHeld(booking.id, bay.id))
    audit.record(session, actor, "assign", "booking", booking.id, now, source, bay=bay.code)
    return hold


def set_out_of_service(
    session: Session, bay_code: str, reason: str | None, now: datetime, actor: str, source: str
) -> Bay:
    """Close a bay with a reason, or open it again (None). Who waits for it loses it. Raises Refused."""
    lot_id = lots.current(session)
    holding.lock(session, lot_id)
    bay = session.scalar(
        select(Bay)
        .where(Bay.lot_id == lot_id, Bay.code == bay_code)
        .execution_options(populate_existing=True)
    )
    if bay is None:
        raise Refused(no(Refusal.BAY_UNKNOWN, bay=bay_code))
    bay.out_of_service = (reason or "").strip()[:200] or None
    if bay.out_of_service is not None:
        for stay in survey(session, lot_id).stays:
            if stay.bay_id == bay.id and not stay.inside:
                hold = session.get_one(Hold, stay.hold_id, populate_existing=True)
                holding.take_back(session, hold, now, "out_of_service", actor, source)
    audit.record(session, actor, "out_of_service", "bay", bay.id, now, source, reason=bay.out_of_service)
    session.flush()
    return bay


def standing_reasons(
    session: Session, booking: Booking, hold: Hold, now: datetime, physical: bool
) -> tuple[Reason, ...]:
    """Why a vehicle may not drive into its held bay now.

    ``physical``: look only at vehicles inside the park, else also at those expected before it is to leave.
    """
    lot = survey(session, booking.lot_id)
    bay = lot.by_id(hold.bay_id)
    others = [
        s
        for s in lot.stays
        if s.booking_id != booking.id
        and (s.inside or (not physical and s.overlaps(now, max(holding.span(hold)[1], now), now)))
    ]
    occupants = [Occupant(s.bay_id, s.plate, s.load) for s in others]
    load, contents = lots.carried_of(session, booking)
    reasons = assignment.against(load, bay, lot.bays, occupants, lot.book)
    granted = _granted(session, booking, bay.code)
    if physical:
        return override.left(reasons, granted)
    ends = max(holding.span(hold)[1], now + occupancy.AHEAD)
    share = lot.share(load, contents)
    full = limits.against(booking, share, lot.stays, lot.bays, lot.rules, (now, ends), now)
    return override.left((*reasons, *full[bay.zone]), granted)


def _period(
    booking: Booking, visit: Visit | None, grace: timedelta, now: datetime
) -> tuple[datetime, datetime]:
    """From the booked begin (now, if that is past or the vehicle is here) to the booked end and its grace."""
    begins, ends = occupancy.period(booking.window_start, booking.window_end, grace)
    begins = max(begins, now) if visit is None else now
    return begins, max(ends, begins + occupancy.AHEAD)


def _assignable(booking: Booking, visit: Visit | None, actor: str) -> BookingState:
    """The booking's state once it has the bay: approved, or unchanged while its vehicle is in no bay."""
    state = BookingState(booking.state)
    if visit is None:
        following, reasons = life.move(state, BookingStep.APPROVE, actor)
        if following is None:
            raise Refused(*reasons)
        return following
    if visit.state not in IN_NO_BAY:
        raise Refused(no(Refusal.BOOKING_STATE, state=VisitState(visit.state)))
    return state


def _not_overtaken(booking: Booking, before: Hold | None, lot: Lot, expected: str | None) -> None:
    """Refuse when the booking holds another bay than the actor saw: somebody else was faster."""
    if expected is None or before is None:
        return
    bay = lot.by_id(before.bay_id).code
    if bay != expected:
        raise Refused(no(Refusal.ASSIGNED_MEANWHILE, plate=booking.plate, bay=bay, by=before.held_by))


def reasons_against(session: Session, booking: Booking, bay_code: str, now: datetime) -> tuple[Reason, ...]:
    """Everything that stands against this bay for this booking now, overridden or not. The lot is locked."""
    visit = session.scalar(select(Visit).where(Visit.booking_id == booking.id))
    lot = survey(session, booking.lot_id)
    bay = lot.bay(bay_code)
    if bay is None:
        return (no(Refusal.BAY_UNKNOWN, bay=bay_code),)
    return _against(session, booking, bay, lot, _period(booking, visit, lot.grace, now), now)


def _against(
    session: Session,
    booking: Booking,
    bay: BayFacts,
    lot: Lot,
    period: tuple[datetime, datetime],
    now: datetime,
) -> tuple[Reason, ...]:
    occupants = lot.occupants(booking.id, *period, now)
    load, contents = lots.carried_of(session, booking)
    share = lot.share(load, contents)
    shut = permits.shut_out(session, booking.id, LayerKind.BAY, (bay.code,), period[0])
    return (
        *shut.values(),
        *assignment.against(load, bay, lot.bays, occupants, lot.book),
        *limits.against(booking, share, lot.stays, lot.bays, lot.rules, period, now)[bay.zone],
        *limits.fit(booking, bay),
        *limits.stay(booking, load, bay, lot.rules, period),
    )


def granted_at(session: Session, booking: Booking, hold: Hold | None) -> list[str]:
    """Words two persons have set aside for this booking in the bay it holds."""
    return [] if hold is None else _granted(session, booking, session.get_one(Bay, hold.bay_id).code)


def _granted(session: Session, booking: Booking, bay_code: str) -> list[str]:
    """Words two persons have set aside for this booking in this very bay."""
    rows = session.scalars(
        select(Override.refusals).where(
            Override.booking_id == booking.id,
            Override.act == "assign",
            Override.subject == bay_code,
            Override.state == OverrideState.SPENT,
        )
    )
    return [r["word"] for refusals in rows for r in refusals]


def _allowed(
    session: Session,
    booking: Booking,
    bay: BayFacts,
    lot: Lot,
    period: tuple[datetime, datetime],
    now: datetime,
) -> None:
    if booking.window_end <= now and booking.state != BookingState.USED:
        raise Refused(no(Refusal.TOO_LATE, closed_at=booking.window_end))
    reasons = _against(session, booking, bay, lot, period, now)
    standing = override.left(reasons, _granted(session, booking, bay.code)) if reasons else ()
    if standing:
        raise Refused(*standing)


def _write(
    session: Session,
    booking: Booking,
    following: BookingState,
    bay: BayFacts,
    before: Hold | None,
    hold: Hold,
    now: datetime,
) -> None:
    with holding.refusing(session, {"ex_hold_bay_id_during": no(Refusal.BAY_TAKEN, bay=bay.code)}):
        if before is not None:
            holding.release(before, now)
            session.flush()
        session.add(hold)
        booking.state = following
