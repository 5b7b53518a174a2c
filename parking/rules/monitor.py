"""The monitor: state and fixes in, state, marks and findings out. Pure; the hour is an argument.

The state carries everything, so the answer does not depend on how the stream is cut into batches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from geo.fix import Fix, FixColumns
from parking.rules import alarms, deviation, lines, plausibility, presence, silence, speeding, stopping
from parking.rules.ground import Ground
from parking.rules.sight import Finding, Journey, Sight
from parking.vocabulary import Mark, ViolationKind

__all__ = [
    "Finding", "Ground", "Journey", "Judged", "JudgedMany", "State",
    "judge", "judge_many", "rejudge", "revised", "still",
]  # fmt: skip

JourneyAt = Callable[[datetime], Journey]
SCHEMA = 1
_Episode = TypeVar("_Episode", deviation.Deviation, stopping.Stand, speeding.Race, presence.Unbooked)


@dataclass(frozen=True, slots=True)
class Seen:
    """A fix remembered: seconds since 1970, degrees, km/h, alarm and status words."""

    at: float
    lon: float
    lat: float
    speed_kmh: float | None
    alarm: int
    status: int


@dataclass(frozen=True, slots=True)
class State:
    """What is remembered of one vehicle between fixes."""

    last: Seen | None = None
    suspect: Seen | None = None
    sides: tuple[lines.Side, ...] = ()
    deviation: deviation.Deviation | None = None
    stand: stopping.Stand | None = None
    race: speeding.Race | None = None
    unbooked: presence.Unbooked | None = None
    silence: silence.Silence | None = None
    raised: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def new(cls) -> State:
        return cls()

    @property
    def standing(self) -> frozenset[tuple[str, str]]:
        """Kind and subject of every offence that was told and goes on."""
        told: set[tuple[str, str]] = set()
        if self.deviation and self.deviation.told:
            told.add((self.deviation.kind, self.deviation.route))
        if self.stand and self.stand.told:
            told.add((self.stand.kind, self.stand.subject))
        if self.race and self.race.told:
            told.add((ViolationKind.SPEEDING, self.race.zone))
        if self.unbooked:
            told.add((ViolationKind.RING_UNBOOKED, self.unbooked.line))
        return frozenset(told)

    def to_json(self) -> dict[str, Any]:
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> State:
        """The state written by ``to_json``. Raises ValueError for another schema."""
        if data.get("schema") != SCHEMA:
            raise ValueError(f"state schema {data.get('schema')!r}, expected {SCHEMA}")
        return cls(
            last=_made(Seen, data["last"]),
            suspect=_made(Seen, data["suspect"]),
            sides=lines.from_json(data["sides"]),
            deviation=_made(deviation.Deviation, data["deviation"]),
            stand=_made(stopping.Stand, data["stand"]),
            race=_made(speeding.Race, data["race"]),
            unbooked=_made(presence.Unbooked, data["unbooked"]),
            silence=_made(silence.Silence, data["silence"]),
            raised=data["raised"],
        )


@dataclass(frozen=True, slots=True)
class Judged:
    """``marks``: one per fix, in the order given. ``findings``: each key once, in its latest form."""

    state: State
    marks: tuple[Mark | None, ...]
    findings: tuple[Finding, ...]


def judge(ground: Ground, state: State, fixes: Sequence[Fix], journey_at: JourneyAt, now: datetime) -> Judged:
    """Judge ``fixes`` (one vehicle, in order of time) after ``state``.

    A fix older than the last believed one is marked LATE and left to ``rejudge``.
    """
    findings: dict[tuple[str, str, datetime], Finding] = {}
    marks: list[Mark | None] = []
    before: Sight | None = None
    for fix in fixes:
        if before is None or state.last is None or before.at != state.last.at:
            before = _remembered(ground, state, journey_at)
        state, mark, found, before = _one(ground, state, fix, before, journey_at, now)
        marks.append(mark)
        for finding in found:
            findings[finding.key] = finding
    return Judged(state, tuple(marks), tuple(findings.values()))


#: What the numbers in ``JudgedMany.marks`` mean; 0 is a fix that is believed.
MARKS: tuple[Mark | None, ...] = (None, *Mark)
_NUMBER = {mark: number for number, mark in enumerate(MARKS)}


@dataclass(frozen=True, slots=True)
class JudgedMany:
    """``states``: one per state given; ``marks``: an index into MARKS per row; ``findings``: whose, what."""

    states: Sequence[State]
    marks: NDArray[np.int8]
    findings: Sequence[tuple[int, Finding]]


def judge_many(
    ground: Ground,
    states: Sequence[State],
    columns: FixColumns,
    journeys: Sequence[JourneyAt],
    now: datetime,
) -> JudgedMany:
    """``judge`` for many vehicles at once: ``columns.vehicle`` are indexes into ``states`` and ``journeys``."""
    after = list(states)
    marks = np.zeros(len(columns), np.int8)
    findings: list[tuple[int, Finding]] = []
    bounds = np.flatnonzero(np.diff(columns.vehicle, prepend=-1, append=-1))
    for begin, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        who = int(columns.vehicle[begin])
        fixes = [columns.fix(row) for row in range(begin, end)]
        judged = judge(ground, after[who], fixes, journeys[who], now)
        after[who] = judged.state
        marks[begin:end] = [_NUMBER[mark] for mark in judged.marks]
        findings += [(who, finding) for finding in judged.findings]
    return JudgedMany(after, marks, findings)


def rejudge(ground: Ground, fixes: Sequence[Fix], journey_at: JourneyAt, now: datetime) -> Judged:
    """Judge a whole stretch from a fresh state, fixes in any order: what late ones change is seen."""
    order = sorted(range(len(fixes)), key=lambda i: fixes[i].time)
    judged = judge(ground, State.new(), [fixes[i] for i in order], journey_at, now)
    marks: list[Mark | None] = [None] * len(fixes)
    for place, i in enumerate(order):
        marks[i] = judged.marks[place]
    return replace(judged, marks=tuple(marks))


def revised(live: State, again: State, begins: datetime) -> State:
    """``live`` corrected by a second judging that began at ``begins`` and saw the same last fix.

    An episode that seems to begin with the stretch may be older: then what was known live stands.
    Alarms and a silence are not unhappened.
    """

    def better(known: _Episode | None, seen: _Episode | None) -> _Episode | None:
        cut = seen is not None and known is not None and seen.began <= begins.timestamp()
        return known if cut and known.began <= seen.began else seen  # type: ignore[union-attr]

    return replace(
        live,
        sides=again.sides or live.sides,
        deviation=better(live.deviation, again.deviation),
        stand=better(live.stand, again.stand),
        race=better(live.race, again.race),
        unbooked=better(live.unbooked, again.unbooked),
    )


def still(
    ground: Ground,
    state: State,
    journey: Journey,
    now: datetime,
    inside_since: datetime | None = None,
    left: datetime | None = None,
) -> Judged:
    """What the passing of time alone reveals: a vehicle inside whose terminal is silent.

    ``inside_since`` and ``left``: what people say of it, see ``silence.lasting``.
    """
    last = _remembered(ground, state, lambda _: journey)
    told, found = silence.lasting(state.silence, last, ground, now, inside_since, left)
    return Judged(replace(state, silence=told), (), tuple(found))


def _one(
    ground: Ground, state: State, fix: Fix, before: Sight | None, journey_at: JourneyAt, now: datetime
) -> tuple[State, Mark | None, list[Finding], Sight | None]:
    mark = plausibility.mark(fix, ground, now)
    late = state.last is not None and fix.time.timestamp() < state.last.at
    if mark is None and late:
        return state, Mark.LATE, [], before
    untimed = plausibility.when(fix, ground, now) is not None
    at = now if untimed else fix.time
    newest = not fix.backfill if untimed else not late
    raised, found = alarms.step(state.raised, fix, at, believed=mark is None, newest=newest)
    state = replace(state, raised=raised)
    if mark is not None:
        return state, mark, found, before
    sight, mark, state = _place(ground, state, fix, before, journey_at)
    if sight is None:
        return state, mark, found, before
    state, more = _rules(state, sight)
    return replace(state, last=_seen(fix), suspect=None), None, found + more, replace(sight, before=None)


def _place(
    ground: Ground, state: State, fix: Fix, before: Sight | None, journey_at: JourneyAt
) -> tuple[Sight | None, Mark | None, State]:
    """The fix among its neighbours: believed, repeated, or a jump no truck can make.

    A jump is only a suspect. When the next fix agrees with the suspect and not with what was
    believed before, the vehicle is there after all, and nothing is said about how it got there.
    """
    x, y = (float(v[0]) for v in ground.frame.metres([fix.lon], [fix.lat]))
    sight = Sight(ground, journey_at(fix.time), fix, x, y, before)
    if before is None or state.last is None:
        return sight, None, state
    if sight.gap_s == 0 and sight.step_m <= plausibility.JITTER_M:
        return None, Mark.DUPLICATE, state
    fastest = ground.policy.fastest_kmh
    if plausibility.reachable(sight.step_m, sight.gap_s, fastest) and sight.gap_s > 0:
        return sight, None, state
    if state.suspect and _agrees(ground, state.suspect, sight, fastest):
        return replace(sight, before=None), None, state
    return None, Mark.TELEPORT, replace(state, suspect=_seen(fix))


def _agrees(ground: Ground, suspect: Seen, sight: Sight, fastest_kmh: float) -> bool:
    seconds = sight.at - suspect.at
    x, y = (float(v[0]) for v in ground.frame.metres([suspect.lon], [suspect.lat]))
    distance = ((sight.x - x) ** 2 + (sight.y - y) ** 2) ** 0.5
    return seconds > 0 and plausibility.reachable(distance, seconds, fastest_kmh)


def _rules(state: State, sight: Sight) -> tuple[State, list[Finding]]:
    """Every rule once, each on its own piece of the state."""
    sides, crossed = lines.step(state.sides, sight)
    off, strayed = deviation.step(state.deviation, sight)
    stand, stopped = stopping.step(state.stand, sight)
    race, sped = speeding.step(state.race, sight)
    unbooked, intruded = presence.step(state.unbooked, sight)
    after = replace(
        state, sides=sides, deviation=off, stand=stand, race=race, unbooked=unbooked, silence=None
    )
    return after, silence.step(state.silence, sight) + crossed + intruded + strayed + stopped + sped


def _remembered(ground: Ground, state: State, journey_at: JourneyAt) -> Sight | None:
    if state.last is None:
        return None
    last = state.last
    fix = Fix(
        datetime.fromtimestamp(last.at, UTC),
        last.lon,
        last.lat,
        last.speed_kmh,
        alarm=last.alarm,
        status=last.status,
    )
    x, y = (float(v[0]) for v in ground.frame.metres([fix.lon], [fix.lat]))
    return Sight(ground, journey_at(fix.time), fix, x, y, None)


def _seen(fix: Fix) -> Seen:
    return Seen(fix.time.timestamp(), fix.lon, fix.lat, fix.speed_kmh, fix.alarm, fix.status)


def _made(kind: Any, data: Mapping[str, Any] | None) -> Any:
    return None if data is None else kind(**data)
