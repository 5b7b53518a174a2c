"""Telephones and carriers' platforms that may report positions: made, given a token once, revoked."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from parking.models import Feed
from parking.queries import feeds as feed_query
from parking.refused import Reason, Refused
from parking.services import feeds
from parking.speech import N_
from parking.vocabulary import FeedKind, Refusal, Role
from web.forms import typed
from web.gates import gate
from web.language import _
from web.people import actor, current_person, source
from web.store import reading, settings, transaction

bp = Blueprint("feeds", __name__)
MENU = (("feeds.listed", N_("Devices and platforms")),)
#: Plates of a platform shown before the rest is folded.
_FEW = 3


@bp.get("/admin/feeds")
@gate(Role.ADMIN, Role.SUPERVISOR)
def listed() -> str:
    return _page()


@bp.post("/admin/feeds/device")
@gate(Role.ADMIN)
def add_device() -> str | tuple[str, int]:
    """Register a telephone; its token is shown once, in this answer only."""
    asked = {key: typed(key, 200) for key in ("name", "device_key", "plate")}
    if not asked["name"]:
        return _page("device", (_nameless(),), asked), 422
    try:
        with transaction() as session:
            made = feeds.add_device(
                session, asked["name"], asked["device_key"], asked["plate"], _now(), actor(), source()
            )
    except Refused as refused:
        return _page("device", refused.reasons, asked), 422
    return _page(issued=made)


@bp.post("/admin/feeds/platform")
@gate(Role.ADMIN)
def add_platform() -> str | tuple[str, int]:
    """Register a carrier's platform with the plates it may report."""
    asked = {"name": typed("name", 200), "plates": typed("plates", 100_000)}
    if not asked["name"]:
        return _page("platform", (_nameless(),), asked), 422
    separated = asked["plates"].replace(",", "\n").replace("，", "\n").replace("、", "\n").replace(";", "\n")
    try:
        with transaction() as session:
            made = feeds.add_platform(
                session, asked["name"], separated.splitlines(), _now(), actor(), source()
            )
    except Refused as refused:
        return _page("platform", refused.reasons, asked), 422
    return _page(issued=made)


@bp.post("/admin/feeds/<int:feed_id>/token")
@gate(Role.ADMIN)
def new_token(feed_id: int) -> str:
    """Draw a new token, show it once; the old one opens nothing any more."""
    with transaction() as session:
        made = feeds.new_token(session, feed_id, _now(), actor(), source())
    return _page(issued=made)


@bp.post("/admin/feeds/<int:feed_id>/revoke")
@gate(Role.ADMIN)
def revoke(feed_id: int) -> Response:
    with transaction() as session:
        feeds.revoke(session, feed_id, _now(), actor(), source())
    flash(_("The token opens nothing any more. What was reported stays."), "good")
    return redirect(url_for("feeds.listed"), 303)


def _nameless() -> Reason:
    return Reason(Refusal.FIELD_MISSING, {"field": _("Name")}, "name")


def _page(
    form: str = "",
    reasons: tuple[Reason, ...] = (),
    asked: dict[str, str] | None = None,
    issued: tuple[Feed, str] | None = None,
) -> str:
    person = current_person()
    with reading() as session:
        found = feed_query.listed(session)
    return render_template(
        "feeds.html",
        feeds=found,
        few=_FEW,
        reasons=reasons,
        form=form,
        typed=asked or {},
        issued=issued,
        address=_address(issued) if issued else "",
        document=_outside(url_for("api_document.document")),
        may_change=person is not None and person.role == Role.ADMIN,
    )


def _address(issued: tuple[Feed, str]) -> str:
    """What is typed into Traccar Client as the server's address, or where a platform posts to."""
    feed, token = issued
    if feed.kind == FeedKind.DEVICE:
        return _outside(url_for("api_osmand.take", token=token))
    return _outside(url_for("api_fixes.post"))


def _outside(path: str) -> str:
    """As those reach it who are not here: by the setting, else by the host of this request."""
    return (settings().public_url or request.host_url).rstrip("/") + path


def _now() -> datetime:
    """Tokens live in real time, also while a demo day plays."""
    return datetime.now(UTC)
