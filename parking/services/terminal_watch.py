"""What connections and positions tell of terminals: edition, addresses, whether one is two."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select, text
from sqlalchemy.orm import Session

from parking.models import FixRow, Terminal, TerminalProfile
from parking.queries.park import NoPark
from parking.rules import places
from parking.rules.places import Arrival, Spot
from parking.rules.policy import Policy
from parking.services import command_effects, conflicts, ground, profiles
from parking.vocabulary import ConflictKind, Mark

#: Marks of a fix that may come from another place than the rest.
ELSEWHERE = (Mark.TELEPORT, Mark.OUTSIDE_WATCH_AREA)


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
    session.flush()
    phones = [s.phone for s in seen]
    known = {row.phone: row for row in session.execute(_LOOK, {"phones": phones})}
    news = [s for s in seen if s.phone in known and _news(known[s.phone], s, now)]
    if not news:
        return
    policy, held = _policy(session), _hold(session, sorted({known[s.phone].id for s in news}))
    for one in news:
        _connected(session, known[one.phone], held[known[one.phone].id], one, policy, now)
    _write(session, held.values(), {known[s.phone].id: _edition(known[s.phone], s) for s in news})


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


def _news(known: Row[Any], one: Seen, now: datetime) -> bool:
    """It speaks another edition than before, comes from elsewhere or to another gateway."""
    if known.sources is None or _edition(known, one) != known.version or known.gateway != one.gateway:
        return True
    before = _arrivals(known.sources)
    return places.remember(before, Arrival(now, one.source, one.over)) != before


def _edition(known: Row[Any], one: Seen) -> str:
    """No header tells 2011 from 2013; the registration did."""
    return "2011" if (known.version, one.version) == ("2011", "2013") else one.version


def _arrivals(sources: Sequence[Mapping[str, Any]]) -> tuple[Arrival, ...]:
    return tuple(Arrival(datetime.fromisoformat(a["at"]), a["source"], a["over"]) for a in sources)


@dataclass(slots=True)
class _Held:
    """What is kept of a terminal's connections, locked."""

    terminal_id: int
    sources: list[dict[str, Any]]
    gateway: str | None
    held_since: datetime | None
    moved_at: datetime | None


def _hold(session: Session, terminal_ids: Sequence[int]) -> dict[int, _Held]:
    profiles.make(session, terminal_ids)
    return {row.terminal_id: _Held(*row) for row in session.execute(_LOCK, {"ids": terminal_ids})}


def _connected(
    session: Session, known: Row[Any], held: _Held, one: Seen, policy: Policy, now: datetime
) -> None:
    since = one.at or now
    if held.gateway != one.gateway and (held.held_since is None or since >= held.held_since):
        held.gateway, held.held_since, held.moved_at = one.gateway, since, now  # the newest wins
    after = places.remember(_arrivals(held.sources), Arrival(now, one.source, one.over))
    held.sources = [{"at": a.at.isoformat(), "source": a.source, "over": a.over} for a in after]
    within, flips = timedelta(minutes=policy.places_min), int(policy.places_flips)
    if sources := places.take_turns(after, now, within, flips):
        conflicts.note(
            session, ConflictKind.TWO_PLACES, known.phone, "", now, terminal_id=known.id,
            vehicle_id=known.vehicle_id, sources=list(sources),
        )  # fmt: skip


def _write(session: Session, held: Collection[_Held], versions: Mapping[int, str]) -> None:
    """All of them in two statements: when a fleet signs on there are hundreds of thousands."""
    session.execute(_KEEP, {
        "ids": [h.terminal_id for h in held], "sources": [json.dumps(h.sources) for h in held],
        "gateways": [h.gateway for h in held], "since": [h.held_since for h in held],
        "moved": [h.moved_at for h in held],
    })  # fmt: skip
    session.execute(_SPEAK, {"ids": list(versions), "versions": list(versions.values())})


_LOOK = text(
    "SELECT t.id, t.phone, t.version, t.vehicle_id, p.sources, p.gateway FROM terminal t"
    " LEFT JOIN terminal_profile p ON p.terminal_id = t.id WHERE t.phone = ANY(:phones)"
)
_LOCK = text(
    "SELECT terminal_id, sources, gateway, held_since, moved_at FROM terminal_profile"
    " WHERE terminal_id = ANY(:ids) ORDER BY terminal_id FOR UPDATE"
)
_KEEP = text(
    "UPDATE terminal_profile SET sources = v.sources::jsonb, gateway = v.gateway, held_since = v.since,"
    " moved_at = v.moved FROM unnest(CAST(:ids AS bigint[]), CAST(:sources AS text[]),"
    " CAST(:gateways AS text[]), CAST(:since AS timestamptz[]), CAST(:moved AS timestamptz[]))"
    " AS v (id, sources, gateway, since, moved) WHERE terminal_id = v.id"
)
_SPEAK = text(
    "UPDATE terminal SET version = v.version FROM unnest(CAST(:ids AS bigint[]), CAST(:versions AS text[]))"
    " AS v (id, version) WHERE terminal.id = v.id AND terminal.version IS DISTINCT FROM v.version"
)


def seen_elsewhere(session: Session, terminal_ids: Sequence[int], now: datetime) -> None:
    """These terminals said to be elsewhere than where their vehicles were believed to be a moment ago.

    Written down once a minute: the sweep looks at those only, not at all fixes of a fleet.
    """
    if terminal_ids:
        profiles.make(session, terminal_ids)
        session.execute(_ELSEWHERE_AT, {"ids": terminal_ids, "now": now})


_ELSEWHERE_AT = text(
    "UPDATE terminal_profile SET elsewhere_at = :now WHERE terminal_id IN (SELECT terminal_id"
    " FROM terminal_profile WHERE terminal_id = ANY(:ids) AND (elsewhere_at IS NULL"
    " OR elsewhere_at NOT BETWEEN CAST(:now AS timestamptz) - interval '1 minute' AND :now)"
    " ORDER BY terminal_id FOR UPDATE)"
)


def _suspects(session: Session, since: datetime, policy: Policy) -> Sequence[tuple[int, str, int]]:
    """(terminal, phone, vehicle) with fixes here and elsewhere in turn, of those seen elsewhere lately."""
    elsewhere, here = FixRow.mark.in_(ELSEWHERE), FixRow.mark.is_(None)
    flips = int(policy.places_flips)
    rows = session.execute(
        select(Terminal.id, Terminal.phone, Terminal.vehicle_id)
        .join(TerminalProfile, TerminalProfile.terminal_id == Terminal.id)
        .join(FixRow, (FixRow.vehicle_id == Terminal.vehicle_id) & (FixRow.terminal_id == Terminal.id))
        .where(TerminalProfile.elsewhere_at >= since, FixRow.time >= since)
        .group_by(Terminal.id, Terminal.phone, Terminal.vehicle_id)
        .having((func.count().filter(elsewhere) >= flips) & (func.count().filter(here) >= flips))
    )
    return [(one, phone, vehicle) for one, phone, vehicle in rows if vehicle is not None]


def _alternates(
    session: Session, terminal_id: int, phone: str, vehicle_id: int, since: datetime, policy: Policy,
    now: datetime,
) -> bool:  # fmt: skip
    rows = session.execute(
        select(FixRow.time, FixRow.lon, FixRow.lat)
        .where(
            FixRow.vehicle_id == vehicle_id, FixRow.terminal_id == terminal_id, FixRow.time >= since,
            FixRow.mark.is_(None) | FixRow.mark.in_(ELSEWHERE),
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
