"""The texts (see ``memory``) of states that are rows (see ``states``), written without making the states.

Who just drives begins a new stand with every fix: all that is particular is in the columns of the last fix,
and the text is one of the few a park knows. Who stands has numbers of its own in the text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from parking.rules import memory
from parking.rules.lines import Side
from parking.rules.state import Seen, State
from parking.rules.states import KINDS, ROW, ROWS, SIDES, SUBJECTS
from parking.rules.stopping import Stand


class Driving(NamedTuple):
    """What the text of a vehicle that just drives depends on: numbers of a row."""

    sides: int
    subject: int
    kind: int


#: A vehicle whose every number is another.
_AT, _LON, _LAT, _X, _Y = 5.5, 6.5, 7.5, 8.5, 9.5
_NAMES = ROWS.names or ()
_heads: dict[int, str] = {}


def driving(rows: NDArray[np.void]) -> NDArray[np.bool_]:
    """Which of ``rows`` say nothing but that the vehicle was where it was last seen."""
    found = (rows["form"] == ROW) & (rows["began"] == rows["at"]) & (rows["last"] == rows["at"])
    for mean, place in (("mean_x", "x"), ("mean_y", "y"), ("stand_lon", "lon"), ("stand_lat", "lat"),
                        ("newest", "at"), ("heard", "at")):  # fmt: skip
        found &= rows[mean] == rows[place]
    for name, number in (("gap_s", 0.0), ("calm", 1), ("count", 1), ("away", False)):
        found &= rows[name] == number
    return np.asarray(found)


def text_of(driving: Driving) -> str:
    """The JSON of the text."""
    return json.dumps(_spelled(SIDES[driving.sides], KINDS[driving.kind], SUBJECTS[driving.subject]))


def driving_of(kept: Mapping[str, Any], state: State) -> Driving | None:
    """The reverse, for a text that was read; ``state``: what it was read as. None: it says more than that."""
    stand = state.stand
    if stand is None or state.last is None or kept != _spelled(state.sides, stand.kind, stand.subject):
        return None
    return Driving(SIDES.of(state.sides), SUBJECTS.of(stand.subject), KINDS.index(stand.kind))


def _spelled(sides: Sequence[Side], kind: str, subject: str) -> dict[str, Any]:
    stand = Stand(_AT, _X, _Y, _LON, _LAT, kind, subject, _AT, mean_x=_X, mean_y=_Y)
    seen = Seen(_AT, _LON, _LAT, None, 0, 0)
    state = State(last=seen, sides=tuple(sides), stand=stand, newest=_AT, heard=_AT)
    return memory.spell(memory.text_of(state, memory.last_of(state)))


def standing(rows: NDArray[np.void]) -> list[str]:
    """The JSON of the texts of ``rows``, each all of a state; (n,)."""
    return [_standing(dict(zip(_NAMES, row, strict=True))) for row in rows.tolist()]


def _standing(row: Mapping[str, Any]) -> str:
    stand = {
        "began": row["began"], "x": "=x", "y": "=y", "lon": row["stand_lon"], "lat": row["stand_lat"],
        "kind": KINDS[row["kind"]], "subject": _kept(SUBJECTS[row["subject"]]), "last": row["last"],
        "longest_gap_s": row["gap_s"], "told": False, "calm": row["calm"], "count": row["count"],
        "mean_x": row["mean_x"], "mean_y": row["mean_y"], "away": _away(row) if row["away"] else None,
    }  # fmt: skip
    number = row["sides"]
    if number not in _heads:
        plain = _spelled(SIDES[number], "", "")
        for name in ("stand", "newest", "heard"):
            del plain[name]
        _heads[number] = json.dumps(plain)[:-1]
    times = f'"newest": {row["newest"]!r}, "heard": {row["heard"]!r}'
    return f'{_heads[number]}, {times}, "stand": {json.dumps(stand)}}}'


def _away(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "began": "=at", "x": row["away_x"], "y": row["away_y"], "lon": "=lon", "lat": "=lat",
        "kind": KINDS[row["away_kind"]], "subject": _kept(SUBJECTS[row["away_subject"]]), "last": "=at",
        "longest_gap_s": 0.0, "told": False, "calm": 1, "count": 1, "mean_x": row["away_x"],
        "mean_y": row["away_y"], "away": None,
    }  # fmt: skip


def _kept(word: str) -> str | dict[str, str]:
    """As ``memory`` sets apart a word that looks like a name."""
    return {"=": word} if word.startswith("=") else word
