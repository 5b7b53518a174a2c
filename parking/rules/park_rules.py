"""What a park decides in lists rather than numbers: ``rules`` of ``park.json``, checked field by field."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from parking.rules import segregation_overrides
from parking.rules.policy import Policy
from parking.rules.segregation_overrides import Override, RuleWrong
from parking.vocabulary import Purpose, WarningLevel

__all__ = ["ForbiddenHours", "IndexLimit", "ParkRules", "RuleWrong", "StayLimit", "WeatherRule", "read"]

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_CLASS = re.compile(r"[1-9](\.[1-9])?")
_FIELDS = ("segregation", "index_limits", "forbidden_hours", "weather", "stay_limits")


@dataclass(frozen=True, slots=True)
class IndexLimit:
    """When the q/Q indicator of the lot or a zone warns, and from where it refuses; the paper behind it."""

    warn: float
    refuse: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class ForbiddenHours:
    """Local clock times in which given classes may not come in; may reach past midnight."""

    classes: tuple[str, ...]
    begins: time
    ends: time
    reason: str

    def covers(self, at: datetime, zone: ZoneInfo) -> bool:
        clock = at.astimezone(zone).time()
        if self.begins <= self.ends:
            return self.begins <= clock < self.ends
        return clock >= self.begins or clock < self.ends


@dataclass(frozen=True, slots=True)
class WeatherRule:
    """From which warning level of a kind (``*``: any) arrivals of which classes (``*``: all) wait."""

    kind: str
    level: WarningLevel
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StayLimit:
    """The longest stay in given zones (empty: the whole lot) of given classes (``*``: every vehicle).

    ``purposes``: only of vehicles that come for one of these (empty: whatever they come for).
    """

    hours: float
    zones: tuple[str, ...] = ()
    classes: tuple[str, ...] = ("*",)
    reason: str = ""
    purposes: tuple[Purpose, ...] = ()

    def concerns(self, zone: str | None, hazards: Iterable[str], purpose: str | None = None) -> bool:
        """Whether it binds a vehicle with these hazards (``?``: unknown) in a zone (None: not known yet).

        A purpose nobody told (None) is bound by every limit.
        """
        if self.zones and zone not in self.zones:
            return False
        if self.purposes and purpose is not None and purpose not in self.purposes:
            return False
        return "*" in self.classes or any(matches(None if h == "?" else h, self.classes) for h in hazards)


#: Design default of this product (设计默认值). Only weather stations issue warnings; the park notes them.
WEATHER_DEFAULT = (
    WeatherRule("*", WarningLevel.ORANGE, ("2.3", "4.2", "4.3", "6.1")),
    WeatherRule("rain", WarningLevel.YELLOW, ("4.3",)),
    WeatherRule("flood", WarningLevel.YELLOW, ("4.3",)),
    WeatherRule("heat", WarningLevel.ORANGE, ("2", "5.2")),
    WeatherRule("lightning", WarningLevel.ORANGE, ("2.1", "3")),
    WeatherRule("*", WarningLevel.RED, ("*",)),
)


@dataclass(frozen=True, slots=True)
class ParkRules:
    """A park's lists."""

    segregation: tuple[Override, ...] = ()
    lot_limit: IndexLimit | None = None
    zone_limits: Mapping[str, IndexLimit] = field(default_factory=dict)
    forbidden_hours: tuple[ForbiddenHours, ...] = ()
    weather: tuple[WeatherRule, ...] = WEATHER_DEFAULT
    stay_limits: tuple[StayLimit, ...] = ()

    def longest_stay(
        self, zone: str | None, hazards: Iterable[str], purpose: str | None = None
    ) -> StayLimit | None:
        """The shortest of the limits that bind a vehicle in a zone; None where the park set none."""
        found = tuple(hazards)
        binding = (limit for limit in self.stay_limits if limit.concerns(zone, found, purpose))
        return min(binding, key=lambda limit: limit.hours, default=None)

    def limit(self, zone: str | None, policy: Policy) -> IndexLimit:
        """The limit of a zone, or of the lot (None); the policy's where the park set none."""
        default = IndexLimit(policy.index_warn, policy.index_refuse)
        own = self.lot_limit if zone is None else self.zone_limits.get(zone)
        return own or default


def matches(hazard: str | None, classes: tuple[str, ...]) -> bool:
    """Whether a hazard falls under a list of classes. An unknown one (None, ``?``) falls under every list,
    one without its division ("2") under a list that names a division of it ("2.3")."""
    if hazard in (None, "", "?"):
        return True
    return any(
        c in ("*", hazard) or hazard.startswith(c + ".") or c.startswith(hazard + ".") for c in classes
    )


def read(rules: Any, today: date) -> ParkRules:
    """The lists as values. Raises RuleWrong naming the field."""
    if not isinstance(rules, Mapping):
        raise RuleWrong("", "expected an object")
    for name in rules:
        if name not in _FIELDS:
            raise RuleWrong(str(name), "no such field")
    limits = _object("index_limits", rules.get("index_limits", {}))
    if extra := set(limits) - {"lot", "zones"}:
        raise RuleWrong(f"index_limits.{sorted(extra)[0]}", "no such field")
    zones = _object("index_limits.zones", limits.get("zones", {}))
    return ParkRules(
        segregation=segregation_overrides.read(rules.get("segregation", []), today),
        lot_limit=_limit("index_limits.lot", limits["lot"]) if "lot" in limits else None,
        zone_limits={code: _limit(f"index_limits.zones.{code}", v) for code, v in zones.items()},
        forbidden_hours=tuple(_hours(rules.get("forbidden_hours", []))),
        weather=tuple(_weather(rules["weather"])) if "weather" in rules else WEATHER_DEFAULT,
        stay_limits=tuple(_stays(rules.get("stay_limits", []))),
    )


def _stays(entries: Any) -> Iterator[StayLimit]:
    for i, entry in enumerate(_list("stay_limits", entries)):
        where = f"stay_limits[{i}]"
        entry = _object(where, entry)
        if extra := set(entry) - {"hours", "zones", "classes", "reason", "purposes"}:
            raise RuleWrong(f"{where}.{sorted(extra)[0]}", "no such field")
        zones = tuple(str(z).strip() for z in _list(f"{where}.zones", entry.get("zones", [])))
        if not all(zones):
            raise RuleWrong(f"{where}.zones", "expected codes of zones")
        hours = _share(f"{where}.hours", entry.get("hours"))
        classes = _classes(f"{where}.classes", entry.get("classes", ["*"]))
        purposes = _list(f"{where}.purposes", entry.get("purposes", []))
        if not all(p in list(Purpose) for p in purposes):
            raise RuleWrong(f"{where}.purposes", f"expected some of {', '.join(Purpose)}")
        named = tuple(Purpose(p) for p in purposes)
        yield StayLimit(hours, zones, classes, str(entry.get("reason", ""))[:200], named)


def _limit(where: str, entry: Any) -> IndexLimit:
    entry = _object(where, entry)
    if extra := set(entry) - {"warn", "refuse", "note"}:
        raise RuleWrong(f"{where}.{sorted(extra)[0]}", "no such field")
    warn, refuse = (_share(f"{where}.{k}", entry.get(k)) for k in ("warn", "refuse"))
    if warn > refuse:
        raise RuleWrong(f"{where}.warn", "must not be above refuse")
    note = entry.get("note", "")
    if refuse > 1 and not (isinstance(note, str) and note.strip()):
        raise RuleWrong(f"{where}.note", "a limit above 1 needs a note that says who allowed it")
    return IndexLimit(warn, refuse, str(note).strip())


def _share(where: str, value: Any) -> float:
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not good or not 0 < value <= 1000:
        raise RuleWrong(where, "expected a number above 0")
    return float(value)


def _hours(entries: Any) -> Iterator[ForbiddenHours]:
    for i, entry in enumerate(_list("forbidden_hours", entries)):
        where = f"forbidden_hours[{i}]"
        entry = _object(where, entry)
        begins, ends = (_clock(f"{where}.{k}", entry.get(k)) for k in ("from", "to"))
        if begins == ends:
            raise RuleWrong(f"{where}.to", "begins and ends at the same time")
        yield ForbiddenHours(
            _classes(f"{where}.classes", entry.get("classes")),
            begins,
            ends,
            str(entry.get("reason", ""))[:200],
        )


def _weather(entries: Any) -> Iterator[WeatherRule]:
    for i, entry in enumerate(_list("weather", entries)):
        where = f"weather[{i}]"
        entry = _object(where, entry)
        if entry.get("level") not in list(WarningLevel):
            raise RuleWrong(f"{where}.level", f"expected one of {', '.join(WarningLevel)}")
        kind = entry.get("kind", "*")
        if not isinstance(kind, str) or not kind.strip():
            raise RuleWrong(f"{where}.kind", "expected a kind of weather, or *")
        classes = _classes(f"{where}.classes", entry.get("classes"))
        yield WeatherRule(kind.strip(), WarningLevel(entry["level"]), classes)


def _classes(where: str, value: Any) -> tuple[str, ...]:
    parts = [str(v).strip() for v in _list(where, value)]
    if not parts or not all(p == "*" or _CLASS.fullmatch(p) for p in parts):
        raise RuleWrong(where, 'expected classes such as ["3", "5.1"], or ["*"]')
    return tuple(parts)


def _clock(where: str, value: Any) -> time:
    if not isinstance(value, str) or not _CLOCK.fullmatch(value):
        raise RuleWrong(where, "expected a clock time such as 22:00")
    return time.fromisoformat(value)


def _object(where: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise RuleWrong(where, "expected an object")
    return value


def _list(where: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise RuleWrong(where, "expected a list")
    return value
