"""The journeys of a batch's vehicles, asked for only when a rule asks, then for all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import overload

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from parking.queries import journeys
from parking.rules.monitor import Journey
from parking.services.fixbatch import instant

JourneyAt = Callable[[datetime], Journey]


class Going(Sequence[JourneyAt]):
    """One journey per vehicle of ``ids``, good for the time the fixes ``at`` (microseconds) span."""

    def __init__(self, session: Session, ids: Sequence[int], at: NDArray[np.int64]) -> None:
        self._session, self._ids, self._at = session, ids, at
        self._known: Mapping[int, JourneyAt] | None = None

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, number: int) -> JourneyAt: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[JourneyAt]: ...
    def __getitem__(self, number: int | slice) -> JourneyAt | Sequence[JourneyAt]:
        if isinstance(number, slice):
            return [self[n] for n in range(len(self))[number]]
        vehicle_id = self._ids[number]
        return lambda moment: self._all()[vehicle_id](moment)

    def _all(self) -> Mapping[int, JourneyAt]:
        if self._known is None:
            first, last = instant(int(self._at.min())), instant(int(self._at.max()))
            self._known = journeys.of_vehicles(self._session, self._ids, first, last)
        return self._known
