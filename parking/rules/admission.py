"""May this booking be taken? Every reason against it at once, from the form and what the park knows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from parking.refused import Reason, no
from parking.rules import plate as plates
from parking.rules.policy import Policy
from parking.vocabulary import FormField, LoadState, Refusal


@dataclass(frozen=True, slots=True)
class BookingForm:
    """What the driver typed, as meant values. Times are aware; masses are kilograms of cargo.

    ``plate_confirmed``: staff looked at an unusual plate and take it as it stands.
    """

    plate: str
    plate_colour: int
    carrier: str
    driver_name: str
    driver_phone: str
    escort_name: str
    waybill_no: str
    un_number: str | None
    mass_kg: int
    load_state: LoadState
    window_start: datetime
    window_end: datetime
    language: str = "zh"
    idempotency_key: str | None = None
    plate_confirmed: bool = False
    enterprise: str | None = None


#: A public lot takes neither explosives nor radioactive material, whatever a park's policy says.
CLASSES_REFUSED = ("1", "7")


@dataclass(frozen=True, slots=True)
class KnownGoods:
    """The classification of a UN number this park knows."""

    un_number: str
    hazard_class: str
    subsidiary: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OtherBooking:
    """A booking that still counts; ``code`` as the asker may see it."""

    code: str
    plate: str
    waybill_no: str
    window_start: datetime
    window_end: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """What the park knows when the form arrives: bookings of the same plate, of the same waybill."""

    goods: KnownGoods | None = None
    same_plate: tuple[OtherBooking, ...] = ()
    same_waybill: OtherBooking | None = None
    policy: Policy = field(default_factory=Policy)


_LENGTHS: Mapping[FormField, int] = {
    FormField.PLATE: 12,
    FormField.CARRIER: 120,
    FormField.DRIVER_NAME: 40,
    FormField.ESCORT_NAME: 40,
    FormField.WAYBILL_NO: 40,
}
_REQUIRED = (*_LENGTHS, FormField.DRIVER_PHONE)
_PHONE = re.compile(r"1[0-9]{10}")


def tidy(form: BookingForm) -> BookingForm:
    """The form in the park's spelling: NFKC, single spaces, plate and phone normalised."""
    return replace(
        form,
        plate=plates.normalise(_text(form.plate)),
        carrier=_text(form.carrier),
        driver_name=_text(form.driver_name),
        escort_name=_text(form.escort_name),
        driver_phone=_phone(form.driver_phone),
        waybill_no=_text(form.waybill_no).upper(),
        un_number=_un_number(form.un_number),
        idempotency_key=_text(form.idempotency_key or "")[:64] or None,
    )


def judge(form: BookingForm, facts: Facts, now: datetime) -> tuple[Reason, ...]:
    """Every reason against a tidied form; empty means it may be taken. ``now`` must be aware."""
    if now.tzinfo is None:
        raise ValueError("now must be an aware datetime")
    return (
        *_texts(form),
        *_choices(form),
        *_cargo(form, facts),
        *_window(form, facts, now),
        *_others(form, facts),
    )


def _texts(form: BookingForm) -> Iterator[Reason]:
    for name in _REQUIRED:
        text = getattr(form, name)
        if not text:
            yield _field(Refusal.FIELD_MISSING, name)
        elif len(text) > _LENGTHS.get(name, 10**6):
            yield _field(Refusal.FIELD_TOO_LONG, name, limit=_LENGTHS[name])
    if form.plate and not form.plate_confirmed and not plates.valid(form.plate):
        yield no(Refusal.PLATE_MALFORMED, FormField.PLATE, plate=form.plate)
    if form.driver_phone and not _PHONE.fullmatch(form.driver_phone):
        yield no(Refusal.PHONE_MALFORMED, FormField.DRIVER_PHONE)
    if form.driver_name and _same_person(form.driver_name, form.escort_name):
        yield no(Refusal.DRIVER_IS_ESCORT, FormField.ESCORT_NAME, name=form.driver_name)


def _choices(form: BookingForm) -> Iterator[Reason]:
    if form.plate_colour not in plates.COLOURS:
        yield _field(Refusal.CHOICE_UNKNOWN, FormField.PLATE_COLOUR)
    if form.load_state not in list(LoadState):
        yield _field(Refusal.CHOICE_UNKNOWN, FormField.LOAD_STATE)
    if form.language not in ("zh", "en"):
        yield _field(Refusal.CHOICE_UNKNOWN, FormField.LANGUAGE)


def _cargo(form: BookingForm, facts: Facts) -> Iterator[Reason]:
    yield from _mass(form, facts.policy)
    if not form.un_number:
        if form.load_state != LoadState.EMPTY_CLEAN:
            yield _field(Refusal.FIELD_MISSING, FormField.UN_NUMBER)
    elif facts.goods is None:
        yield no(Refusal.UN_NUMBER_UNKNOWN, FormField.UN_NUMBER, un_number=form.un_number)
    elif form.load_state != LoadState.EMPTY_CLEAN:
        yield from _classes(facts.goods)


def _mass(form: BookingForm, policy: Policy) -> Iterator[Reason]:
    if form.load_state == LoadState.LOADED and form.mass_kg <= 0:
        yield no(Refusal.MASS_NOT_POSITIVE, FormField.MASS_KG)
    elif form.mass_kg < 0:
        yield _field(Refusal.NUMBER_MALFORMED, FormField.MASS_KG)
    elif form.load_state == LoadState.EMPTY_CLEAN and form.mass_kg > 0:
        yield no(Refusal.EMPTY_WITH_MASS, FormField.MASS_KG, mass_kg=form.mass_kg)
    limit = int(policy.booking_mass_kg)
    if form.mass_kg > limit:
        yield no(Refusal.MASS_TOO_LARGE, FormField.MASS_KG, mass_kg=form.mass_kg, limit_kg=limit)


def _classes(goods: KnownGoods) -> Iterator[Reason]:
    for hazard in (goods.hazard_class, *goods.subsidiary):
        if any(hazard == c or hazard.startswith(c + ".") for c in CLASSES_REFUSED):
            yield no(Refusal.CLASS_NOT_ACCEPTED, FormField.UN_NUMBER, hazard_class=hazard)


def _window(form: BookingForm, facts: Facts, now: datetime) -> Iterator[Reason]:
    naive = [f for f in (FormField.WINDOW_START, FormField.WINDOW_END) if getattr(form, f).tzinfo is None]
    if naive:
        yield from (_field(Refusal.TIME_MALFORMED, name) for name in naive)
        return
    days, hours = facts.policy.booking_days_ahead, facts.policy.booking_window_h
    if form.window_end <= form.window_start:
        yield no(Refusal.WINDOW_REVERSED, FormField.WINDOW_END)
    if form.window_end <= now:
        yield no(Refusal.WINDOW_PAST, FormField.WINDOW_END)
    if form.window_start > now + timedelta(days=days):
        yield no(Refusal.WINDOW_TOO_FAR, FormField.WINDOW_START, days=days)
    if form.window_end - form.window_start > timedelta(hours=hours):
        yield no(Refusal.WINDOW_TOO_LONG, FormField.WINDOW_END, hours=hours)


def _others(form: BookingForm, facts: Facts) -> Iterator[Reason]:
    if form.window_start.tzinfo and form.window_end.tzinfo:
        for other in facts.same_plate:
            if other.window_start < form.window_end and form.window_start < other.window_end:
                yield no(Refusal.ALREADY_BOOKED, FormField.PLATE, plate=form.plate, code=other.code)
    if facts.same_waybill is not None:
        code = facts.same_waybill.code
        yield no(Refusal.WAYBILL_USED, FormField.WAYBILL_NO, waybill_no=form.waybill_no, code=code)


def _field(word: Refusal, name: FormField, **facts: Any) -> Reason:
    """A reason whose sentence names the field as people call it."""
    return Reason(word, {"field": name, **facts}, name)


def _text(text: str) -> str:
    """NFKC, control characters away, single spaces."""
    seen = unicodedata.normalize("NFKC", text)
    return " ".join("".join(c if c.isprintable() else " " for c in seen).split())


def _phone(text: str) -> str:
    digits = re.sub(r"[\s\-()]", "", _text(text))
    return digits.removeprefix("+86")


def _un_number(text: str | None) -> str | None:
    """Four digits: “UN 1203”, “1203” → 1203; anything else stays as typed and will be unknown."""
    return _text(text or "").replace(" ", "").upper().removeprefix("UN") or None


def _same_person(one: str, other: str) -> bool:
    return one.replace(" ", "").casefold() == other.replace(" ", "").casefold()
