"""SQLAlchemy 2 typed models, one aggregate per file."""

from parking.models.archive import Evidence, FixBlock, LegalHold
from parking.models.base import Base
from parking.models.booking import Booking, Cargo, Hold, PermitRow, Visit
from parking.models.control import (
    Ban,
    BanSpared,
    CheckAnswer,
    CheckRow,
    Override,
    PlanRun,
    Restraint,
    Ticket,
    WarningRow,
)
from parking.models.feed import Feed, FeedAnswer, FeedVehicle, TrackImport
from parking.models.outbox import Heartbeat, Letter
from parking.models.park import Bay, Drawing, Goods, LayerVersion, Lot, ParkRow
from parking.models.replay import ReplayPart, ReplayRun
from parking.models.staff import AccessToken, Audit, Staff
from parking.models.terminal import (
    Command,
    TerminalConflict,
    TerminalEvidence,
    TerminalFence,
    TerminalProfile,
    TerminalRequest,
)
from parking.models.vehicle import FixRow, Terminal, Vehicle, Watch
from parking.models.violation import Notice, Passage, Violation

__all__ = [
    "AccessToken",
    "Audit",
    "Ban",
    "BanSpared",
    "Base",
    "Bay",
    "Booking",
    "Cargo",
    "CheckAnswer",
    "CheckRow",
    "Command",
    "Drawing",
    "Evidence",
    "Feed",
    "FeedAnswer",
    "FeedVehicle",
    "FixBlock",
    "FixRow",
    "Goods",
    "Heartbeat",
    "Hold",
    "LayerVersion",
    "LegalHold",
    "Letter",
    "Lot",
    "Notice",
    "Override",
    "ParkRow",
    "Passage",
    "PermitRow",
    "PlanRun",
    "ReplayPart",
    "ReplayRun",
    "Restraint",
    "Staff",
    "Terminal",
    "TerminalConflict",
    "TerminalEvidence",
    "TerminalFence",
    "TerminalProfile",
    "TerminalRequest",
    "Ticket",
    "TrackImport",
    "Vehicle",
    "Violation",
    "Visit",
    "WarningRow",
    "Watch",
]
