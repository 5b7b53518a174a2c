"""The monitor: state and fixes in, state, marks and findings out. Pure; the hour is an argument.

The state carries everything, so the answer does not depend on how the stream is cut into batches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from geo.fix import Fix
from parking.rules import (
    alarms,
    deviation,
    displaced,
    drift,
    frozen,
    lines,
    plausibility,
    presence,
    silence,
    speeding,
    stopping,
    wrong_bay,
)
from parking.rules.ground import Ground
from parking.rules.sight import Finding, Journey, Sight
from parking.vocabulary import Mark, ViolationKind

__all__ = ["Finding", "Ground", "Journey", "Judged", "State", "judge", "rejudge", "revised", "still"]

JourneyAt = Callable[[datetime], Journey]
SCHEMA = 2
#: States written by earlier versions lack what later ones remember; that begins anew.
READABLE = (1, 2)
_Episode = TypeVar(
    "_Episode", deviation.Deviation, stopping.Stand, speeding.Race, presence.Unbooked, wrong_bay.WrongBay
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A fix remembered: seconds since 1970, degrees, km/h, alarm and status words."""

    at: float
    lon: float
    lat: float
    speed_kmh: float | None
    alarm: int
    status: int
    odometer_km: float | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What is remembered of one vehicle between fixes.

    ``newest``: time of the newest fix of a plausible time and place; ``heard``: of any plausible time.
    """

    last: Seen | None = None
    suspect: Seen | None = None
    sides: tuple[lines.Side, ...] = ()
    deviation: deviation.Deviation | None = None
    stand: stopping.Stand | None = None
    race: speeding.Race | None = None
    unbooked: presence.Unbooked | None = None
    silence: silence.Silence | None = None
    raised: Mapping[str, str] = field(default_factory=dict)
    newest: float = 0.0
    heard: float = 0.0
    frozen: frozen.Frozen | None = None
    drift: drift.Drift | None = None
    shift: displaced.Shift | None = None
    bay: wrong_bay.WrongBay | None = None

    @classmethod
    def new(cls) -> State:
        return cls()

    def anew(self) -> State:
        """Nothing remembered but what was proven of the terminal itself: to judge a stretch again."""
        return State(shift=replace(self.shift, against=0) if self.shift and self.displaced else None)

    @property
    def displaced(self) -> bool:
        """Whether the terminal is proven to send places displaced as GCJ-02."""
        return self.shift is not None and self.shift.proven

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
        if self.bay:
            told.add((ViolationKind.WRONG_BAY, self.bay.bay))
        if self.unbooked and self.unbooked.told:
            told.add((ViolationKind.RING_UNBOOKED, self.unbooked.line))
        return frozenset(told)

    def to_json(self) -> dict[str, Any]:
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> State:
        """The state written by ``to_json``. Raises ValueError for another schema."""
        if data.get("schema") not in READABLE:
            raise ValueError(f"state schema {data.get('schema')!r}, expected {SCHEMA}")
        last = _made(Seen, data["last"])
        return cls(
            last=last,
            suspect=_made(Seen, data["suspect"]),
            sides=lines.from_json(data["sides"]),
            deviation=_made(deviation.Deviation, data["deviation"]),
            stand=stopping.Stand.from_json(data["stand"]),
            race=_made(speeding.Race, data["race"]),
            unbooked=_made(presence.Unbooked, data["unbooked"]),
            silence=_made(silence.Silence, data["silence"]),
            raised=data["raised"],
            newest=data.get("newest", last.at if last else 0.0),
            heard=data.get("heard", last.at if last else 0.0),
            frozen=_made(frozen.Frozen, data.get("frozen")),
            drift=_made(drift.Drift, data.get("drift")),
            shift=_made(displaced.Shift, data.get("shift")),
            bay=_made(wrong_bay.WrongBay, data.get("bay")),
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
    last = _remembered(ground, state, lambda _: journey)
    told, found = silence.lasting(state.silence, last, ground, now, inside_since, left)
    return Judged(replace(state, silence=told), (), tuple(found))


def _one(
    ground: Ground, state: State, fix: Fix, before: Sight | None, journey_at: JourneyAt, now: datetime
) -> tuple[State, Mark | None, list[Finding], Sight | None]:
    mark = plausibility.mark(fix, ground, now)
    at = fix.time.timestamp()
    if mark is None and at < state.newest:
        return state, Mark.LATE, [], before
    state, found = _alarms(state, fix, mark, plausibility.when(fix, ground, now) is not None, now)
    if mark is not None:
        return state, mark, found, before
    state = replace(state, newest=at)
    sight, mark, state = _place(ground, state, fix, before, journey_at)
    if sight is None:
        return state, mark, found, before
    state, more = _rules(state, sight)
    state = replace(state, last=_seen(fix), suspect=None, drift=None)
    return state, None, found + more, replace(sight, before=None)


def _alarms(
    state: State, fix: Fix, mark: Mark | None, untimed: bool, now: datetime
) -> tuple[State, list[Finding]]:
    """Alarms are obeyed in whatever fix; ``untimed``: one whose time nobody believes rises when it came."""
    at = fix.time.timestamp()
    newest = not fix.backfill if untimed else at >= state.heard
    when = now if untimed else fix.time
    raised, found = alarms.step(state.raised, fix, when, believed=mark is None, newest=newest)
    heard = state.heard if untimed else max(state.heard, at)
    return replace(state, raised=raised, heard=heard), found


def _place(
    ground: Ground, state: State, fix: Fix, before: Sight | None, journey_at: JourneyAt
) -> tuple[Sight | None, Mark | None, State]:
    """The fix among its neighbours: believed, or repeated, displaced, frozen, a jump, a drift.

    A jump is only a suspect. When the next fix agrees with the suspect and not with what was
    believed before, the vehicle is there after all, and nothing is said about how it got there.
    """
    x, y = (float(v[0]) for v in ground.frame.metres([fix.lon], [fix.lat]))
    sight = Sight(ground, journey_at(fix.time), fix, x, y, before)
    if before is not None and sight.gap_s == 0 and sight.step_m <= plausibility.JITTER_M:
        return None, Mark.DUPLICATE, state
    shift = displaced.step(state.shift, sight)
    state = replace(state, shift=shift)
    if state.displaced:
        return None, Mark.GCJ02, state
    if before is None or state.last is None:
        return sight, None, state
    still, held = frozen.step(state.frozen, state.last, fix, ground.policy)
    state = replace(state, frozen=still)
    if held:
        return None, Mark.FROZEN, state
    return _moved(ground, state, sight)


def _moved(ground: Ground, state: State, sight: Sight) -> tuple[Sight | None, Mark | None, State]:
    """Whether a truck could be here now, and whether it is more than the drift of a parked one."""
    fastest = ground.policy.fastest_kmh
    if plausibility.reachable(sight.step_m, sight.gap_s, fastest) and sight.gap_s > 0:
        wandering, strays = drift.step(state.drift, state.stand, sight)
        return (None, Mark.DRIFT, replace(state, drift=wandering)) if strays else (sight, None, state)
    if state.suspect and _agrees(ground, state.suspect, sight, fastest):
        return replace(sight, before=None), None, state
    return None, Mark.TELEPORT, replace(state, suspect=_seen(sight.fix))


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
    bay, misplaced = wrong_bay.step(state.bay, stand, sight)
    race, sped = speeding.step(state.race, sight)
    unbooked, intruded = presence.step(state.unbooked, sight)
    after = replace(
        state, sides=sides, deviation=off, stand=stand, bay=bay, race=race, unbooked=unbooked, silence=None
    )
    found = crossed + intruded + strayed + stopped + misplaced + sped
    return after, silence.step(state.silence, sight) + found


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
        odometer_km=last.odometer_km,
    )
    x, y = (float(v[0]) for v in ground.frame.metres([fix.lon], [fix.lat]))
    return Sight(ground, journey_at(fix.time), fix, x, y, None)


def _seen(fix: Fix) -> Seen:
    return Seen(fix.time.timestamp(), fix.lon, fix.lat, fix.speed_kmh, fix.alarm, fix.status, fix.odometer_km)


def _made(kind: Any, data: Mapping[str, Any] | None) -> Any:
    return None if data is None else kind(**data)
