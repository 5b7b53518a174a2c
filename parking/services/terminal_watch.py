"""What connections and positions tell of terminals: edition, addresses, whether one is two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import String, any_, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from parking.models import FixRow, Terminal, TerminalProfile, Watch
from parking.queries.park import NoPark
from parking.rules import places
from parking.rules.places import Arrival, Spot
from parking.rules.policy import Policy
from parking.services import command_effects, conflicts, ground, profiles
from parking.vocabulary import ConflictKind, Mark

#: Marks of a fix that may come from another place than the rest.
_ELSEWHERE = (Mark.TELEPORT, Mark.OUTSIDE_WATCH_AREA)


@dataclass(frozen=True, slots=True)
class Seen:
    """A terminal has authenticated at ``gateway``: the edition of its header, where from, whether it was
    ``over`` an open connection of the same phone, and ``at`` what time (None: just now)."""

    phone: str
    version: str
    source: str
    over: bool = False
    gateway: str = ""
    at: datetime | None = None


def connected(session: Session, seen: Sequence[Seen], now: datetime) -> None:
    """Remember how and from where terminals connected; two that take turns as one are announced.

    Most come again from where they were and cost one look, without a lock.
    """
    phones = literal([s.phone for s in seen], ARRAY(String))
    rows = session.execute(
        select(Terminal, TerminalProfile)
        .outerjoin(TerminalProfile, TerminalProfile.terminal_id == Terminal.id)
        .where(Terminal.phone == any_(phones))
    )
    known = {terminal.phone: (terminal, profile) for terminal, profile in rows}
    news = [one for one in seen if one.phone in known and _news(*known[one.phone], one, now)]
    held = profiles.hold(session, {known[one.phone][0].id for one in news})
    policy = _policy(session) if news else Policy()
    for one in news:
        terminal = known[one.phone][0]
        _connected(session, terminal, held[terminal.id], one, policy, now)


def moved(session: Session, gateway: str, since: datetime) -> list[str]:
    """Phones that another gateway holds since then: one terminal is one connection, the newest."""
    p = TerminalProfile
    return list(
        session.scalars(
            select(Terminal.phone)
            .join(p, p.terminal_id == Terminal.id)
            .where(p.moved_at >= since, p.gateway != gateway)
        )
    )


def attributes(session: Session, phone: str, said: Mapping[str, Any], now: datetime) -> None:
    """A terminal told of itself (0x0107) without being asked."""
    terminal_id = session.scalar(select(Terminal.id).where(Terminal.phone == phone))
    if terminal_id is not None:
        command_effects.attributes(session, terminal_id, said, now)


def sweep(session: Session, now: datetime) -> int:
    """Find terminals whose positions take turns between two places. Returns how many are news."""
    policy = _policy(session)
    since = now - timedelta(minutes=policy.places_min)
    return sum(_alternates(session, *row, since, policy, now) for row in _suspects(session, since, policy))


def _policy(session: Session) -> Policy:
    try:
        return ground.current(session).policy
    except NoPark:
        return Policy()


def _news(terminal: Terminal, profile: TerminalProfile | None, one: Seen, now: datetime) -> bool:
    """It speaks another edition than before, comes from elsewhere or to another gateway."""
    if profile is None or _edition(terminal, one) != terminal.version or profile.gateway != one.gateway:
        return True
    before = _arrivals(profile)
    return places.remember(before, Arrival(now, one.source, one.over)) != before


def _edition(terminal: Terminal, one: Seen) -> str:
    """No header tells 2011 from 2013; the registration did."""
    return "2011" if (terminal.version, one.version) == ("2011", "2013") else one.version


def _arrivals(profile: TerminalProfile) -> tuple[Arrival, ...]:
    return tuple(Arrival(datetime.fromisoformat(a["at"]), a["source"], a["over"]) for a in profile.sources)


def _connected(
    session: Session, terminal: Terminal, profile: TerminalProfile, one: Seen, policy: Policy, now: datetime
) -> None:
    terminal.version = _edition(terminal, one)
    _hold(profile, one, now)
    after = places.remember(_arrivals(profile), Arrival(now, one.source, one.over))
    profile.sources = [{"at": a.at.isoformat(), "source": a.source, "over": a.over} for a in after]
    within, flips = timedelta(minutes=policy.places_min), int(policy.places_flips)
    if sources := places.take_turns(after, now, within, flips):
        conflicts.note(
            session, ConflictKind.TWO_PLACES, terminal.phone, "", now, terminal_id=terminal.id,
            vehicle_id=terminal.vehicle_id, sources=list(sources),
        )  # fmt: skip


def _hold(profile: TerminalProfile, one: Seen, now: datetime) -> None:
    """The newest connection wins, whichever gateway writes first."""
    since = one.at or now
    if profile.gateway != one.gateway and (profile.held_since is None or since >= profile.held_since):
        profile.gateway, profile.held_since, profile.moved_at = one.gateway, since, now


def _suspects(session: Session, since: datetime, policy: Policy) -> Sequence[tuple[int, str, int]]:
    """(terminal, phone, vehicle) with fixes here and elsewhere in turn, of the vehicles seen lately."""
    elsewhere, here = FixRow.mark.in_(_ELSEWHERE), FixRow.mark.is_(None)
    flips = int(policy.places_flips)
    rows = session.execute(
        select(Terminal.id, Terminal.phone, Watch.vehicle_id)
        .select_from(Watch)
        .join(FixRow, (FixRow.vehicle_id == Watch.vehicle_id) & (FixRow.time >= since))
        .join(Terminal, Terminal.id == FixRow.terminal_id)
        .where(Watch.last_time >= since)
        .group_by(Terminal.id, Terminal.phone, Watch.vehicle_id)
        .having((func.count().filter(elsewhere) >= flips) & (func.count().filter(here) >= flips))
    )
    return [(one, phone, vehicle) for one, phone, vehicle in rows]


def _alternates(
    session: Session, terminal_id: int, phone: str, vehicle_id: int, since: datetime, policy: Policy,
    now: datetime,
) -> bool:  # fmt: skip
    rows = session.execute(
        select(FixRow.time, FixRow.lon, FixRow.lat)
        .where(
            FixRow.vehicle_id == vehicle_id, FixRow.terminal_id == terminal_id, FixRow.time >= since,
            FixRow.mark.is_(None) | FixRow.mark.in_(_ELSEWHERE),
        )
        .order_by(FixRow.time, FixRow.serial)
    )  # fmt: skip
    spots = [Spot(at, lon, lat) for at, lon, lat in rows]
    pair = places.alternate(spots, policy.fastest_kmh, int(policy.places_flips))
    if pair is None:
        return False
    facts = {"places": [[round(s.lon, 6), round(s.lat, 6)] for s in pair],
             "metres": round(places.distance_m(*pair))}  # fmt: skip
    return conflicts.note(
        session, ConflictKind.POSITIONS_ALTERNATE, phone, "", now, terminal_id=terminal_id,
        vehicle_id=vehicle_id, **facts,
    )  # fmt: skip
