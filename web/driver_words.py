"""What the driver reads: the next step in plain words, where to go, the labels of the buttons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from geo.shapes import LayerKind, Park
from parking.queries.bookings import BookingView
from parking.speech import N_
from parking.vocabulary import BookingState, VisitState, VisitStep
from web.language import _, window

PRIVACY_VERSION = "2026-11"

#: Plate colours by JT/T 808 number. Offered first: what hazmat vehicles carry.
COLOUR_NAMES: Mapping[int, str] = {
    2: N_("yellow"),
    93: N_("yellow-green"),
    1: N_("blue"),
    5: N_("green"),
    3: N_("black"),
    4: N_("white"),
    9: N_("other colour"),
    91: N_("farm yellow"),
    92: N_("farm green"),
    94: N_("gradient green"),
}
COLOURS_OFFERED = [(number, COLOUR_NAMES[number]) for number in (2, 93, 1, 5, 3, 4, 9)]

#: Buttons of the driver, said by the driver.
STEP_LABELS: Mapping[VisitStep, str] = {
    VisitStep.CHECK_IN: N_("I am at the gate: check in"),
    VisitStep.PARK: N_("I stand in my bay"),
    VisitStep.DEPART_BAY: N_("I leave the bay"),
    VisitStep.REACH_DOCK: N_("I am at the dock"),
    VisitStep.FINISH_WORK: N_("Loading is finished"),
    VisitStep.LEAVE_DOCK: N_("I leave the dock"),
    VisitStep.CHECK_OUT: N_("I leave the park: check out"),
}

_WAITING: Mapping[BookingState, tuple[str, str]] = {
    BookingState.DRAFT: (
        "calm",
        N_("This is a draft. Finish it and submit it when everything is right."),
    ),
    BookingState.SUBMITTED: (
        "wait",
        N_("Wait: the enterprise you drive to has to agree first. Do not set off yet."),
    ),
    BookingState.ENTERPRISE_APPROVED: (
        "wait",
        N_("Wait: a dispatcher looks for a bay. Do not set off for the park before a bay is shown here."),
    ),
    BookingState.WAITLISTED: (
        "wait",
        N_("You are on the waiting list: a bay may become free. Do not set off before a bay is shown here."),
    ),
    BookingState.SUSPENDED: (
        "stop",
        N_("The booking is suspended: do not come. It may be resumed; watch this page."),
    ),
    BookingState.RETURNED: (
        "stop",
        N_("The booking was returned: read the reason, mend it and submit it again."),
    ),
    BookingState.NO_SHOW: (
        "stop",
        N_("You did not come within the booked time. Please book again before you come."),
    ),
    BookingState.APPROVED: (
        "good",
        N_("Come to {gate} within the booked time ({window}) and check in when you stand there."),
    ),
    BookingState.USED: ("calm", N_("You have arrived.")),
    BookingState.REJECTED: (
        "stop",
        N_("The booking was rejected. Do not come; read the reason and book again."),
    ),
    BookingState.CANCELLED: ("off", N_("The booking is cancelled. Book again if you still want to come.")),
    BookingState.EXPIRED: ("stop", N_("The booked time is over. Please book again before you come.")),
}
_MOVING: Mapping[VisitState, tuple[str, str]] = {
    VisitState.WAITING_OUTSIDE: (
        "wait",
        N_("You are early. Wait outside the park where the guard shows you; you are let in at {opens_at}."),
    ),
    VisitState.INSPECTED: (
        "wait",
        N_("Papers and vehicle are in order. Stay at {gate} until the guard lets you in."),
    ),
    VisitState.QUEUED: (
        "wait",
        N_("No bay is free yet. Stay at {gate}; this page shows the bay as soon as there is one."),
    ),
    VisitState.MISSING: (
        "stop",
        N_("You should stand in bay {bay} by now. Drive there at once or call the dispatcher."),
    ),
    VisitState.ISOLATED: (
        "stop",
        N_("Stay away from the vehicle and follow the instructions of the park's staff."),
    ),
    VisitState.WASHING: (
        "calm",
        N_("Drive to the tank washing and hand in the certificate afterwards."),
    ),
    VisitState.EVACUATED: (
        "stop",
        N_("The park is being evacuated. Stay outside and follow instructions."),
    ),
    VisitState.CLOSED: (
        "off",
        N_("The visit is closed. Drive safely."),
    ),
    VisitState.CLOSED_INFERRED: (
        "off",
        N_("The visit was closed without being seen to leave. Call the park if you are still inside."),
    ),
    VisitState.ARRIVED: ("wait", N_("Stay at {gate}. The guard checks papers and vehicle and lets you in.")),
    VisitState.REFUSED: (
        "stop",
        N_("You may not enter. Follow the guard's directions and leave the gate area."),
    ),
    VisitState.ADMITTED: ("good", N_("Drive slowly to bay {bay} in {zone}, then press the button.")),
    VisitState.PARKED: ("good", N_("Stay with the vehicle and wait until you are called.")),
    VisitState.CALLED: (
        "wait",
        N_("You are called: drive to dock {dock}. Press the button when you leave the bay."),
    ),
    VisitState.EN_ROUTE_IN: ("calm", N_("Drive the approved route to dock {dock}, then press the button.")),
    VisitState.AT_DOCK: (
        "calm",
        N_("Follow the loading supervisor. Press the button when the work is done."),
    ),
    VisitState.WORK_DONE: ("calm", N_("Press the button when you leave the dock.")),
    VisitState.EN_ROUTE_OUT: ("calm", N_("Leave by {gate}. Check out when you have passed it.")),
    VisitState.EXITED: ("off", N_("You have left the park. Drive safely.")),
}
_BAY_LOST = N_("Your bay had to be taken back. Stay at {gate}: the dispatcher looks for another one.")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the driver goes: names in the reader's language, empty when the park has none drawn."""

    zone: str
    gates: tuple[str, ...]


def place(park: Park, view: BookingView, lang: str) -> Place:
    """Gates for hazmat vehicles, and the zone of the bay."""
    gates = [f for f in park.of(LayerKind.GATE) if f.attributes.get("gate_kind") == "hazmat_only"]
    zones = [f for f in park.of(LayerKind.ZONE) if f.code == view.zone]
    return Place(
        zones[0].name(lang) if zones else (view.zone or ""),
        tuple(g.name(lang) for g in gates),
    )


def advice(view: BookingView, place: Place) -> tuple[str, str]:
    """(tone, sentence) of what the driver does next."""
    if view.visit is None:
        tone, sentence = _WAITING[view.state]
    elif view.visit.state is VisitState.ARRIVED and view.bay_code is None:
        tone, sentence = "wait", _BAY_LOST
    else:
        tone, sentence = _MOVING[view.visit.state]
    facts = {
        "gate": _(" or ").join(place.gates) or _("the hazmat gate"),
        "window": window(view.window_start, view.window_end),
        "bay": view.bay_code,
        "zone": place.zone or _("the lot"),
        "dock": view.visit.dock if view.visit else None,
        "opens_at": window(view.window_start, view.window_end),
    }
    return tone, _(sentence, **{k: v for k, v in facts.items() if v})


def colour_name(number: int) -> str:
    return _(COLOUR_NAMES.get(number, N_("other colour")))
