"""SQLAlchemy 2 typed models, one aggregate per file."""

from parking.models.base import Base
from parking.models.booking import Booking, Cargo, Hold, Visit
from parking.models.control import (
    Ban,
    CheckAnswer,
    CheckRow,
    Override,
    PlanRun,
    Restraint,
    Ticket,
    WarningRow,
)
from parking.models.outbox import Heartbeat, Letter
from parking.models.park import Bay, Goods, LayerVersion, Lot, ParkRow
from parking.models.staff import Audit, Staff
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
    "Audit",
    "Ban",
    "Base",
    "Bay",
    "Booking",
    "Cargo",
    "CheckAnswer",
    "CheckRow",
    "Command",
    "FixRow",
    "Goods",
    "Heartbeat",
    "Hold",
    "LayerVersion",
    "Letter",
    "Lot",
    "Notice",
    "Override",
    "ParkRow",
    "Passage",
    "PlanRun",
    "Restraint",
    "Staff",
    "Terminal",
    "TerminalConflict",
    "TerminalEvidence",
    "TerminalFence",
    "TerminalProfile",
    "TerminalRequest",
    "Ticket",
    "Vehicle",
    "Violation",
    "Visit",
    "WarningRow",
    "Watch",
]
