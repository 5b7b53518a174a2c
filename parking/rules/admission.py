"""May this booking be taken? Every reason against it at once, from the form and what the park knows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from parking.refused import Reason, no
from parking.rules import hours
from parking.rules import plate as plates
from parking.rules.park_rules import ForbiddenHours
from parking.rules.policy import Policy
from parking.vocabulary import DocumentKind, FormField, LoadState, Purpose, Refusal


@dataclass(frozen=True, slots=True)
class CargoLine:
    """One compartment as somebody declares it. Kilograms; a residue keeps its hazards."""

    un_number: str
    mass_kg: int
    residue: bool = False


@dataclass(frozen=True, slots=True)
class BookingForm:
    """What the driver typed, as meant values. Times are aware; masses are kilograms of cargo.

    ``un_number`` and ``mass_kg`` are the first compartment, ``further`` the others. Sizes in metres (None:
    not told). ``documents``: valid-until dates by kind. ``enterprise``: who expects the vehicle.
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
    further: tuple[CargoLine, ...] = ()
    length_m: float | None = None
    width_m: float | None = None
    height_m: float | None = None
    documents: Mapping[str, date] = field(default_factory=dict)
    walk_in: bool = False
    purpose: Purpose | None = None

    @property
    def cargoes(self) -> tuple[CargoLine, ...]:
        """Every compartment, the first one first; none in a cleaned vehicle."""
        if self.load_state == LoadState.EMPTY_CLEAN or not self.un_number:
            return ()
        residue = self.load_state == LoadState.EMPTY_UNCLEANED
        return (CargoLine(self.un_number, self.mass_kg, residue), *self.further)

    @property
    def total_kg(self) -> int:
        """Everything in all compartments."""
        return self.mass_kg + sum(line.mass_kg for line in self.further)


#: Where a park is unless it says otherwise.
PARK_ZONE = ZoneInfo("Asia/Shanghai")
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
    """What the park knows when the form arrives.

    ``goods``: the classification of each UN number on the form that is known. ``together``: reasons why the
    compartments may not travel together; ``banned``: who of the form is on the blacklist. ``enterprises``:
    who has a dock here (empty: the park drew none). ``forbidden``: hours closed to given classes.
    """

    goods: Mapping[str, KnownGoods] = field(default_factory=dict)
    together: tuple[Reason, ...] = ()
    enterprises: frozenset[str] = frozenset()
    banned: tuple[Reason, ...] = ()
    same_plate: tuple[OtherBooking, ...] = ()
    same_waybill: OtherBooking | None = None
    policy: Policy = field(default_factory=Policy)
    zone: ZoneInfo = PARK_ZONE
    forbidden: tuple[ForbiddenHours, ...] = ()


_LENGTHS: Mapping[FormField, int] = {
    FormField.PLATE: 12,
    FormField.CARRIER: 120,
    FormField.DRIVER_NAME: 40,
    FormField.ESCORT_NAME: 40,
    FormField.WAYBILL_NO: 40,
}

_REQUIRED = (*_LENGTHS, FormField.DRIVER_PHONE)
#: More compartments than any road tanker has.
COMPARTMENTS = 9
#: Larger vehicles than these do not exist on the road, metres.
_LARGEST: Mapping[FormField, float] = {
    FormField.LENGTH_M: 30.0,
    FormField.WIDTH_M: 5.0,
    FormField.HEIGHT_M: 6.0,
}
#: No compartment of a road vehicle holds more, kilograms.
_HEAVIEST = 100_000
#: How long a draft's stay is until somebody says.
_DRAFT_STAY = timedelta(hours=4)
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
        further=tuple(replace(c, un_number=_un_number(c.un_number) or "") for c in form.further),
        enterprise=_text(form.enterprise or "") or None,
        idempotency_key=_text(form.idempotency_key or "")[:64] or None,
    )


def storable(form: BookingForm, known: Set[str], now: datetime) -> BookingForm:
    """A draft as far as it can be stored: lengths cut, unknown goods and unreadable times left out."""
    begins = form.window_start if form.window_start.tzinfo else now
    ends = form.window_end if form.window_end.tzinfo and form.window_end > begins else begins + _DRAFT_STAY
    return replace(
        form,
        **{str(name): getattr(form, name)[:limit] for name, limit in _LENGTHS.items()},
        driver_phone=form.driver_phone[:20],
        plate_colour=form.plate_colour if form.plate_colour in plates.COLOURS else 2,
        load_state=form.load_state if form.load_state in list(LoadState) else LoadState.LOADED,
        un_number=form.un_number if form.un_number in known else None,
        further=tuple(c for c in form.further[: COMPARTMENTS - 1] if c.un_number in known and _mass_told(c)),
        mass_kg=form.mass_kg if 0 <= form.mass_kg <= _HEAVIEST else 0,
        window_start=begins,
        window_end=ends,
        enterprise=(form.enterprise or "")[:120] or None,
        purpose=form.purpose if form.purpose in list(Purpose) else None,
        length_m=_size(form.length_m, FormField.LENGTH_M),
        width_m=_size(form.width_m, FormField.WIDTH_M),
        height_m=_size(form.height_m, FormField.HEIGHT_M),
    )


def _mass_told(line: CargoLine) -> bool:
    return 0 <= line.mass_kg <= _HEAVIEST


def _size(metres: float | None, name: FormField) -> float | None:
    return metres if metres is not None and 0 < metres <= _LARGEST[name] else None


def judge(form: BookingForm, facts: Facts, now: datetime) -> tuple[Reason, ...]:
    """Every reason against a tidied form; empty means it may be taken. ``now`` must be aware."""
    if now.tzinfo is None:
        raise ValueError("now must be an aware datetime")
    return (
        *_texts(form),
        *_choices(form),
        *_cargo(form, facts),
        *_further(form, facts),
        *facts.together,
        *facts.banned,
        *_enterprise(form, facts),
        *_sizes(form),
        *_papers(form, facts),
        *_window(form, facts, now),
        *_arrival(form, facts, now),
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
    if form.purpose is not None and form.purpose not in list(Purpose):
        yield _field(Refusal.CHOICE_UNKNOWN, FormField.PURPOSE)
    if form.language not in ("zh", "en"):
        yield _field(Refusal.CHOICE_UNKNOWN, FormField.LANGUAGE)


def _cargo(form: BookingForm, facts: Facts) -> Iterator[Reason]:
    yield from _mass(form, facts.policy)
    if not form.un_number:
        if form.load_state != LoadState.EMPTY_CLEAN:
            yield _field(Refusal.FIELD_MISSING, FormField.UN_NUMBER)
    elif form.un_number not in facts.goods:
        yield no(Refusal.UN_NUMBER_UNKNOWN, FormField.UN_NUMBER, un_number=form.un_number)
    elif form.load_state != LoadState.EMPTY_CLEAN:
        yield from _classes(facts.goods[form.un_number], FormField.UN_NUMBER)


def _mass(form: BookingForm, policy: Policy) -> Iterator[Reason]:
    if form.load_state == LoadState.LOADED and form.mass_kg <= 0:
        yield no(Refusal.MASS_NOT_POSITIVE, FormField.MASS_KG)
    elif form.mass_kg < 0:
        yield _field(Refusal.NUMBER_MALFORMED, FormField.MASS_KG)
    elif form.load_state == LoadState.EMPTY_CLEAN and form.total_kg > 0:
        yield no(Refusal.EMPTY_WITH_MASS, FormField.MASS_KG, mass_kg=form.total_kg)
    limit = int(policy.booking_mass_kg)
    if form.total_kg > limit:
        yield no(Refusal.MASS_TOO_LARGE, FormField.MASS_KG, mass_kg=form.total_kg, limit_kg=limit)


def _further(form: BookingForm, facts: Facts) -> Iterator[Reason]:
    """Compartments beside the first: a residue is never "empty", and nothing unknown is guessed."""
    if form.further and form.load_state == LoadState.EMPTY_CLEAN:
        yield _field(Refusal.CHOICE_UNKNOWN, FormField.LOAD_STATE)
    if len(form.further) > COMPARTMENTS - 1:
        yield _field(Refusal.FIELD_TOO_LONG, FormField.CARGOES, limit=COMPARTMENTS)
    for line in form.further:
        if not line.un_number:
            yield _field(Refusal.FIELD_MISSING, FormField.CARGOES)
        elif line.un_number not in facts.goods:
            yield no(Refusal.UN_NUMBER_UNKNOWN, FormField.CARGOES, un_number=line.un_number)
        else:
            yield from _classes(facts.goods[line.un_number], FormField.CARGOES)
        if line.mass_kg < 0 or (line.mass_kg == 0 and not line.residue):
            yield no(Refusal.MASS_NOT_POSITIVE, FormField.CARGOES)
        if form.load_state == LoadState.EMPTY_UNCLEANED and not line.residue:
            yield _field(Refusal.CHOICE_UNKNOWN, FormField.LOAD_STATE)


def _enterprise(form: BookingForm, facts: Facts) -> Iterator[Reason]:
    if form.enterprise:
        if facts.enterprises and form.enterprise not in facts.enterprises:
            yield no(Refusal.ENTERPRISE_UNKNOWN, FormField.ENTERPRISE, enterprise=form.enterprise[:60])
    elif facts.policy.enterprise_approval:
        yield _field(Refusal.FIELD_MISSING, FormField.ENTERPRISE)


def _sizes(form: BookingForm) -> Iterator[Reason]:
    for name, limit in _LARGEST.items():
        size = getattr(form, name)
        if size is not None and not 0 < size <= limit:
            yield _field(Refusal.NUMBER_MALFORMED, name)


def _papers(form: BookingForm, facts: Facts) -> Iterator[Reason]:
    """A paper is judged on the day the stay ends, not today."""
    if not form.window_end.tzinfo:
        return
    try:
        leaves = form.window_end.astimezone(facts.zone).date()
    except OverflowError:  # refused already: no stay is that far ahead
        return
    for kind, until in form.documents.items():
        if until < leaves:
            yield no(
                Refusal.DOCUMENT_EXPIRES, FormField.DOCUMENTS, document=DocumentKind(kind), until=str(until),
                leaves=str(leaves),
            )  # fmt: skip


def _classes(goods: KnownGoods, where: FormField) -> Iterator[Reason]:
    for hazard in (goods.hazard_class, *goods.subsidiary):
        if any(hazard == c or hazard.startswith(c + ".") for c in CLASSES_REFUSED):
            yield no(Refusal.CLASS_NOT_ACCEPTED, where, hazard_class=hazard)


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


def _arrival(form: BookingForm, facts: Facts, now: datetime) -> tuple[Reason, ...]:
    """Hours closed to the load when its window begins, or now, if that is later."""
    if form.window_start.tzinfo is None:
        return ()
    known = [facts.goods[c.un_number] for c in form.cargoes if c.un_number in facts.goods]
    hazards = [h for g in known for h in (g.hazard_class, *g.subsidiary)]
    try:
        arrives = max(form.window_start, now)
        return hours.against(hazards, facts.forbidden, arrives, facts.zone, FormField.WINDOW_START)
    except OverflowError:  # refused already: no stay is that far ahead
        return ()


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
