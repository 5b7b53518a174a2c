"""Terminals: registered by plate, authenticated by a code only we issued."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from parking.models import Terminal, Vehicle
from parking.rules import plate as plates
from parking.services import audit, conflicts, terminal_requests
from parking.vocabulary import ConflictKind

#: After so long without a word from the terminal we know, another may speak for its vehicle.
FORGOTTEN = timedelta(hours=24)

#: Longest plate or VIN that is kept, characters.
LONGEST_PLATE = 20


@dataclass(frozen=True, slots=True)
class Registration:
    """Answer to 0x0100. ``result``: 0 ok, 1 vehicle registered, 2 no such vehicle, 3 terminal
    registered, 4 no such terminal (JT/T 808, message 0x8100)."""

    result: int
    auth_code: str | None = None


def bare_phone(phone: str) -> str:
    """Terminals pad their number with zeros to 12 or 20 digits; we match without them."""
    return phone.lstrip("0") or "0"


def register(
    session: Session,
    phone: str,
    plate: str,
    plate_colour: int,
    now: datetime,
    *,
    enrolment: str = "open",
    version: str | None = None,
    maker: str | None = None,
    model: str | None = None,
    device_id: str | None = None,
) -> Registration:
    """Register a terminal; the code it gets is random and bound to this phone and plate.

    A known phone keeps its code when it registers again with the same plate. It may not move to
    another plate by itself: 3 (terminal registered); a person has to unbind it. Nor may another phone
    speak for a vehicle whose terminal spoke within ``FORGOTTEN``: 1 (vehicle registered), nor another
    device for such a terminal: 3. With ``enrolment="known"`` an unknown phone gets 4 (no such terminal).
    Plate colour 0 means no plate (the text is a VIN): the terminal is kept unbound.
    """
    bare, plate = bare_phone(phone), plates.normalise(plate)
    terminal = session.scalar(select(Terminal).where(Terminal.phone == bare).with_for_update())
    if terminal_requests.denied(session, bare):
        return Registration(4)
    if terminal is None and enrolment == "known":
        terminal_requests.note(
            session, bare, plate, plate_colour, now, version=version, maker=maker, model=model,
            device_id=device_id,
        )  # fmt: skip
        return Registration(4)
    if not 0 < len(plate) <= LONGEST_PLATE:
        return Registration(2)
    vehicle_id = vehicle_of(session, plate, plate_colour, now) if plate_colour else None
    _hold(session, vehicle_id)
    if refused := _against(session, bare, terminal, vehicle_id, device_id, now):
        subject, about = ("vehicle", vehicle_id) if terminal is None else ("terminal", terminal.id)
        facts = {"plate": plate, "result": refused}
        audit.record(session, f"terminal:{bare}", "register_refused", subject, about, now, "gateway", **facts)
        _tell(session, bare, terminal, vehicle_id, device_id, now)
        return Registration(refused)
    if terminal is None:
        terminal = enrol(session, bare, vehicle_id, now)
    elif terminal.vehicle_id is None:
        terminal.vehicle_id = vehicle_id
    terminal.version, terminal.maker, terminal.model = version, maker, model
    terminal.device_id = device_id
    return Registration(0, terminal.auth_code)


def _against(
    session: Session,
    phone: str,
    terminal: Terminal | None,
    vehicle_id: int | None,
    device_id: str | None,
    now: datetime,
) -> int:
    """The result that refuses this registration, or 0."""
    if terminal is not None and _other_device(terminal, device_id) and _spoke(terminal, now):
        return 3
    if terminal is not None and terminal.vehicle_id is not None:
        return 3 if vehicle_id != terminal.vehicle_id else 0
    others = (
        session.scalars(
            select(Terminal).where(
                Terminal.vehicle_id == vehicle_id,
                Terminal.phone != phone,
                ~Terminal.phone.contains(":"),  # a telephone or platform bars no terminal
            )
        )
        if vehicle_id is not None
        else ()
    )
    return 1 if any(_spoke(t, now) for t in others) else 0


def _tell(
    session: Session, phone: str, terminal: Terminal | None, vehicle_id: int | None, device_id: str | None,
    now: datetime,
) -> None:  # fmt: skip
    """Two terminals claim one plate, or two devices one number: people are told."""
    if terminal is not None and _other_device(terminal, device_id):
        conflicts.note(
            session, ConflictKind.TWO_PLACES, phone, device_id or "?", now, terminal_id=terminal.id,
            vehicle_id=terminal.vehicle_id, devices=[terminal.device_id, device_id],
        )  # fmt: skip
    others = select(Terminal.phone).where(Terminal.vehicle_id == vehicle_id, Terminal.phone != phone)
    for other in session.scalars(others.limit(1)) if vehicle_id is not None else ():
        conflicts.note(
            session, ConflictKind.PLATE_CLAIMED, phone, other, now, vehicle_id=vehicle_id,
            terminal_id=terminal.id if terminal else None,
        )  # fmt: skip


def _hold(session: Session, vehicle_id: int | None) -> None:
    """Terminals that claim one vehicle at the same instant are judged one after the other."""
    if vehicle_id is not None:
        session.execute(select(Vehicle.id).where(Vehicle.id == vehicle_id).with_for_update(key_share=True))


def _other_device(terminal: Terminal, device_id: str | None) -> bool:
    """Not to name a device is to be another one, where we know its name."""
    return bool(terminal.device_id) and (device_id or "") != terminal.device_id


def _spoke(terminal: Terminal, now: datetime) -> bool:
    return (terminal.last_seen_at or terminal.registered_at) > now - FORGOTTEN


def authenticate(session: Session, phone: str, code: str, now: datetime) -> int | None:
    """The terminal's id when the code is the one we issued to this phone, else None."""
    terminal = session.scalar(select(Terminal).where(Terminal.phone == bare_phone(phone)))
    if terminal is None or not hmac.compare_digest(terminal.auth_code.encode(), code.encode()):
        return None
    terminal.last_seen_at = now
    return terminal.id


def vehicle_of(session: Session, plate: str, colour: int, now: datetime) -> int:
    """The id of the vehicle with this plate, made if unknown.

    Form and terminal often disagree about the colour (yellow, yellow-green): one truck all the same.
    Where a plate is known in several colours, the one asked for is preferred.
    """
    plate = plates.normalise(plate)
    found = (
        select(Vehicle.id)
        .where(Vehicle.plate == plate)
        .order_by(Vehicle.plate_colour != colour, Vehicle.id)
        .limit(1)
    )
    if (known := session.scalar(found)) is not None:
        return known
    session.execute(
        insert(Vehicle)
        .values(plate=plate, plate_colour=colour, first_seen_at=now)
        .on_conflict_do_nothing(constraint="uq_vehicle_plate")
    )
    return session.scalars(found).one()


def enrol(session: Session, phone: str, vehicle_id: int | None, now: datetime) -> Terminal:
    """A terminal with a new code, bound to this vehicle."""
    session.execute(
        insert(Terminal)
        .values(phone=phone, vehicle_id=vehicle_id, auth_code=secrets.token_hex(8), registered_at=now)
        .on_conflict_do_nothing(index_elements=["phone"])
    )
    terminal = session.scalars(select(Terminal).where(Terminal.phone == phone).with_for_update()).one()
    audit.record(
        session,
        f"terminal:{phone}",
        "enrolled",
        "terminal",
        terminal.id,
        now,
        "gateway",
        vehicle_id=vehicle_id,
    )
    return terminal
