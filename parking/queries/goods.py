"""The dangerous goods this park knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
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
    source: str

    def name(self, lang: str) -> str:
        return self.name_en if lang == "en" else self.name_zh


def search(session: Session, typed: str, limit: int = 20) -> Sequence[GoodsView]:
    """Goods by UN number, Chinese or English name, or pinyin initials. Numbers first."""
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
                Goods.pinyin.like(f"%{pattern.lower()}%"),
            )
        )
        .order_by(Goods.un_number.startswith(bare, autoescape=True).desc(), Goods.un_number)
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
        row.source,
    )
