"""The park: its dated layers, its lot and the lot's bays."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Float, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from parking.models.base import Base, Instant, Json, Key, Name, Word


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


class LayerVersion(Base):
    """One version of one named shape. Versions are never changed, only followed by others."""

    __tablename__ = "layer_version"
    __table_args__ = (
        UniqueConstraint("park_id", "kind", "code", "sha256", name="uq_layer_version_content"),
        Index("ix_layer_version_park_id_kind", "park_id", "kind"),
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
