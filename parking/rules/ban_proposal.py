"""Who might be put on the blacklist: proposed by rule, decided by a person. Pure.

As one park's notice has it (天门市公告): repeated illegal parking in the park. How often and within what time
is the park's to set.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from parking.vocabulary import ViolationKind

#: Standing where or longer than one may.
PARKING = frozenset({ViolationKind.ILLEGAL_STOP, ViolationKind.OVERSTAY, ViolationKind.RING_STOP})


@dataclass(frozen=True, slots=True)
class Offence:
    """A violation somebody has answered: ``id`` grows with each new one."""

    id: int
    plate: str
    kind: ViolationKind
    at: datetime


@dataclass(frozen=True, slots=True)
class Proposal:
    """A plate and the offences that speak against it, newest first."""

    plate: str
    offences: tuple[Offence, ...]

    @property
    def last(self) -> int:
        """The newest offence; what was decided up to it is not proposed again."""
        return self.offences[0].id


def proposals(
    offences: Iterable[Offence],
    now: datetime,
    least: int,
    within: timedelta,
    decided: dict[str, int],
    banned: Iterable[str],
) -> list[Proposal]:
    """Plates with at least ``least`` offences since ``now - within``, most offences first.

    ``decided``: plate → newest offence a person has already decided about; only a later one proposes again,
    with all that came before. ``banned``: plates on the blacklist now.
    """
    standing = set(banned)
    by_plate: dict[str, list[Offence]] = {}
    for offence in offences:
        if offence.kind in PARKING and now - within <= offence.at <= now:
            by_plate.setdefault(offence.plate, []).append(offence)
    found = [
        Proposal(plate, _newest_first(theirs))
        for plate, theirs in by_plate.items()
        if plate not in standing and len(theirs) >= max(1, least)
    ]
    fresh = (p for p in found if p.last > decided.get(p.plate, 0))
    return sorted(fresh, key=lambda p: (-len(p.offences), p.plate))


def _newest_first(offences: Sequence[Offence]) -> tuple[Offence, ...]:
    return tuple(sorted(offences, key=lambda o: -o.id))
