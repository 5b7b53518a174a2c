"""Many vehicles judged at once: a scene of all their fixes, and steps only where something may happen."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.fix import Fix, FixColumns
from parking.rules import alarms, lines, plausibility, scene, stands
from parking.rules.gliding import Together
from parking.rules.ground import Ground
from parking.rules.plausibility import MARKS
from parking.rules.sight import NOTHING_KNOWN, Finding, Journey, Sight, Timeline
from parking.rules.state import Seen, State, fix_of
from parking.rules.states import ROW, States
from parking.rules.stepping import one
from parking.vocabulary import Mark

JourneyAt = Callable[[datetime], Journey]

#: Fewer vehicles than this are quicker followed one by one than together.
FEW = 12


@dataclass(frozen=True, slots=True, eq=False)
class JudgedMany:
    """``marks``: per fix the place of its mark in ``plausibility.MARKS`` (0: believed). ``findings``:
    (vehicle, finding), each key once, in its latest form."""

    states: States
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
        self._states = States.of(states)
        self._findings: dict[tuple[int, str, str, datetime], tuple[int, Finding]] = {}
        self._marks = plausibility.marks(columns, ground, now)
        late = (self._marks == 0) & (columns.at < self._states.rows["newest"][columns.vehicle])
        self._marks[late] = MARKS.index(Mark.LATE)
        self._present = self._begins = self._ends_at = self._next = self._last = np.zeros(0, dtype=np.intp)
        if not self._marks.all():
            self._lay_out()

    def judged(self) -> JudgedMany:
        alarmed = self._alarmed()
        if len(self._present):
            apart = np.array(sorted(alarmed), dtype=np.intp)
            places = np.flatnonzero(~np.isin(self._present, apart))
            self._go_together(places)
            for place in places[self._next[places] < self._ends_at[places]].tolist():
                self._follow(place)
        for vehicle in sorted(alarmed):
            self._follow_each(vehicle)
        self._note_heard(alarmed)
        return JudgedMany(self._states, self._marks, list(self._findings.values()))

    def _note_heard(self, alarmed: set[int]) -> None:
        """A fix of a plausible time is heard, believed or not; what is late is not."""
        late = self._marks == MARKS.index(Mark.LATE)
        rows = np.flatnonzero(~late & ~plausibility.untimed(self._columns, self._ground, self._now))
        heard, known = np.zeros(len(self._states)), self._states.rows
        np.maximum.at(heard, self._columns.vehicle[rows], self._columns.at[rows])
        later = heard > known["heard"]
        simple = later & (known["form"] == ROW)
        known["heard"][simple] = heard[simple]
        for vehicle in np.flatnonzero(later & ~simple).tolist():
            if vehicle not in alarmed:
                self._states[vehicle] = replace(self._states[vehicle], heard=float(heard[vehicle]))

    def _alarmed(self) -> set[int]:
        """Vehicles with an alarm that stands or rises: every fix of theirs counts, believed or not."""
        rows = np.flatnonzero((self._columns.alarm & alarms.OBEYED_BITS) != 0)
        rising = set(self._columns.vehicle[rows].tolist())
        standing = {v for v, state in self._states.whole.items() if state.raised} - rising
        if standing:
            standing &= set(np.unique(self._columns.vehicle).tolist())
        return standing | rising

    def _lay_out(self) -> None:
        """The believed fixes as a track, before each vehicle's first the last one remembered of it."""
        columns = self._columns
        rows = np.flatnonzero(self._marks == 0)
        present = np.unique(columns.vehicle[rows])
        known = present[~np.isnan(self._states.rows["at"][present])]
        lasts = self._states.rows[known]
        vehicle = np.concatenate([known, columns.vehicle[rows]])
        order = np.argsort(vehicle, kind="stable")
        self._row = np.concatenate([np.full(len(known), -1, dtype=np.intp), rows])[order]
        vehicle = vehicle[order]

        def column(name: str) -> NDArray[Any]:
            return np.concatenate([lasts[name], getattr(columns, name)[rows]])[order]

        first = np.ones(len(vehicle), dtype=bool)
        first[1:] = vehicle[1:] != vehicle[:-1]
        starts = np.flatnonzero(first)
        remembered = self._row[starts] < 0
        self._present, self._ends_at = present, np.append(starts[1:], len(vehicle))
        self._begins, self._next = starts, starts + remembered
        self._last = np.where(remembered, starts, -1)
        at = column("at")
        self._known, journey = self._journeys_of(at)
        self._alarm = column("alarm")
        self._track = scene.Track(
            first, at, column("lon"), column("lat"), column("speed_kmh"), column("odometer_km"),
            column("status").astype(np.intp), journey,
        )  # fmt: skip
        journeys = _columns_of(self._known)
        self._scene = scene.see(self._ground, self._track, journeys)
        bays = [journey.bay for journey in self._known]
        self._stands = stands.Stands(self._ground.policy, self._track, self._scene, journeys, bays)
        self._runs = scene.ends_of_calm(self._scene.calm)

    def _journeys_of(self, at: NDArray[np.float64]) -> tuple[list[Journey], NDArray[np.intp]]:
        """The distinct journeys, and which one each row of the track belongs to."""
        place: dict[Journey, int] = {}
        alike: dict[int, int] = {}  # timelines that are one and the same object
        each = np.zeros(len(self._present), dtype=np.intp)
        apart: list[tuple[int, int, JourneyAt]] = []
        for n, vehicle in enumerate(self._present.tolist()):
            journey_at = self._journeys[vehicle]
            number = alike.get(id(journey_at))
            if number is None:
                if not isinstance(journey_at, Timeline) or len(journey_at.journeys) > 1:
                    apart.append((int(self._begins[n]), int(self._ends_at[n]), journey_at))
                    continue
                number = place.setdefault(journey_at.journeys[0], len(place))
                alike[id(journey_at)] = number
            each[n] = number
        which = np.repeat(each, self._ends_at - self._begins)
        for begin, end, journey_at in apart:
            which[begin:end] = _places_in(journey_at, at[begin:end], place)
        return list(place) or [NOTHING_KNOWN], which

    def _go_together(self, places: NDArray[np.intp]) -> None:
        """As long as many have rows left: a row of each at once; who meets something goes through it alone.

        ``places``: of the vehicles in ``_present``.
        """
        if len(places) < FEW:
            return
        policy, track, seen = self._ground.policy, self._track, self._scene
        lanes = Together(policy, track, seen, self._stands, self._states, self._alarm)
        while len(places := places[self._next[places] < self._ends_at[places]]) >= FEW:
            rows = self._next[places]
            passes = lanes.may(self._present[places], rows, self._last[places])
            passes[passes] = lanes.step(self._present[places[passes]], rows[passes])
            self._last[places[passes]] = rows[passes]
            self._next[places[passes]] += 1
            alone = places[~passes]
            lanes.lay_down(self._present[alone])
            for place in alone.tolist():
                self._follow(place, through=True)
            lanes.take_up(self._present[alone])
        lanes.lay_down(self._present)

    def _follow(self, place: int, through: bool = False) -> None:
        """Judge the rows left of a vehicle without alarms; ``through``: up to the next one that is calm."""
        vehicle, row, end = (int(of[place]) for of in (self._present, self._next, self._ends_at))
        state, last = self._states[vehicle], int(self._last[place])
        before: Sight | None = None
        steps = 0
        while row < end:
            until = int(self._runs[row])
            if last == row - 1 and until > row and self._serene(state, row):
                if through and steps:
                    break
                until, stand = self._stands.glide(state.stand, row, min(until, end))
                if until > row:
                    last, before, row = until - 1, None, until
                    sides = lines.at_rest(self._scene.eras[self._number_of(last)], self._bits(last))
                    state = state.glided(self._seen(last), stand, sides)
                    continue
            if before is None and state.last is not None:
                before = self._sight(last, self._fix(last, state), None, 0)
            state, mark, before = self._exactly(vehicle, state, self._fix(row, state), row, last, before)
            last = row if mark is None else last
            row, steps = row + 1, steps + 1
        self._states[vehicle] = state
        self._next[place], self._last[place] = row, last

    def _follow_each(self, vehicle: int) -> None:
        """Judge every fix of a vehicle, believed or not, one by one."""
        state = self._states[vehicle]
        place = np.flatnonzero(self._present == vehicle)
        begin, end = (int(of[place[0]]) if len(place) else 0 for of in (self._begins, self._ends_at))
        rows = {int(self._row[n]): n for n in range(begin, end)}
        last, before = -1, None
        for number in np.flatnonzero(self._columns.vehicle == vehicle).tolist():
            row = rows.get(number, -1)
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
        calm = int(self._scene.calm[row]) if row >= 0 else 0
        steps_here = last == row - 1 and before is not None
        if not steps_here:
            calm &= ~scene.OF_STEPS

        def view(fix: Fix, before: Sight | None) -> Sight:
            sight = self._sight(row, fix, before, calm)
            if steps_here and row in self._scene.roads:
                sight.__dict__["road"] = self._scene.roads[row]
            return sight

        state, mark, found, before = one(self._ground, state, fix, before, view, self._now)
        number = int(self._row[row]) if number is None else number
        self._marks[number] = MARKS.index(mark)
        for finding in found:
            self._findings[(vehicle, *finding.key)] = (vehicle, finding)
        return state, mark, before

    def _serene(self, state: State, row: int) -> bool:
        """Nothing goes on that a calm fix could end or lengthen."""
        era = self._scene.eras[self._number_of(row)]
        return state.serene and lines.settled(state.sides, era, self._bits(row))

    def _number_of(self, row: int) -> int:
        return int(self._scene.era[row])

    def _bits(self, row: int) -> int:
        return int(self._scene.places.inside[row])

    def _seen(self, row: int) -> Seen:
        at, lon, lat, speed, driven = (
            float(of[row])
            for of in (
                self._track.at,
                self._track.lon,
                self._track.lat,
                self._track.speed_kmh,
                self._track.odometer_km,
            )
        )
        return Seen(
            at, lon, lat, None if math.isnan(speed) else speed, int(self._alarm[row]),
            int(self._track.status[row]), None if math.isnan(driven) else driven,
        )  # fmt: skip

    def _fix(self, row: int, state: State) -> Fix:
        """The fix of a row; of the remembered one what is remembered."""
        if (number := int(self._row[row])) >= 0:
            return self._columns.fix(number)
        assert state.last is not None  # noqa: S101 - there is such a row only when something is remembered
        return fix_of(state.last)

    def _sight(self, row: int, fix: Fix, before: Sight | None, calm: int) -> Sight:
        journey = self._known[int(self._track.journey[row])]
        x, y = float(self._scene.x[row]), float(self._scene.y[row])
        sight = Sight(self._ground, journey, fix, x, y, before, calm)
        sight.__dict__["era"] = self._scene.eras[self._number_of(row)]
        sight.__dict__["place"] = self._scene.places.one(row)
        return sight


def _columns_of(journeys: Sequence[Journey]) -> scene.Known:
    return scene.Known(
        np.array([j.booked for j in journeys], dtype=bool),
        np.array([j.loaded is False for j in journeys], dtype=bool),
        [j.routes for j in journeys],
    )


def _places_in(journey_at: JourneyAt, at: NDArray[np.float64], place: dict[Journey, int]) -> NDArray[np.intp]:
    """The number of the journey at each instant; new ones are added to ``place``."""
    if isinstance(journey_at, Timeline):
        numbers = np.array([place.setdefault(j, len(place)) for j in journey_at.journeys], dtype=np.intp)
        pieces = np.searchsorted(journey_at.since, at, side="right") - 1
        return numbers[np.maximum(pieces, 0)]
    moments = [datetime.fromtimestamp(a, UTC) for a in at.tolist()]
    return np.array([place.setdefault(journey_at(m), len(place)) for m in moments], dtype=np.intp)
