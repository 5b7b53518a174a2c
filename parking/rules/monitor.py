"""The monitor: state and fixes in, state, marks and findings out. Pure; the hour is an argument.

The state carries everything, so the answer does not depend on how the stream is cut into batches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from geo.fix import Fix, FixColumns
from parking.rules import deviation, presence, silence, speeding, stopping, wrong_bay
from parking.rules.crowd import JudgedMany, judge_many
from parking.rules.ground import Ground
from parking.rules.plausibility import MARKS
from parking.rules.sight import Finding, Journey, Sight
from parking.rules.state import SCHEMA, State, fix_of
from parking.vocabulary import Mark

__all__ = [
    "MARKS", "SCHEMA", "Finding", "Ground", "Journey", "Judged", "JudgedMany", "State",
    "judge", "judge_many", "rejudge", "rejudge_many", "revised", "still",
]  # fmt: skip

JourneyAt = Callable[[datetime], Journey]
_Episode = TypeVar(
    "_Episode", deviation.Deviation, stopping.Stand, speeding.Race, presence.Unbooked, wrong_bay.WrongBay
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
    many = judge_many(ground, [state], FixColumns.of([fixes]), [journey_at], now)
    marks = tuple(MARKS[m] for m in many.marks.tolist())
    return Judged(many.states[0], marks, tuple(finding for _, finding in many.findings))


def rejudge(ground: Ground, fixes: Sequence[Fix], journey_at: JourneyAt, now: datetime) -> Judged:
    """Judge a whole stretch from a fresh state, fixes in any order: what late ones change is seen.

    A terminal that proves on the way to send GCJ-02 did so from the beginning.
    """
    order = sorted(range(len(fixes)), key=lambda i: fixes[i].time)
    judged = judge(ground, State.new(), [fixes[i] for i in order], journey_at, now)
    if judged.state.displaced:
        judged = judge(ground, judged.state.anew(), [fixes[i] for i in order], journey_at, now)
    marks: list[Mark | None] = [None] * len(fixes)
    for place, i in enumerate(order):
        marks[i] = judged.marks[place]
    return replace(judged, marks=tuple(marks))


def rejudge_many(
    ground: Ground, tracks: FixColumns, journeys: Sequence[JourneyAt], now: datetime
) -> JudgedMany:
    """``rejudge`` for the tracks of many vehicles, each in order of time."""
    first = judge_many(ground, [State.new() for _ in journeys], tracks, journeys, now)
    if not any(state.displaced for state in first.states):
        return first
    anew = [s.anew() if s.displaced else State.new() for s in first.states]
    return judge_many(ground, anew, tracks, journeys, now)


def revised(live: State, again: State, begins: datetime) -> State:
    """``live`` corrected by a second judging that began at ``begins`` and saw the same newest fix.

    An episode that seems to begin with the stretch may be older: then what was known live stands.
    Alarms and a silence are not unhappened.
    """

    def better(known: _Episode | None, seen: _Episode | None) -> _Episode | None:
        cut = seen is not None and known is not None and seen.began <= begins.timestamp()
        return known if cut and known.began <= seen.began else seen  # type: ignore[union-attr]

    return replace(
        live,
        last=again.last or live.last,
        suspect=again.suspect,
        frozen=again.frozen,
        drift=again.drift,
        shift=again.shift,
        sides=again.sides or live.sides,
        deviation=better(live.deviation, again.deviation),
        stand=better(live.stand, again.stand),
        race=better(live.race, again.race),
        unbooked=better(live.unbooked, again.unbooked),
        bay=better(live.bay, again.bay),
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
    last = _remembered(ground, state, journey)
    told, found = silence.lasting(state.silence, last, ground, now, inside_since, left)
    return Judged(replace(state, silence=told), (), tuple(found))


def _remembered(ground: Ground, state: State, journey: Journey) -> Sight | None:
    if state.last is None:
        return None
    fix = fix_of(state.last)
    x, y = (float(v[0]) for v in ground.frame.metres([fix.lon], [fix.lat]))
    return Sight(ground, journey, fix, x, y, None)
