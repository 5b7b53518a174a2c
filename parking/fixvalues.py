"""What doors offer, field by field, into values of ours. Every complaint names the field.

Stored at the resolution of JT/T 808: whole seconds, 10⁻⁶ degrees, 0.1 km/h, whole degrees and metres.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import Any

import numpy as np

from geo.datum import Datum, wgs84_from_gcj02
from geo.fix import Fix
from parking.refused import Reason, Refused
from parking.vocabulary import FixFault

#: Years a time is taken from; no terminal was there in others.
YEARS = range(1970, 2200)
#: km/h; what JT/T 808 can say at most.
LARGEST_SPEED = 6553.5
#: Alarms doors may raise → bit of the alarm word of JT/T 808 message 0x0200.
ALARMS = {"sos": 0, "theft": 26, "collision": 29, "rollover": 30}
#: Status bit 1 of JT/T 808 message 0x0200.
LOCATED = 1 << 1
#: Characters of a wrong value that are repeated in a complaint.
_SHOWN = 60

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_COMPACT = re.compile(r"(?:19|20)\d{12}", re.ASCII)
_SECONDS = re.compile(r"\d{9,13}(\.\d{1,9})?", re.ASCII)
_SLASHED = re.compile(r"(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)


def wrong(fault: StrEnum, field: str, **facts: Any) -> Refused:
    """A refusal that names the field."""
    return Refused(Reason(fault, {"field": field, **facts}, field))


def number(field: str, raw: Any, low: float, high: float) -> float:
    """A finite number in [low, high], from a JSON number or from text."""
    if isinstance(raw, str) and _NUMBER.fullmatch(raw.strip()):
        raw = float(raw)
    if isinstance(raw, bool) or not isinstance(raw, (int, float)):
        raise wrong(FixFault.NOT_A_NUMBER, field, value=shown(raw))
    if not low <= raw <= high:  # also NaN
        raise wrong(FixFault.OUT_OF_RANGE, field, value=shown(raw), low=f"{low:g}", high=f"{high:g}")
    return float(raw)


def maybe(field: str, raw: Any, low: float, high: float) -> float | None:
    """The same where nothing may be said: None and blank text mean "not told"."""
    return (
        None if raw is None or (isinstance(raw, str) and not raw.strip()) else number(field, raw, low, high)
    )


def needed(field: str, raw: Any) -> Any:
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        raise wrong(FixFault.ABSENT, field)
    return raw


def text(field: str, raw: Any, limit: int) -> str:
    if not isinstance(raw, str) or any("\ud800" <= c <= "\udfff" for c in raw):
        raise wrong(FixFault.NOT_TEXT, field)
    if len(raw) > limit:
        raise wrong(FixFault.TOO_LONG, field, limit=limit)
    return raw.replace("\x00", "").strip()


def flag(field: str, raw: Any, default: bool) -> bool:
    if raw is None:
        return default
    if not isinstance(raw, bool):
        raise wrong(FixFault.NOT_TRUE_OR_FALSE, field)
    return raw


def chosen(field: str, raw: Any, choices: Sequence[str]) -> str:
    if raw not in choices:
        raise wrong(FixFault.NOT_LISTED, field, value=shown(raw), choices=", ".join(choices))
    return str(raw)


def datum(field: str, raw: Any) -> Datum:
    """The declared datum; an undeclared one is refused."""
    if raw is None or raw == "":
        raise Refused(Reason(FixFault.DATUM_ABSENT, {}, field))
    return Datum(chosen(field, raw, list(Datum)))


def moment(field: str, raw: Any, zone: tzinfo | None = None) -> datetime:
    """``instant`` to the whole second."""
    return instant(field, raw, zone).replace(microsecond=0)


def instant(field: str, raw: Any, zone: tzinfo | None = None) -> datetime:
    """An instant, UTC: ISO 8601, seconds or milliseconds since 1970, or YYYYMMDDhhmmss.

    A time without a zone is read in ``zone``, and refused without one.
    """
    if isinstance(raw, bool) or not isinstance(raw, (int, float, str)):
        raise wrong(FixFault.NOT_A_TIME, field, value=shown(raw))
    typed = str(raw).strip()
    try:
        found = _since_1970(typed) or _calendar(typed)
        if found is not None and found.tzinfo is None:
            if zone is None:
                raise wrong(FixFault.ZONE_ABSENT, field, value=shown(raw))
            found = found.replace(tzinfo=zone)
        found = found and found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        found = None
    if found is None or found.year not in YEARS:
        raise wrong(FixFault.NOT_A_TIME, field, value=shown(raw))
    return found


def _since_1970(typed: str) -> datetime | None:
    if not _SECONDS.fullmatch(typed) or _COMPACT.fullmatch(typed):
        return None
    seconds = float(typed)
    return datetime.fromtimestamp(seconds / 1000 if seconds >= 1e11 else seconds, UTC)


def _calendar(typed: str) -> datetime | None:
    if _COMPACT.fullmatch(typed):
        return datetime.strptime(typed, "%Y%m%d%H%M%S")  # noqa: DTZ007 - the zone is put on by the caller
    if slashed := _SLASHED.fullmatch(typed):
        return datetime(*(int(part or 0) for part in slashed.groups()))  # type: ignore[arg-type] # noqa: DTZ001
    if len(typed) < 16 or not typed[:4].isdigit():
        return None  # a day alone is no instant
    return datetime.fromisoformat(typed)


def fix(
    time: datetime,
    lon: float,
    lat: float,
    *,
    speed_kmh: float | None = None,
    heading: float | None = None,
    altitude_m: float | None = None,
    located: bool = True,
    alarm: int = 0,
    backfill: bool = False,
) -> Fix:
    """One fix at the resolution of JT/T 808, its place as it was told: see ``in_wgs84``."""
    return Fix(
        time=time,
        lon=round(lon, 6),
        lat=round(lat, 6),
        speed_kmh=None if speed_kmh is None else round(min(speed_kmh, LARGEST_SPEED), 1),
        heading=None if heading is None else round(heading) % 360,
        altitude_m=None if altitude_m is None else round(altitude_m),
        located=located,
        alarm=alarm,
        status=LOCATED if located else 0,
        backfill=backfill,
    )


def in_wgs84(fixes: Sequence[Fix], given: Datum) -> list[Fix]:
    """Fixes told in ``given`` as WGS-84; CGCS2000 is the same within centimetres, GCJ-02 is converted."""
    if given is not Datum.GCJ02 or not fixes:
        return list(fixes)
    lons, lats = wgs84_from_gcj02(np.array([f.lon for f in fixes]), np.array([f.lat for f in fixes]))
    return [
        replace(f, lon=round(float(lon), 6), lat=round(float(lat), 6))
        for f, lon, lat in zip(fixes, lons, lats, strict=True)
    ]


def alarm_word(field: str, names: Any) -> int:
    """The alarm word of named alarms; one nobody knows is refused, not dropped."""
    if not isinstance(names, list):
        raise wrong(FixFault.NOT_A_LIST, field)
    word = 0
    for one in names:
        word |= 1 << ALARMS[chosen(field, one, list(ALARMS))]
    return word


def shown(raw: Any) -> str:
    """A value as it was offered, short enough to be repeated."""
    said = raw if isinstance(raw, str) else repr(raw)
    return said if len(said) <= _SHOWN else said[: _SHOWN - 1] + "…"
