"""A stretch judged again when fixes of it came late: corrected, found late, or refuted; never deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_, select, tuple_, update
from sqlalchemy.orm import Session

from geo.fix import Fix
from parking.models import FixBlock, FixRow
from parking.queries import fixes, journeys
from parking.queries import park as parks
from parking.queries.fixes import FOR_EVER, KeptFix
from parking.rules.monitor import Finding, Ground, Journey, Judged, State, judge, revised
from parking.services import findings, ground, sources
from parking.services.watching import hold_watches, remember_last
from parking.vocabulary import Mark

#: How far before the first late fix a stretch is judged again, so that open episodes are seen whole.
LOOK_BACK = timedelta(hours=2)


def judge_again(session: Session, vehicle_id: int, earliest: datetime, now: datetime) -> int:
    """Judge a stretch again after late fixes came in; violations found only now say ``late``.

    The stretch begins LOOK_BACK before the first late fix, so that what is judged of its second half does
    not depend on where it was cut. There the violations on record end up as if every fix had come in order:
    corrected, found late, or refuted. Nothing is ever deleted. Returns how many new violations were found.
    Safe to repeat.
    """
    watch = hold_watches(session, {vehicle_id})[vehicle_id]
    quiet_s = ground.current(session).policy.second_source_s
    rows = sources.preferred(session, _stretch(session, vehicle_id, earliest - LOOK_BACK), quiet_s)
    if not rows:
        return 0
    journey_at = journeys.of_vehicles(session, [vehicle_id], rows[0].time, rows[-1].time)[vehicle_id]
    state = State.from_json(watch.state)
    track = [fixes.judged(row) for row in rows]
    judged = _judge_stretch(ground.current(session), state.anew(), track, journey_at)
    since, begins, ends = earliest - LOOK_BACK / 2, rows[0].time, rows[-1].time
    cut = begins if begins < earliest and _came_before(session, vehicle_id, begins) else None
    drawn_at = parks.stamp(session)[2]
    stretch = findings.Stretch(vehicle_id, journey_at, cut, earliest - LOOK_BACK / 4, ends, drawn_at)
    shown = [f for f in judged.findings if (f.ended_at or now) >= since]
    seen = findings.write_again(session, stretch, shown, now)
    findings.refute(session, stretch, seen, now)
    _mark_again(session, [(r, m) for r, m in zip(rows, judged.marks, strict=True) if r.time >= since])
    if state.newest == judged.state.newest:
        state = revised(state, judged.state, begins)
        watch.state = state.to_json()
        remember_last(watch, [fixes.judged(r) for r, m in zip(rows, judged.marks, strict=True) if m is None])
        session.flush()
        findings.end_refuted(session, vehicle_id, state.standing, ends, now)
    return seen.new


def _came_before(session: Session, vehicle_id: int, begins: datetime) -> bool:
    timed = or_(FixRow.mark.is_(None), FixRow.mark.not_in(fixes.UNTIMED))
    hot = select(FixRow.time).where(FixRow.vehicle_id == vehicle_id, FixRow.time < begins, timed)
    packed = select(FixBlock.id).where(FixBlock.vehicles.contains([vehicle_id]), FixBlock.since < begins)
    return any(session.scalar(asked.limit(1)) is not None for asked in (hot, packed))


def _judge_stretch(
    land: Ground, state: State, track: Sequence[Fix], journey_at: Callable[[datetime], Journey]
) -> Judged:
    """Judge stored fixes in order, whose times were believed when they came: as if it were still then."""
    judged = _in_their_time(land, state, track, journey_at)
    if judged.state.displaced and not state.displaced:
        judged = _in_their_time(land, judged.state.anew(), track, journey_at)
    return judged


def _in_their_time(
    land: Ground, state: State, track: Sequence[Fix], journey_at: Callable[[datetime], Journey]
) -> Judged:
    whole = Judged(state, (), ())
    latest: dict[tuple[str, str, datetime], Finding] = {}
    for part in _parts(track, timedelta(hours=land.policy.oldest_h / 2)):
        judged = judge(land, whole.state, part, journey_at, part[-1].time)
        latest.update({f.key: f for f in judged.findings})
        whole = Judged(judged.state, whole.marks + judged.marks, tuple(latest.values()))
    return whole


def _parts(track: Sequence[Fix], span: timedelta) -> Iterator[list[Fix]]:
    """Consecutive parts, none of them longer than ``span``."""
    part: list[Fix] = []
    for fix in track:
        if part and fix.time - part[0].time > span:
            yield part
            part = []
        part.append(fix)
    if part:
        yield part


def _mark_again(session: Session, marked: Sequence[tuple[KeptFix, Mark | None]]) -> None:
    """Every fix bears the mark the last judging gave it; what came late and is believed stays LATE.

    A packed fix keeps the mark it was packed with.
    """
    for row, mark in marked:
        if row.mark != mark and not (mark is None and row.mark == Mark.LATE):
            key = (row.time, row.terminal_id, row.serial, row.item)
            same = tuple_(FixRow.time, FixRow.terminal_id, FixRow.serial, FixRow.item) == key
            session.execute(update(FixRow).where(same).values(mark=mark))


def _stretch(session: Session, vehicle_id: int, begins: datetime) -> list[KeptFix]:
    """The vehicle's fixes from then on, in order, but for those whose time nobody believes."""
    kept = fixes.of_vehicle(session, vehicle_id, begins, FOR_EVER)
    return [f for f in kept if f.mark not in fixes.UNTIMED]
