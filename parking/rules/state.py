"""What is remembered of one vehicle between fixes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from geo.fix import Fix
from parking.rules import (
    deviation,
    displaced,
    drift,
    frozen,
    lines,
    presence,
    silence,
    speeding,
    stopping,
    wrong_bay,
)
from parking.vocabulary import ViolationKind

SCHEMA = 2
#: States written by earlier versions lack what later ones remember; that begins anew.
READABLE = (1, 2)


@dataclass(frozen=True, slots=True)
class Seen:
    """A fix remembered: seconds since 1970, degrees, km/h, alarm and status words."""

    at: float
    lon: float
    lat: float
    speed_kmh: float | None
    alarm: int
    status: int
    odometer_km: float | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What is remembered of one vehicle between fixes.

    ``newest``: time of the newest fix of a plausible time and place; ``heard``: of any plausible time.
    """

    last: Seen | None = None
    suspect: Seen | None = None
    sides: tuple[lines.Side, ...] = ()
    deviation: deviation.Deviation | None = None
    stand: stopping.Stand | None = None
    race: speeding.Race | None = None
    unbooked: presence.Unbooked | None = None
    silence: silence.Silence | None = None
    raised: Mapping[str, str] = field(default_factory=dict)
    newest: float = 0.0
    heard: float = 0.0
    frozen: frozen.Frozen | None = None
    drift: drift.Drift | None = None
    shift: displaced.Shift | None = None
    bay: wrong_bay.WrongBay | None = None

    @classmethod
    def new(cls) -> State:
        return cls()

    def anew(self) -> State:
        """Nothing remembered but what was proven of the terminal itself: to judge a stretch again."""
        return State(shift=replace(self.shift, against=0) if self.shift and self.displaced else None)

    @property
    def displaced(self) -> bool:
        """Whether the terminal is proven to send places displaced as GCJ-02."""
        return self.shift is not None and self.shift.proven

    @property
    def quiet(self) -> bool:
        """Nothing goes on but standing and being on a side."""
        return not (
            self.deviation or self.race or self.unbooked or self.silence or self.raised or self.frozen
            or self.drift or self.shift or self.bay
        )  # fmt: skip

    @property
    def serene(self) -> bool:
        """Nothing goes on that a calm fix could end or lengthen, but for standing and being on a side."""
        return self.quiet and not (self.stand and (self.stand.told or self.stand.away))

    def glided(self, last: Seen, stand: stopping.Stand | None, sides: tuple[lines.Side, ...]) -> State:
        """After fixes at which nothing but the stand of a serene vehicle went on."""
        return State(
            last=last, sides=sides, stand=stand, raised=self.raised, newest=last.at,
            heard=max(self.heard, last.at),
        )  # fmt: skip

    @property
    def standing(self) -> frozenset[tuple[str, str]]:
        """Kind and subject of every offence that was told and goes on."""
        told: set[tuple[str, str]] = set()
        if self.deviation and self.deviation.told:
            told.add((self.deviation.kind, self.deviation.route))
        if self.stand and self.stand.told:
            told.add((self.stand.kind, self.stand.subject))
        if self.race and self.race.told:
            told.add((ViolationKind.SPEEDING, self.race.zone))
        if self.bay:
            told.add((ViolationKind.WRONG_BAY, self.bay.bay))
        if self.unbooked and self.unbooked.told:
            told.add((ViolationKind.RING_UNBOOKED, self.unbooked.line))
        return frozenset(told)

    def to_json(self) -> dict[str, Any]:
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> State:
        """The state written by ``to_json``. Raises ValueError for another schema."""
        if data.get("schema") not in READABLE:
            raise ValueError(f"state schema {data.get('schema')!r}, expected {SCHEMA}")
        last = _made(Seen, data["last"])
        return cls(
            last=last,
            suspect=_made(Seen, data["suspect"]),
            sides=lines.from_json(data["sides"]),
            deviation=_made(deviation.Deviation, data["deviation"]),
            stand=stopping.Stand.from_json(data["stand"]),
            race=_made(speeding.Race, data["race"]),
            unbooked=_made(presence.Unbooked, data["unbooked"]),
            silence=_made(silence.Silence, data["silence"]),
            raised=data["raised"],
            newest=data.get("newest", last.at if last else 0.0),
            heard=data.get("heard", last.at if last else 0.0),
            frozen=_made(frozen.Frozen, data.get("frozen")),
            drift=_made(drift.Drift, data.get("drift")),
            shift=_made(displaced.Shift, data.get("shift")),
            bay=_made(wrong_bay.WrongBay, data.get("bay")),
        )


def seen(fix: Fix) -> Seen:
    return Seen(fix.time.timestamp(), fix.lon, fix.lat, fix.speed_kmh, fix.alarm, fix.status, fix.odometer_km)


def fix_of(seen: Seen) -> Fix:
    """The remembered fix, as far as it is remembered."""
    return Fix(
        datetime.fromtimestamp(seen.at, UTC),
        seen.lon,
        seen.lat,
        seen.speed_kmh,
        alarm=seen.alarm,
        status=seen.status,
        odometer_km=seen.odometer_km,
    )


def _made(kind: Any, data: Mapping[str, Any] | None) -> Any:
    return None if data is None else kind(**data)
