"""SQLAlchemy 2 typed models, one aggregate per file."""

from parking.models.base import Base
from parking.models.booking import Booking, Hold, Visit
from parking.models.outbox import Heartbeat, Letter
from parking.models.park import Bay, Goods, LayerVersion, Lot, ParkRow
from parking.models.staff import Audit, Staff
from parking.models.vehicle import FixRow, Terminal, Vehicle, Watch
from parking.models.violation import Notice, Passage, Violation

__all__ = [
    "Audit",
    "Base",
    "Bay",
    "Booking",
    "FixRow",
    "Goods",
    "Heartbeat",
    "Hold",
    "LayerVersion",
    "Letter",
    "Lot",
    "Notice",
    "ParkRow",
    "Passage",
    "Staff",
    "Terminal",
    "Vehicle",
    "Violation",
    "Visit",
    "Watch",
]
