"""Which letter leads to what: work to be done once, and what browsers should look at again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from parking import events, outbox
from parking.models import Letter
from parking.services import imports, notices, replays, tracking

Work = Callable[[Session, Letter, datetime], object]
News = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Route:
    """``work`` runs in the letter's transaction; ``shows`` are the live stream's types it concerns."""

    shows: tuple[str, ...] = ()
    work: Work | None = None


def _judge_again(session: Session, letter: Letter, now: datetime) -> int:
    earliest = datetime.fromisoformat(letter.payload["earliest"])
    return tracking.judge_again(session, letter.payload["vehicle_id"], earliest, now)


def _import_on(session: Session, letter: Letter, now: datetime) -> None:
    imports.go_on(session, letter.payload["import_id"], now)


def _replay(session: Session, letter: Letter, now: datetime) -> None:
    replays.judge_part(session, letter.payload["part_id"], now)


#: Every event has a route (the house tests it).
ROUTES: Mapping[str, Route] = {
    events.BookingSubmitted.name: Route(("booking", "notice"), notices.announce),
    events.BookingClosed.name: Route(("booking", "bay")),
    events.PermitChanged.name: Route(("booking",)),
    events.BayHeld.name: Route(("booking", "bay")),
    events.BayLost.name: Route(("booking", "bay", "notice"), notices.announce),
    events.OverrideAsked.name: Route(("booking", "notice"), notices.announce),
    events.BayPossible.name: Route(("booking", "notice"), notices.announce),
    events.VisitMoved.name: Route(("visit", "bay")),
    events.VisitAlarm.name: Route(("visit", "notice"), notices.announce),
    events.ViolationSeen.name: Route(("violation", "notice"), notices.announce),
    events.ViolationEscalated.name: Route(("violation", "notice"), notices.announce),
    events.ViolationAcknowledged.name: Route(("violation",)),
    events.ViolationRefuted.name: Route(("violation", "notice"), notices.announce),
    events.FixesCameLate.name: Route((), _judge_again),
    events.TracksSent.name: Route((), _import_on),
    events.ReplayAsked.name: Route((), _replay),
    events.TerminalsDisagree.name: Route(("notice",), notices.announce),
}


def carry(session: Session, letter_id: int, now: datetime) -> list[News]:
    """Do what the letter asks for, once, and mark it done. Returns the news for the live stream.

    Raises KeyError for a letter nobody has a route for: it fails, is tried again and parked.
    """
    letter = outbox.hold(session, letter_id)
    if letter is None:
        return []
    route = ROUTES[letter.name]
    if route.work:
        route.work(session, letter, now)
    outbox.finish(letter)
    return [{"type": kind, **letter.payload} for kind in route.shows]
