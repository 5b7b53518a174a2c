"""A plan for a day: read from the lot, made by ``rules.plan``, kept, and taken over assignment by assignment.

A plan only proposes. Taking it over asks ``bays.assign`` for each vehicle under the lot's lock, with every
rule as it stands then: what changed meanwhile is refused and said, the rest is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from parking.models import Booking, PlanRun
from parking.queries import lot as lots
from parking.queries import park as parks
from parking.queries import planning as asked
from parking.queries.lot import LotRules
from parking.refused import Reason, Refused, no
from parking.rules import assignment, occupancy, ways
from parking.rules.assignment import BayFacts
from parking.rules.nearness import nearness
from parking.rules.occupancy import Stay
from parking.rules.plan import Plan, plan
from parking.rules.plan_problem import NOWHERE, Numbers, PlanBay, PlanStay, Problem, Weights
from parking.rules.segregation import Load, Rulebook, Ruling, between
from parking.services import audit, bays, holding, limits
from parking.speech import translate
from parking.vocabulary import Advice, PlanState, Refusal

#: A vehicle whose departure nobody can tell counts as staying this long.
FOREVER = timedelta(days=2)
#: Re-planning answers a person who waits: seconds, and how far ahead it looks.
REPLAN_S, REPLAN_AHEAD = 3.0, timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Guest:
    """One stay of the day and whose it is. ``bay``: code of the bay held now, if any."""

    booking_id: int
    plate: str
    load: Load
    begins: datetime
    ends: datetime
    bay: str | None
    enterprise: str | None
    index: float
    standing: bool
    booking: Booking


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the lot, and the same day as the planner sees it; guests and stays in one order."""

    guests: Sequence[Guest]
    facts: Sequence[BayFacts]
    problem: Problem


@dataclass(frozen=True, slots=True)
class Taken:
    """What taking a plan over did: booking ids that got their bay, and reasons for those that did not."""

    done: tuple[int, ...]
    refused: tuple[tuple[int, tuple[Reason, ...]], ...]


def ask(
    session: Session,
    lot_id: int,
    day: date,
    now: datetime,
    actor: str,
    source: str,
    budget_s: float | None = None,
) -> PlanRun:
    """Ask for a plan; a worker makes it. Asking again while one is being made returns that one."""
    holding.lock(session, lot_id)
    before = asked.latest(session, lot_id, day)
    if before is not None and before.state in (PlanState.RUNNING, PlanState.IMPROVING):
        return before
    longest = lots.policy(session, lot_id).plan_budget_s
    run = PlanRun(
        lot_id=lot_id,
        day=day,
        state=PlanState.RUNNING,
        budget_s=min(longest, budget_s or longest),
        asked_at=now,
        asked_by=actor,
        result={},
    )
    session.add(run)
    session.flush()
    audit.record(session, actor, "ask_plan", "plan_run", run.id, now, source, day=day.isoformat())
    return run


def read_day(session: Session, lot_id: int, day: date, now: datetime) -> Day:
    """The day as it stands. Bays held on other days and vehicles that stand stay where they are."""
    rules = lots.rules_of(session, lot_id)
    begins = datetime.combine(day, time(), rules.zone)
    return _read(session, lot_id, max(begins, now), begins + timedelta(days=1), now)


def make(day: Day, budget_s: float, on_better: Callable[[Plan], None] | None = None) -> Plan:
    """The best plan for a day within the budget."""
    return plan(day.problem, budget_s, on_better)


def store(session: Session, run_id: int, day: Day, made: Plan, now: datetime, finished: bool) -> None:
    """Write down how far a plan has come."""
    run = session.get_one(PlanRun, run_id)
    run.objective = made.worth.unplaced * day.problem.weights.unplaced + made.worth.rest
    run.bound = made.least.unplaced * day.problem.weights.unplaced + made.least.rest
    run.result = as_json(day, made)
    run.improved_at = now
    run.state = PlanState.IMPROVING
    if finished:
        run.state = PlanState.PROVEN if made.proven else PlanState.BUDGET
        run.finished_at = now


def fail(session: Session, run_id: int, now: datetime, why: str) -> None:
    """A plan could not be made; ``why`` is for whoever reads the log."""
    run = session.get_one(PlanRun, run_id)
    run.state, run.finished_at = PlanState.FAILED, now
    run.result = {**run.result, "error": why[:500]}


def take_over(session: Session, run_id: int, now: datetime, actor: str, source: str) -> Taken:
    """Give everybody the bay the plan says, each checked again, with whoever must go first going first."""
    run = session.get_one(PlanRun, run_id, with_for_update=True)
    if run.state not in (PlanState.PROVEN, PlanState.BUDGET):
        raise Refused(no(Refusal.PLAN_NOT_READY, state=PlanState(run.state)))
    holding.lock(session, run.lot_id)
    wanted = [
        (row["booking"], row["bay"], row["before"])
        for row in run.result["placed"]
        if row["bay"] != row["before"]
    ]
    taken = _assign_all(session, wanted, now, actor, source)
    run.state, run.applied_at = PlanState.APPLIED, now
    audit.record(
        session, actor, "take_plan_over", "plan_run", run.id, now, source,
        done=len(taken.done), refused=len(taken.refused),
    )  # fmt: skip
    return taken


def close_bay(session: Session, bay_code: str, reason: str, now: datetime, actor: str, source: str) -> Taken:
    """Take a bay out of service and find another for everybody who loses it. Raises Refused.

    Who waits for the dispatcher's first decision goes on waiting for it.
    """
    lot_id = lots.current(session)
    holding.lock(session, lot_id)
    lost = set(asked.expecting(session, lot_id, bay_code))
    bays.set_out_of_service(session, bay_code, reason, now, actor, source)
    return replan(session, lot_id, now, actor, source, only=lost) if lost else Taken((), ())


def replan(
    session: Session, lot_id: int, now: datetime, actor: str, source: str, only: Set[int] | None = None
) -> Taken:
    """Find bays for those who have none within a day, moving as few told drivers as possible, and give them.

    To be called in the transaction that took a bay away. Whoever still gets none is named with the reason.
    ``only``: of those without a bay, give one to these bookings alone.
    """
    holding.lock(session, lot_id)
    day = _read(session, lot_id, now, now + REPLAN_AHEAD, now)
    made = plan(day.problem, REPLAN_S)
    wanted = [
        (g.booking_id, day.facts[bay].code, g.bay)
        for g, bay in zip(day.guests, made.at, strict=True)
        if bay != NOWHERE and day.facts[bay].code != g.bay and not g.standing
        if only is None or g.bay is not None or g.booking_id in only
    ]
    taken = _assign_all(session, wanted, now, actor, source)
    lost = [day.guests[w.stay] for w in made.why if only is None or day.guests[w.stay].booking_id in only]
    none = tuple((g.booking_id, (no(Refusal.NO_BAY_LEFT, plate=g.plate),)) for g in lost)
    return Taken(taken.done, (*taken.refused, *none))


def as_json(day: Day, made: Plan) -> dict[str, Any]:
    """A plan as it is kept and shown: who stands where and why, who does not and why not."""
    nearest = _nearest(day, made)
    placed = [
        _placed(day, made, i, nearest[i])
        for i, bay in enumerate(made.at)
        if bay != NOWHERE and not day.guests[i].standing
    ]
    unplaced = [
        {
            "booking": day.guests[w.stay].booking_id,
            "plate": day.guests[w.stay].plate,
            "from": day.guests[w.stay].begins.isoformat(),
            "to": day.guests[w.stay].ends.isoformat(),
            "suited": w.suited,
            "taken": w.taken,
            "near": w.near,
            "full": w.full,
        }
        for w in made.why
    ]
    return {
        "placed": placed,
        "unplaced": unplaced,
        "without": made.worth.unplaced,
        "standing": sum(g.standing for g in day.guests),
        "moved": made.worth.moved,
        "driven_m": round(made.worth.driven_m),
        "near": round(made.worth.near),
        "proven": made.proven,
        "gap": round(made.gap, 5),
        "more": made.more,
        "seconds": round(made.seconds, 2),
    }


def quality(result: Mapping[str, Any], lang: str) -> str:
    """How good a plan is, in words."""
    said = [
        translate(
            "{count} vehicles have a bay, {without} have none.",
            lang,
            count=len(result["placed"]),
            without=result["without"],
        )
    ]
    if result["moved"]:
        said.append(translate("{count} told drivers get another bay.", lang, count=result["moved"]))
    if result["proven"]:
        said.append(translate("Proven best: no plan is better.", lang))
    elif result["more"]:
        said.append(translate("Another plan might place at most {count} more.", lang, count=result["more"]))
    else:
        gap = f"{100 * result['gap']:.1f}"
        said.append(translate("At most {gap} % from the best.", lang, gap=gap))
    return " ".join(said)


def why_not(row: Mapping[str, Any], lang: str) -> str:
    """Why a vehicle has no bay, in words."""
    if not row["suited"]:
        return translate("No bay of the lot takes this load.", lang)
    return translate(
        "{suited} bays suit it: {taken} are taken at that time, {near} are too near other loads, "
        "{full} would exceed the limit of the lot or zone.",
        lang,
        **{k: row[k] for k in ("suited", "taken", "near", "full")},
    )


def _placed(day: Day, made: Plan, i: int, nearest: int) -> dict[str, Any]:
    guest, bay = day.guests[i], day.facts[made.at[i]]
    reasons = [
        _near(day, made, i, nearest),
        no(Advice.WAY, metres=round(float(day.problem.metres[i, made.at[i]]))),
    ]
    return {
        "booking": guest.booking_id,
        "plate": guest.plate,
        "bay": bay.code,
        "zone": bay.zone,
        "before": guest.bay,
        "from": guest.begins.isoformat(),
        "to": guest.ends.isoformat(),
        "reasons": [{"word": r.word.value, "facts": dict(r.facts)} for r in reasons],
    }


def _nearest(day: Day, made: Plan) -> list[int]:
    """For each guest the placed one to keep apart from that comes nearest to its limit while both stay."""
    stays, at = day.problem.stays, np.array(made.at)
    begin, end = np.array([s.begin for s in stays]), np.array([s.end for s in stays])
    kind = np.array([s.kind for s in stays], dtype=np.int64)
    found = []
    for i, bay in enumerate(made.at):
        needed = day.problem.needs[stays[i].kind, kind]
        there = (needed > 0) & (at != NOWHERE) & (begin < end[i]) & (begin[i] < end)
        there[i] = False
        spare = np.where(there, day.problem.apart[bay, at] - needed, np.inf)
        found.append(int(spare.argmin()) if there.any() else NOWHERE)
    return found


def _near(day: Day, made: Plan, i: int, j: int) -> Reason:
    if j == NOWHERE:
        return no(Advice.NOTHING_INCOMPATIBLE)
    return no(
        Advice.NEAREST_INCOMPATIBLE,
        plate=day.guests[j].plate,
        neighbour=day.facts[made.at[j]].code,
        neighbour_class=", ".join(dict.fromkeys(day.guests[j].load.hazards)),
        distance_m=int(day.problem.apart[made.at[i], made.at[j]] * 10) / 10,
        needed_m=float(day.problem.needs[day.problem.stays[i].kind, day.problem.stays[j].kind]),
    )


def _assign_all(
    session: Session, wanted: Iterable[tuple[int, str, str | None]], now: datetime, actor: str, source: str
) -> Taken:
    """Every assignment in a savepoint of its own; again while somebody's going frees a bay for somebody."""
    left, done = list(wanted), []
    refused: dict[int, tuple[Reason, ...]] = {}
    while left:
        again: list[tuple[int, str, str | None]] = []
        for booking_id, bay, before in left:
            try:
                with session.begin_nested():
                    bays.assign(session, booking_id, bay, now, actor, source, expected=before or "")
                done.append(booking_id)
                refused.pop(booking_id, None)
            except Refused as said:
                refused[booking_id] = said.reasons
                again.append((booking_id, bay, before))
        if len(again) == len(left):
            break
        left = again
    return Taken(tuple(done), tuple(refused.items()))


def _read(session: Session, lot_id: int, begins: datetime, ends: datetime, now: datetime) -> Day:
    rules = lots.rules_of(session, lot_id)
    grace = timedelta(minutes=rules.policy.overstay_grace_min)
    facts = lots.bays(session, lot_id)
    held = lots.stays(session, lot_id, rules.policy)
    waiting = asked.wanting(session, lot_id, begins, ends)
    shares = lots.shares(session, waiting, rules.policy.residue_kg)
    guests = list(_guests(session, facts, held, waiting, shares, grace, begins, ends, now))
    places = [PlanBay(b.id, b.code, b.zone) for b in facts]
    kinds = list(dict.fromkeys(g.load for g in guests))
    zone_limits = {z: rules.limit(z).refuse for z in {b.zone for b in facts}}
    problem = Problem(
        bays=places,
        stays=[_stay(g, kinds, facts) for g in guests],
        metres=_metres(parks.today(session), guests, facts, rules),
        apart=nearness([b.id for b in facts], [b.shape for b in facts]).metres,
        needs=_needs(kinds, rules.book),
        lot_limit=rules.limit(None).refuse,
        zone_limits=zone_limits,
        weights=Weights.from_policy(rules.policy),
    )
    return Day(guests, facts, problem)


def _guests(
    session: Session,
    facts: Sequence[BayFacts],
    held: Sequence[Stay],
    waiting: Sequence[Booking],
    shares: Mapping[int, float],
    grace: timedelta,
    begins: datetime,
    ends: datetime,
    now: datetime,
) -> Iterator[Guest]:
    codes = {b.id: b.code for b in facts}
    ids = [s.booking_id for s in held] + [b.id for b in waiting]
    known = asked.details(session, ids)
    carried = lots.loads(session, waiting)
    for stay in held:
        until = stay.until(now) or now + FOREVER
        if until <= now:
            continue
        here = stay.inside or not begins <= max(stay.begins, begins) < ends
        yield Guest(
            stay.booking_id, stay.plate, stay.load, min(stay.since(now), until - timedelta(seconds=1)), until,
            codes[stay.bay_id], known[stay.booking_id].enterprise, stay.share, here, known[stay.booking_id],
        )  # fmt: skip
    for booking in waiting:
        first, last = occupancy.period(booking.window_start, booking.window_end, grace)
        first = max(first, now)
        yield Guest(
            booking.id, booking.plate, carried[booking.id], first, max(last, first + occupancy.AHEAD),
            None, booking.enterprise, shares[booking.id], False, booking,
        )  # fmt: skip


def _stay(guest: Guest, kinds: Sequence[Load], facts: Sequence[BayFacts]) -> PlanStay:
    place = next((n for n, b in enumerate(facts) if b.code == guest.bay), None)
    return PlanStay(
        id=guest.booking_id,
        begin=int(guest.begins.timestamp()),
        end=int(np.ceil(guest.ends.timestamp())),
        kind=kinds.index(guest.load),
        index=guest.index,
        told=None if guest.standing else place,
        fixed=place if guest.standing else None,
    )


def _metres(park: Any, guests: Sequence[Guest], facts: Sequence[BayFacts], rules: LotRules) -> Numbers:
    """guests × bays: the way by each bay, infinite where the bay itself refuses the load or the vehicle."""
    shapes = [b.shape for b in facts]
    way = {name: ways.metres(park, shapes, name) for name in {g.enterprise for g in guests}}
    fits = {g.load: np.array([not any(assignment.unfit(g.load, b)) for b in facts]) for g in guests}
    sizes = {_size(g): np.array([not limits.fit(g.booking, b) for b in facts]) for g in guests}
    rows = [
        np.where(fits[g.load] & sizes[_size(g)] & _short_enough(g, facts, rules), way[g.enterprise], np.inf)
        for g in guests
    ]
    return np.array(rows, dtype=np.float64).reshape(len(guests), len(facts))


def _size(guest: Guest) -> tuple[float | None, ...]:
    booking = guest.booking
    return booking.length_m, booking.width_m, booking.height_m


def _short_enough(guest: Guest, facts: Sequence[BayFacts], rules: LotRules) -> NDArray[np.bool_]:
    """Bays in whose zone the stay is not too long."""
    if not rules.rules.stay_limits:
        return np.ones(len(facts), dtype=np.bool_)
    period, one = (guest.begins, guest.ends), {b.zone: b for b in facts}
    short = {z: not limits.stay(guest.booking, guest.load, b, rules, period) for z, b in one.items()}
    return np.array([short[b.zone] for b in facts], dtype=np.bool_)


def _needs(kinds: Sequence[Load], book: Rulebook) -> Numbers:
    needs = np.zeros((len(kinds), len(kinds)))
    for a, one in enumerate(kinds):
        for b, other in enumerate(kinds[: a + 1]):
            verdict = between(one, other, book)
            needs[a, b] = needs[b, a] = 0.0 if verdict.ruling is Ruling.ALLOWED else verdict.needed_m
    return needs
