"""Layers handed in: the form, the review with its map, consent or not; old periods under other versions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from flask import Blueprint, Flask, Response, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from geo.datum import Datum
from geo.layers import geometry_hash
from geo.shapes import SINCE_EVER, Approval, Feature, LayerKind
from parking import clock, layer_words
from parking.queries import drawings as drawing_query
from parking.queries import layers as layer_query
from parking.refused import Reason, Refused, no
from parking.services import drawings, whatif
from parking.services.drawings import HandedIn
from parking.speech import N_
from parking.vocabulary import Refusal, Role
from web import desk
from web.forms import typed
from web.gates import gate
from web.language import _, lang
from web.layer_maps import replay_map, review_map
from web.people import actor, source
from web.store import reading, transaction

bp = Blueprint("layers", __name__)
MENU = (
    ("layers.hand_in", N_("Hand in a layer")),
    ("layers.replay", N_("Line replay")),
)
_ACT = {
    "document": N_("Approval document"),
    "issuing_body": N_("Issued by"),
    "approved_on": N_("Approved on"),
    "effective_from": N_("In force from"),
}
_FIELDS = (
    *("kind", "crs", "datum", "northing_first", "dxf_layers", "label_layers", "properties", "whole"),
    *(*_ACT, "effective_to"),
)
#: Differences shown one by one on the page; the counts are of all.
SHOWN = 300


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(
        layer_severity=lambda item: layer_words.severity(item, lang()),
        layer_text=lambda item: layer_words.matter(item, lang()),
        layer_repair=lambda repair: layer_words.repair_names(repair.words, lang()),
        layer_geometry_hash=geometry_hash,
        layer_days=_days,
    )


@bp.get("/admin/layers")
@gate(Role.ADMIN)
def hand_in() -> str:
    return _form({"datum": "wgs84"})


@bp.post("/admin/layers")
@gate(Role.ADMIN)
def hand_in_post() -> AnyResponse | tuple[str, int]:
    """Keep the file and show what it holds; nothing counts before somebody consents."""
    said = {name: typed(name, 4000) for name in _FIELDS}
    try:
        given = _given(said)
        with transaction() as session:
            made = drawings.hand_in(session, given, clock.now(), actor(), source())
    except Refused as refused:
        return _form(said, refused.reasons), 422
    return redirect(url_for("layers.drawing", drawing_id=made.id), 303)


@bp.get("/admin/layers/<int:drawing_id>")
@gate(Role.ADMIN, Role.SUPERVISOR)
def drawing(drawing_id: int) -> str:
    return _review(drawing_id)


@bp.get("/admin/layers/<int:drawing_id>/file")
@gate(Role.ADMIN, Role.SUPERVISOR)
def file(drawing_id: int) -> Response:
    """The file as it was handed in."""
    with reading() as session:
        name, content = drawing_query.content(session, drawing_id) or abort(404)
    answer = Response(content, mimetype="application/octet-stream")
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer


@bp.post("/admin/layers/<int:drawing_id>/take")
@gate(Role.ADMIN)
def take(drawing_id: int) -> AnyResponse | tuple[str, int]:
    """Consent to what was shown (field ``digest``) and to its repairs (field ``repairs``)."""
    agreed = typed("repairs", 3) == "1"
    try:
        with transaction() as session:
            drawings.take(session, drawing_id, typed("digest", 64), agreed, clock.now(), actor(), source())
    except Refused as refused:
        return _review(drawing_id, refused.reasons), 422
    flash(_("The new version counts from its day on; every process knows it."), "good")
    return redirect(url_for("layers.drawing", drawing_id=drawing_id), 303)


@bp.post("/admin/layers/<int:drawing_id>/decline")
@gate(Role.ADMIN)
def decline(drawing_id: int) -> AnyResponse | tuple[str, int]:
    try:
        with transaction() as session:
            drawings.decline(session, drawing_id, clock.now(), actor(), source())
    except Refused as refused:
        return _review(drawing_id, refused.reasons), 422
    flash(_("The layers stay as they are; the file stays on record."), "good")
    return redirect(url_for("layers.hand_in"), 303)


@bp.get("/violations/replay")
@gate(Role.SUPERVISOR)
def replay() -> str | tuple[str, int]:
    """An old period under another version; asked for in the address, nothing is written."""
    asked = {key: request.args.get(key, "").replace("\x00", "")[:40] for key in ("since", "until", "what")}
    if not asked["what"] or not asked["since"]:
        return _replay(asked)
    try:
        since, until = desk.moment(asked["since"]), desk.moment(asked["until"])
        if since is None or until is None:
            raise Refused(no(Refusal.PERIOD_WRONG, "until", days=whatif.LONGEST.days))
        with reading() as session:
            period = whatif.period(since, until)
            whatif.check_amount(session, period)
            after = _other(session, asked["what"])
            found = whatif.replay(session, period, after, most=whatif.PAGE_VEHICLES)
    except Refused as refused:
        return _replay(asked, refused.reasons), 422
    return _replay(asked, found=found)


def _other(session: Any, what: str) -> Any:
    """The park under what was chosen: ``version:7`` or ``drawing:3``."""
    which, _colon, number = what.partition(":")
    chosen = int(number) if number.isascii() and number.isdigit() and len(number) < 16 else 0
    if which == "drawing":
        return whatif.park_with_drawing(session, chosen)
    return whatif.park_with_version(session, chosen)


def _given(said: dict[str, str]) -> HandedIn:
    """The form as meant. Raises Refused with every reason."""
    reasons = [
        Reason(Refusal.FIELD_MISSING, {"field": _(label)}, name)
        for name, label in _ACT.items()
        if not said[name]
    ]
    reasons += [
        Reason(Refusal.FIELD_TOO_LONG, {"field": _(_ACT[name]), "limit": 200}, name)
        for name in ("document", "issuing_body")
        if len(said[name]) > 200
    ]
    days = {name: _day(said[name]) for name in ("approved_on", "effective_from", "effective_to")}
    if any(said[name] and day is None for name, day in days.items()):
        reasons.append(no(Refusal.ACT_DATES, "effective_from"))
    if said["kind"] not in list(LayerKind):
        reasons.append(Reason(Refusal.CHOICE_UNKNOWN, {"field": _("Layer")}, "kind"))
    properties, odd = _properties(said["properties"])
    if odd:
        reasons.append(no(Refusal.DRAWING_PROPERTY, "properties", line=odd[:60]))
    if reasons:
        raise Refused(*reasons)
    sent = request.files.get("file")
    content = sent.stream.read(drawings.LARGEST_MB * 1_000_000 + 1) if sent else b""
    approved, begins = days["approved_on"], days["effective_from"]
    assert approved and begins  # noqa: S101 - missing days were refused above
    declared = {
        "crs": said["crs"][:200],
        "datum": Datum.GCJ02 if said["datum"] == "gcj02" else Datum.WGS84,
        "northing_first": said["northing_first"] == "1",
        "dxf_layers": _listed(said["dxf_layers"]),
        "label_layers": _listed(said["label_layers"]),
        "properties": properties,
    }
    act = Approval(said["document"], said["issuing_body"], approved, begins, days["effective_to"])
    kind, name = LayerKind(said["kind"]), (sent.filename if sent else "") or ""
    return HandedIn(kind, name, content, declared, act, said["whole"] == "1")


def _day(text: str) -> date | None:
    found = desk.day(text)
    return found if found and 1900 < found.year < 3000 else None


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.replace("，", ",").replace("\n", ",").split(",") if part.strip()]


def _properties(text: str) -> tuple[dict[str, str], str]:
    """``name = value`` lines as a mapping, and the first line that is none."""
    found: dict[str, str] = {}
    for line in filter(None, (one.strip() for one in text.splitlines())):
        name, sign, value = line.partition("=")
        if not sign or not name.strip():
            return {}, line
        found[name.strip()[:60]] = value.strip()[:400]
    return found, ""


def _form(said: dict[str, str], reasons: Sequence[Reason] = ()) -> str:
    with reading() as session:
        rows = drawing_query.listed(session)
    return render_template(
        "layer_form.html",
        said=said,
        reasons=reasons,
        rows=rows,
        kinds=list(LayerKind),
        taken=", ".join(drawings.TAKEN),
        largest=drawings.LARGEST_MB,
    )


def _review(drawing_id: int, reasons: Sequence[Reason] = ()) -> str:
    with reading() as session:
        row = drawing_query.one(session, drawing_id) or abort(404)
        seen = drawings.review(session, drawing_id) if row.open else None
        drawn = review_map(seen) if seen else None
    today = layer_query.today()
    return render_template(
        "layer_review.html",
        d=row,
        seen=seen,
        reasons=reasons,
        map=drawn,
        past=bool(row.effective_from and row.effective_from < today),
    )


def _replay(asked: dict[str, str], reasons: Sequence[Reason] = (), found: Any = None) -> str:
    with reading() as session:
        choices = drawing_query.choices(session)
    now = clock.now()
    return render_template(
        "layer_replay.html",
        asked=asked,
        reasons=reasons,
        choices=choices,
        found=found,
        rows=_differences(found) if found else (),
        shown=SHOWN,
        map=replay_map(found) if found else None,
        now=now,
        days=whatif.LONGEST.days,
    )


def _differences(found: Any) -> list[tuple[str, str, Any]]:
    """(which, plate, finding) of what differs, in order of time."""
    rows = [
        (which, found.vehicles[vehicle_id], one)
        for vehicle_id, difference in found.differences.items()
        for which, listed in (("only_new", difference.only_new), ("only_old", difference.only_old))
        for one in listed
    ]
    begun: list[tuple[datetime, int]] = sorted((row[2].started_at, n) for n, row in enumerate(rows))
    return [rows[n] for _at, n in begun[:SHOWN]]


def _days(feature: Feature) -> str:
    """The days a version binds, as people write them."""
    act = feature.approval
    if act is None:
        return _("always")
    begins = "…" if act.effective_from == SINCE_EVER else str(act.effective_from)
    return f"{begins} – {act.effective_to or '…'}"
