"""What the lot can take: the q/Q indicator over time, and whether a vehicle fits a bay at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from parking.models import Booking
from parking.queries.lot import LotRules
from parking.refused import Reason, no
from parking.rules import capacity
from parking.rules.assignment import DESIGN_LENGTH_M, DESIGN_WIDTH_M, BayFacts
from parking.rules.capacity import Amount, Peak
from parking.rules.occupancy import Stay
from parking.rules.park_rules import IndexLimit
from parking.rules.substance import Load
from parking.vocabulary import Advice, Refusal


def amounts(stays: Sequence[Stay], zones: Mapping[int, str], now: datetime, besides: int = 0) -> list[Amount]:
    """Every stay's part in the sum; an overdue vehicle goes on counting for ever."""
    return [
        Amount(s.booking_id, s.plate, zones.get(s.bay_id, ""), s.share, s.since(now), s.until(now))
        for s in stays
        if s.booking_id != besides and s.share > 0
    ]


def against(
    booking: Booking,
    share: float,
    stays: Sequence[Stay],
    bays: Sequence[BayFacts],
    rules: LotRules,
    period: tuple[datetime, datetime | None],
    now: datetime,
) -> Mapping[str, tuple[Reason, ...]]:
    """Zone → why the lot or that zone cannot take this booking in the period; empty where it can.

    ``share``: what the vehicle adds to the sum.
    """
    zones = {b.id: b.zone for b in bays}
    others = [a for a in amounts(stays, zones, now, besides=booking.id) if capacity.meets(a, *period)]
    whole = capacity.exceeding(
        Amount(booking.id, booking.plate, "", share, *period), others, None, rules.limit(None)
    )
    found = {}
    for zone in {b.zone for b in bays}:
        newcomer = Amount(booking.id, booking.plate, zone, share, *period)
        there = [a for a in others if a.zone == zone]
        found[zone] = (*whole, *capacity.exceeding(newcomer, there, zone, rules.limit(zone)))
    return found


def said(
    booking: Booking,
    share: float,
    stays: Sequence[Stay],
    rules: LotRules,
    period: tuple[datetime, datetime],
    now: datetime,
) -> tuple[Reason, ...]:
    """What the indicator would reach with this booking, said beside every suggestion."""
    newcomer = Amount(booking.id, booking.plate, "", share, *period)
    others = amounts(stays, {}, now, besides=booking.id)
    return capacity.advice(newcomer, others, rules.limit(None), rules.limit(None))


def fit(booking: Booking, bay: BayFacts) -> tuple[Reason, ...]:
    """Whether the vehicle fits the bay's length, width and height. A size not told is not judged here:
    the design vehicle is assumed and said.
    """
    sizes = (booking.length_m, booking.width_m, booking.height_m)
    if sizes == (None, None, None):
        return ()
    limits = (bay.length_m, bay.width_m, bay.height_m)
    if all(s is None or m is None or s <= m for s, m in zip(sizes, limits, strict=True)):
        return ()
    length, width, height = (f"{s:g}" if s is not None else "?" for s in sizes)
    return (
        no(
            Refusal.BAY_TOO_SMALL, bay=bay.code, length_m=length, width_m=width, height_m=height,
            bay_length_m=f"{bay.length_m:g}", bay_width_m=f"{bay.width_m:g}",
        ),
    )  # fmt: skip


def stay(
    booking: Booking, load: Load, bay: BayFacts, rules: LotRules, period: tuple[datetime, datetime | None]
) -> tuple[Reason, ...]:
    """Whether the booked stay is longer than the park allows in the bay's zone for what is carried."""
    if not rules.rules.stay_limits:
        return ()
    longest = rules.rules.longest_stay(bay.zone, load.hazards, booking.purpose)
    booked = booking.window_end - (period[0] if period[0] > booking.window_start else booking.window_start)
    if longest is None or booked <= timedelta(hours=longest.hours):
        return ()
    hours = f"{booked.total_seconds() / 3600:.1f}"
    return (
        no(
            Refusal.STAY_TOO_LONG,
            bay=bay.code,
            hours=f"{longest.hours:g}",
            booked=hours,
            reason=longest.reason,
        ),
    )


def assumed(booking: Booking) -> tuple[Reason, ...]:
    """Said when the driver told no size."""
    if booking.length_m is not None and booking.width_m is not None:
        return ()
    return (no(Advice.SIZE_ASSUMED, length_m=f"{DESIGN_LENGTH_M:g}", width_m=f"{DESIGN_WIDTH_M:g}"),)


@dataclass(frozen=True, slots=True)
class Meter:
    """The indicator of the lot (``zone`` None) or of a zone: what stands there now, and the highest ahead."""

    zone: str | None
    now: Peak
    ahead: Peak
    limit: IndexLimit

    @property
    def tone(self) -> str:
        """good, wait (from the warning on) or stop (above the limit), for colour and word."""
        if self.ahead.total > self.limit.refuse + capacity.SLACK:
            return "stop"
        return "wait" if self.ahead.total > self.limit.warn + capacity.SLACK else "good"


def meters(stays: Sequence[Stay], bays: Sequence[BayFacts], rules: LotRules, now: datetime) -> list[Meter]:
    """The lot first, then every zone in which something counts. "Now" is whoever is inside the park."""
    zones = {b.id: b.zone for b in bays}
    inside = amounts([s for s in stays if s.inside], zones, now)
    expected = amounts(stays, zones, now)
    instant, day = now + timedelta(microseconds=1), now + timedelta(hours=24)
    found = []
    for zone in (None, *sorted(set(zones.values()))):
        ahead = capacity.peak(expected, zone, now, day)
        if zone is None or ahead.total > 0:
            here = capacity.peak(inside, zone, now, instant)
            found.append(Meter(zone, here, ahead, rules.limit(zone)))
    return found
