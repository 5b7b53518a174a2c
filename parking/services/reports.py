"""Positions from the doors beside the gateway, on their way into ``tracking.take``."""

from __future__ import annotations

import struct
import zlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ARRAY, DateTime, any_, cast, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geo.fix import Fix
from parking.models import Feed, FeedVehicle, FixRow, Terminal, Watch
from parking.rules import sources as ranking
from parking.rules.alarms import OBEYED
from parking.rules.monitor import State
from parking.rules.sources import Rank
from parking.services import ground, sources, tracking
from parking.services.feeds import phone
from parking.services.tracking import Position, TerminalFix
from parking.vocabulary import Mark

#: Fixes handed to ``tracking.take`` at once; one transaction holds as many pieces as it needs.
PIECE = 1_000
#: "Committed" must mean "on disk" before anything is acknowledged, whatever the server's own setting.
_ON_DISK = text("SELECT set_config('synchronous_commit', 'on', true)"
                " WHERE current_setting('synchronous_commit') = 'off'")  # fmt: skip


class Result(StrEnum):
    """What became of one report."""

    STORED = "stored"  # and judged, or marked by the rules
    SECONDARY = "secondary"  # stored beside: a better door reported the vehicle at that time
    REPEATED = "repeated"  # known already


@dataclass(frozen=True, slots=True)
class Report:
    """One position of a vehicle this feed may speak for."""

    vehicle_id: int
    fix: Fix
    extras: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Received:
    """``results``: one per report, in the order given. ``marks``: of the newly stored ones."""

    results: tuple[Result, ...]
    marks: Mapping[str, int]
    moved: tuple[Position, ...]


@dataclass(frozen=True, slots=True)
class _Door:
    """The two pseudo-terminals of a feed for a vehicle, and the last alarm word it sent."""

    main: str
    aside: str
    aside_id: int
    alarm: int
    rank: Rank


def receive(session: Session, feed: Feed, reports: Sequence[Report], now: datetime) -> Received:
    """Store every report once; judge those that count. A report sent again changes nothing.

    Raises LookupError for a vehicle this feed does not speak for.
    """
    if not reports:
        return Received((), {}, ())
    session.execute(_ON_DISK)
    vehicles = sorted({r.vehicle_id for r in reports})
    standing = _hold_watches(session, vehicles)
    doors = _doors(session, feed, vehicles)
    results = _sorted_out(session, doors, reports)
    fresh = [n for n, result in enumerate(results) if result is Result.STORED]
    counts = _counting(session, doors, [reports[n] for n in fresh])
    beside = [n for n, counted in zip(fresh, counts, strict=True) if not counted]
    judged = [n for n, counted in zip(fresh, counts, strict=True) if counted]
    for n in beside:
        results[n] = Result.SECONDARY
    marks, moved = _take(session, [_judged_entry(reports[n], doors, standing) for n in judged], now)
    if beside:
        _store_beside(session, doors, [reports[n] for n in beside], now)
        marks[Mark.SECONDARY] = len(beside)
    _remember_alarms(session, feed, reports)
    return Received(tuple(results), marks, moved)


def _take(
    session: Session, entries: Sequence[TerminalFix], now: datetime
) -> tuple[Counter[str], tuple[Position, ...]]:
    """Into ``tracking.take`` in order of time, in pieces whose statements a server can parse."""
    ordered = sorted(entries, key=lambda e: e.fix.time)
    marks: Counter[str] = Counter()
    moved: dict[int, Position] = {}
    for first in range(0, len(ordered), PIECE):
        taken = tracking.take(session, ordered[first : first + PIECE], now)
        marks.update({str(mark): count for mark, count in taken.marks.items()})
        moved |= {position.vehicle_id: position for position in taken.moved}
    return marks, tuple(moved.values())


def _hold_watches(session: Session, vehicles: Sequence[int]) -> Mapping[int, int]:
    """Lock what is remembered of the vehicles, as ``take`` does, so that no other door reports meanwhile.

    Returns the alarm bits standing for each.
    """
    rows = [{"vehicle_id": v, "state": State.new().to_json()} for v in vehicles]
    session.execute(insert(Watch).values(rows).on_conflict_do_nothing())
    held = session.scalars(
        select(Watch).where(Watch.vehicle_id.in_(vehicles)).order_by(Watch.vehicle_id).with_for_update()
    )
    bits = {name: 1 << bit for bit, name in OBEYED.items()}
    return {w.vehicle_id: sum(bits[name] for name in w.state.get("raised", {})) for w in held}


def _doors(session: Session, feed: Feed, vehicles: Sequence[int]) -> Mapping[int, _Door]:
    mine = select(FeedVehicle.vehicle_id, FeedVehicle.alarm).where(
        FeedVehicle.feed_id == feed.id, FeedVehicle.vehicle_id.in_(vehicles)
    )
    alarms = dict(session.execute(mine).all())
    if missing := set(vehicles) - alarms.keys():
        raise LookupError(f"feed {feed.id} does not speak for vehicles {sorted(missing)}")
    names = {(v, aside): phone(feed.kind, feed.id, v, aside) for v in vehicles for aside in (False, True)}
    known = select(Terminal.phone, Terminal.id).where(Terminal.phone.in_(names.values()))
    ids = dict(session.execute(known).all())
    return {
        v: _Door(
            names[v, False], names[v, True], ids[names[v, True]], alarms[v],
            (ranking.of_phone(names[v, False]), ids[names[v, False]]),
        )
        for v in vehicles
    }  # fmt: skip


_Key = tuple[int, datetime, float, float]


def _key(report: Report) -> _Key:
    return (report.vehicle_id, report.fix.time, report.fix.lon, report.fix.lat)


def _sorted_out(session: Session, doors: Mapping[int, _Door], reports: Sequence[Report]) -> list[Result]:
    """STORED for what is new, REPEATED for what this door said before: same vehicle, second and place."""
    owner = {d.rank[1]: v for v, d in doors.items()} | {d.aside_id: v for v, d in doors.items()}
    times = sorted({r.fix.time for r in reports})
    rows = session.execute(
        select(FixRow.terminal_id, FixRow.time, FixRow.lon, FixRow.lat).where(
            FixRow.time == any_(cast(times, ARRAY(DateTime(timezone=True)))),
            FixRow.terminal_id.in_(owner),
        )
    )
    known = {(owner[tid], at, lon, lat) for tid, at, lon, lat in rows}
    results = []
    for report in reports:
        results.append(Result.REPEATED if _key(report) in known else Result.STORED)
        known.add(_key(report))
    return results


def _counting(session: Session, doors: Mapping[int, _Door], reports: Sequence[Report]) -> list[bool]:
    """Which reports are judged: no better door spoke, or it raises an alarm, which is always obeyed."""
    quiet_s = ground.current(session).policy.second_source_s
    times: dict[int, list[datetime]] = defaultdict(list)
    for report in reports:
        times[report.vehicle_id].append(report.fix.time)
    better = {
        v: sources.better_times(session, v, doors[v].rank, min(seen), max(seen), quiet_s)
        for v, seen in times.items()
    }
    return [
        bool(r.fix.alarm) or ranking.heeded(r.fix.time.timestamp(), better[r.vehicle_id], quiet_s)
        for r in reports
    ]


def _judged_entry(report: Report, doors: Mapping[int, _Door], standing: Mapping[int, int]) -> TerminalFix:
    """A door that does not speak of an alarm does not end one that another raised: the bit is carried on."""
    door = doors[report.vehicle_id]
    carried = standing[report.vehicle_id] & ~door.alarm & ~report.fix.alarm
    if carried:
        fix = replace(report.fix, alarm=report.fix.alarm | carried)
        report = replace(report, fix=fix, extras={**report.extras, "alarm_carried": carried})
    return _entry(door.main, report)


def _entry(name: str, report: Report) -> TerminalFix:
    """Doors count no messages; a hash of the place in its stead tells two reports of one second apart."""
    serial = zlib.crc32(struct.pack("<dd", report.fix.lon, report.fix.lat)) & 0xFFFF
    return TerminalFix(name, serial, 0, report.fix, report.extras or None)


def _store_beside(
    session: Session, doors: Mapping[int, _Door], reports: Sequence[Report], now: datetime
) -> None:
    """Store without judging: under the terminal that is bound to no vehicle, and say why."""
    _take(session, [_entry(doors[r.vehicle_id].aside, r) for r in reports], now)
    times = sorted({r.fix.time for r in reports})
    session.execute(
        update(FixRow)
        .where(
            FixRow.time == any_(cast(times, ARRAY(DateTime(timezone=True)))),
            FixRow.terminal_id.in_({doors[r.vehicle_id].aside_id for r in reports}),
            FixRow.mark == Mark.UNBOUND,
        )
        .values(mark=Mark.SECONDARY)
    )


def _remember_alarms(session: Session, feed: Feed, reports: Sequence[Report]) -> None:
    last: dict[int, Report] = {}
    for report in reports:
        if report.vehicle_id not in last or report.fix.time >= last[report.vehicle_id].fix.time:
            last[report.vehicle_id] = report
    for vehicle_id, report in last.items():
        session.execute(
            update(FeedVehicle)
            .where(
                FeedVehicle.feed_id == feed.id,
                FeedVehicle.vehicle_id == vehicle_id,
                FeedVehicle.alarm != report.fix.alarm,
            )
            .values(alarm=report.fix.alarm)
        )
