"""The states of many vehicles together; of those that do nothing remarkable as columns.

Most of a fleet just drives or stands, most of the time. What is remembered of such a vehicle is a row of
numbers; as rows a hundred thousand of them are judged, kept and written without an object each. Whatever
does not fit into a row is kept whole, as the ``State`` it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import Any, Generic, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from parking.rules.lines import Side
from parking.rules.state import Seen, State
from parking.rules.stopping import Stand
from parking.vocabulary import ViolationKind

#: What a row is: nothing remembered yet, all of a state, or only the last fix of a state kept whole.
NEW, ROW, WHOLE = range(3)
#: What standing would be, by its number in a row.
KINDS = ("", ViolationKind.ILLEGAL_STOP.value, ViolationKind.RING_STOP.value)

#: The last believed fix (``at`` nan: none), and of a row that is all of a state the stand and the sides.
#: ``away_x``, ``away_y``, ``away_kind``, ``away_subject``: the stand that began with the last fix.
ROWS = np.dtype([
    ("at", "f8"), ("lon", "f8"), ("lat", "f8"), ("speed_kmh", "f8"), ("odometer_km", "f8"),
    ("newest", "f8"), ("heard", "f8"), ("began", "f8"), ("x", "f8"), ("y", "f8"), ("stand_lon", "f8"),
    ("stand_lat", "f8"), ("last", "f8"), ("gap_s", "f8"), ("mean_x", "f8"), ("mean_y", "f8"),
    ("away_x", "f8"), ("away_y", "f8"), ("calm", "i8"), ("count", "i8"), ("alarm", "u4"), ("status", "u4"),
    ("sides", "i4"), ("subject", "i4"), ("away_subject", "i4"), ("kind", "i1"), ("away_kind", "i1"),
    ("away", "?"), ("form", "i1"),
])  # fmt: skip

_Value = TypeVar("_Value")


class Numbered(Generic[_Value]):
    """Values by number, each once, for as long as the process lives: a park has few of them."""

    def __init__(self) -> None:
        self._numbers: dict[_Value, int] = {}
        self._values: list[_Value] = []
        self._adding = Lock()

    def __getitem__(self, number: int) -> _Value:
        return self._values[number]

    def of(self, value: _Value) -> int:
        found = self._numbers.get(value)
        if found is None:
            with self._adding:
                found = self._numbers.get(value)
                if found is None:
                    found = len(self._values)
                    self._values.append(value)
                    self._numbers[value] = found
        return found


SIDES: Numbered[tuple[Side, ...]] = Numbered()
SUBJECTS: Numbered[str] = Numbered()
_NEW = State.new()


class States(Sequence[State]):
    """``rows``: (n,) of ``ROWS``; ``whole``: by their place the states that do not fit into a row."""

    __slots__ = ("rows", "whole")

    def __init__(self, rows: NDArray[np.void], whole: dict[int, State]) -> None:
        self.rows, self.whole = rows, whole

    @classmethod
    def new(cls, count: int) -> States:
        """Of ``count`` vehicles nothing is remembered."""
        rows = np.zeros(count, ROWS)
        rows["at"] = math.nan
        return cls(rows, {})

    @classmethod
    def of(cls, states: Sequence[State]) -> States:
        """A copy of ``states``."""
        if isinstance(states, States):
            return cls(states.rows.copy(), dict(states.whole))
        made = cls.new(len(states))
        for n, state in enumerate(states):
            if state is not _NEW:
                made[n] = state
        return made

    def taken(self, places: NDArray[np.intp]) -> States:
        """The states at these places, in this order."""
        if not self.whole:
            return States(self.rows[places], {})
        found = {n: self.whole[p] for n, p in enumerate(places.tolist()) if p in self.whole}
        return States(self.rows[places], found)

    def put(self, places: NDArray[np.intp], other: States) -> None:
        """Overwrite the states at these places."""
        self.rows[places] = other.rows
        if self.whole:
            for place in places.tolist():
                self.whole.pop(place, None)
        if other.whole:
            spots = places.tolist()
            self.whole.update({spots[n]: state for n, state in other.whole.items()})

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, place: int) -> State: ...
    @overload
    def __getitem__(self, place: slice) -> States: ...
    def __getitem__(self, place: int | slice) -> State | States:
        if isinstance(place, slice):
            return self.taken(np.arange(len(self))[place])
        place = range(len(self))[place]
        return self.whole.get(place) or _state(self.rows[place].item())

    def __iter__(self) -> Iterator[State]:
        return (self[n] for n in range(len(self)))

    def __setitem__(self, place: int, state: State) -> None:
        row = _row(state)
        self.rows[place] = row
        if row[-1] == WHOLE:
            self.whole[place] = state
        else:
            self.whole.pop(place, None)


def fits(state: State) -> bool:
    """All of it can be told by a row."""
    stand = state.stand
    if state.last is None or stand is None or stand.told or state.suspect is not None:
        return False
    if not state.quiet or any(side != Side(side.code, side.inside) for side in state.sides):
        return False
    away, last = stand.away, state.last
    return away is None or away == Stand(
        last.at, away.x, away.y, last.lon, last.lat, away.kind, away.subject, last.at,
        mean_x=away.x, mean_y=away.y,
    )  # fmt: skip


def _row(state: State) -> tuple[Any, ...]:
    last, stand = state.last, state.stand
    if last is None:
        form = NEW if state == _NEW else WHOLE
        return (math.nan, *(0.0,) * 4, state.newest, state.heard, *(0,) * 21, form)
    speed, odometer = (math.nan if v is None else v for v in (last.speed_kmh, last.odometer_km))
    seen = (last.at, last.lon, last.lat, speed, odometer, state.newest, state.heard)
    if stand is None or not fits(state):
        x, y = (0.0, 0.0) if stand is None else (stand.x, stand.y)
        return (*seen, 0.0, x, y, *(0,) * 10, last.alarm, last.status, *(0,) * 6, WHOLE)
    away = stand.away
    ax, ay, subject, kind = (0.0, 0.0, "", "") if away is None else (away.x, away.y, away.subject, away.kind)
    return (
        *seen, stand.began, stand.x, stand.y, stand.lon, stand.lat, stand.last, stand.longest_gap_s,
        stand.mean_x, stand.mean_y, ax, ay, stand.calm, stand.count, last.alarm, last.status,
        SIDES.of(state.sides), SUBJECTS.of(stand.subject), SUBJECTS.of(subject), KINDS.index(stand.kind),
        KINDS.index(kind), away is not None, ROW,
    )  # fmt: skip


def _state(row: tuple[Any, ...]) -> State:
    (
        at, lon, lat, speed, odometer, newest, heard, began, x, y, stand_lon, stand_lat, stand_last, gap,
        mean_x, mean_y, away_x, away_y, calm, count, alarm, status, sides, subject, away_subject, kind,
        away_kind, is_away, form,
    ) = row  # fmt: skip
    if form == NEW:
        return _NEW
    away = None
    if is_away:
        offence, of = KINDS[away_kind], SUBJECTS[away_subject]
        away = Stand(at, away_x, away_y, lon, lat, offence, of, at, mean_x=away_x, mean_y=away_y)
    stand = Stand(
        began, x, y, stand_lon, stand_lat, KINDS[kind], SUBJECTS[subject], stand_last, gap, False, calm,
        count, mean_x, mean_y, away,
    )  # fmt: skip
    last = Seen(
        at, lon, lat, None if speed != speed else speed, alarm, status,
        None if odometer != odometer else odometer,
    )  # fmt: skip
    return State(last=last, sides=SIDES[sides], stand=stand, newest=newest, heard=heard)
