"""What a layer's version and a violation say of themselves to GIS programs, in files and answers alike."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from geo.shapes import SINCE_EVER
from parking.queries.features import LayerItem, ViolationItem
from web.language import name


def layer_properties(item: LayerItem) -> dict[str, Any]:
    """Names, act, days, source and the layer's own attributes; what is unknown is None."""
    feature, act, source = item.feature, item.feature.approval, item.feature.source
    own = {k: v for k, v in feature.attributes.items() if v is not None}
    return {
        **own,
        "version": item.id,
        "kind": str(feature.kind),
        "code": feature.code,
        "name_zh": feature.name_zh,
        "name_en": feature.name_en,
        "document": (act and act.document) or None,
        "issuing_body": (act and act.issuing_body) or None,
        "approved_on": _day(act and act.approved_on),
        "effective_from": _day(act and act.effective_from),
        "effective_to": _day(act and act.effective_to),
        "in_force": item.in_force,
        "source_file": source and source.file,
        "source_sha256": source and source.sha256,
        "source_crs": source and source.crs,
    }


def violation_properties(one: ViolationItem) -> dict[str, Any]:
    """Words as codes for programs and as names for people."""
    return {
        "number": one.id,
        "plate": one.plate,
        "kind": str(one.kind),
        "kind_name": name(one.kind),
        "subject": one.subject,
        "started_at": _instant(one.started_at),
        "ended_at": _instant(one.ended_at),
        "certainty": str(one.certainty),
        "state": str(one.state),
        "late": one.late,
    }


def _day(day: date | None) -> str | None:
    return None if day is None or day == SINCE_EVER else day.isoformat()


def _instant(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
