"""The park's limits for the page that tells which of them are only this product's assumptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from typing import Any

from parking.queries import park as park_query
from parking.rules.policy import Policy
from web.language import _
from web.policy_words import MEANINGS
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
    """Every limit with its value in force, in the order of the rules."""
    with reading() as session:
        own = park_query.current(session).policy
    return [_row(one, own) for one in fields(Policy)]


def _row(one: Field[Any], own: Mapping[str, Any]) -> PolicyRow:
    unit = str(one.metadata["unit"])
    return PolicyRow(
        key=one.name,
        label=_(MEANINGS.get(one.name, one.name)),
        value=_text(own.get(one.name, one.default), unit),
        default=_text(one.default, unit),
        assumption=bool(one.metadata["assumption"]),
        set_by_park=one.name in own,
        source=str(one.metadata["source"]),
    )


def _text(value: Any, unit: str) -> str:
    """A value with its unit; shares as per cent."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if unit == "share":
        return f"{value:.0%}"
    return f"{value:,.10g} {unit}".strip()
