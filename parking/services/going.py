"""The journeys of a batch's vehicles, asked for only when a rule asks, then for all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from parking.queries import journeys
from parking.rules.monitor import Journey
from parking.services.fixbatch import instant

JourneyAt = Callable[[datetime], Journey]


class Going:
    """``journeys``: one per vehicle of ``ids``, good for the time the fixes ``at`` (microseconds) span."""

    def __init__(self, session: Session, ids: Sequence[int], at: NDArray[np.int64]) -> None:
        self._session, self._ids, self._at = session, ids, at
        self._known: Mapping[int, JourneyAt] | None = None
        self.journeys: Sequence[JourneyAt] = [self._of(vehicle_id) for vehicle_id in ids]

    def _of(self, vehicle_id: int) -> JourneyAt:
        return lambda moment: self._all()[vehicle_id](moment)

    def _all(self) -> Mapping[int, JourneyAt]:
        if self._known is None:
            first, last = instant(int(self._at.min())), instant(int(self._at.max()))
            self._known = journeys.of_vehicles(self._session, self._ids, first, last)
        return self._known
