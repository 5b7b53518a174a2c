"""States of vehicles as a process keeps them, with the token and the text each row has; one shelf a database.

Nothing on it is believed by itself (see ``remembered``). Several threads may use a shelf.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from parking.rules.states import States
from parking.services.remembered import MOST

#: The number of a text that is not known, or not one of the few.
UNKNOWN = -1

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Recalled:
    """States of some vehicles: the token each is known under, the number of the text its row spells out."""

    tokens: Numbers
    texts: Numbers
    states: States

    @classmethod
    def new(cls, count: int) -> Recalled:
        """Of vehicles nobody has met."""
        return cls(np.zeros(count, np.int64), np.full(count, UNKNOWN, np.int64), States.new(count))

    def taken(self, places: NDArray[np.intp]) -> Recalled:
        return Recalled(self.tokens[places], self.texts[places], self.states.taken(places))

    def put(self, places: NDArray[np.intp], other: Recalled) -> None:
        """Overwrite the states at these places."""
        self.tokens[places], self.texts[places] = other.tokens, other.texts
        self.states.put(places, other.states)


class Shelf:
    def __init__(self) -> None:
        self._place: dict[int, int] = {}
        self._free: list[int] = []
        self._kept = Recalled.new(0)
        self._using = Lock()

    def of(self, vehicle_ids: Sequence[int]) -> tuple[NDArray[np.bool_], Recalled]:
        """Which of the vehicles are known, and what of each; of the others nothing."""
        with self._using:
            find = self._place.get
            places = np.array([find(v, -1) for v in vehicle_ids], dtype=np.intp)
            known = places >= 0
            if known.all():
                return known, self._kept.taken(places)
            found = Recalled.new(len(places))
            found.put(np.flatnonzero(known), self._kept.taken(places[known]))
            return known, found

    def keep(self, vehicle_ids: Sequence[int], recalled: Recalled) -> None:
        with self._using:
            find = self._place.get
            places = [find(v, -1) for v in vehicle_ids]
            for n, place in enumerate(places):
                if place < 0:
                    places[n] = self._place[vehicle_ids[n]] = self._room()
            self._kept.put(np.array(places, dtype=np.intp), recalled)
            if len(self._place) > MOST:
                self._forget(list(islice(self._place, MOST // 10)))

    def forget(self, vehicle_ids: Iterable[int]) -> None:
        with self._using:
            self._forget(vehicle_ids)

    def _forget(self, vehicle_ids: Iterable[int]) -> None:
        for vehicle in vehicle_ids:
            if (place := self._place.pop(vehicle, None)) is not None:
                self._kept.states.whole.pop(place, None)
                self._free.append(place)

    def _room(self) -> int:
        """A free place; when there is none, half as many again are made."""
        if not self._free:
            size, kept = len(self._kept.tokens), self._kept
            more = max(1024, size // 2)
            made = Recalled.new(more)
            self._kept = Recalled(
                np.concatenate([kept.tokens, made.tokens]), np.concatenate([kept.texts, made.texts]),
                States(np.concatenate([kept.states.rows, made.states.rows]), kept.states.whole),
            )  # fmt: skip
            self._free = list(range(size + more - 1, size - 1, -1))
        return self._free.pop()
