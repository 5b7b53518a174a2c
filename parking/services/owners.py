"""Whose terminal speaks: looked up once, then only confirmed, all of a batch in one statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from sqlalchemy.orm import Session

from parking import arrays
from parking.services.remembered import Changed, Remembered, cursor

#: A terminal's last sign of life is written down at most this often.
NOTED_EVERY = timedelta(minutes=5)


class NeverRegistered(LookupError):
    """Fixes of terminals the park does not know; ``phones`` without leading zeros."""

    def __init__(self, phones: Iterable[str]) -> None:
        self.phones = tuple(sorted(phones))
        super().__init__(f"terminals never registered: {', '.join(self.phones)}")


@dataclass(slots=True)
class Owner:
    """A terminal and its vehicle (0: bound to none). ``noted``: last sign of life known to be written."""

    terminal_id: int
    vehicle_id: int
    plate: str
    noted: datetime | None


_kept: Remembered[str, Owner] = Remembered()


def of(session: Session, phones: Sequence[str], trusting: bool) -> list[Owner]:
    """The owner of each phone. ``trusting``: known bindings are only confirmed; raises Changed when one is
    no longer so. Raises NeverRegistered."""
    known = _kept.of(session)
    found: list[Owner | None] = [known.get(phone) if trusting else None for phone in phones]
    missing = {phone for phone, owner in zip(phones, found, strict=True) if owner is None}
    old = {owner.terminal_id: owner for owner in found if owner is not None}
    with cursor(session) as asking:
        if missing:
            fresh = _read(asking, missing)
            if unknown := missing - fresh.keys():
                raise NeverRegistered(unknown)
            _kept.keep(session, {p: o for p, o in fresh.items() if o.vehicle_id})
            found = [owner or fresh[phone] for phone, owner in zip(phones, found, strict=True)]
        if old and not _confirmed(asking, list(old.values())):
            raise Changed("a terminal was bound anew")
    return [owner for owner in found if owner is not None]


def note(session: Session, owners: Iterable[Owner], now: datetime) -> None:
    """Write down that these terminals spoke, unless that was done a moment ago."""

    def old(noted: datetime | None) -> bool:
        return noted is None or not timedelta(0) <= now - noted < NOTED_EVERY

    due = {o.terminal_id: o for o in owners if old(o.noted)}
    if not due:
        return
    with cursor(session) as writing:
        writing.execute(
            "UPDATE terminal SET last_seen_at = %s WHERE id = ANY(%s)", [now, arrays.int8s(sorted(due))]
        )
    for owner in due.values():
        owner.noted = now


def forget(session: Session, phones: Iterable[str]) -> None:
    _kept.forget(session, phones)


def _read(asking: psycopg.Cursor, phones: set[str]) -> dict[str, Owner]:
    asking.execute(
        "SELECT t.phone, t.id, coalesce(t.vehicle_id, 0), coalesce(v.plate, ''), t.last_seen_at"
        " FROM terminal t LEFT JOIN vehicle v ON v.id = t.vehicle_id WHERE t.phone = ANY(%s)",
        [arrays.texts(sorted(phones))],
    )
    return {row[0]: Owner(*row[1:]) for row in asking}


def _confirmed(asking: psycopg.Cursor, owners: Sequence[Owner]) -> bool:
    asking.execute(
        "SELECT count(*) FROM unnest(%s, %s) AS said (terminal, vehicle)"
        " JOIN terminal ON terminal.id = said.terminal AND terminal.vehicle_id = said.vehicle",
        [arrays.int8s([o.terminal_id for o in owners]), arrays.int8s([o.vehicle_id for o in owners])],
    )
    return asking.fetchone() == (len(owners),)
