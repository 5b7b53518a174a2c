"""The dispatcher's board: who waits, which bays, who is here; assign, call forward, move on.

The page consists of parts. A part that changed is sent again by itself, so two dispatchers see one
assignment at once and a half-typed word in another part stays. Without script every link and form
works as a page of its own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from geo.shapes import Feature, LayerKind, Park
from parking import clock
from parking.queries import board as board_query
from parking.queries import bookings as booking_query
from parking.queries import lot as lot_query
from parking.queries import park as park_query
from parking.queries.board import BayView, Board
from parking.queries.bookings import BookingView
from parking.refused import Reason, Refused, no
from parking.rules import booking as life
from parking.services import bays, bookings, permits, planning, visits
from parking.services.bays import Suggestion
from parking.services.limits import Meter
from parking.speech import N_
from parking.vocabulary import Advice, BookingState, BookingStep, Refusal, Role, VisitStep
from web.board_view import Drawing, at_dock, drawing, timeline
from web.forms import posted_row, row_number, typed
from web.gates import gate
from web.language import _, lang, name
from web.people import actor, source
from web.permits import Named, Offer, asked, named, offer
from web.store import reading, transaction

bp = Blueprint("dispatch", __name__)
MENU = (("dispatch.board", N_("Board")), ("dispatch.index", N_("Indicator q/Q")))

TABS = (("map", N_("Lot map")), ("time", N_("Bays × time")))
PARTS = ("message", "waiting", "choice", "lot", "here", "poll")
#: Reasons that speak for a bay; other advice is a remark to weigh.
GOOD = frozenset(
    {Advice.ZONE_SPECIFIC, Advice.NOTHING_INCOMPATIBLE, Advice.ROOM_ENOUGH, Advice.ISOLATION_KEPT}
)
#: While the vehicle stands in no bay, its bay may still be changed.
_IN_NO_BAY = bays.IN_NO_BAY
#: What the house does by itself, the guard's checklist and the driver's cargo page.
_NO_BUTTON = frozenset(
    {
        VisitStep.OPEN_WINDOW,
        VisitStep.INSPECT,
        VisitStep.GO_MISSING,
        VisitStep.CLOSE,
        VisitStep.CLOSE_INFERRED,
    }
)
#: Steps for trouble: apart from the ordinary ones, with a word of explanation.
TROUBLE = (VisitStep.ISOLATE, VisitStep.CANCEL_STAY, VisitStep.EVACUATE)
_EXPLAINED = (
    BookingStep.WAITLIST,
    BookingStep.RETURN,
    BookingStep.SUSPEND,
    BookingStep.RESUME,
    BookingStep.REJECT,
)
_TOKEN = re.compile(r'name="csrf_token" value="[^"]*"')


@dataclass(frozen=True, slots=True)
class Choice:
    """What the dispatcher is looking at: a booking, a bay, or a bay for a booking."""

    booking: BookingView | None = None
    bay: BayView | None = None
    suggestions: tuple[Suggestion, ...] | None = None
    named: Named | None = None
    offer: Offer | None = None

    @property
    def suggestion(self) -> Suggestion | None:
        """The chosen bay as a proposal for the chosen booking."""
        code = self.bay.code if self.bay else ""
        return next((s for s in self.suggestions or () if s.bay_code == code), None)


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything the page draws."""

    tab: str
    board: Board
    park: Park
    drawn: Drawing
    choice: Choice
    meters: Sequence[Meter]
    reasons: Sequence[Reason] = ()
    done: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)

    def address(self, endpoint: str = "dispatch.board", **changes: Any) -> str:
        """The address of this view with some of it changed; None takes it away."""
        here: dict[str, Any] = {
            "tab": self.tab if self.tab != TABS[0][0] else None,
            "booking": self.choice.booking.id if self.choice.booking else None,
            "bay": self.choice.bay.code if self.choice.bay else None,
        }
        return url_for(endpoint, **{k: v for k, v in {**here, **changes}.items() if v is not None})


@bp.get("/board")
@gate(Role.DISPATCHER)
def board() -> str:
    scene = _scene(done=_done(request.args.get("done", "")))
    return render_template("board.html", scene=scene, part=_drawn(scene))


@bp.get("/board/parts")
@gate(Role.DISPATCHER)
def parts() -> Response:
    """The parts that differ from what the browser shows (argument ``v``); 204 when none does."""
    return _changed(_scene())


@bp.get("/board/index")
@gate(Role.DISPATCHER, Role.SUPERVISOR)
def index() -> str:
    """What makes up the q/Q indicator, now and at the highest of the next 24 hours."""
    with reading() as session:
        lot_id, now = lot_query.current(session), clock.now()
        return render_template("index.html", meters=bays.meters(session, lot_id, now), now=now)


@bp.post("/board/assign")
@gate(Role.DISPATCHER)
def assign() -> AnyResponse:
    """Give a booking a bay, with the routes and zones ticked: one click. ``seen``: the bay it had."""
    booking_id, bay = posted_row("booking_id"), typed("bay", 64)

    def take() -> str:
        with transaction() as session:
            bays.assign(session, booking_id, bay, clock.now(), actor(), source(), typed("seen", 64), asked())
        return "assigned"

    return _after(take, booking_id)


@bp.post("/board/permit")
@gate(Role.DISPATCHER)
def permit() -> AnyResponse:
    """Name other routes and closed zones for a booking, from now on."""
    booking_id, naming = posted_row("booking_id"), asked() or abort(400)

    def take() -> str:
        with transaction() as session:
            permits.give(session, booking_id, naming, clock.now(), actor(), source())
        return "named"

    return _after(take, booking_id)


@bp.post("/board/booking")
@gate(Role.DISPATCHER)
def booking_step() -> AnyResponse:
    """Waitlist, return, suspend, resume or reject a booking, with a remark where one is needed."""
    booking_id, asked = posted_row("booking_id"), typed("step", 40)
    if asked not in _EXPLAINED:
        abort(400)

    def take() -> str:
        with transaction() as session:
            bookings.take(
                session, booking_id, BookingStep(asked), clock.now(), actor(), source(), typed("remark", 500)
            )
        return asked

    return _after(take, booking_id)


@bp.post("/board/step")
@gate(Role.DISPATCHER)
def step() -> AnyResponse:
    """Move a visit on; calling forward names the dock."""
    visit_id, asked = posted_row("visit_id"), typed("step", 40)
    if asked not in list(VisitStep):
        abort(400)

    def take() -> str:
        with transaction() as session:
            visits.step(
                session, visit_id, VisitStep(asked), clock.now(), actor(), source(),
                dock=typed("dock", 40) or None, remark=typed("remark", 500) or None,
            )  # fmt: skip
        return asked

    with reading() as session:
        view = booking_query.by_visit(session, visit_id)
    return _after(take, view.id if view else None)


@bp.post("/board/service")
@gate(Role.DISPATCHER)
def service() -> AnyResponse:
    """Close a bay with a reason, or open it again."""
    bay, closing = typed("bay", 64), typed("closing", 1) == "1"
    reason = typed("reason", 200)

    def take() -> str:
        if closing and not reason:
            raise Refused(no(Refusal.REMARK_MISSING, "reason"))
        with transaction() as session:
            if not closing:
                bays.set_out_of_service(session, bay, None, clock.now(), actor(), source())
                return "opened"
            taken = planning.close_bay(session, bay, reason, clock.now(), actor(), source())
        return "moved" if taken.done else "closed"

    return _after(take, None, bay)


def _done(word: str) -> str:
    """What was done, said to the dispatcher; unknown words say nothing."""
    said = {
        "assigned": N_("The bay is assigned."),
        "named": N_("Routes and closed zones are set."),
        "closed": N_("The bay is out of service."),
        "moved": N_("The bay is out of service; those who lost it have another one."),
        "opened": N_("The bay is in service again."),
    }
    if word in said:
        return _(said[word])
    if word in list(BookingStep):
        return _("Done: {step}", step=BookingStep(word))
    return _("Done: {step}", step=VisitStep(word)) if word in list(VisitStep) else ""


def _after(take: Callable[[], str], booking_id: int | None, bay: str | None = None) -> AnyResponse:
    """Do it; then show the board, with what was done or every reason why not."""
    script = request.headers.get("HX-Request") == "true"
    try:
        done = take()
    except Refused as refused:
        scene = _scene(booking_id, bay, reasons=refused.reasons, posted=True)
        if script:
            return _changed(scene)
        return make_response(render_template("board.html", scene=scene, part=_drawn(scene)), 422)
    scene = _scene(booking_id, bay, done=_done(done), posted=True)
    return _changed(scene) if script else redirect(scene.address(done=done), 303)


def _scene(
    booking_id: int | None = None,
    bay: str | None = None,
    reasons: Sequence[Reason] = (),
    done: str = "",
    posted: bool = False,
) -> Scene:
    where = request.form if posted else request.args
    if not posted:
        booking_id, bay = where.get("booking", type=row_number), where.get("bay", "")[:64] or None
    now = clock.now()
    with reading() as session:
        board = board_query.board(session, now)
        park = park_query.today(session)
        chosen = booking_query.by_id(session, booking_id) if booking_id else None
        wants = chosen is not None and _assignable(chosen)
        proposed = tuple(bays.suggest(session, chosen.id, now)) if chosen and wants else None
        meters = bays.meters(session, board.lot_id, now)
        every = park_query.current(session)
    choice = Choice(
        chosen,
        next((b for b in board.bays if b.code == bay), None),
        proposed,
        named(every, chosen, now, lang()) if chosen else None,
        offer(every, chosen, now, asked() if posted and reasons else None) if chosen else None,
    )
    tab = where.get("tab", "")
    return Scene(
        tab=tab if tab in dict(TABS) else TABS[0][0],
        board=board,
        park=park,
        drawn=drawing(board, park, proposed),
        choice=choice,
        meters=meters,
        reasons=reasons,
        done=done,
        typed={k: typed(k) for k in ("remark", "reason", "dock")} if posted and reasons else {},
    )


def _assignable(booking: BookingView) -> bool:
    if booking.visit is not None:
        return booking.visit.state in _IN_NO_BAY
    return booking.state in (*booking_query.ASKS, BookingState.APPROVED)


def _drawn(scene: Scene) -> Callable[[str], Markup]:
    def part(which: str) -> Markup:
        html, version = _part(scene, which)
        frame = Markup('<div id="part-{0}" data-part="{0}" data-v="{1}">{2}</div>')
        return frame.format(which, version, html)

    return part


def _changed(scene: Scene) -> Response:
    shown = dict(item.partition(":")[::2] for item in request.values.get("v", "").split(","))
    out = [
        f'<div id="part-{which}" data-part="{which}" data-v="{version}" hx-swap-oob="true">{html}</div>'
        for which in PARTS
        for html, version in [_part(scene, which)]
        if shown.get(which) != version
    ]
    return make_response("\n".join(out), 200 if out else 204)


def _part(scene: Scene, which: str) -> tuple[Markup, str]:
    """A part and its version: of everything in it but the form tokens, which differ every time."""
    html = Markup(render_template(f"_board_{which}.html", **_context(scene, which)))  # noqa: S704 - our template, autoescaped
    return html, hashlib.sha256(_TOKEN.sub("", html).encode()).hexdigest()[:12]


def _context(scene: Scene, which: str) -> dict[str, Any]:
    board, choice = scene.board, scene.choice
    more: dict[str, Any] = {"scene": scene, "board": board, "choice": choice, "good": GOOD, "tabs": TABS}
    if which == "lot" and scene.tab == "time":
        more["time"] = timeline(scene.board, scene.drawn, scene.choice.booking)
    if which == "choice" and scene.choice.booking:
        more["docks"] = _docks(scene)
        more["unsuited_and_near"] = unsuited_and_near
        more["steps"] = _steps(scene.choice.booking)
        more["trouble"] = TROUBLE
        more["decisions"] = _decisions(scene.choice.booking)
    return more


def unsuited_and_near(blocked: Sequence[Suggestion]) -> tuple[list[str], list[Suggestion]]:
    """Codes of bays not made for the load, and those that only somebody else stands in the way of."""
    never = {Refusal.BAY_CLASS, Refusal.BAY_LOAD_STATE}
    unsuited = [s.bay_code for s in blocked if any(r.word in never for r in s.blocked)]
    return unsuited, [s for s in blocked if s.bay_code not in unsuited]


def _docks(scene: Scene) -> list[tuple[Feature, bool, list[str]]]:
    """(dock, whether it handles the class, plates there); fitting ones first, free ones before busy ones."""
    booking, busy = scene.choice.booking, at_dock(scene.board)
    found = [(d, _handles(d, booking), busy.get(d.code, [])) for d in scene.park.of(LayerKind.DOCK)]
    return sorted(found, key=lambda row: (not row[1], len(row[2]), row[0].code))


def _handles(dock: Feature, booking: BookingView | None) -> bool:
    """A hint for the choice; the service decides. A vehicle that comes empty is not judged by class."""
    listed = dock.attributes.get("hazard_classes") or ()
    parts = listed.split(",") if isinstance(listed, str) else listed
    classes = [c.strip() for c in parts if str(c).strip()]
    if booking is None or booking.load_state != "loaded" or not classes or not booking.hazard_class:
        return True
    return any(booking.hazard_class == c or booking.hazard_class.startswith(f"{c}.") for c in classes)


def _steps(booking: BookingView) -> list[tuple[VisitStep, str]]:
    """The steps staff may take now, calling forward apart (it needs a dock)."""
    if booking.visit is None:
        return []
    return [(s, name(s)) for s in booking.visit.steps if s not in _NO_BUTTON]


def _decisions(booking: BookingView) -> list[tuple[str, str]]:
    """What else the dispatcher may decide about a booking, each with a remark."""
    if booking.visit is not None:
        return []
    able = life.steps(booking.state, actor())
    return [(step.value, name(step)) for step in _EXPLAINED if step in able]
