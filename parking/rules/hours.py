"""Forbidden hours: when given classes may not come in, by the park's clock. Leaving is never held."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from parking.refused import Reason, no
from parking.rules.park_rules import ForbiddenHours, matches
from parking.vocabulary import Refusal


def against(
    hazards: Iterable[str],
    forbidden: Iterable[ForbiddenHours],
    at: datetime,
    zone: ZoneInfo,
    field: str | None = None,
) -> tuple[Reason, ...]:
    """One reason for each stretch of hours that holds ``at`` and names one of the hazards.

    ``hazards``: classes and subsidiary hazards of the load (``?``: unknown, named by every stretch); none
    for a cleaned, empty vehicle. ``at`` must be aware.
    """
    brought = tuple(dict.fromkeys(hazards))
    return tuple(
        no(
            Refusal.HOURS_FORBIDDEN, field, hazard_class=held, begins=f"{f.begins:%H:%M}",
            ends=f"{f.ends:%H:%M}", reason=f.reason,
        )
        for f in forbidden
        if f.covers(at, zone) and (held := tuple(h for h in brought if matches(h, f.classes)))
    )  # fmt: skip
