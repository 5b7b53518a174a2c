"""How far each terminal is to be believed: how many of its fixes were not, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from parking.models import FixRow, Terminal, Vehicle
from parking.vocabulary import Mark

#: Marks that say nothing against a terminal: what came late is judged, what came twice changes nothing.
HARMLESS = frozenset({Mark.LATE, Mark.DUPLICATE, Mark.UNBOUND})


@dataclass(frozen=True, slots=True)
class TerminalHealth:
    """The fixes of one terminal in a period. ``marks``: how many bear each mark, harmless ones included."""

    terminal_id: int
    phone: str
    plate: str | None
    total: int
    newest: datetime | None
    marks: Mapping[Mark, int]

    @property
    def unbelieved(self) -> int:
        """Fixes kept and marked and never judged, for a fault of the terminal."""
        return sum(count for mark, count in self.marks.items() if mark not in HARMLESS)

    def share(self, mark: Mark | None = None) -> float:
        """The share of fixes not believed, or of those with one mark, 0…1; 0 for one that said nothing."""
        count = self.unbelieved if mark is None else self.marks.get(mark, 0)
        return count / self.total if self.total else 0.0


def of_terminals(session: Session, since: datetime, until: datetime) -> tuple[TerminalHealth, ...]:
    """Every terminal with its fixes of [since, until) by their own time, the least believed first.

    Two statements whatever the count.
    """
    total: dict[int, int] = defaultdict(int)
    marks: dict[int, dict[Mark, int]] = defaultdict(dict)
    newest: dict[int, datetime] = {}
    counted = session.execute(
        select(FixRow.terminal_id, FixRow.mark, func.count(), func.max(FixRow.time))
        .where(FixRow.time >= since, FixRow.time < until)
        .group_by(FixRow.terminal_id, FixRow.mark)
    )
    for terminal_id, mark, count, last in counted:
        total[terminal_id] += count
        newest[terminal_id] = max(newest.get(terminal_id, last), last)
        if mark is not None:
            marks[terminal_id][Mark(mark)] = count
    rows = session.execute(
        select(Terminal.id, Terminal.phone, Vehicle.plate)
        .outerjoin(Vehicle, Vehicle.id == Terminal.vehicle_id)
        .order_by(Terminal.phone)
    )
    found = [
        TerminalHealth(key, phone, plate, total[key], newest.get(key), marks.get(key, {}))
        for key, phone, plate in rows
    ]
    return tuple(sorted(found, key=lambda t: (-t.share(), -t.unbelieved, t.phone)))
