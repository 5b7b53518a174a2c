"""The driver's pages: book, watch the booking, check in and out. A signed link opens one booking."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from parking import clock
from parking.queries import bookings as booking_query
from parking.queries import goods as goods_query
from parking.queries import lot as lot_query
from parking.queries import park as park_query
from parking.queries import queue as queue_query
from parking.queries.bookings import BookingView
from parking.refused import Reason, Refused, no
from parking.rules import booking as life
from parking.rules import plate as plates
from parking.services import arrivals, audit, bans, bookings, visits
from parking.vocabulary import BookingState, BookingStep, LoadState, Refusal, VisitState, VisitStep
from web.booking_form import fresh_fields, render_form
from web.driver_words import PRIVACY_VERSION, STEP_LABELS, Place, advice, place
from web.forms import booking_fields, booking_form, cargo_lines, fields_of, typed
from web.gates import booking_link, booking_url, public, signature
from web.language import lang, name
from web.limits import Tries
from web.people import source
from web.permits import Named, named
from web.queue_words import estimate
from web.store import reading, transaction

bp = Blueprint("driver", __name__)
#: A park's Wi-Fi or kiosk shares one address, so these stop guessing and flooding, not a busy morning.
GUESSES = Tries("find-booking", allowed=20, minutes=10)
BOOKED = Tries("book", allowed=300, minutes=10)
#: Who books: the booking, and with it the code that names the driver, does not exist yet.
NEWCOMER = "driver:new"
_CANCEL = "cancel"


@bp.get("/book")
@public
def book() -> str:
    return _form(fresh_fields())


@bp.post("/book")
@public
def book_post() -> Response | tuple[str, int]:
    fields = booking_fields()
    try:
        BOOKED.check(source())
        with transaction() as session:
            now = clock.now()
            send = bookings.keep if typed("keep", 1) else bookings.request
            made = send(session, booking_form(fields, lang()), now, NEWCOMER, source())
            audit.record(
                session,
                NEWCOMER,
                "privacy_notice",
                "booking",
                made.id,
                now,
                source(),
                version=PRIVACY_VERSION,
            )
    except Refused as refused:
        return _form(fields, refused.reasons), 422
    BOOKED.count(source())
    return redirect(booking_url(made.code), 303)


@bp.get("/goods")
@public
def goods() -> str:
    """Hits in the goods list for what is being typed (a fragment)."""
    asked = request.args.get("un_number", "").replace("\x00", "")[:60].strip()
    with reading() as session:
        found = goods_query.search(session, asked)
    bare = asked.upper().removeprefix("UN").strip()
    exact = next((one for one in found if one.un_number == bare), None)
    return render_template("_goods.html", found=found, exact=exact, typed=asked)


@bp.get("/my")
@public
def mine() -> str:
    return render_template("mine.html", plate="", code="", reasons=())


@bp.post("/my")
@public
def mine_post() -> Response | tuple[str, int]:
    plate, code = typed("plate", 20), typed("code", 20)
    try:
        GUESSES.check(source())
        with reading() as session:
            found = booking_query.by_code(session, code)
        if found is None or found.plate != plates.normalise(plate):
            GUESSES.count(source())
            raise Refused(no(Refusal.CODE_WRONG, "code"))
    except Refused as refused:
        return render_template("mine.html", plate=plate, code=code, reasons=refused.reasons), 422
    return redirect(booking_url(found.code), 303)


@bp.get("/b/<code>")
@booking_link
def booking(code: str) -> str:
    return _page(_found(code))


@bp.get("/b/<code>/state")
@booking_link
def state(code: str) -> str | tuple[str, int]:
    """The part that changes; 204 while it is what the browser already shows."""
    view = _found(code)
    if request.args.get("v") == _version(view):
        return "", 204
    return render_template("_booking_state.html", **_shown(view))


@bp.get("/b/<code>/edit")
@booking_link
def edit(code: str) -> str:
    """The form of a draft or a returned booking, to be mended and sent."""
    view = _found(code)
    if BookingStep.SUBMIT not in life.steps(view.state, "driver:"):
        abort(404)
    with reading() as session:
        cargoes = booking_query.cargoes(session, view.id)
    return _edit_form(view, fields_of(view, cargoes))


@bp.post("/b/<code>/edit")
@booking_link
def edit_post(code: str) -> Response | tuple[str, int]:
    view, fields = _found(code), booking_fields()
    try:
        with transaction() as session:
            form = booking_form(fields, lang())
            bookings.edit(session, view.id, form, clock.now(), f"driver:{view.code}", source())
    except Refused as refused:
        return _edit_form(view, fields, refused.reasons), 422
    return redirect(booking_url(code), 303)


@bp.post("/b/<code>/appeal")
@booking_link
def appeal(code: str) -> Response | tuple[str, int]:
    """Say why an entry of the blacklist that stops this booking is wrong."""
    view = _found(code)
    try:
        with transaction() as session:
            mine = bans.of_booking(session, view.id, clock.now())
            text, actor = typed("text", 2000), f"driver:{view.code}"
            if not mine:
                raise Refused(no(Refusal.BAN_OVER))
            for ban_id in mine:
                bans.appeal(session, ban_id, text, clock.now(), actor, source())
    except Refused as refused:
        return _page(_found(code), refused.reasons), 422
    return redirect(booking_url(code), 303)


@bp.post("/b/<code>/step")
@booking_link
def step(code: str) -> Response | tuple[str, int]:
    """The driver checks in, moves on, checks out or cancels (field ``step``)."""
    asked = typed("step", 40)
    if asked not in (*VisitStep, _CANCEL):
        abort(400)
    view = _found(code)
    try:
        _take(view, asked)
    except Refused as refused:
        return _page(_found(code), refused.reasons), 422
    return redirect(booking_url(code), 303)


def _take(view: BookingView, asked: str) -> None:
    now, actor = clock.now(), f"driver:{view.code}"
    with transaction() as session:
        if asked == _CANCEL:
            bookings.cancel(session, view.id, now, actor, source())
        elif asked == VisitStep.CHECK_IN:
            visits.check_in(session, view.id, now, actor, source())
        elif view.visit is None:
            raise Refused(no(Refusal.VISIT_UNKNOWN))
        else:
            visits.step(session, view.visit.id, VisitStep(asked), now, actor, source(), said=_said(asked))


def _form(fields: dict[str, str], reasons: Sequence[Reason] = ()) -> str:
    address = url_for("driver.book_post")
    return render_form("book.html", fields, reasons, address=address, may_keep=True)


def _said(asked: str) -> visits.Said | None:
    """What the driver says with a finished job: what the vehicle carries now."""
    carries = typed("load_state", 20)
    if asked != VisitStep.FINISH_WORK or carries not in list(LoadState):
        return None
    lines = cargo_lines() if carries != LoadState.EMPTY_CLEAN else ()
    return visits.Said(carries=LoadState(carries), cargo=lines, waybill_out=typed("waybill_out", 40))


def _edit_form(view: BookingView, fields: dict[str, str], reasons: Sequence[Reason] = ()) -> str:
    address = url_for("driver.edit_post", code=view.code, k=signature(view.code))
    return render_form(
        "book.html", fields, reasons, address=address, may_keep=False, mending=view, key=signature(view.code)
    )


def _found(code: str) -> BookingView:
    with reading() as session:
        return booking_query.by_code(session, code) or abort(404)


def _page(view: BookingView, reasons: Sequence[Reason] = ()) -> str:
    return render_template("booking.html", reasons=reasons, privacy_version=PRIVACY_VERSION, **_shown(view))


def _shown(view: BookingView) -> dict[str, object]:
    tone, sentence = advice(view, _place(view))
    return {
        "b": view,
        "place": _place(view),
        "may": _may(view),
        "advice_tone": tone,
        "advice": sentence,
        "steps": _steps(view),
        "may_cancel": view.visit is None and BookingStep.CANCEL in life.steps(view.state, "driver:"),
        "may_edit": view.visit is None and BookingStep.SUBMIT in life.steps(view.state, "driver:"),
        "may_appeal": view.state is BookingState.SUSPENDED and _banned(view),
        "asks_cargo": _asks_cargo(view),
        "load_states": [(word.value, name(word)) for word in LoadState],
        "k": signature(view.code),
        "version": _version(view),
        "turn": _turn(view),
        "held": _held(view),
    }


def _banned(view: BookingView) -> bool:
    """Somebody of this booking is on the blacklist and has not appealed yet."""
    with reading() as session:
        return bool(bans.of_booking(session, view.id, clock.now()))


def _held(view: BookingView) -> tuple[Reason, ...]:
    """A warning or closed hours that hold this vehicle now."""
    with reading() as session:
        return arrivals.of_booking(session, view.id, clock.now())


def _asks_cargo(view: BookingView) -> bool:
    """A vehicle that came empty says what it carries when its work is done."""
    at_dock = view.visit is not None and view.visit.state is VisitState.AT_DOCK
    return at_dock and view.load_state is not LoadState.LOADED


def _steps(view: BookingView) -> list[tuple[str, str]]:
    """(step, label) of the buttons shown now."""
    if view.visit is None:
        ready = view.state is BookingState.APPROVED
        return [(VisitStep.CHECK_IN.value, STEP_LABELS[VisitStep.CHECK_IN])] if ready else []
    return [(word.value, STEP_LABELS[word]) for word in view.visit.driver_steps if word in STEP_LABELS]


def _place(view: BookingView) -> Place:
    with reading() as session:
        return place(park_query.today(session), view, lang())


def _may(view: BookingView) -> Named | None:
    """The routes and closed zones of a vehicle that is expected or here."""
    if not (view.visit.open if view.visit else view.state is BookingState.APPROVED):
        return None
    with reading() as session:
        return named(park_query.current(session), view, clock.now(), lang())


def _version(view: BookingView) -> str:
    return hashlib.sha256(f"{lang()} {view!r} {_turn(view)!r} {_held(view)!r}".encode()).hexdigest()[:16]


def _turn(view: BookingView) -> dict[str, object] | None:
    """The place in the line of a dock and the estimate in minutes, for a vehicle that waits to be called."""
    if view.visit is None or view.visit.state is not VisitState.PARKED:
        return None
    now = clock.now()
    with reading() as session:
        found = queue_query.place_of(session, view.visit.id, now, lot_query.current_policy(session))
    if found is None:
        return None
    dock, place = found
    window = estimate(place)
    return {"dock": dock, "number": place.number, "window": window, "why": place.why}
