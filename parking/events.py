"""What has happened: frozen values carrying ids, posted to the outbox with the change."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events; ``name`` is the letter's name in the outbox."""

    name: ClassVar[str]

    def payload(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class BookingSubmitted(Event):
    name: ClassVar[str] = "booking_submitted"
    booking_id: int


@dataclass(frozen=True, slots=True)
class BookingClosed(Event):
    """Rejected, cancelled or expired."""

    name: ClassVar[str] = "booking_closed"
    booking_id: int


@dataclass(frozen=True, slots=True)
class PermitChanged(Event):
    """Other routes or closed zones are named for a booking."""

    name: ClassVar[str] = "permit_changed"
    booking_id: int


@dataclass(frozen=True, slots=True)
class BayHeld(Event):
    name: ClassVar[str] = "bay_held"
    booking_id: int
    bay_id: int


@dataclass(frozen=True, slots=True)
class BayLost(Event):
    """A held bay had to be taken back: the vehicle before did not leave."""

    name: ClassVar[str] = "bay_lost"
    booking_id: int
    bay_id: int


@dataclass(frozen=True, slots=True)
class OverrideAsked(Event):
    """A dispatcher asks a second person to let something pass."""

    name: ClassVar[str] = "override_asked"
    override_id: int
    booking_id: int


@dataclass(frozen=True, slots=True)
class BayPossible(Event):
    """A bay has become possible for a booking on the waiting list."""

    name: ClassVar[str] = "bay_possible"
    booking_id: int


@dataclass(frozen=True, slots=True)
class VisitMoved(Event):
    """A visit reached another state."""

    name: ClassVar[str] = "visit_moved"
    visit_id: int
    state: str


@dataclass(frozen=True, slots=True)
class VisitAlarm(Event):
    """A vehicle went missing on its way to the bay, or was isolated."""

    name: ClassVar[str] = "visit_alarm"
    visit_id: int
    booking_id: int
    state: str


@dataclass(frozen=True, slots=True)
class ViolationSeen(Event):
    name: ClassVar[str] = "violation_seen"
    violation_id: int


@dataclass(frozen=True, slots=True)
class ViolationEscalated(Event):
    """An overstay reached the next rung of the ladder."""

    name: ClassVar[str] = "violation_escalated"
    violation_id: int
    rung: str


@dataclass(frozen=True, slots=True)
class ViolationAcknowledged(Event):
    name: ClassVar[str] = "violation_acknowledged"
    violation_id: int


@dataclass(frozen=True, slots=True)
class ViolationRefuted(Event):
    """Positions that came late show that it was none; it stays on record as refuted."""

    name: ClassVar[str] = "violation_refuted"
    violation_id: int


@dataclass(frozen=True, slots=True)
class FixesCameLate(Event):
    """Backfilled fixes older than the last judged one: the stretch must be judged again."""

    name: ClassVar[str] = "fixes_came_late"
    vehicle_id: int
    earliest: str


@dataclass(frozen=True, slots=True)
class TracksSent(Event):
    """A file of old tracks has rows that are not taken in yet."""

    name: ClassVar[str] = "tracks_sent"
    import_id: int


@dataclass(frozen=True, slots=True)
class ReplayAsked(Event):
    """Some vehicles of a past period are to be judged under another drawing."""

    name: ClassVar[str] = "replay_asked"
    part_id: int


@dataclass(frozen=True, slots=True)
class TerminalsDisagree(Event):
    """Two terminals claim one plate, or one terminal speaks from two places."""

    name: ClassVar[str] = "terminals_disagree"
    conflict_id: int


ALL: tuple[type[Event], ...] = (
    BookingSubmitted,
    BookingClosed,
    PermitChanged,
    BayHeld,
    BayLost,
    OverrideAsked,
    BayPossible,
    VisitMoved,
    VisitAlarm,
    ViolationSeen,
    ViolationEscalated,
    ViolationAcknowledged,
    ViolationRefuted,
    FixesCameLate,
    TracksSent,
    ReplayAsked,
    TerminalsDisagree,
)
