"""The person of this request: who the cookie says, as far as the database still agrees."""

from __future__ import annotations

from flask import g, request, session

from parking.queries import staff as staff_query
from parking.queries.staff import StaffView
from web.store import reading


def current_person() -> StaffView | None:
    """The signed-in person, or None. Asked once a request.

    A raised ``session_version`` (new password, deactivation) or a changed role ends the session here.
    """
    if "person" not in g:
        g.person = _known()
    found: StaffView | None = g.person
    return found


def actor() -> str:
    """The signed-in person, for the audit trail; only behind a gate that asked for one."""
    person = current_person()
    assert person  # noqa: S101 - the gate let a person in
    return person.actor


def remember(person: StaffView) -> None:
    """Begin a session for ``person``; nothing of the session before survives but the language."""
    language = session.get("lang")
    session.clear()
    session.permanent = True
    session.update(staff_id=person.id, version=person.version, role=person.role, username=person.username)
    if language:
        session["lang"] = language
    g.person = person


def forget() -> None:
    """End the session; the language stays."""
    language = session.get("lang")
    session.clear()
    if language:
        session["lang"] = language
    g.person = None


def source() -> str:
    """The client's address, for the audit trail."""
    return (request.remote_addr or "unknown")[:60]


def _known() -> StaffView | None:
    staff_id = session.get("staff_id")
    if not isinstance(staff_id, int):
        return None
    with reading() as opened:
        person = staff_query.person(opened, staff_id)
    carried = (session.get("version"), session.get("role"))
    if person and person.active and (person.version, person.role) == carried:
        return person
    forget()
    return None
