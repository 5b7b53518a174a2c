"""Administration: accounts, the park's layers and where its numbers come from."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from geo.shapes import LayerKind
from parking import clock
from parking.queries import layers as layer_query
from parking.queries import lot as lot_query
from parking.queries import staff as staff_query
from parking.queries.staff import StaffView
from parking.refused import Reason, Refused, no
from parking.services import staff
from parking.speech import N_
from parking.vocabulary import Refusal, Role
from web.forms import PARK_ZONE
from web.gates import gate
from web.language import _
from web.people import actor, current_person, source
from web.policy import policy_rows
from web.store import reading, transaction

bp = Blueprint("admin", __name__)
MENU = (
    ("admin.staff_list", N_("Accounts")),
    ("admin.park", N_("Park and layers")),
    ("admin.assumptions", N_("Limits and assumptions")),
)
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")
#: Layers that are legal objects: shown first and in full.
_LEGAL = (LayerKind.BOUNDARY, LayerKind.CONTROL_LINE)


@bp.get("/admin/staff")
@gate(Role.ADMIN)
def staff_list() -> str:
    return _list()


@bp.post("/admin/staff")
@gate(Role.ADMIN)
def add() -> str | tuple[str, int]:
    """Add an account and show its first password once, in this answer only."""
    typed = {key: request.form.get(key, "").strip() for key in ("username", "name", "role", "enterprise")}
    reasons = tuple(_against(typed))
    if reasons:
        return _list(reasons=reasons, typed=typed), 422
    try:
        with transaction() as session:
            password = staff.add(
                session, typed["username"], typed["name"], Role(typed["role"]), _now(), actor(), source(),
                typed["enterprise"],
            )  # fmt: skip
    except Refused as refused:
        return _list(reasons=refused.reasons, typed=typed), 422
    return _list(issued=(typed["username"], password))


@bp.post("/admin/staff/<int:staff_id>/password")
@gate(Role.ADMIN)
def reset_password(staff_id: int) -> str:
    """Draw a new password, show it once and end every session of that person."""
    person = current_person()
    with transaction() as session:
        password = staff.set_password(session, staff_id, None, _now(), actor(), source())
        changed = staff_query.person(session, staff_id)
    if person and changed and changed.id == person.id:
        _stay_signed_in(changed)
    return _list(issued=(changed.username if changed else "", password))


@bp.post("/admin/staff/<int:staff_id>/active")
@gate(Role.ADMIN)
def set_active(staff_id: int) -> Response | tuple[str, int]:
    active = request.form.get("active") == "1"
    try:
        with transaction() as session:
            staff.set_active(session, staff_id, active, _now(), actor(), source())
    except Refused as refused:
        return _list(reasons=refused.reasons), 422
    flash(
        _("The account is active again.") if active else _("The account is off; its sessions have ended."),
        "good",
    )
    return redirect(url_for("admin.staff_list"), 303)


@bp.get("/admin/park")
@gate(Role.ADMIN, Role.SUPERVISOR)
def park() -> str:
    with reading() as session:
        versions = layer_query.versions(session)
    legal = [v for v in versions if v.kind in _LEGAL]
    others = {kind: [v for v in versions if v.kind is kind] for kind in LayerKind if kind not in _LEGAL}
    today = clock.now().astimezone(PARK_ZONE).date()
    return render_template("park.html", legal=legal, others=others, today=today)


@bp.get("/admin/assumptions")
@gate(Role.ADMIN, Role.SUPERVISOR)
def assumptions() -> str:
    return render_template("assumptions.html", rows=policy_rows())


def _against(typed: dict[str, str]) -> list[Reason]:
    reasons = []
    if not _USERNAME.fullmatch(typed["username"]):
        reasons.append(no(Refusal.USERNAME_MALFORMED, "username"))
    if not typed["name"]:
        reasons.append(Reason(Refusal.FIELD_MISSING, {"field": _("Name")}, "name"))
    if len(typed["name"]) > 120:
        reasons.append(Reason(Refusal.FIELD_TOO_LONG, {"field": _("Name"), "limit": 120}, "name"))
    if typed["role"] not in list(Role):
        reasons.append(Reason(Refusal.CHOICE_UNKNOWN, {"field": _("Role")}, "role"))
    return reasons


def _list(
    reasons: tuple[Reason, ...] = (),
    typed: dict[str, str] | None = None,
    issued: tuple[str, str] | None = None,
) -> str:
    with reading() as session:
        people = staff_query.everyone(session)
        enterprises = _enterprises(session)
    return render_template(
        "staff.html",
        people=people,
        reasons=reasons,
        typed=typed or {},
        issued=issued,
        roles=list(Role),
        enterprises=enterprises,
        now=_now(),
    )


def _enterprises(session: Session) -> list[str]:
    """Who has a dock; none before a park is loaded."""
    try:
        return sorted(lot_query.enterprises(session))
    except LookupError:
        return []


def _stay_signed_in(changed: StaffView) -> None:
    from web.people import remember

    remember(changed)


def _now() -> datetime:
    """Accounts and locks live in real time, also while a demo day plays."""
    return datetime.now(UTC)
