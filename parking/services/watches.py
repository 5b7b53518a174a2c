"""What the monitor remembers of vehicles: recalled and written for a whole batch at once.

A process keeps the states it judged last. Each row carries a token that changes whenever the row does;
a state is relied on by writing its successor only where the token still is the one it was known under.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import psycopg
from numpy.typing import NDArray
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from parking import arrays
from parking.rules import memory, row_texts
from parking.rules.monitor import State
from parking.rules.row_texts import Driving
from parking.rules.states import NEW, ROW, Numbered, States
from parking.services.remembered import Changed, cursor
from parking.services.shelf import UNKNOWN, Recalled, Shelf

__all__ = ["SAME_HEADING", "Recalled", "forget", "recall", "remember"]

#: In the column of headings: no new one, leave what is there.
SAME_HEADING = -2

_shelves: WeakKeyDictionary[Engine, Shelf] = WeakKeyDictionary()
#: The few texts of vehicles that just drive, by number; and as PostgreSQL spells them.
_texts: Numbered[Driving] = Numbered()
_spelled: dict[int, str] = {}
_read_as: dict[str, Driving] = {}
_NEW = json.dumps(memory.spelled(State.new().to_json()))
_UNTIMED = arrays.EPOCH_US * -100
#: The token of a vehicle that has no row yet.
_NO_ROW = -1


def recall(session: Session, vehicle_ids: Sequence[int], trusting: bool) -> Recalled:
    """The state of each vehicle (ids ascending). Not ``trusting``: the rows are locked, in that order."""
    known, found = _shelf(session).of(vehicle_ids)
    with cursor(session) as asking:
        if not trusting:
            _make(asking, vehicle_ids)
            tokens = _locked(asking, vehicle_ids)
            known &= found.tokens == np.array([tokens[v] for v in vehicle_ids], dtype=np.int64)
        missing = np.flatnonzero(~known)
        if len(missing):
            places, read = _read(asking, [vehicle_ids[n] for n in missing.tolist()])
            found.put(missing[places], read)
            new = np.delete(missing, places)
            found.put(new, Recalled.new(len(new)))
            found.tokens[new] = _NO_ROW
    return found


def remember(
    session: Session,
    vehicle_ids: Sequence[int],
    before: Recalled,
    states: States,
    headings: NDArray[np.int16],
) -> None:
    """Write the states that follow ``before``. Raises Changed where a row is not what it was."""
    token = secrets.randbits(62) | 1
    numbers, texts = _texts_of(before, states)
    there = before.tokens != _NO_ROW
    with cursor(session) as writing:
        for statement, places in ((_WRITE, np.flatnonzero(there)), (_ADD, np.flatnonzero(~there))):
            if not len(places):
                continue
            writing.execute(statement, [
                token, arrays.int8s([vehicle_ids[n] for n in places.tolist()]),
                arrays.int8s(before.tokens[places]), arrays.texts([texts[n] for n in places.tolist()]),
                *_columns(states.rows[places]), arrays.int2s(headings[places]),
            ])  # fmt: skip
            if writing.rowcount != len(places):
                raise Changed("a vehicle was judged elsewhere")
    tokens = np.full(len(states), token, dtype=np.int64)
    _shelf(session).keep(vehicle_ids, Recalled(tokens, numbers, states))


def forget(session: Session, vehicle_ids: Sequence[int]) -> None:
    _shelf(session).forget(vehicle_ids)


def _shelf(session: Session) -> Shelf:
    return _shelves.setdefault(session.get_bind().engine, Shelf())


def _texts_of(before: Recalled, states: States) -> tuple[NDArray[np.int64], list[str | None]]:
    """The numbers of the texts the rows will spell out, and the texts; None where the row has it already."""
    rows = states.rows
    numbers = np.full(len(rows), UNKNOWN, dtype=np.int64)
    texts = np.full(len(rows), None, dtype=object)
    drives = np.flatnonzero(row_texts.driving(rows))
    keys = np.stack([rows[name][drives].astype(np.int64) for name in Driving._fields], axis=1)
    alike, which = np.unique(keys @ (1 << 40, 1 << 8, 1), return_index=True, return_inverse=True)[1:]
    few = np.array([_number(Driving(*keys[n].tolist())) for n in alike.tolist()], dtype=np.int64)
    numbers[drives] = few[which]
    anew = drives[numbers[drives] != before.texts[drives]]
    texts[anew] = [_spelled[n] for n in numbers[anew].tolist()]
    others = np.flatnonzero((numbers == UNKNOWN) & (rows["form"] == ROW))
    texts[others] = row_texts.standing(rows[others])
    for n, state in states.whole.items():
        texts[n] = json.dumps(memory.spell(memory.text_of(state, memory.last_of(state))))
    texts[(rows["form"] == NEW) & ((before.states.rows["form"] != NEW) | (before.tokens == _NO_ROW))] = _NEW
    return numbers, texts.tolist()


def _number(driving: Driving) -> int:
    number = _texts.of(driving)
    if number not in _spelled:
        _spelled[number] = row_texts.text_of(driving)
    return number


_AT = f"nullif(v.at, to_timestamp({_UNTIMED // 1_000_000}))"
_PLACE = "nullif(v.lon, 'NaN'), nullif(v.lat, 'NaN'), nullif(v.speed, 'NaN')"
_ROWS = """unnest(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    AS v (id, token, state, at, lon, lat, speed, odometer, alarm, status, x, y, heading)"""

_WRITE = f"""
UPDATE watch SET token = %s, state = coalesce(v.state::jsonb, watch.state), last_time = {_AT},
    (lon, lat, speed_kmh) = ROW({_PLACE}),
    alarm = v.alarm, status = v.status, odometer_km = nullif(v.odometer, 'NaN'), x = v.x, y = v.y,
    heading = CASE v.heading WHEN {SAME_HEADING} THEN watch.heading ELSE nullif(v.heading, -1) END
FROM {_ROWS}
WHERE watch.vehicle_id = v.id AND watch.token = v.token
"""  # noqa: S608 - numbers of our own

_ADD = f"""
INSERT INTO watch (token, vehicle_id, state, last_time, lon, lat, speed_kmh, alarm, status, odometer_km, x, y,
    heading)
SELECT %s, v.id, v.state::jsonb, {_AT}, {_PLACE}, v.alarm, v.status, nullif(v.odometer, 'NaN'), v.x, v.y,
    CASE WHEN v.heading < 0 THEN NULL ELSE v.heading END
FROM {_ROWS}
ON CONFLICT DO NOTHING
"""  # noqa: S608 - numbers of our own


def _columns(rows: NDArray[np.void]) -> list[arrays.Packed]:
    none = np.isnan(rows["at"])
    micros = np.where(none, _UNTIMED, np.rint(np.nan_to_num(rows["at"]) * 1e6).astype(np.int64))
    floats = [arrays.float8s(np.where(none, np.nan, rows[name])) for name in _PLACES]
    words = [arrays.int8s(rows[name]) for name in ("alarm", "status")]
    metres = [arrays.float8s(rows[name]) for name in ("x", "y")]
    return [arrays.instants(micros), *floats, *words, *metres]


_PLACES = ("lon", "lat", "speed_kmh", "odometer_km")


def _make(asking: psycopg.Cursor, vehicle_ids: Sequence[int]) -> None:
    asking.execute(
        "INSERT INTO watch (vehicle_id, token, state) SELECT unnest(%s), 0, %s::jsonb ON CONFLICT DO NOTHING",
        [arrays.int8s(vehicle_ids), _NEW],
    )


def _locked(asking: psycopg.Cursor, vehicle_ids: Sequence[int]) -> Mapping[int, int]:
    asking.execute(
        "SELECT vehicle_id, token FROM watch WHERE vehicle_id = ANY(%s) ORDER BY vehicle_id FOR UPDATE",
        [arrays.int8s(vehicle_ids)],
    )
    return dict(asking.fetchall())


def _read(asking: psycopg.Cursor, vehicle_ids: Sequence[int]) -> tuple[NDArray[np.intp], Recalled]:
    """What the rows say, and which of the vehicles (ids ascending) have one."""
    asking.execute(
        "SELECT vehicle_id, token, state::text, extract(epoch FROM last_time)::float8, lon, lat, speed_kmh,"
        " odometer_km, alarm, status, x, y FROM watch WHERE vehicle_id = ANY(%s) ORDER BY vehicle_id",
        [arrays.int8s(vehicle_ids)],
    )
    rows = asking.fetchall()
    read = Recalled.new(len(rows))
    if not rows:
        return np.zeros(0, dtype=np.intp), read
    ids, tokens, kept, *columns = zip(*rows, strict=True)
    read.tokens[:] = tokens
    drives = [_read_as.get(text) for text in kept]
    for n, (text, driving) in enumerate(zip(kept, drives, strict=True)):
        if driving is None:
            drives[n] = _recalled(read, n, text, [column[n] for column in columns])
    known = np.array([n for n, driving in enumerate(drives) if driving is not None], dtype=np.intp)
    if len(known):
        _drive(read, known, [d for d in drives if d is not None], columns)
    return np.searchsorted(vehicle_ids, ids), read


def _recalled(read: Recalled, n: int, text: str, columns: Sequence[Any]) -> Driving | None:
    """Put the state of one row in its place, unless it just drives: then what its text depends on."""
    at, lon, lat, speed, odometer, alarm, status, x, y = columns
    last = None if at is None else memory.Last(
        at, lon or 0.0, lat or 0.0, speed, alarm or 0, status or 0, odometer, x or 0.0, y or 0.0
    )  # fmt: skip
    kept = json.loads(text)
    state = State.from_json(memory.unpacked(kept, last))
    driving = row_texts.driving_of(kept, state)
    if driving is None:
        read.states[n] = state
    elif len(_read_as) < 10_000:
        _read_as[text] = driving
    return driving


def _drive(
    read: Recalled, places: NDArray[np.intp], drives: Sequence[Driving], columns: Sequence[Sequence[Any]]
) -> None:
    """Put the states of vehicles that just drive in their places."""
    rows = States.new(len(places)).rows
    names = ("at", *_PLACES, "alarm", "status", "x", "y")
    for name, column in zip(names, columns, strict=True):
        none = np.nan if name in ("speed_kmh", "odometer_km") else 0
        rows[name] = [none if column[n] is None else column[n] for n in places.tolist()]
    for name, like in (("began", "at"), ("last", "at"), ("newest", "at"), ("heard", "at"), ("mean_x", "x"),
                       ("mean_y", "y"), ("stand_lon", "lon"), ("stand_lat", "lat")):  # fmt: skip
        rows[name] = rows[like]
    rows["calm"], rows["count"], rows["form"] = 1, 1, ROW
    for name, numbers in zip(Driving._fields, zip(*drives, strict=True), strict=True):
        rows[name] = numbers
    read.states.put(places, States(rows, {}))
    read.texts[places] = [_number(driving) for driving in drives]
