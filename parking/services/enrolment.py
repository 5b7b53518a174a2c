"""Who may be a terminal: requests granted or denied, terminals released, by people and with their reasons."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from parking.models import Terminal, TerminalRequest, Vehicle
from parking.refused import Reason, Refused, no
from parking.services import audit, profiles, terminals
from parking.vocabulary import OrderField, Refusal, RequestState

REASON_MAX = 500


def grant(session: Session, request_id: int, now: datetime, actor: str, source: str) -> Terminal:
    """Let the terminal in: it registers the next time it asks. Refused: answered already, plate taken."""
    request = _waiting(session, request_id)
    vehicle_id = None
    if request.plate_colour and request.plate:
        vehicle_id = terminals.vehicle_of(session, request.plate, request.plate_colour, now)
        _free(session, vehicle_id, request.plate)
    terminal = terminals.enrol(session, request.phone, vehicle_id, now)
    terminal.version, terminal.maker, terminal.model = request.version, request.maker, request.model
    terminal.device_id = request.device_id
    _answer(session, request, RequestState.GRANTED, None, now, actor, source)
    return terminal


def deny(session: Session, request_id: int, reason: str, now: datetime, actor: str, source: str) -> None:
    """Keep the terminal out, with a reason."""
    request = _waiting(session, request_id)
    _answer(session, request, RequestState.DENIED, _reason(reason), now, actor, source)


def release(
    session: Session, terminal_id: int, reason: str, now: datetime, actor: str, source: str, bar: bool = False
) -> Terminal:
    """Unbind a terminal from its vehicle and forget its device and code, so that another SIM or device may
    register for the vehicle at once. What it still sends is kept and marked unbound. ``bar``: its number may
    not register again until a person lets it in.
    """
    terminal = session.get(Terminal, terminal_id, with_for_update=True)
    if terminal is None:
        raise Refused(no(Refusal.TERMINAL_UNKNOWN))
    why = _reason(reason)
    facts = {"vehicle_id": terminal.vehicle_id, "device_id": terminal.device_id, "reason": why, "bar": bar}
    if bar:
        _bar(session, terminal, why, now, actor)
    terminal.vehicle_id, terminal.device_id, terminal.last_seen_at = None, None, None
    terminal.registered_at, terminal.auth_code = now, secrets.token_hex(8)
    profile = profiles.hold_one(session, terminal_id)
    profile.fences_managed, profile.fences_digest = False, None
    audit.record(session, actor, "released", "terminal", terminal_id, now, source, **facts)
    return terminal


def readmit(session: Session, request_id: int, now: datetime, actor: str, source: str) -> None:
    """Forget that a number was denied: it may ask again."""
    request = session.get(TerminalRequest, request_id, with_for_update=True)
    if request is None or request.state != RequestState.DENIED:
        raise Refused(no(Refusal.REQUEST_OVER))
    _answer(session, request, RequestState.WAITING, None, now, actor, source)


def _bar(session: Session, terminal: Terminal, reason: str, now: datetime, actor: str) -> None:
    vehicle = session.get(Vehicle, terminal.vehicle_id) if terminal.vehicle_id else None
    answer = {
        "state": RequestState.DENIED, "answered_at": now, "answered_by": actor, "reason": reason,
        "plate": vehicle.plate if vehicle else "", "plate_colour": vehicle.plate_colour if vehicle else 0,
    }  # fmt: skip
    said = {"version": terminal.version, "maker": terminal.maker, "model": terminal.model,
            "device_id": terminal.device_id}  # fmt: skip
    session.execute(
        insert(TerminalRequest)
        .values(phone=terminal.phone, first_at=now, last_at=now, times=0, **answer, **said)
        .on_conflict_do_update(index_elements=["phone"], set_=answer)
    )


def _waiting(session: Session, request_id: int) -> TerminalRequest:
    request = session.get(TerminalRequest, request_id, with_for_update=True)
    if request is None or request.state != RequestState.WAITING:
        raise Refused(no(Refusal.REQUEST_OVER))
    return request


def _free(session: Session, vehicle_id: int, plate: str) -> None:
    """Nobody speaks for the vehicle; its row is held until the end."""
    session.execute(select(Vehicle.id).where(Vehicle.id == vehicle_id).with_for_update(key_share=True))
    phone = session.scalar(select(Terminal.phone).where(Terminal.vehicle_id == vehicle_id).limit(1))
    if phone is not None:
        raise Refused(no(Refusal.PLATE_HAS_TERMINAL, plate=plate, phone=phone))


def _answer(
    session: Session, request: TerminalRequest, state: RequestState, reason: str | None, now: datetime,
    actor: str, source: str,
) -> None:  # fmt: skip
    request.state, request.answered_at, request.answered_by, request.reason = state, now, actor, reason
    facts = {"phone": request.phone, "plate": request.plate, "reason": reason}
    action = {RequestState.GRANTED: "granted", RequestState.DENIED: "denied"}.get(state, "readmitted")
    audit.record(session, actor, action, "terminal_request", request.id, now, source, **facts)


def _reason(text: str) -> str:
    if not text.strip():
        raise Refused(Reason(Refusal.FIELD_MISSING, {"field": OrderField.REASON}, OrderField.REASON))
    return text.strip()[:REASON_MAX]
