"""Fixes from the wire: kept, marked, judged, and told, all in the caller's one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geo.fix import Fix
from parking import outbox
from parking.events import FixesCameLate
from parking.models import FixRow, Letter, Terminal, Vehicle, Watch
from parking.queries import journeys
from parking.rules.monitor import Journey, State, judge, rejudge, revised
from parking.services import findings, ground, terminal_evidence
from parking.services.terminals import bare_phone
from parking.vocabulary import Mark

#: How far before the first late fix a stretch is judged again, so that open episodes are seen whole.
LOOK_BACK = timedelta(hours=2)


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
    watches = _hold_watches(session, {o.vehicle_id for o in owners.values() if o.vehicle_id})
    fresh = _unknown(session, batch, owners)
    marked = _judge_all(session, fresh, owners, watches, now)
    _store(session, marked, now)
    terminal_evidence.note_stored(session, marked, now)
    session.execute(
        update(Terminal)
        .where(Terminal.id.in_([o.terminal_id for o in owners.values()]))
        .values(last_seen_at=now)
    )
    return _taken(batch, marked)


def judge_again(session: Session, vehicle_id: int, earliest: datetime, now: datetime) -> int:
    """Judge a stretch again after late fixes came in; violations found only now say ``late``.

    The stretch begins LOOK_BACK before the first late fix. Nothing is ever deleted; what goes on is
    remembered as the whole stretch shows it. Returns how many new violations were found. Safe to repeat.
    """
    watch = _hold_watches(session, {vehicle_id})[vehicle_id]
    rows = _stretch(session, vehicle_id, earliest - LOOK_BACK)
    if not rows:
        return 0
    journey_at = journeys.of_vehicles(session, [vehicle_id], rows[0].time, rows[-1].time)[vehicle_id]
    judged = rejudge(ground.current(session), [_fix(r) for r in rows], journey_at, now)
    since = earliest - LOOK_BACK / 2
    seen = [f for f in judged.findings if (f.ended_at or now) >= since]
    new = findings.write(session, vehicle_id, seen, journey_at, now, late=True)
    state = State.from_json(watch.state)
    if state.last is not None and judged.state.last is not None and state.last.at == judged.state.last.at:
        state = revised(state, judged.state, rows[0].time)
        watch.state = state.to_json()
        session.flush()
        findings.end_refuted(session, vehicle_id, state.standing, rows[-1].time, now)
    return new


def _stretch(session: Session, vehicle_id: int, begins: datetime) -> Sequence[FixRow]:
    """The vehicle's fixes from then on, in order, but for those whose time nobody believes."""
    return session.scalars(
        select(FixRow)
        .where(
            FixRow.vehicle_id == vehicle_id,
            FixRow.time >= begins,
            or_(FixRow.mark.is_(None), FixRow.mark.not_in((Mark.FUTURE, Mark.TOO_OLD))),
        )
        .order_by(FixRow.time, FixRow.serial, FixRow.item)
    ).all()


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


def _hold_watches(session: Session, vehicle_ids: set[int]) -> dict[int, Watch]:
    """Lock what we remember of these vehicles, always in the same order."""
    if not vehicle_ids:
        return {}
    rows = [{"vehicle_id": v, "state": State.new().to_json()} for v in sorted(vehicle_ids)]
    session.execute(insert(Watch).values(rows).on_conflict_do_nothing())
    held = session.scalars(
        select(Watch).where(Watch.vehicle_id.in_(vehicle_ids)).order_by(Watch.vehicle_id).with_for_update()
    )
    return {w.vehicle_id: w for w in held}


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
    judged = judge(land, State.from_json(watch.state), fixes, journey_at, now)
    findings.write(session, watch.vehicle_id, judged.findings, journey_at, now)
    watch.state = judged.state.to_json()
    _remember_last(watch, [f for f, m in zip(fixes, judged.marks, strict=True) if m is None])
    late = [f.time for f, m in zip(fixes, judged.marks, strict=True) if m is Mark.LATE]
    if late:
        _ask_again(session, watch.vehicle_id, min(late))
    return judged.marks


def _remember_last(watch: Watch, believed: Sequence[Fix]) -> None:
    if believed:
        last = believed[-1]
        watch.last_time, watch.lon, watch.lat = last.time, last.lon, last.lat
        watch.speed_kmh, watch.heading = last.speed_kmh, last.heading


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


def _fix(row: FixRow) -> Fix:
    return Fix(
        time=row.time,
        lon=row.lon,
        lat=row.lat,
        speed_kmh=row.speed_kmh,
        heading=row.heading,
        altitude_m=row.altitude_m,
        located=row.located,
        alarm=row.alarm,
        status=row.status,
        backfill=row.backfill,
    )


def _taken(batch: Sequence[TerminalFix], marked: Sequence[_Marked]) -> Taken:
    marks: dict[Mark, int] = defaultdict(int)
    last: dict[int, Position] = {}
    for entry, owner, mark in marked:
        if mark is not None:
            marks[mark] += 1
        elif owner.vehicle_id is not None:
            last[owner.vehicle_id] = Position(owner.vehicle_id, owner.plate or "", entry.fix)
    return Taken(len(marked), len(batch) - len(marked), dict(marks), tuple(last.values()))
