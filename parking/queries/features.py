"""Layers and violations as features for GIS programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import shapely
from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from geo.shapes import Feature, LayerKind
from parking.models import LayerVersion, Vehicle, Violation
from parking.queries import layers
from parking.queries import park as parks
from parking.vocabulary import Certainty, ViolationKind, ViolationState

#: West, south, east, north, degrees; west may lie east of east (over the date line).
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Span:
    """Instants from ``since`` to ``until``, both included; None is open."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class LayerItem:
    """One version believed in. ``in_force``: it binds today."""

    id: int
    feature: Feature
    in_force: bool


@dataclass(frozen=True, slots=True)
class ViolationItem:
    """A violation as a point (None: no position). Nobody's name or phone is in it."""

    id: int
    plate: str
    kind: ViolationKind
    subject: str
    started_at: datetime
    ended_at: datetime | None
    lon: float | None
    lat: float | None
    certainty: Certainty
    state: ViolationState
    late: bool


def layer_items(
    session: Session, kind: LayerKind, box: Box | None = None, span: Span | None = None
) -> list[LayerItem]:
    """Versions believed in whose shape touches ``box`` and whose days touch ``span``, by id."""
    return list(_chosen(_layer_items(session, kind), box, span))


def layer_item(session: Session, kind: LayerKind, version_id: int) -> LayerItem | None:
    return next((i for i in _layer_items(session, kind) if i.id == version_id), None)


def violation_items(
    session: Session, box: Box | None, span: Span | None, limit: int | None, offset: int
) -> tuple[int, Sequence[ViolationItem]]:
    """(how many match, those from ``offset`` on), by id."""
    where = [*_inside(box), *_during(span)]
    total = session.scalar(select(func.count(Violation.id)).where(*where)) or 0
    rows = session.execute(_violations().where(*where).order_by(Violation.id).limit(limit).offset(offset))
    return total, [_violation(*row) for row in rows]


def violation_item(session: Session, violation_id: int) -> ViolationItem | None:
    row = session.execute(_violations().where(Violation.id == violation_id)).one_or_none()
    return _violation(*row) if row else None


def violation_span(session: Session) -> Span:
    """When the first violation began and the last one began."""
    first, last = session.execute(
        select(func.min(Violation.started_at), func.max(Violation.started_at))
    ).one()
    return Span(first, last)


def _layer_items(session: Session, kind: LayerKind) -> Iterator[LayerItem]:
    today = layers.today()
    rows = session.scalars(
        select(LayerVersion)
        .where(
            LayerVersion.park_id == parks.stamp(session)[1],
            LayerVersion.kind == kind,
            LayerVersion.withdrawn_at.is_(None),
        )
        .order_by(LayerVersion.id)
    )
    for row in rows:
        feature = parks.feature(row)
        yield LayerItem(row.id, feature, feature.approval is None or feature.approval.in_force(today))


def _chosen(items: Iterator[LayerItem], box: Box | None, span: Span | None) -> Iterator[LayerItem]:
    areas = [shapely.box(*part) for part in _parts(box)] if box else []
    for item in items:
        if areas and not any(item.feature.geometry.intersects(area) for area in areas):
            continue
        if span is None or _binds(item.feature, span):
            yield item


def _parts(box: Box) -> list[Box]:
    west, south, east, north = box
    if west <= east:
        return [box]
    return [(west, south, 180.0, north), (-180.0, south, east, north)]


def _binds(feature: Feature, span: Span) -> bool:
    act = feature.approval
    if act is None:
        return True
    begun = span.until is None or act.effective_from <= layers.day_of(span.until)
    return begun and (
        act.effective_to is None or span.since is None or layers.day_of(span.since) < act.effective_to
    )


def _inside(box: Box | None) -> list[ColumnElement[bool]]:
    if box is None:
        return []
    return [
        or_(
            *(
                and_(Violation.lon.between(west, east), Violation.lat.between(south, north))
                for west, south, east, north in _parts(box)
            )
        )
    ]


def _during(span: Span | None) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    if span and span.since:
        where.append(or_(Violation.ended_at.is_(None), Violation.ended_at >= span.since))
    if span and span.until:
        where.append(Violation.started_at <= span.until)
    return where


def _violations() -> Select[*tuple[Any, ...]]:
    views: Select[*tuple[Any, ...]] = select(Violation, Vehicle.plate).join(
        Vehicle, Vehicle.id == Violation.vehicle_id
    )
    return views


def _violation(row: Violation, plate: str) -> ViolationItem:
    return ViolationItem(
        row.id, plate, ViolationKind(row.kind), row.subject, row.started_at, row.ended_at, row.lon, row.lat,
        Certainty(row.certainty), ViolationState(row.state), row.late,
    )  # fmt: skip
