"""Typed text becomes meant values here, once. What cannot be meant stays recognisable as wrong.

The rules judge every field at once, so a field that cannot be read is handed on as a value no rule
accepts (a naive time, a negative mass, colour −1) instead of stopping at the first fault.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flask import request

from parking.rules.admission import BookingForm
from parking.vocabulary import FormField, LoadState

PARK_ZONE = ZoneInfo("Asia/Shanghai")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
#: A time no rule accepts: without a zone.
UNREADABLE = datetime(1, 1, 1)  # noqa: DTZ001 - naive on purpose


def typed(key: str, limit: int = 500) -> str:
    """A posted field without control characters, trimmed, cut at ``limit``."""
    return _CONTROL.sub("", request.form.get(key, ""))[:limit].strip()


def booking_fields() -> dict[str, str]:
    """The booking form as typed, to be shown again."""
    return {field: typed(field, 200) for field in FormField} | {
        "idempotency_key": typed("idempotency_key", 64)
    }


def booking_form(fields: Mapping[str, str], lang: str) -> BookingForm:
    return BookingForm(
        plate=fields["plate"],
        plate_colour=whole(fields["plate_colour"]),
        carrier=fields["carrier"],
        driver_name=fields["driver_name"],
        driver_phone=fields["driver_phone"],
        escort_name=fields["escort_name"],
        waybill_no=fields["waybill_no"],
        un_number=fields["un_number"] or None,
        mass_kg=whole(fields["mass_kg"] or "0"),
        load_state=load_state(fields["load_state"]),
        window_start=park_time(fields["window_start"]),
        window_end=park_time(fields["window_end"]),
        language=lang,
        idempotency_key=fields["idempotency_key"] or None,
    )


def whole(text: str) -> int:
    """A whole number, thousands separators allowed; −1 when it is none."""
    bare = re.sub(r"[\s,，]", "", text)
    return int(bare) if re.fullmatch(r"\d{1,9}", bare) else -1


def load_state(text: str) -> LoadState:
    """The load state; unknown text goes on as it is, for the rule to refuse."""
    return LoadState(text) if text in list(LoadState) else text  # type: ignore[return-value]


def park_time(text: str) -> datetime:
    """``2026-03-02T07:30`` in park time, as an aware time; naive when it cannot be read."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=PARK_ZONE)
    except ValueError:
        return UNREADABLE


def picker_value(moment: datetime) -> str:
    """What a datetime-local field wants, in park time."""
    return moment.astimezone(PARK_ZONE).strftime("%Y-%m-%dT%H:%M")


def next_slot(now: datetime) -> datetime:
    """The next full half hour at least half an hour away: where a new booking begins."""
    ahead = now + timedelta(minutes=59)
    return ahead.replace(minute=30 if ahead.minute >= 30 else 0, second=0, microsecond=0)
