"""Many vehicles judged at once: a scene of all their fixes, and steps only where something may happen."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from geo.fix import Fix, FixColumns
from parking.rules import alarms, lines, plausibility, scene, stands
from parking.rules.ground import Ground
from parking.rules.plausibility import MARKS
from parking.rules.sight import NOTHING_KNOWN, Finding, Journey, Sight, Timeline
from parking.rules.state import Seen, State, fix_of
from parking.rules.stepping import one
from parking.vocabulary import Mark

JourneyAt = Callable[[datetime], Journey]


@dataclass(frozen=True, slots=True, eq=False)
class JudgedMany:
    """``marks``: per fix the place of its mark in ``plausibility.MARKS`` (0: believed). ``findings``:
    (vehicle, finding), each key once, in its latest form."""

    states: list[State]
    marks: NDArray[np.int8]
    findings: list[tuple[int, Finding]]


def judge_many(
    ground: Ground, states: Sequence[State], columns: FixColumns, journeys: Sequence[JourneyAt], now: datetime
) -> JudgedMany:
    """Judge the fixes of many vehicles, each after its state: the same as one by one, but quick."""
    return Batch(ground, states, columns, journeys, now).judged()


class Batch:
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
        ends = np.array([s.newest for s in states])
        if len(columns):
            late = (self._marks == 0) & (columns.at < ends[columns.vehicle])
            self._marks[late] = MARKS.index(Mark.LATE)
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
        self._note_heard(alarmed)
        return JudgedMany(self._states, self._marks, list(self._findings.values()))

    def _note_heard(self, alarmed: set[int]) -> None:
        """A fix of a plausible time is heard, believed or not; what is late is not."""
        late = self._marks == MARKS.index(Mark.LATE)
        rows = np.flatnonzero(~late & ~plausibility.untimed(self._columns, self._ground, self._now))
        heard = np.zeros(len(self._states))
        np.maximum.at(heard, self._columns.vehicle[rows], self._columns.at[rows])
        for vehicle in np.flatnonzero(heard).tolist():
            state = self._states[vehicle]
            if vehicle not in alarmed and heard[vehicle] > state.heard:
                self._states[vehicle] = replace(state, heard=float(heard[vehicle]))

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

        words = np.array([seen.status for seen in lasts if seen], dtype=np.intp)
        words = np.concatenate([words, columns.status[rows].astype(np.intp)])[order]

        first = np.ones(len(vehicle), dtype=bool)
        first[1:] = vehicle[1:] != vehicle[:-1]
        starts = np.flatnonzero(first)
        ends = np.append(starts[1:], len(vehicle))
        self._slices = dict(
            zip(present.tolist(), zip(starts.tolist(), ends.tolist(), strict=True), strict=True)
        )
        at = column("at")
        self._known, journey = self._journeys_of(at)
        track = scene.Track(
            first,
            at,
            column("lon"),
            column("lat"),
            column("speed_kmh"),
            column("odometer_km"),
            words,
            journey,
        )
        self._track = track
        journeys = _columns_of(self._known)
        self._scene = scene.see(self._ground, track, journeys)
        bays = [journey.bay for journey in self._known]
        self._stands = stands.Stands(self._ground.policy, track, self._scene, journeys, bays)
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
        self._odometer = [None if math.isnan(v) else v for v in track.odometer_km.tolist()]
        self._alarm = np.where(self._row < 0, 0, self._columns.alarm[self._row]).tolist()
        self._status = np.where(self._row < 0, 0, self._columns.status[self._row]).tolist()
        self._number, self._journey = self._row.tolist(), track.journey.tolist()
        self._ends = scene.ends_of_calm(seen.calm).tolist()

    def _follow(self, vehicle: int, begin: int, end: int) -> None:
        """Judge the rows ``begin`` to ``end`` of the track, the fixes of a vehicle without alarms."""
        state = self._states[vehicle]
        last, row = (begin, begin + 1) if self._number[begin] < 0 else (-1, begin)
        before: Sight | None = None
        while row < end:
            if last == row - 1 and self._ends[row] > row and self._serene(state, row):
                until, stand = self._stands.glide(state.stand, row, min(self._ends[row], end))
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

        state, mark, found, before = one(self._ground, state, fix, before, view, self._now)
        number = self._number[row] if number is None else number
        self._marks[number] = MARKS.index(mark)
        for finding in found:
            self._findings[(vehicle, *finding.key)] = (vehicle, finding)
        return state, mark, before

    def _serene(self, state: State, row: int) -> bool:
        """Nothing goes on that a calm fix could end or lengthen."""
        return state.serene and lines.settled(
            state.sides, self._scene.eras[self._era[row]], self._inside[row]
        )

    def _seen(self, row: int) -> Seen:
        return Seen(
            self._at[row], self._lon[row], self._lat[row], self._speed[row], self._alarm[row],
            self._status[row], self._odometer[row],
        )  # fmt: skip

    def _fix(self, row: int, state: State) -> Fix:
        """The fix of a row; of the remembered one what is remembered."""
        if (number := self._number[row]) >= 0:
            return self._columns.fix(number)
        assert state.last is not None  # noqa: S101 - there is such a row only when something is remembered
        return fix_of(state.last)

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
