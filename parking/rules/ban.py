"""The blacklist (黑名单): who may not come, until when. It ends by itself: only the hour decides."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from parking.refused import Reason, no
from parking.rules import plate as plates
from parking.vocabulary import AppealState, BanSubject, FormField, Refusal

_SIGNS = re.compile(r"[\s·•・.\-—()（）]+")
_FIELDS = {
    BanSubject.PLATE: FormField.PLATE,
    BanSubject.DRIVER: FormField.DRIVER_NAME,
    BanSubject.CARRIER: FormField.CARRIER,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. ``name`` is normalised; it counts from ``since`` to ``until`` unless lifted before."""

    id: int
    subject: BanSubject
    name: str
    reason: str
    since: datetime
    until: datetime
    lifted_at: datetime | None = None
    appeal: AppealState = AppealState.NONE

    def stands(self, at: datetime) -> bool:
        """Whether the entry counts at an instant."""
        return self.since <= at < self.until and (self.lifted_at is None or at < self.lifted_at)


def normalise(subject: BanSubject, name: str) -> str:
    """One spelling for one name: plates as the park writes them, everything else without space or case."""
    if subject is BanSubject.PLATE:
        return plates.normalise(name)
    return plates.settled(_bare, name)


def _bare(name: str) -> str:
    return _SIGNS.sub("", unicodedata.normalize("NFKC", name)).casefold()[:120]


def names(plate: str, driver: str, phone: str, escort: str, carrier: str) -> dict[BanSubject, set[str]]:
    """Every normalised name a booking brings, by subject."""
    people = {normalise(BanSubject.DRIVER, n) for n in (driver, phone, escort) if n}
    return {
        BanSubject.PLATE: {normalise(BanSubject.PLATE, plate)},
        BanSubject.DRIVER: people,
        BanSubject.CARRIER: {normalise(BanSubject.CARRIER, carrier)},
    }


def against(
    entries: Iterable[Entry], brought: dict[BanSubject, set[str]], at: datetime
) -> tuple[Reason, ...]:
    """One reason for each entry that stands at ``at`` and names somebody of the booking."""
    return tuple(
        no(Refusal.BANNED, _FIELDS[e.subject], name=e.name, reason=e.reason, until=e.until)
        for e in entries
        if e.stands(at) and e.name in brought[e.subject]
    )
