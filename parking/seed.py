"""First run: load the park folder and the goods, make the first accounts."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from geo.layers import Report, read_park
from parking.db import transaction
from parking.goodsfile import read_goods
from parking.services import park as parks
from parking.services import staff


class ParkUnusable(ValueError):
    """The park folder has errors; ``report`` tells which."""

    def __init__(self, folder: Path, report: Report) -> None:
        super().__init__(f"{folder}: {len(report.errors)} error(s)")
        self.report = report


def load_park(folder: Path, now: datetime, actor: str, engine: Engine | None = None) -> Report:
    """The one door: the demo park and a user's own files come in here. Raises ParkUnusable."""
    park, report = read_park(folder)
    known = read_goods(folder, report)
    if park is None or report.errors:
        raise ParkUnusable(folder, report)
    with transaction(engine) as session:
        parks.load(session, park, known, now, actor)
    return report


def goods(folder: Path) -> list[dict[str, str]]:
    """The goods of a park folder. Raises ParkUnusable."""
    report = Report()
    known = read_goods(folder, report)
    if report.errors:
        raise ParkUnusable(folder, report)
    return known


def first_accounts(now: datetime, engine: Engine | None = None) -> list[tuple[str, str]]:
    """User names and passwords made on the first run, else nothing."""
    with transaction(engine) as session:
        return staff.first_run(session, now)
