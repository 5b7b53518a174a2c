"""The park compiled for judging: each instant has its era, the layers in force on that day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np

from geo.datum import LocalFrame
from geo.shapes import Feature, Park
from geo.zonemap import Floats, Ints
from parking.rules.era import HAZMAT_GATES, Area, Era, Place
from parking.rules.policy import Policy

__all__ = ["HAZMAT_GATES", "Area", "Era", "Ground", "Place"]

#: Local days begin at whole quarters of an hour UTC, in every time zone in use.
_QUARTER_S = 900.0


class Ground:
    """Built once from a Park; every question is answered in the park's metric frame."""

    def __init__(self, park: Park, policy: Policy | None = None, everywhere: bool = False) -> None:
        """``everywhere``: a route is owed outside the control line too (files of tracks from elsewhere)."""
        self.park = park
        self.everywhere = everywhere
        self.policy = policy or Policy.from_mapping(park.policy)
        self.frame = LocalFrame(park.metric_crs)
        self._zone = ZoneInfo(park.timezone)
        self._turns = sorted({day for f in park.features for day in _turns(f)})
        self._eras: dict[int, Era] = {}

    def day(self, at: datetime) -> date:
        return at.astimezone(self._zone).date()

    def era(self, at: datetime) -> Era:
        """The layers in force at ``at``."""
        number = self._number(self.day(at))
        if number not in self._eras:
            self._eras[number] = Era(self.park, at, self.policy, self.frame, self.everywhere)
        return self._eras[number]

    def eras(self, at: Floats) -> tuple[Ints, dict[int, Era]]:
        """The number of each instant's era, (n,), and the eras by number. ``at``: seconds since 1970."""
        quarters, which = np.unique(np.floor(at / _QUARTER_S), return_inverse=True)
        moments = [datetime.fromtimestamp(q * _QUARTER_S, UTC) for q in quarters.tolist()]
        numbers = np.array([self._number(self.day(m)) for m in moments], dtype=np.intp)
        met = dict(zip(numbers.tolist(), moments, strict=True))
        return numbers[which], {number: self.era(moment) for number, moment in met.items()}

    def boundary(self, at: datetime) -> tuple[Area, ...]:
        """The boundary in force on the day of ``at``."""
        return self.era(at).boundary

    def control_lines(self, at: datetime) -> tuple[Area, ...]:
        return self.era(at).control_lines

    def place(self, x: float, y: float, at: datetime) -> Place:
        return self.era(at).place(x, y)

    def _number(self, day: date) -> int:
        return sum(turn <= day for turn in self._turns)


def _turns(feature: Feature) -> list[date]:
    """The days on which a feature begins or ceases to be in force."""
    if feature.approval is None:
        return []
    ends = feature.approval.effective_to
    return [feature.approval.effective_from, *([ends] if ends else [])]
