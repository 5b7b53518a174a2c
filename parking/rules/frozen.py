"""A position that stands still while the terminal says that the vehicle moves.

To the last digit (a tenth of a metre) the same place again and again, while its own speed, its odometer
or its moving bit say otherwise: the receiver repeats itself. Until the place changes nothing of it is
believed; who believes nothing for long enough hears of silence. A parked vehicle says it stands, and a
terminal that holds its place still while parked is believed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from geo.fix import Fix
from parking.rules.policy import Policy

#: Status bit 22 of JT/T 808-2019 message 0x0200: the vehicle is moving (older terminals leave it 0).
MOVING_BIT = 1 << 22
#: Odometers count in tenths of a kilometre; two readings may be this much nearer than they say.
ODOMETER_STEP_M = 200.0


class Known(Protocol):
    """What is remembered of an earlier fix."""

    @property
    def at(self) -> float: ...
    @property
    def lon(self) -> float: ...
    @property
    def lat(self) -> float: ...
    @property
    def speed_kmh(self) -> float | None: ...
    @property
    def status(self) -> int: ...
    @property
    def odometer_km(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Frozen:
    """Fixes at one place to the last digit, and how far the vehicle says it drove meanwhile."""

    at: float  # of the newest of them, seconds since 1970
    lon: float
    lat: float
    speed_kmh: float | None
    status: int
    odometer_km: float | None  # of the first of them
    owed_m: float = 0.0  # by its own speed
    moving_s: float = 0.0  # by its moving bit
    held: bool = False


def step(frozen: Frozen | None, last: Known | None, fix: Fix, policy: Policy) -> tuple[Frozen | None, bool]:
    """What is remembered after ``fix``, and whether its place is believed to be frozen.

    ``last``: the last believed fix. Nothing is remembered of a fix elsewhere, or of one that says it stands.
    """
    before = frozen if _same(frozen, fix) else _first(last) if _same(last, fix) else None
    if before is None:
        return None, False
    after = _after(before, fix, policy)
    quiet = not (after.held or after.owed_m or after.moving_s) and after.odometer_km is None
    return (None if quiet else after), after.held


def _same(known: Known | None, fix: Fix) -> bool:
    return known is not None and (known.lon, known.lat) == (fix.lon, fix.lat)


def _first(last: Known | None) -> Frozen | None:
    if last is None:
        return None
    return Frozen(last.at, last.lon, last.lat, last.speed_kmh, last.status, last.odometer_km)


def _after(before: Frozen, fix: Fix, policy: Policy) -> Frozen:
    gap = max(fix.time.timestamp() - before.at, 0.0)
    slower = min(before.speed_kmh or 0.0, fix.speed_kmh or 0.0)
    owed = before.owed_m + slower / 3.6 * gap if slower >= policy.moving_kmh else 0.0
    says_moving = before.status & fix.status & MOVING_BIT
    moving = before.moving_s + gap if says_moving else 0.0
    driven = _odometer_m(before.odometer_km, fix.odometer_km)
    held = (
        before.held
        or owed > policy.frozen_m
        or moving >= policy.frozen_s
        or driven > policy.frozen_m + ODOMETER_STEP_M
    )
    return replace(
        before,
        at=max(before.at, fix.time.timestamp()),
        speed_kmh=fix.speed_kmh,
        status=fix.status,
        odometer_km=fix.odometer_km if before.odometer_km is None else before.odometer_km,
        owed_m=owed,
        moving_s=moving,
        held=held,
    )


def _odometer_m(first: float | None, now: float | None) -> float:
    return 0.0 if first is None or now is None else (now - first) * 1000
