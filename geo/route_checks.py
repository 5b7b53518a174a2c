"""What a route may say of itself beside its line: one way only, or a detour for a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from geo.report import LayerWord, Report

#: Any zone will do to see whether a time can be read.
_SOME_ZONE = ZoneInfo("UTC")


def moment_of(value: Any, zone: ZoneInfo) -> datetime | None:
    """A date (its first instant) or time, without an offset in ``zone``; None when there is none to read."""
    try:
        read = datetime.fromisoformat(str(value).strip())
        return read if read.tzinfo else read.replace(tzinfo=zone)
    except ValueError:
        return None


def check_detour(properties: Mapping[str, Any], file: str, label: str, report: Report) -> None:
    """A detour is allowed from–to, by a decision somebody can look up."""
    for name in ("valid_from", "valid_to"):
        if _missing(properties, name):
            report.error(LayerWord.PROPERTY_MISSING, file, label, property=name)
        elif moment_of(properties[name], _SOME_ZONE) is None:
            _wrong(report, file, label, name, properties[name], "2026-03-02T08:00")
    begins, ends = (moment_of(properties.get(n), _SOME_ZONE) for n in ("valid_from", "valid_to"))
    if begins and ends and ends <= begins:
        _wrong(report, file, label, "valid_to", properties["valid_to"], f"> {properties['valid_from']}")
    if _missing(properties, "approval_note"):
        report.error(LayerWord.PROPERTY_MISSING, file, label, property="approval_note")


def _missing(properties: Mapping[str, Any], name: str) -> bool:
    return properties.get(name) is None or not str(properties[name]).strip()


def _wrong(report: Report, file: str, label: str, name: str, value: Any, expected: str) -> None:
    report.error(
        LayerWord.PROPERTY_WRONG, file, label, property=name, value=str(value)[:60], expected=expected
    )
