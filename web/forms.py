"""Typed text becomes meant values here, once. What cannot be meant stays recognisable as wrong.

The rules judge every field at once, so a field that cannot be read is handed on as a value no rule
accepts (a naive time, a negative mass, colour −1) instead of stopping at the first fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import abort, request

from parking.queries.bookings import BookingView, CargoView
from parking.rules.admission import BookingForm, CargoLine
from parking.vocabulary import DocumentKind, FormField, LoadState, Purpose

#: The highest number a row can have (PostgreSQL bigint).
LAST_ROW = 2**63 - 1
#: Compartments beside the first that the form offers.
FURTHER = range(2, 7)
PARK_ZONE = ZoneInfo("Asia/Shanghai")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
#: Years a stay may lie in; beyond them clocks and columns run over.
YEARS = range(2000, 2200)
#: A time no rule accepts: without a zone.
UNREADABLE = datetime(1, 1, 1)  # noqa: DTZ001 - naive on purpose


def typed(key: str, limit: int = 500) -> str:
    """A posted field without control characters, trimmed, cut at ``limit``."""
    return cleaned(request.form.get(key, ""), limit)


def cleaned(text: str, limit: int) -> str:
    return _CONTROL.sub("", text)[:limit].strip()


def booking_fields() -> dict[str, str]:
    """The booking form as typed, to be shown again."""
    names = [*FormField, *(f"{key}_{n}" for n in FURTHER for key in ("un_number", "mass_kg", "residue"))]
    names += [f"until_{kind}" for kind in DocumentKind]
    return {str(field): typed(field, 200) for field in names} | {
        "idempotency_key": typed("idempotency_key", 64)
    }


def fields_of(view: BookingView, cargoes: Sequence[CargoView]) -> dict[str, str]:
    """A booking as its form was typed, to be mended."""
    fields = {str(name): str(getattr(view, name, "") or "") for name in FormField}
    fields |= {
        "window_start": picker_value(view.window_start),
        "window_end": picker_value(view.window_end),
        "mass_kg": str(cargoes[0].mass_kg if cargoes else view.mass_kg),
        **{f"until_{kind}": until for kind, until in view.documents.items()},
    }
    for n, line in zip(FURTHER, cargoes[1:], strict=False):
        fields |= {f"un_number_{n}": line.un_number, f"mass_kg_{n}": str(line.mass_kg)}
        fields[f"residue_{n}"] = "1" if line.residue else ""
    return fields


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
        enterprise=fields.get("enterprise") or None,
        purpose=purpose(fields.get("purpose", "")),
        further=tuple(_further(fields)),
        length_m=metres(fields.get("length_m", "")),
        width_m=metres(fields.get("width_m", "")),
        height_m=metres(fields.get("height_m", "")),
        documents={kind: day for kind in DocumentKind if (day := date_of(fields.get(f"until_{kind}", "")))},
    )


def _further(fields: Mapping[str, str]) -> Iterator[CargoLine]:
    """The compartments beside the first, those that were filled in."""
    for n in FURTHER:
        un, mass = fields.get(f"un_number_{n}", ""), fields.get(f"mass_kg_{n}", "")
        if un or mass:
            yield CargoLine(un, whole(mass or "0"), fields.get(f"residue_{n}", "") == "1")


def cargo_lines() -> tuple[CargoLine, ...]:
    """Posted compartments of a page that is not the booking form, the first one included."""
    first = typed("un_number", 40)
    fields = booking_fields()
    lines = tuple(_further(fields))
    if not first:
        return lines
    return (CargoLine(first, whole(typed("mass_kg", 20) or "0"), typed("residue", 1) == "1"), *lines)


def metres(text: str) -> float | None:
    """A size in metres; None when nothing was typed, −1 when it is no number."""
    if not text:
        return None
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return -1.0


def date_of(text: str) -> date | None:
    """A date as the browser sends it; one that cannot be read counts as long past, and is refused."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return date.min


def whole(text: str) -> int:
    """A whole number, thousands separators allowed; −1 when it is none."""
    bare = re.sub(r"[\s,，]", "", text)
    return int(bare) if re.fullmatch(r"\d{1,9}", bare) else -1


def row_number(text: str) -> int:
    """The number of a row as an address or a form names it. Raises ValueError when no row can have it."""
    if not re.fullmatch(r"[0-9]{1,19}", text) or int(text) > LAST_ROW:
        raise ValueError(text)
    return int(text)


def posted_row(key: str) -> int:
    """A posted row number; anything else is no request of ours (400)."""
    try:
        return row_number(typed(key, 20))
    except ValueError:
        abort(400)


def load_state(text: str) -> LoadState:
    """The load state; unknown text goes on as it is, for the rule to refuse."""
    return LoadState(text) if text in list(LoadState) else text  # type: ignore[return-value]


def purpose(text: str) -> Purpose | None:
    """What the vehicle comes for; unknown text goes on as it is, for the rule to refuse."""
    if not text:
        return None
    return Purpose(text) if text in list(Purpose) else text  # type: ignore[return-value]


def park_time(text: str) -> datetime:
    """``2026-03-02T07:30`` in park time, as an aware time; naive when it cannot be read.

    A time that names its own zone is meant in that zone. Years no stay can lie in are not read.
    """
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return UNREADABLE
    if read.year not in YEARS:
        return UNREADABLE
    return read if read.utcoffset() is not None else read.replace(tzinfo=PARK_ZONE)


def picker_value(moment: datetime) -> str:
    """What a datetime-local field wants, in park time."""
    return moment.astimezone(PARK_ZONE).strftime("%Y-%m-%dT%H:%M")


def next_slot(now: datetime) -> datetime:
    """The next full half hour at least half an hour away: where a new booking begins."""
    ahead = now + timedelta(minutes=59)
    return ahead.replace(minute=30 if ahead.minute >= 30 else 0, second=0, microsecond=0)
