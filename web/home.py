"""The front door: leads staff to their work, and lets others choose."""

from __future__ import annotations

from flask import Blueprint, current_app, redirect, render_template, url_for
from werkzeug.wrappers import Response

from parking.vocabulary import Role
from web.gates import public
from web.people import current_person

bp = Blueprint("home", __name__)

#: Where each role works.
FRONT = {
    Role.GUARD: "gate.expected",
    Role.DISPATCHER: "dispatch.board",
    Role.SUPERVISOR: "supervisor.violations",
    Role.ADMIN: "admin.staff_list",
    Role.ENTERPRISE: "enterprise.bookings",
}


@bp.get("/")
@public
def front() -> str | Response:
    person = current_person()
    if person and FRONT[person.role] in current_app.view_functions:
        return redirect(url_for(FRONT[person.role]), 303)
    return render_template("front.html")
