"""The park's list of dangerous goods: taken over from a checked file, told what changed by it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from parking.goodsfile import listed, origins
from parking.models import Goods
from parking.pinyin import initials
from parking.services import audit

#: Rows entered with one statement.
AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Change:
    """What a list would change, as UN numbers. ``hazards``: whose class or subsidiary hazards change."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    hazards: tuple[str, ...]
    same: int


def compare(session: Session, rows: Iterable[Mapping[str, str]]) -> Change:
    """What ``rows`` of a checked file would change in the list; nothing is written."""
    known = {g.un_number: g for g in session.scalars(select(Goods))}
    new: list[str] = []
    changed: list[str] = []
    hazards: list[str] = []
    same = 0
    for row in rows:
        old, values = known.get(row["un_number"]), _values(row)
        if old is None:
            new.append(row["un_number"])
        elif any(getattr(old, name) != value for name, value in values.items()):
            changed.append(row["un_number"])
            if (old.hazard_class, set(old.subsidiary)) != (values["hazard_class"], set(values["subsidiary"])):
                hazards.append(row["un_number"])
        else:
            same += 1
    return Change(tuple(new), tuple(changed), tuple(hazards), same)


def take(session: Session, rows: Iterable[Mapping[str, str]]) -> None:
    """Enter checked rows. What is in the list and not among them stays; absent columns take nothing away."""
    values = [_values(row) for row in rows]
    if not values:
        return
    for some in batched(values, AT_ONCE):
        entry = insert(Goods).values(some)
        told = {name: entry.excluded[name] for name in some[0] if name != "un_number"}
        session.execute(entry.on_conflict_do_update(index_elements=["un_number"], set_=told))


def batched(values: Sequence[dict[str, Any]], size: int) -> Iterator[Sequence[dict[str, Any]]]:
    """The same in pieces: a statement takes 65,535 parameters at most."""
    return (values[n : n + size] for n in range(0, len(values), size))


def enter(
    session: Session, rows: list[dict[str, str]], file: str, now: datetime, actor: str, source: str
) -> Change:
    """Enter a checked list in a running park, audited. Returns what it changed."""
    change = compare(session, rows)
    take(session, rows)
    facts = {"file": file, "new": len(change.new), "changed": len(change.changed)}
    audit.record(session, actor, "goods", "park", None, now, source, hazards=list(change.hazards), **facts)
    return change


def _values(row: Mapping[str, str]) -> dict[str, Any]:
    """A checked row as columns of the table."""
    values: dict[str, Any] = {
        name: row[name] for name in ("un_number", "name_zh", "name_en", "hazard_class", "source")
    }
    values["subsidiary"] = listed(row.get("subsidiary"))
    values["packing_groups"] = listed(row.get("packing_groups"))
    values["packing_group"] = row.get("packing_group") or None
    if "critical_quantity_t" in row:
        values["critical_quantity_t"] = float(row["critical_quantity_t"] or 0) or None
    for name in {"erg_guide", "critical_entry", "fire_category"} & row.keys():
        values[name] = row[name] or None
    for name in {"traits", "aliases"} & row.keys():
        values[name] = listed(row[name])
    if "origins" in row:
        read = origins(row["origins"])
        values["origins"] = read
        values["confirmed"] = sorted(name for name, places in read.items() if len(places) > 1)
    spoken = [initials(name) for name in (row["name_zh"], *listed(row.get("aliases")))]
    values["pinyin"] = " ".join(spoken)[:200]
    return values
