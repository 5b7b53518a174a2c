"""How long a bay must count as taken. A vehicle that has not left occupies its bay, however long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from parking.rules.substance import Load
from parking.vocabulary import INSIDE, OPEN_VISIT, VisitState

#: A hold reaches this far past the booked end, unless the park's policy sets another grace.
GRACE = timedelta(minutes=15)
#: The hold of a vehicle that is still here always reaches at least this far ahead.
AHEAD = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Stay:
    """A live hold: the bay, whose it is, the period written down, and how far the visit has come."""

    hold_id: int
    bay_id: int
    booking_id: int
    plate: str
    load: Load
    share: float  # its part of the q/Q indicator
    begins: datetime
    ends: datetime
    window_end: datetime
    visit_state: VisitState | None = None
    grace: timedelta = GRACE

    @property
    def inside(self) -> bool:
        """The vehicle is in the park: its bay is taken by a thing, not by a plan."""
        return self.visit_state in INSIDE

    @property
    def here(self) -> bool:
        """The vehicle is in the park or at its gate."""
        return self.visit_state in OPEN_VISIT

    def until(self, now: datetime) -> datetime | None:
        """When the bay may count as free again; None: nobody can say, the vehicle is overdue."""
        if not self.here:
            return self.ends
        if now > self.window_end + self.grace:
            return None
        return max(self.ends, now + AHEAD)

    def since(self, now: datetime) -> datetime:
        """From when the bay counts as taken: an early vehicle inside takes it from now."""
        return min(self.begins, now) if self.inside else self.begins

    def overlaps(self, begins: datetime, ends: datetime | None, now: datetime) -> bool:
        """Whether this stay touches [begins, ends); ``ends`` None means for ever."""
        until = self.until(now)
        return (until is None or begins < until) and (ends is None or self.since(now) < ends)


def period(
    window_start: datetime, window_end: datetime, grace: timedelta = GRACE
) -> tuple[datetime, datetime]:
    """The period a bay is held for a booking: its window and the grace after it."""
    return window_start, window_end + grace
