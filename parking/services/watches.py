"""What the monitor remembers of vehicles: recalled and written for a whole batch at once.

A process keeps the states it judged last. Each row carries a token that changes whenever the row does;
a state is relied on by writing its successor only where the token still is the one it was known under.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import psycopg
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from parking import arrays
from parking.rules import memory
from parking.rules.monitor import State
from parking.services.remembered import Changed, Remembered, cursor


class Recalled(NamedTuple):
    """A state under its token. ``text``: the part of it the row spells out; None when that is not known."""

    token: int
    state: State
    text: memory.Text | None


#: In the column of headings: no new one, leave what is there.
SAME_HEADING = -2

_kept: Remembered[int, Recalled] = Remembered()
_texts: dict[memory.Text, memory.Text] = {}
_NEW = json.dumps(memory.spelled(State.new().to_json()))
_UNTIMED = arrays.EPOCH_US * -100


def recall(session: Session, vehicle_ids: Sequence[int], trusting: bool) -> list[Recalled]:
    """The state of each vehicle (ids ascending). Not ``trusting``: the rows are locked, in that order."""
    known = _kept.of(session)
    with cursor(session) as asking:
        if trusting:
            missing = [v for v in vehicle_ids if v not in known]
        else:
            _make(asking, vehicle_ids)
            tokens = _locked(asking, vehicle_ids)
            missing = [v for v in vehicle_ids if v not in known or known[v].token != tokens[v]]
        fresh = _read(asking, missing) if missing else {}
        if trusting and (new := [v for v in missing if v not in fresh]):
            _make(asking, new)
            fresh |= dict.fromkeys(new, Recalled(0, State.new(), None))
    return [fresh.get(v) or known[v] for v in vehicle_ids]


def remember(
    session: Session,
    vehicle_ids: Sequence[int],
    before: Sequence[Recalled],
    states: Sequence[State],
    headings: NDArray[np.int16],
) -> None:
    """Write the states that follow ``before``. Raises Changed where a row is not what it was."""
    token = secrets.randbits(62) | 1
    after: list[Recalled] = []
    lasts: list[memory.Last | None] = []
    texts: list[str | None] = []
    for was, state in zip(before, states, strict=True):
        last = memory.last_of(state)
        text = memory.text_of(state, last)
        if text == was.text:
            text = was.text or text
            texts.append(None)
        else:
            texts.append(json.dumps(memory.spell(text)))
            text = _interned(text)
        lasts.append(last)
        after.append(Recalled(token, state, text))
    with cursor(session) as writing:
        writing.execute(_WRITE, [
            token, arrays.int8s(vehicle_ids), arrays.int8s([was.token for was in before]),
            arrays.texts(texts), *_columns(lasts), arrays.int2s(headings),
        ])  # fmt: skip
        if writing.rowcount != len(after):
            raise Changed("a vehicle was judged elsewhere")
    _kept.keep(session, dict(zip(vehicle_ids, after, strict=True)))


def forget(session: Session, vehicle_ids: Sequence[int]) -> None:
    _kept.forget(session, vehicle_ids)


_WRITE = f"""
UPDATE watch SET token = %s, state = coalesce(v.state::jsonb, watch.state),
    last_time = nullif(v.at, to_timestamp({_UNTIMED // 1_000_000})),
    lon = nullif(v.lon, 'NaN'), lat = nullif(v.lat, 'NaN'), speed_kmh = nullif(v.speed, 'NaN'),
    alarm = v.alarm, status = v.status, odometer_km = nullif(v.odometer, 'NaN'), x = v.x, y = v.y,
    heading = CASE v.heading WHEN {SAME_HEADING} THEN watch.heading ELSE nullif(v.heading, -1) END
FROM unnest(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    AS v (id, token, state, at, lon, lat, speed, odometer, alarm, status, x, y, heading)
WHERE watch.vehicle_id = v.id AND watch.token = v.token
"""  # noqa: S608 - numbers of our own


def _columns(lasts: Sequence[memory.Last | None]) -> list[arrays.Packed]:
    nan = float("nan")
    rows = [last or memory.Last(_UNTIMED / 1e6, nan, nan, None, 0, 0) for last in lasts]
    at, lon, lat, speed, alarm, status, odometer, x, y = zip(*rows, strict=True)
    micros = np.rint(np.array(at, np.float64) * 1e6).astype(np.int64)
    speeds = np.array([nan if s is None else s for s in speed], np.float64)
    driven = np.array([nan if km is None else km for km in odometer], np.float64)
    floats = [arrays.float8s(np.array(c, np.float64)) for c in (lon, lat, speeds, driven)]
    words = [arrays.int8s(np.array(c, np.int64)) for c in (alarm, status)]
    metres = [arrays.float8s(np.array(c, np.float64)) for c in (x, y)]
    return [arrays.instants(micros), *floats, *words, *metres]


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


def _read(asking: psycopg.Cursor, vehicle_ids: Sequence[int]) -> dict[int, Recalled]:
    asking.execute(
        "SELECT vehicle_id, token, state, extract(epoch FROM last_time)::float8, lon, lat, speed_kmh, alarm,"
        " status, odometer_km, x, y FROM watch WHERE vehicle_id = ANY(%s)",
        [arrays.int8s(vehicle_ids)],
    )
    return {row[0]: _recalled(*row[1:]) for row in asking}


def _recalled(token: int, kept: Mapping[str, Any], at: float | None, *columns: Any) -> Recalled:
    lon, lat, speed, alarm, status, odometer, x, y = columns
    last = None if at is None else memory.Last(
        at, lon or 0.0, lat or 0.0, speed, alarm or 0, status or 0, odometer, x or 0.0, y or 0.0
    )  # fmt: skip
    state = State.from_json(memory.unpacked(kept, last))
    text = memory.text_of(state, last)
    same = bool(kept.get(memory.SPELLED)) and memory.spell(text) == kept
    return Recalled(token, state, _interned(text) if same else None)


def _interned(text: memory.Text) -> memory.Text:
    """Most vehicles just drive: their texts are few."""
    if len(_texts) > 10_000:
        _texts.clear()
    return _texts.setdefault(text, text)
