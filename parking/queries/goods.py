"""The dangerous goods this park knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from parking.models import Goods


@dataclass(frozen=True, slots=True)
class GoodsView:
    """One entry of the goods list."""

    un_number: str
    name_zh: str
    name_en: str
    hazard_class: str
    subsidiary: tuple[str, ...]
    packing_group: str | None
    packing_groups: tuple[str, ...]
    erg_guide: str | None
    critical_quantity_t: float | None
    critical_entry: str | None
    traits: tuple[str, ...]
    fire_category: str | None
    aliases: tuple[str, ...]
    origins: Mapping[str, Sequence[str]]
    confirmed: frozenset[str]
    source: str

    def name(self, lang: str) -> str:
        return self.name_en if lang == "en" else self.name_zh


def count(session: Session) -> int:
    """How many goods the park knows."""
    return session.scalar(select(func.count()).select_from(Goods)) or 0


def search(session: Session, typed: str, limit: int = 20) -> Sequence[GoodsView]:
    """Goods by UN number, Chinese or English name, a name people say, or pinyin initials.

    Numbers first, then names and initials that begin so, then shorter names.
    """
    bare = typed.strip().upper().removeprefix("UN").strip()[:60]
    if not bare:
        return []
    pattern = bare.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    found = session.scalars(
        select(Goods)
        .where(
            or_(
                Goods.un_number.startswith(bare, autoescape=True),
                Goods.name_zh.ilike(f"%{pattern}%"),
                Goods.name_en.ilike(f"%{pattern}%"),
                func.array_to_string(Goods.aliases, " ").ilike(f"%{pattern}%"),
                Goods.pinyin.like(f"%{pattern.lower()}%"),
            )
        )
        .order_by(
            Goods.un_number.startswith(bare, autoescape=True).desc(),
            ((func.upper(Goods.name_zh) == bare) | (func.upper(Goods.name_en) == bare)).desc(),
            func.array_to_string(Goods.aliases, "|").ilike(f"{pattern}%").desc(),
            (" " + Goods.pinyin + " ").like(f"% {pattern.lower()} %").desc(),
            (" " + Goods.pinyin).like(f"% {pattern.lower()}%").desc(),
            (Goods.name_zh.ilike(f"{pattern}%") | Goods.name_en.ilike(f"{pattern}%")).desc(),
            func.length(Goods.name_zh),
            Goods.un_number,
        )
        .limit(limit)
    )
    return [_view(row) for row in found]


def by_number(session: Session, un_number: str) -> GoodsView | None:
    row = session.get(Goods, un_number)
    return _view(row) if row else None


def _view(row: Goods) -> GoodsView:
    return GoodsView(
        row.un_number,
        row.name_zh,
        row.name_en,
        row.hazard_class,
        tuple(row.subsidiary),
        row.packing_group,
        tuple(row.packing_groups),
        row.erg_guide,
        row.critical_quantity_t,
        row.critical_entry,
        tuple(row.traits),
        row.fire_category,
        tuple(row.aliases),
        row.origins,
        frozenset(row.confirmed),
        row.source,
    )
