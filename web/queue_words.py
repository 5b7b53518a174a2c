"""How the estimate of a place in the line is shown."""

from __future__ import annotations

from datetime import datetime, timedelta

from parking.rules.queue import Place

_STEP = timedelta(minutes=5)


def estimate(place: Place) -> tuple[datetime, datetime] | None:
    """Between when and when a vehicle is called, in steps of five minutes; None while it is held back."""
    if place.earliest is None or place.latest is None:
        return None
    return _whole(place.earliest, up=False), _whole(place.latest, up=True)


def _whole(at: datetime, up: bool) -> datetime:
    rest = timedelta(seconds=at.timestamp() % _STEP.total_seconds())
    return at - rest + (_STEP if up and rest else timedelta())
