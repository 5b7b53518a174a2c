"""Fixes from the wire: kept, marked, judged, and told, all in the caller's one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geo.fix import Fix
from parking import outbox
from parking.events import FixesCameLate
from parking.models import FixRow, Letter, Terminal, Vehicle, Watch
from parking.queries import journeys
from parking.rules.monitor import Journey, Judged, State, judge
from parking.services import findings, ground
from parking.services.rejudging import judge_again
from parking.services.terminals import bare_phone
from parking.services.watching import hold_watches, remember_last
from parking.vocabulary import Mark

__all__ = ["NeverRegistered", "Position", "Taken", "TerminalFix", "judge_again", "take"]


class NeverRegistered(LookupError):
    """Fixes of a terminal the park does not know."""


@dataclass(frozen=True, slots=True)
class TerminalFix:
    """One fix as the gateway read it. ``item`` is the index inside a batch message (0x0704), else 0."""

    terminal_phone: str
    serial: int
    item: int
    fix: Fix
    extras: Mapping[str, Any] | None = None
    raw: bytes | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """Where a vehicle was last believed to be, for the live map."""

    vehicle_id: int
    plate: str
    fix: Fix


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: newly stored, already known, and stored with a mark."""

    stored: int
    repeated: int
    marks: Mapping[Mark, int]
    moved: tuple[Position, ...]


@dataclass(frozen=True, slots=True)
class _Owner:
    terminal_id: int
    vehicle_id: int | None
    plate: str | None


_Marked = tuple[TerminalFix, "_Owner", "Mark | None"]


def take(session: Session, batch: Sequence[TerminalFix], now: datetime) -> Taken:
    """Store every fix of ``batch`` once, judge the believed ones, write and announce what was found.

    A fix sent again (same terminal, time, serial and item) changes nothing. Raises
    NeverRegistered for a terminal the park does not know.
    """
    owners = _owners(session, {bare_phone(f.terminal_phone) for f in batch})
    watches = hold_watches(session, {o.vehicle_id for o in owners.values() if o.vehicle_id})
    fresh = _unknown(session, batch, owners)
    marked = _judge_all(session, fresh, owners, watches, now)
    _store(session, marked, now)
    session.execute(
        update(Terminal)
        .where(Terminal.id.in_([o.terminal_id for o in owners.values()]))
        .values(last_seen_at=now)
    )
    return _taken(batch, marked)


def _ask_again(session: Session, vehicle_id: int, earliest: datetime) -> None:
    """Have the stretch judged again. A letter that waits for that already is only made to reach further."""
    waiting = session.scalar(
        select(Letter)
        .where(
            Letter.name == FixesCameLate.name,
            Letter.done_at.is_(None),
            Letter.parked_reason.is_(None),
            Letter.payload["vehicle_id"].as_integer() == vehicle_id,
        )
        .order_by(Letter.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if waiting is None:
        outbox.post(session, FixesCameLate(vehicle_id, earliest.isoformat()))
    elif earliest < datetime.fromisoformat(waiting.payload["earliest"]):
        waiting.payload = {**waiting.payload, "earliest": earliest.isoformat()}


def _owners(session: Session, phones: set[str]) -> dict[str, _Owner]:
    rows = session.execute(
        select(Terminal.phone, Terminal.id, Terminal.vehicle_id, Vehicle.plate)
        .outerjoin(Vehicle, Vehicle.id == Terminal.vehicle_id)
        .where(Terminal.phone.in_(phones))
    )
    owners = {phone: _Owner(tid, vid, plate) for phone, tid, vid, plate in rows}
    if missing := phones - owners.keys():
        raise NeverRegistered(f"terminals never registered: {', '.join(sorted(missing))}")
    return owners


def _unknown(
    session: Session, batch: Sequence[TerminalFix], owners: Mapping[str, _Owner]
) -> list[TerminalFix]:
    """What was not stored yet. Another fix with the same key, as a terminal with a standing clock sends
    after a restart, is not the same fix: it gets the next free ``item``."""
    stems = {_stem(entry, owners) for entry in batch}
    taken = _stored(session, stems)
    fresh = []
    for entry in batch:
        there, said = taken[_stem(entry, owners)], _said(entry.fix)
        if there.get(entry.item) == said:
            continue
        if entry.item in there:
            if said in there.values():
                continue
            entry = replace(entry, item=max(there) + 1)
        there[entry.item] = said
        fresh.append(entry)
    return sorted(fresh, key=lambda e: (e.fix.time, e.serial, e.item))


_Stem = tuple[datetime, int, int]
_Said = tuple[float, float, int, int]


def _stem(entry: TerminalFix, owners: Mapping[str, _Owner]) -> _Stem:
    return (entry.fix.time, owners[bare_phone(entry.terminal_phone)].terminal_id, entry.serial)


def _said(fix: Fix | FixRow) -> _Said:
    return (fix.lon, fix.lat, fix.alarm, fix.status)


def _stored(session: Session, stems: Collection[_Stem]) -> dict[_Stem, dict[int, _Said]]:
    """What is stored under these keys, by item."""
    taken: dict[_Stem, dict[int, _Said]] = {stem: {} for stem in stems}
    rows = session.scalars(
        select(FixRow).where(tuple_(FixRow.time, FixRow.terminal_id, FixRow.serial).in_(list(stems)))
    )
    for row in rows:
        taken[row.time, row.terminal_id, row.serial][row.item] = _said(row)
    return taken


def _judge_all(
    session: Session,
    fresh: Sequence[TerminalFix],
    owners: Mapping[str, _Owner],
    watches: Mapping[int, Watch],
    now: datetime,
) -> list[_Marked]:
    by_owner: dict[_Owner, list[TerminalFix]] = defaultdict(list)
    for entry in fresh:
        by_owner[owners[bare_phone(entry.terminal_phone)]].append(entry)
    vehicles: dict[int, list[tuple[TerminalFix, _Owner]]] = defaultdict(list)
    marked: list[_Marked] = []
    for owner, entries in by_owner.items():
        if owner.vehicle_id is None:
            marked += [(e, owner, Mark.UNBOUND) for e in entries]
        else:
            vehicles[owner.vehicle_id] += [(e, owner) for e in entries]
    if not vehicles:
        return marked
    times = [e.fix.time for e in fresh]
    known = journeys.of_vehicles(session, list(vehicles), min(times), max(times))
    for vehicle_id, pairs in vehicles.items():
        pairs.sort(key=lambda p: (p[0].fix.time, p[0].serial, p[0].item))
        marks = _judge_one(session, watches[vehicle_id], [e.fix for e, _ in pairs], known[vehicle_id], now)
        marked += [(e, o, m) for (e, o), m in zip(pairs, marks, strict=True)]
    return marked


def _judge_one(
    session: Session,
    watch: Watch,
    fixes: Sequence[Fix],
    journey_at: Callable[[datetime], Journey],
    now: datetime,
) -> Sequence[Mark | None]:
    land = ground.current(session)
    before = State.from_json(watch.state)
    judged = judge(land, before, fixes, journey_at, now)
    findings.write(session, watch.vehicle_id, judged.findings, journey_at, now)
    watch.state = judged.state.to_json()
    remember_last(watch, [f for f, m in zip(fixes, judged.marks, strict=True) if m is None])
    if since := _to_judge_again(before, judged, fixes):
        _ask_again(session, watch.vehicle_id, min(since))
    return judged.marks


def _to_judge_again(before: State, judged: Judged, fixes: Sequence[Fix]) -> list[datetime]:
    """Times from which a second judging may find otherwise: of fixes that came after later ones, and of
    the drive on which a terminal proved to send GCJ-02."""
    untimed = (Mark.FUTURE, Mark.TOO_OLD)
    late = [
        fix.time
        for fix, mark in zip(fixes, judged.marks, strict=True)
        if fix.time.timestamp() < before.heard and mark not in untimed
    ]
    shift = judged.state.shift
    if shift is not None and shift.proven and not before.displaced:
        late.append(datetime.fromtimestamp(shift.began, UTC))
    return late


def _store(session: Session, marked: Sequence[_Marked], now: datetime) -> None:
    if not marked:
        return
    rows = [_row(entry, owner, mark, now) for entry, owner, mark in marked]
    session.execute(insert(FixRow).on_conflict_do_nothing(), rows)


def _row(entry: TerminalFix, owner: _Owner, mark: Mark | None, now: datetime) -> dict[str, Any]:
    fix = entry.fix
    return {
        "time": fix.time,
        "terminal_id": owner.terminal_id,
        "serial": entry.serial,
        "item": entry.item,
        "vehicle_id": owner.vehicle_id,
        "lon": fix.lon,
        "lat": fix.lat,
        "speed_kmh": fix.speed_kmh,
        "heading": fix.heading,
        "altitude_m": fix.altitude_m,
        "located": fix.located,
        "alarm": fix.alarm,
        "status": fix.status,
        "backfill": fix.backfill,
        "extras": dict(entry.extras) if entry.extras else None,
        "mark": mark,
        "received_at": now,
    }


def _taken(batch: Sequence[TerminalFix], marked: Sequence[_Marked]) -> Taken:
    marks: dict[Mark, int] = defaultdict(int)
    last: dict[int, Position] = {}
    for entry, owner, mark in marked:
        if mark is not None:
            marks[mark] += 1
        elif owner.vehicle_id is not None:
            last[owner.vehicle_id] = Position(owner.vehicle_id, owner.plate or "", entry.fix)
    return Taken(len(marked), len(batch) - len(marked), dict(marks), tuple(last.values()))
