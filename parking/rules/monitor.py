"""The monitor: state and fixes in, state, marks and findings out. Pure; the hour is an argument.

The state carries everything, so the answer does not depend on how the stream is cut into batches.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from geo.fix import Fix, FixColumns
from parking.rules import alarms, deviation, lines, plausibility, presence, scene, silence, speeding, stopping
from parking.rules.ground import Ground
from parking.rules.sight import NOTHING_KNOWN, Finding, Journey, Sight, Timeline
from parking.vocabulary import Mark, ViolationKind

__all__ = ["Finding", "Ground", "Journey", "Judged", "State", "judge", "rejudge", "revised", "still"]

JourneyAt = Callable[[datetime], Journey]
View = Callable[[Fix, "Sight | None"], Sight]
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

    def glided(self, last: Seen, stand: stopping.Stand | None, sides: tuple[lines.Side, ...]) -> State:
        """After fixes at which nothing but the stand went on."""
        return State(
            last, None, sides, self.deviation, stand, self.race, self.unbooked, self.silence, self.raised
        )

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


@dataclass(frozen=True, slots=True, eq=False)
class JudgedMany:
    """``marks``: per fix the place of its mark in ``plausibility.MARKS`` (0: believed). ``findings``:
    (vehicle, finding), each key once, in its latest form."""

    states: list[State]
    marks: NDArray[np.int8]
    findings: list[tuple[int, Finding]]


def judge(ground: Ground, state: State, fixes: Sequence[Fix], journey_at: JourneyAt, now: datetime) -> Judged:
    """Judge ``fixes`` (one vehicle, in order of time) after ``state``.

    A fix older than the last believed one is marked LATE and left to ``rejudge``.
    """
    many = judge_many(ground, [state], FixColumns.of([fixes]), [journey_at], now)
    marks = tuple(plausibility.MARKS[m] for m in many.marks.tolist())
    return Judged(many.states[0], marks, tuple(finding for _, finding in many.findings))


def judge_many(
    ground: Ground, states: Sequence[State], columns: FixColumns, journeys: Sequence[JourneyAt], now: datetime
) -> JudgedMany:
    """Judge the fixes of many vehicles, each after its state: the same as ``judge`` one by one, but quick."""
    return _Batch(ground, states, columns, journeys, now).judged()


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


class _Batch:
    """One call of ``judge_many``: the scene of all believed fixes, then vehicle by vehicle."""

    def __init__(
        self,
        ground: Ground,
        states: Sequence[State],
        columns: FixColumns,
        journeys: Sequence[JourneyAt],
        now: datetime,
    ) -> None:
        self._ground, self._columns, self._now, self._journeys = ground, columns, now, journeys
        self._states = list(states)
        self._findings: dict[tuple[int, str, str, datetime], tuple[int, Finding]] = {}
        self._marks = plausibility.marks(columns, ground, now)
        ends = np.array([s.last.at if s.last else -math.inf for s in states])
        if len(columns):
            late = (self._marks == 0) & (columns.at < ends[columns.vehicle])
            self._marks[late] = plausibility.MARKS.index(Mark.LATE)
        self._slices: dict[int, tuple[int, int]] = {}
        if not self._marks.all():
            self._lay_out()

    def judged(self) -> JudgedMany:
        alarmed = self._alarmed()
        for vehicle, (begin, end) in self._slices.items():
            if vehicle not in alarmed:
                self._follow(vehicle, begin, end)
        for vehicle in sorted(alarmed):
            self._follow_each(vehicle)
        return JudgedMany(self._states, self._marks, list(self._findings.values()))

    def _alarmed(self) -> set[int]:
        """Vehicles with an alarm that stands or rises: every fix of theirs counts, believed or not."""
        rows = np.flatnonzero((self._columns.alarm & alarms.OBEYED_BITS) != 0)
        standing = {v for v in np.unique(self._columns.vehicle).tolist() if self._states[v].raised}
        return standing | set(self._columns.vehicle[rows].tolist())

    def _lay_out(self) -> None:
        """The believed fixes as a track, before each vehicle's first the last one remembered of it."""
        columns = self._columns
        rows = np.flatnonzero(self._marks == 0)
        present = np.unique(columns.vehicle[rows])
        known = [v for v in present.tolist() if self._states[v].last]
        lasts = [self._states[v].last for v in known]
        vehicle = np.concatenate([np.array(known, dtype=np.intp), columns.vehicle[rows]])
        order = np.argsort(vehicle, kind="stable")
        self._row = np.concatenate([np.full(len(known), -1, dtype=np.intp), rows])[order]
        vehicle = vehicle[order]

        def column(name: str) -> NDArray[np.float64]:
            values = [math.nan if (v := getattr(seen, name)) is None else v for seen in lasts]
            return np.concatenate([np.array(values, dtype=np.float64), getattr(columns, name)[rows]])[order]

        first = np.ones(len(vehicle), dtype=bool)
        first[1:] = vehicle[1:] != vehicle[:-1]
        starts = np.flatnonzero(first)
        ends = np.append(starts[1:], len(vehicle))
        self._slices = dict(
            zip(present.tolist(), zip(starts.tolist(), ends.tolist(), strict=True), strict=True)
        )
        at = column("at")
        self._known, journey = self._journeys_of(at)
        track = scene.Track(first, at, column("lon"), column("lat"), column("speed_kmh"), journey)
        self._track = track
        self._scene = scene.see(self._ground, track, _columns_of(self._known))
        self._prepare()

    def _journeys_of(self, at: NDArray[np.float64]) -> tuple[list[Journey], NDArray[np.intp]]:
        """The distinct journeys, and which one each row of the track belongs to."""
        place: dict[Journey, int] = {}
        which = np.zeros(len(at), dtype=np.intp)
        for vehicle, (begin, end) in self._slices.items():
            journey_at = self._journeys[vehicle]
            if isinstance(journey_at, Timeline) and len(journey_at.journeys) == 1:
                which[begin:end] = place.setdefault(journey_at.journeys[0], len(place))
            elif isinstance(journey_at, Timeline):
                pieces = np.searchsorted(journey_at.since, at[begin:end], side="right") - 1
                places = [place.setdefault(j, len(place)) for j in journey_at.journeys]
                which[begin:end] = np.array(places)[np.maximum(pieces, 0)]
            else:
                for row in range(begin, end):
                    moment = datetime.fromtimestamp(float(at[row]), UTC)
                    which[row] = place.setdefault(journey_at(moment), len(place))
        return list(place) or [NOTHING_KNOWN], which

    def _prepare(self) -> None:
        """What is looked at row by row, as lists: much quicker to read one by one than arrays."""
        track, seen = self._track, self._scene
        self._calm = seen.calm.tolist()
        self._at, self._x, self._y = track.at.tolist(), seen.x.tolist(), seen.y.tolist()
        self._inside, self._era = seen.places.inside.tolist(), seen.era.tolist()
        self._lon, self._lat = track.lon.tolist(), track.lat.tolist()
        self._speed = [None if math.isnan(v) else v for v in track.speed_kmh.tolist()]
        self._alarm = np.where(self._row < 0, 0, self._columns.alarm[self._row]).tolist()
        self._status = np.where(self._row < 0, 0, self._columns.status[self._row]).tolist()
        self._number, self._journey = self._row.tolist(), track.journey.tolist()
        self._ends = scene.ends_of_calm(seen.calm).tolist()
        self._stops = stopping.Stops(self._ground.policy, track, seen)

    def _follow(self, vehicle: int, begin: int, end: int) -> None:
        """Judge the rows ``begin`` to ``end`` of the track, the fixes of a vehicle without alarms."""
        state = self._states[vehicle]
        last, row = (begin, begin + 1) if self._number[begin] < 0 else (-1, begin)
        before: Sight | None = None
        while row < end:
            if last == row - 1 and self._ends[row] > row and self._serene(state, row):
                until, stand = self._stops.glide(state.stand, row, min(self._ends[row], end))
                if until > row:
                    last, before, row = until - 1, None, until
                    sides = lines.at_rest(self._scene.eras[self._era[last]], self._inside[last])
                    state = state.glided(self._seen(last), stand, sides)
                    continue
            if before is None and state.last is not None:
                before = self._sight(last, self._fix(last, state), None, 0)
            state, mark, before = self._exactly(vehicle, state, self._fix(row, state), row, last, before)
            last = row if mark is None else last
            row += 1
        self._states[vehicle] = state

    def _follow_each(self, vehicle: int) -> None:
        """Judge every fix of a vehicle, believed or not, one by one."""
        state = self._states[vehicle]
        begin, end = self._slices.get(vehicle, (0, 0))
        place = {self._number[n]: n for n in range(begin, end)}
        last, before = -1, None
        for number in np.flatnonzero(self._columns.vehicle == vehicle).tolist():
            row = place.get(number, -1)
            if row >= 0 and before is None and state.last is not None:
                last = begin
                before = self._sight(begin, self._fix(begin, state), None, 0)
            fix = self._columns.fix(number)
            state, mark, before = self._exactly(vehicle, state, fix, row, last, before, number)
            last = row if mark is None else last
        self._states[vehicle] = state

    def _exactly(
        self,
        vehicle: int,
        state: State,
        fix: Fix,
        row: int,
        last: int,
        before: Sight | None,
        number: int | None = None,
    ) -> tuple[State, Mark | None, Sight | None]:
        calm = self._calm[row] if row >= 0 else 0
        if last != row - 1 or before is None:
            calm &= ~scene.OF_STEPS

        def view(fix: Fix, before: Sight | None) -> Sight:
            return self._sight(row, fix, before, calm)

        state, mark, found, before = _one(self._ground, state, fix, before, view, self._now)
        number = self._number[row] if number is None else number
        self._marks[number] = plausibility.MARKS.index(mark)
        for finding in found:
            self._findings[(vehicle, *finding.key)] = (vehicle, finding)
        return state, mark, before

    def _serene(self, state: State, row: int) -> bool:
        """Nothing goes on that a calm fix could end or lengthen."""
        if state.deviation or state.race or state.unbooked or state.silence or state.raised:
            return False
        if state.stand and state.stand.told:
            return False
        return lines.settled(state.sides, self._scene.eras[self._era[row]], self._inside[row])

    def _seen(self, row: int) -> Seen:
        return Seen(
            self._at[row],
            self._lon[row],
            self._lat[row],
            self._speed[row],
            self._alarm[row],
            self._status[row],
        )

    def _fix(self, row: int, state: State) -> Fix:
        """The fix of a row; of the remembered one what is remembered."""
        if (number := self._number[row]) >= 0:
            return self._columns.fix(number)
        assert state.last is not None  # noqa: S101 - there is such a row only when something is remembered
        return _fix_of(state.last)

    def _sight(self, row: int, fix: Fix, before: Sight | None, calm: int) -> Sight:
        journey = self._known[self._journey[row]]
        sight = Sight(self._ground, journey, fix, self._x[row], self._y[row], before, calm)
        sight.__dict__["era"] = self._scene.eras[self._era[row]]
        sight.__dict__["place"] = self._scene.places.one(row)
        return sight


def _columns_of(journeys: Sequence[Journey]) -> scene.Known:
    return scene.Known(
        np.array([j.booked for j in journeys], dtype=bool),
        np.array([j.loaded is False for j in journeys], dtype=bool),
        [j.routes for j in journeys],
    )


def _one(
    ground: Ground, state: State, fix: Fix, before: Sight | None, view: View, now: datetime
) -> tuple[State, Mark | None, list[Finding], Sight | None]:
    mark = plausibility.mark(fix, ground, now)
    late = state.last is not None and fix.time.timestamp() < state.last.at
    if mark is None and late:
        return state, Mark.LATE, [], before
    untimed = plausibility.when(fix, ground, now) is not None
    at = now if untimed else fix.time
    newest = not fix.backfill if untimed else not late
    found: list[Finding] = []
    if state.raised or fix.alarm & alarms.OBEYED_BITS:
        raised, found = alarms.step(state.raised, fix, at, believed=mark is None, newest=newest)
        state = replace(state, raised=raised)
    if mark is not None:
        return state, mark, found, before
    sight, mark, state = _place(ground, state, view(fix, before))
    if sight is None:
        return state, mark, found, before
    state, more = _rules(state, sight)
    return replace(state, last=_seen(fix), suspect=None), None, found + more, sight.alone()


def _place(ground: Ground, state: State, sight: Sight) -> tuple[Sight | None, Mark | None, State]:
    """The fix among its neighbours: believed, repeated, or a jump no truck can make.

    A jump is only a suspect. When the next fix agrees with the suspect and not with what was
    believed before, the vehicle is there after all, and nothing is said about how it got there.
    """
    if sight.before is None or state.last is None or sight.calm & scene.REACHED:
        return sight, None, state
    if sight.gap_s == 0 and sight.step_m <= plausibility.JITTER_M:
        return None, Mark.DUPLICATE, state
    fastest = ground.policy.fastest_kmh
    if plausibility.reachable(sight.step_m, sight.gap_s, fastest) and sight.gap_s > 0:
        return sight, None, state
    if state.suspect and _agrees(ground, state.suspect, sight, fastest):
        return sight.alone(), None, state
    return None, Mark.TELEPORT, replace(state, suspect=_seen(sight.fix))


def _agrees(ground: Ground, suspect: Seen, sight: Sight, fastest_kmh: float) -> bool:
    seconds = sight.at - suspect.at
    x, y = (float(v[0]) for v in ground.frame.metres([suspect.lon], [suspect.lat]))
    distance = ((sight.x - x) ** 2 + (sight.y - y) ** 2) ** 0.5
    return seconds > 0 and plausibility.reachable(distance, seconds, fastest_kmh)


def _rules(state: State, sight: Sight) -> tuple[State, list[Finding]]:
    """Every rule once, each on its own piece of the state; but for those that are known to stay calm."""
    calm, found = sight.calm, []
    sides, off, race, unbooked = state.sides, state.deviation, state.race, state.unbooked
    if state.silence is not None or not calm & scene.HEARD:
        found += silence.step(state.silence, sight)
    if sight.before is None and calm & scene.SURE:
        sides = lines.at_rest(sight.era, sight.place.inside)
    elif not (calm & scene.LINES and lines.settled(sides, sight.era, sight.place.inside)):
        sides, crossed = lines.step(sides, sight)
        found += crossed
    if unbooked is not None or not calm & scene.BOOKED:
        unbooked, intruded = presence.step(unbooked, sight)
        found += intruded
    if off is not None or not calm & scene.ROUTE:
        off, strayed = deviation.step(off, sight)
        found += strayed
    stand, stopped = stopping.step(state.stand, sight)
    found += stopped
    if race is not None or not calm & scene.SPEED:
        race, sped = speeding.step(race, sight)
        found += sped
    return State(state.last, state.suspect, sides, off, stand, race, unbooked, None, state.raised), found


def _remembered(ground: Ground, state: State, journey_at: JourneyAt) -> Sight | None:
    if state.last is None:
        return None
    fix = _fix_of(state.last)
    x, y = (float(v[0]) for v in ground.frame.metres([fix.lon], [fix.lat]))
    return Sight(ground, journey_at(fix.time), fix, x, y, None)


def _fix_of(seen: Seen) -> Fix:
    moment = datetime.fromtimestamp(seen.at, UTC)
    return Fix(moment, seen.lon, seen.lat, seen.speed_kmh, alarm=seen.alarm, status=seen.status)


def _seen(fix: Fix) -> Seen:
    return Seen(fix.time.timestamp(), fix.lon, fix.lat, fix.speed_kmh, fix.alarm, fix.status)


def _made(kind: Any, data: Mapping[str, Any] | None) -> Any:
    return None if data is None else kind(**data)
