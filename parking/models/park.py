"""The park: its dated layers, its lot and the lot's bays."""

from __future__ import annotations

from datetime import date

from sqlalchemy import (
    ColumnElement,
    Float,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    and_,
    or_,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from parking.models.base import Base, Instant, Json, Key, Name, Word

#: One shape as a range, so that its texts can be compared by GiST without an extension.
_SHAPE_KEY = (
    "int8range(hashtextextended(kind || '/' || code, 0), hashtextextended(kind || '/' || code, 0), '[]')"
)


class ParkRow(Base):
    """One park; ``settings`` holds metric CRS, watch area, policy overrides and notices."""

    __tablename__ = "park"

    id: Mapped[Key]
    code: Mapped[Word] = mapped_column(unique=True)
    name_zh: Mapped[Name]
    name_en: Mapped[Name]
    official: Mapped[bool]
    settings: Mapped[Json]
    loaded_at: Mapped[Instant]


class Drawing(Base):
    """A file of layers somebody handed in on the pages, kept as it came, whatever became of it.

    ``declared`` and ``act`` are what was said of it: coordinate system, DXF layers, properties; document,
    issuing body and dates (ISO). ``state``: see DrawingState.
    """

    __tablename__ = "layer_drawing"
    __table_args__ = (Index("ix_layer_drawing_park_id", "park_id"),)

    id: Mapped[Key]
    park_id: Mapped[int] = mapped_column(ForeignKey("park.id"))
    kind: Mapped[Word]
    file_name: Mapped[Name]
    content: Mapped[bytes] = mapped_column(deferred=True)
    file_sha256: Mapped[str] = mapped_column(String(64))
    declared: Mapped[Json]
    act: Mapped[Json]
    whole: Mapped[bool]  # codes it does not show are no longer in force from its first day
    state: Mapped[Word]
    handed_in_at: Mapped[Instant]
    handed_in_by: Mapped[Name]
    decided_at: Mapped[Instant | None]
    decided_by: Mapped[Name | None]
    repaired: Mapped[bool] = mapped_column(default=False)  # a person agreed to the repairs proposed


class LayerVersion(Base):
    """One version of one named shape. Versions are never changed, only followed by others.

    ``loaded_at`` to ``withdrawn_at`` is when the house believed in it; ``effective_from`` to
    ``effective_to`` (None: since ever, for ever) the days it binds. Of one shape no two versions believed
    in bind on one day: the exclusion constraint holds whatever happens beside it.
    """

    __tablename__ = "layer_version"
    __table_args__ = (
        UniqueConstraint("park_id", "kind", "code", "sha256", name="uq_layer_version_content"),
        Index("ix_layer_version_park_id_kind", "park_id", "kind"),
        ExcludeConstraint(
            (text("int8range(park_id, park_id, '[]')"), "&&"),
            (text(_SHAPE_KEY), "&&"),
            (text("daterange(effective_from, effective_to)"), "&&"),
            name="ex_layer_version_in_force",
            using="gist",
            where=text("withdrawn_at IS NULL"),
        ),
    )

    id: Mapped[Key]
    park_id: Mapped[int] = mapped_column(ForeignKey("park.id"))
    kind: Mapped[Word]
    code: Mapped[Word]
    name_zh: Mapped[Name]
    name_en: Mapped[Name]
    wkb: Mapped[bytes]
    attributes: Mapped[Json]
    document: Mapped[str | None] = mapped_column(String(200))
    issuing_body: Mapped[str | None] = mapped_column(String(200))
    approved_on: Mapped[date | None]
    effective_from: Mapped[date | None]
    effective_to: Mapped[date | None]
    sha256: Mapped[str] = mapped_column(String(64))
    loaded_at: Mapped[Instant]
    withdrawn_at: Mapped[Instant | None]
    drawing_id: Mapped[int | None] = mapped_column(ForeignKey("layer_drawing.id"))
    source_crs: Mapped[str | None] = mapped_column(String(200))
    file_name: Mapped[Name | None]
    file_sha256: Mapped[str | None] = mapped_column(String(64))
    geometry_sha256: Mapped[str | None] = mapped_column(String(64))

    @classmethod
    def on(cls, day: date) -> ColumnElement[bool]:
        """Believed in, and binding on ``day`` (the park's)."""
        return and_(
            cls.withdrawn_at.is_(None),
            or_(cls.effective_from.is_(None), cls.effective_from <= day),
            or_(cls.effective_to.is_(None), cls.effective_to > day),
        )


class Lot(Base):
    """The dedicated lot. Its row is the lock for every rule that looks at several bays."""

    __tablename__ = "lot"

    id: Mapped[Key]
    park_id: Mapped[int] = mapped_column(ForeignKey("park.id"))
    code: Mapped[Word]
    name_zh: Mapped[Name]
    name_en: Mapped[Name]


class Bay(Base):
    """A bay (泊位). ``x``/``y`` is its centre in the park's metric CRS, metres; lists are class prefixes."""

    __tablename__ = "bay"
    __table_args__ = (UniqueConstraint("lot_id", "code", name="uq_bay_lot_id_code"),)

    id: Mapped[Key]
    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"))
    code: Mapped[Word]
    zone: Mapped[Word]
    hazard_classes: Mapped[list[str]] = mapped_column(ARRAY(String(8)))
    load_states: Mapped[list[str]] = mapped_column(ARRAY(String(20)))
    isolation: Mapped[bool] = mapped_column(default=False)
    length_m: Mapped[float] = mapped_column(Float)
    width_m: Mapped[float] = mapped_column(Float)
    wkb: Mapped[bytes]  # polygon, metric CRS
    height_m: Mapped[float | None] = mapped_column(Float)  # None: open to the sky
    out_of_service: Mapped[str | None] = mapped_column(String(200))


class Goods(Base):
    """Dangerous goods this park knows; anything else is refused, never guessed.

    ``packing_group`` is the strictest of ``packing_groups``; ``critical_quantity_t`` (tonnes) and the entry
    it is read from follow GB 18218-2018; ``pinyin`` holds the initials of every reading of ``name_zh``;
    ``origins`` tells for each column the places it was read alike in, ``confirmed`` names those read alike in
    two or more; ``aliases`` are the names people say (液碱, LNG).
    """

    __tablename__ = "goods"

    un_number: Mapped[str] = mapped_column(String(4), primary_key=True)
    name_zh: Mapped[Name]
    name_en: Mapped[str] = mapped_column(String(200))
    hazard_class: Mapped[str] = mapped_column(String(8))
    subsidiary: Mapped[list[str]] = mapped_column(ARRAY(String(8)))
    packing_group: Mapped[str | None] = mapped_column(String(4))
    packing_groups: Mapped[list[str]] = mapped_column(ARRAY(String(4)), server_default="{}")
    erg_guide: Mapped[str | None] = mapped_column(String(4))
    critical_quantity_t: Mapped[float | None] = mapped_column(Float)
    critical_entry: Mapped[str | None] = mapped_column(String(120))
    traits: Mapped[list[str]] = mapped_column(ARRAY(String(24)), server_default="{}")
    fire_category: Mapped[str | None] = mapped_column(String(2))
    aliases: Mapped[list[str]] = mapped_column(ARRAY(String(60)), server_default="{}")
    pinyin: Mapped[str] = mapped_column(String(200), server_default="")
    origins: Mapped[Json] = mapped_column(server_default="{}")
    confirmed: Mapped[list[str]] = mapped_column(ARRAY(String(24)), server_default="{}")
    source: Mapped[str] = mapped_column(String(200))
