"""The park's limits for the page that tells which of them are only this product's assumptions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any

from parking.queries import park as park_query
from parking.rules.admission import Limits
from parking.rules.policy import Policy
from web.language import _
from web.policy_words import MEANINGS, UNITS
from web.store import reading


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One limit. ``assumption``: a design default no read source confirms."""

    key: str
    label: str
    value: str
    default: str
    assumption: bool
    set_by_park: bool
    source: str


def policy_rows() -> list[PolicyRow]:
    """Every limit with its value in force, those that are assumptions first."""
    with reading() as session:
        own = park_query.current(session).policy
    rows = [*_rows(Policy, "", own), *_rows(Limits, "booking_", own)]
    return sorted(rows, key=lambda row: (not row.assumption, row.key))


def _rows(kind: type, prefix: str, own: Mapping[str, Any]) -> Iterator[PolicyRow]:
    for one in fields(kind):
        key = prefix + one.name
        default = _default(one)
        unit = str(one.metadata.get("unit", UNITS.get(key, "")))
        yield PolicyRow(
            key=key,
            label=_(MEANINGS.get(key, key)),
            value=_text(own.get(key, default), unit),
            default=_text(default, unit),
            assumption=bool(one.metadata.get("assumption", kind is Limits)),
            set_by_park=key in own,
            source=str(one.metadata.get("source", "")),
        )


def _default(one: Field[Any]) -> Any:
    if one.default is not MISSING:
        return one.default
    return one.default_factory() if one.default_factory is not MISSING else None


def _text(value: Any, unit: str) -> str:
    """A value with its unit; shares as per cent."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if unit == "share":
        return f"{value:.0%}"
    if isinstance(value, (list, tuple)):
        return ", ".join(str(one) for one in value)
    return f"{value:g} {unit}".strip() if isinstance(value, (int, float)) else str(value)
