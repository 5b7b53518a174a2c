"""Areas and routes pushed into terminals: what differs from what they hold is set or deleted.

Pushed when a person asks, and by the sweep for every terminal once pushed to (or for all, by policy) when
another layer version takes effect or other routes are approved for its vehicle.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, true
from sqlalchemy.orm import Session

from parking.models import Command, Terminal, TerminalFence, TerminalProfile
from parking.queries import fences as fence_query
from parking.queries import journeys
from parking.queries import park as park_query
from parking.refused import Refused, no
from parking.rules import fences
from parking.rules.fences import POLYGON, Fence, Plan
from parking.rules.orders import Order
from parking.services import audit, commands, ground, profiles
from parking.vocabulary import CommandFault, CommandKind, CommandState, FenceState, Refusal

#: Areas change rarely and terminals sleep: a push is given up late.
PATIENCE = timedelta(days=3)

#: Terminals looked after in one sweep, and how long a silent one is looked after.
PER_SWEEP = 500
SILENT = timedelta(days=3)

#: What a terminal did not take is tried again after this time. Assumption.
AGAIN_AFTER = timedelta(days=1)

#: Ids one delete message names (JT/T 808: at most 125).
PER_DELETE = 100

_SETS = {POLYGON: CommandKind.SET_AREA, fences.ROUTE: CommandKind.SET_ROUTE}
_DELETES = {POLYGON: CommandKind.DELETE_AREAS, fences.ROUTE: CommandKind.DELETE_ROUTES}


@dataclass(frozen=True, slots=True)
class Pushed:
    """How many areas and routes are asked to be set and deleted, and the codes no terminal can hold."""

    set: int
    deleted: int
    not_held: tuple[str, ...]


def plan_for(session: Session, terminal: Terminal, now: datetime) -> Plan:
    """What this terminal should hold now."""
    return _plan(session, _routes(session, terminal, now), now)


def push(
    session: Session, terminal_id: int, now: datetime, actor: str, source: str, *, again: bool = True
) -> Pushed:
    """Ask the terminal to hold the park as it is now; from then on it is kept so. Raises Refused.

    ``again``: also what it already holds is set once more (a terminal may have lost it).
    """
    terminal = session.get(Terminal, terminal_id)
    if terminal is None:
        raise Refused(no(Refusal.TERMINAL_UNKNOWN))
    if terminal.vehicle_id is None:
        raise Refused(no(Refusal.TERMINAL_UNBOUND, phone=terminal.phone))
    profile, plan = profiles.hold_one(session, terminal_id), plan_for(session, terminal, now)
    pushed = _push(session, profile, plan, now, actor, source, again)
    profile.fences_managed = True
    facts = {"set": pushed.set, "deleted": pushed.deleted, "not_held": list(pushed.not_held)}
    audit.record(session, actor, "fences_pushed", "terminal", terminal_id, now, source, **facts)
    return pushed


def withdraw(session: Session, terminal_id: int, now: datetime, actor: str, source: str) -> Pushed:
    """Have the terminal delete all it holds of ours, and leave it alone from then on. Raises Refused."""
    terminal = session.get(Terminal, terminal_id)
    if terminal is None:
        raise Refused(no(Refusal.TERMINAL_UNKNOWN))
    profile = profiles.hold_one(session, terminal_id)
    pushed = _push(session, profile, Plan((), ()), now, actor, source, False)
    profile.fences_managed, profile.fences_digest = False, None
    audit.record(session, actor, "fences_withdrawn", "terminal", terminal_id, now, source)
    return pushed


def sweep(session: Session, now: datetime) -> int:
    """Push to every terminal looked after whose plan is another than the one asked for last, and once a day
    what a terminal did not take. Returns to how many."""
    if not _any(session):
        return 0
    terminals = _looked_after(session, now)
    plans: dict[tuple[str, ...], Plan] = {}
    due: list[tuple[Terminal, Plan]] = []
    untaken, digests = _untaken(session, now), _digests(session)
    for terminal, routes in zip(terminals, _routes_of(session, terminals, now), strict=True):
        if routes not in plans:
            plans[routes] = _plan(session, routes, now)
        if plans[routes].digest != digests.get(terminal.id) or terminal.id in untaken:
            due.append((terminal, plans[routes]))
    held = profiles.hold(session, [terminal.id for terminal, _ in due[:PER_SWEEP]])
    for terminal, plan in due[:PER_SWEEP]:
        held[terminal.id].fences_managed = True
        _push(session, held[terminal.id], plan, now, "system", "sweep", False)
    return len(held)


def _looked_after(session: Session, now: datetime) -> Sequence[Terminal]:
    """Bound terminals heard of lately that were pushed to before; by the park's policy all of them."""
    everyone = true() if ground.current(session).policy.fences_auto else TerminalProfile.fences_managed
    return session.scalars(
        select(Terminal)
        .outerjoin(TerminalProfile, TerminalProfile.terminal_id == Terminal.id)
        .where(everyone, Terminal.vehicle_id.is_not(None), Terminal.last_seen_at > now - SILENT)
        .order_by(Terminal.id)
    ).all()


def _digests(session: Session) -> dict[int, str | None]:
    rows = session.execute(select(TerminalProfile.terminal_id, TerminalProfile.fences_digest))
    return {row.terminal_id: row.fences_digest for row in rows}


def _untaken(session: Session, now: datetime) -> set[int]:
    """Terminals that did not take, or did not delete, something a while ago."""
    stuck = (TerminalFence.state == FenceState.FAILED) | (
        (TerminalFence.state == FenceState.GOING) & TerminalFence.command_id.is_(None)
    )
    found = select(TerminalFence.terminal_id).where(stuck, TerminalFence.changed_at < now - AGAIN_AFTER)
    return set(session.scalars(found.distinct()))


def _any(session: Session) -> bool:
    """A park is loaded; without one there is nothing to hold."""
    try:
        park_query.stamp(session)
    except park_query.NoPark:
        return False
    return True


def _plan(session: Session, routes: tuple[str, ...], now: datetime) -> Plan:
    """``routes``: those named for the vehicle; it then holds what it is judged by, detours included."""
    land = ground.current(session)
    may = land.corridors_for(routes, now).codes if routes else ()
    return fences.plan(fence_query.sources(session, land.park, now, may), land.frame, land.policy)


def _routes(session: Session, terminal: Terminal, now: datetime) -> tuple[str, ...]:
    return _routes_of(session, [terminal], now)[0]


def _routes_of(session: Session, terminals: Sequence[Terminal], now: datetime) -> list[tuple[str, ...]]:
    """The routes approved for each vehicle now; none named means all of the park."""
    vehicles = sorted({t.vehicle_id for t in terminals if t.vehicle_id is not None})
    at = journeys.of_vehicles(session, vehicles, now, now) if vehicles else {}
    return [at[t.vehicle_id](now).routes if t.vehicle_id is not None else () for t in terminals]


def _push(
    session: Session,
    profile: TerminalProfile,
    plan: Plan,
    now: datetime,
    actor: str,
    source: str,
    again: bool,
) -> Pushed:
    terminal_id = profile.terminal_id
    rows = {(r.kind, r.number): r for r in _rows(session, terminal_id)}
    wanted = {(f.kind, f.number): f for f in plan.fences}
    _replace_waiting(session, rows.values(), now)
    gone = [row for key, row in rows.items() if key not in wanted]
    changed = [f for key, f in wanted.items() if again or _differs(rows.get(key), f)]
    deleted = sum(_delete(session, terminal_id, kind, gone, now, actor, source) for kind in _DELETES)
    for fence in changed:
        _set(session, terminal_id, rows.get((fence.kind, fence.number)), fence, now, actor, source)
    profile.fences_digest = plan.digest
    return Pushed(len(changed), deleted, plan.not_held)


def _rows(session: Session, terminal_id: int) -> Sequence[TerminalFence]:
    return session.scalars(
        select(TerminalFence).where(TerminalFence.terminal_id == terminal_id).with_for_update()
    ).all()


def _differs(row: TerminalFence | None, fence: Fence) -> bool:
    return row is None or row.digest != fence.digest or row.state != FenceState.HELD


def _replace_waiting(session: Session, rows: Iterable[TerminalFence], now: datetime) -> None:
    """Pushes nobody sent yet are overtaken by this one."""
    ids = [row.command_id for row in rows if row.command_id is not None]
    waiting = session.scalars(
        select(Command).where(Command.id.in_(ids), Command.state == CommandState.QUEUED).with_for_update()
    )
    for command in waiting:
        command.state, command.fault, command.ended_at = CommandState.FAILED, CommandFault.REPLACED, now


def _set(
    session: Session, terminal_id: int, row: TerminalFence | None, fence: Fence, now: datetime, actor: str,
    source: str,
) -> None:  # fmt: skip
    order = Order(_SETS[fence.kind], fence.payload)
    command = commands.ask(session, terminal_id, order, now, actor, source, patience=PATIENCE)
    if row is None:
        row = TerminalFence(terminal_id=terminal_id, kind=fence.kind, number=fence.number)
        session.add(row)
    row.layer, row.code, row.version_id, row.digest = fence.layer, fence.code, fence.version_id, fence.digest
    row.loss, row.state, row.command_id = fences.loss_facts(fence.loss), FenceState.WANTED, command.id
    row.changed_at = now
    session.flush()


def _delete(
    session: Session, terminal_id: int, kind: str, rows: Sequence[TerminalFence], now: datetime, actor: str,
    source: str,
) -> int:  # fmt: skip
    mine = [row for row in rows if row.kind == kind]
    for n in range(0, len(mine), PER_DELETE):
        some = mine[n : n + PER_DELETE]
        order = Order(_DELETES[kind], {"numbers": [row.number for row in some]})
        command = commands.ask(session, terminal_id, order, now, actor, source, patience=PATIENCE)
        for row in some:
            row.state, row.command_id, row.changed_at = FenceState.GOING, command.id, now
    session.flush()
    return len(mine)
