"""Weather hold: which vehicles wait while a warning of the weather service stands. Pure.

A warning holds classes: what the park's list says of its kind and level. Every hazard of a load counts, a
subsidiary one too; residues count in full; a cleaned, empty vehicle carries nothing that could be held. What
nobody knows is held by every warning.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from parking.refused import Reason, no
from parking.rules.park_rules import WeatherRule, matches
from parking.rules.substance import Load
from parking.vocabulary import Refusal, WarningLevel, WeatherKind

#: Roles that may write a warning down or lift it.
MAY_ENTER = frozenset({"dispatcher", "supervisor"})
ANY = "*"
#: A warning holds from this long before its begin: whoever is let in at that moment may have read the clock
#: before, and then waited until the warning was written down.
LEAD = timedelta(seconds=30)
_SEVERITY = {level: n for n, level in enumerate(WarningLevel)}


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning as written down. It counts from ``since`` to ``until`` (None: until lifted)."""

    id: int
    level: WarningLevel
    kind: str
    issuer: str
    original: str
    classes: tuple[str, ...]
    since: datetime
    until: datetime | None
    entered_at: datetime
    entered_by: str
    lifted_at: datetime | None = None
    lifted_by: str | None = None

    def stands(self, at: datetime) -> bool:
        """Whether the warning counts at an instant. It ends by itself: only the hour decides."""
        return self.since <= at and not self.over(at)

    def holds(self, at: datetime) -> bool:
        """Whether arrivals at an instant are held: it counts, or begins this very moment."""
        return self.since - LEAD <= at and not self.over(at)

    def over(self, at: datetime) -> bool:
        """Whether it can no longer count."""
        return any(end is not None and end <= at for end in (self.until, self.lifted_at))


def held_classes(kind: str, level: WarningLevel, rules: Iterable[WeatherRule]) -> tuple[str, ...]:
    """The classes a warning holds: of every rule for its kind, from the rule's level upwards.

    A kind the park's list cannot know (``other``) falls under the rules of all kinds.
    """
    found = {
        c
        for rule in rules
        if _SEVERITY[rule.level] <= _SEVERITY[level] and _alike(rule.kind, kind)
        for c in rule.classes
    }
    return (ANY,) if ANY in found else tuple(sorted(found))


def held_of(load: Load, classes: tuple[str, ...]) -> tuple[str, ...]:
    """The hazards of a load that fall under the held classes, each once."""
    return tuple(h for h in dict.fromkeys(load.hazards) if matches(h, classes))


def against(load: Load, warnings: Iterable[Warned], at: datetime) -> tuple[Reason, ...]:
    """One reason for each warning that holds at ``at`` and names something of the load."""
    return tuple(
        no(
            Refusal.WEATHER_HOLD, level=w.level, kind=spoken(w.kind), issuer=w.issuer, since=w.since,
            hazard_class=held,
        )
        for w in warnings
        if w.holds(at) and (held := held_of(load, w.classes))
    )  # fmt: skip


def spoken(kind: str) -> str:
    """A kind as a word with a name, where it has one; a park's own kind as the park spells it."""
    return WeatherKind(kind) if kind in list(WeatherKind) else kind


def _alike(rule: str, kind: str) -> bool:
    return kind == WeatherKind.OTHER or rule in (ANY, kind)
