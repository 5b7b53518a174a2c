"""One fix, one step: what it is believed to be, and every rule on it, each on its own piece of the state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from geo.fix import Fix
from parking.rules import (
    alarms,
    deviation,
    displaced,
    drift,
    frozen,
    lines,
    plausibility,
    presence,
    scene,
    silence,
    speeding,
    stopping,
    wrong_bay,
)
from parking.rules.ground import Ground
from parking.rules.sight import Finding, Sight
from parking.rules.state import Seen, State, seen
from parking.vocabulary import Mark

#: Makes the sight of a fix after the one before it.
View = Callable[[Fix, "Sight | None"], Sight]


def one(
    ground: Ground, state: State, fix: Fix, before: Sight | None, view: View, now: datetime
) -> tuple[State, Mark | None, list[Finding], Sight | None]:
    mark = plausibility.mark(fix, ground, now)
    at = fix.time.timestamp()
    if mark is None and at < state.newest:
        return state, Mark.LATE, [], before
    state, found = _alarms(
        state, fix, mark, mark is not None and plausibility.when(fix, ground, now) is not None, now
    )
    if mark is not None:
        return state, mark, found, before
    state = replace(state, newest=at)
    sight, mark, state = _place(ground, state, view(fix, before))
    if sight is None:
        return state, mark, found, before
    state, more = _rules(state, sight)
    state = replace(state, last=seen(fix), suspect=None, drift=None)
    return state, None, found + more, sight.alone()


def _alarms(
    state: State, fix: Fix, mark: Mark | None, untimed: bool, now: datetime
) -> tuple[State, list[Finding]]:
    """Alarms are obeyed in whatever fix; ``untimed``: one whose time nobody believes rises when it came."""
    at = fix.time.timestamp()
    heard = state.heard if untimed else max(state.heard, at)
    if not state.raised and not fix.alarm & alarms.OBEYED_BITS:
        return (state if heard == state.heard else replace(state, heard=heard)), []
    newest = not fix.backfill if untimed else at >= state.heard
    when = now if untimed else fix.time
    raised, found = alarms.step(state.raised, fix, when, believed=mark is None, newest=newest)
    return replace(state, raised=raised, heard=heard), found


def _place(ground: Ground, state: State, sight: Sight) -> tuple[Sight | None, Mark | None, State]:
    """The fix among its neighbours: believed, or repeated, displaced, frozen, a jump, a drift.

    A jump is only a suspect. When the next fix agrees with the suspect and not with what was
    believed before, the vehicle is there after all, and nothing is said about how it got there.
    """
    before, fix = sight.before, sight.fix
    if sight.calm & scene.BELIEVED == scene.BELIEVED and not (state.shift or state.frozen):
        return _moved(ground, state, sight)
    if before is not None and sight.gap_s == 0 and sight.step_m <= plausibility.JITTER_M:
        return None, Mark.DUPLICATE, state
    shift = displaced.step(state.shift, sight)
    state = replace(state, shift=shift)
    if state.displaced:
        return None, Mark.GCJ02, state
    if before is None or state.last is None:
        return sight, None, state
    still, held = frozen.step(state.frozen, state.last, fix, ground.policy)
    state = replace(state, frozen=still)
    if held:
        return None, Mark.FROZEN, state
    return _moved(ground, state, sight)


def _moved(ground: Ground, state: State, sight: Sight) -> tuple[Sight | None, Mark | None, State]:
    """Whether a truck could be here now, and whether it is more than the drift of a parked one."""
    fastest = ground.policy.fastest_kmh
    if sight.calm & scene.REACHED or (
        plausibility.reachable(sight.step_m, sight.gap_s, fastest) and sight.gap_s > 0
    ):
        wandering, strays = drift.step(state.drift, state.stand, sight)
        return (None, Mark.DRIFT, replace(state, drift=wandering)) if strays else (sight, None, state)
    if state.suspect and _agrees(ground, state.suspect, sight, fastest):
        return sight.alone(), None, state
    return None, Mark.TELEPORT, replace(state, suspect=seen(sight.fix))


def _agrees(ground: Ground, suspect: Seen, sight: Sight, fastest_kmh: float) -> bool:
    seconds = sight.at - suspect.at
    x, y = (float(v[0]) for v in ground.frame.metres([suspect.lon], [suspect.lat]))
    distance = ((sight.x - x) ** 2 + (sight.y - y) ** 2) ** 0.5
    return seconds > 0 and plausibility.reachable(distance, seconds, fastest_kmh)


def _rules(state: State, sight: Sight) -> tuple[State, list[Finding]]:
    """Every rule once, each on its own piece of the state; but for those that are known to stay calm."""
    calm = sight.calm
    found: list[Finding] = []
    sides, off, race, unbooked = state.sides, state.deviation, state.race, state.unbooked
    if state.silence is not None or not calm & scene.HEARD:
        found += silence.step(state.silence, sight)
    if not (calm & scene.LINES and lines.settled(sides, sight.era, sight.place.inside)):
        sides, crossed = lines.step(sides, sight)
        found += crossed
    if unbooked is not None or not calm & scene.BOOKED:
        unbooked, intruded = presence.step(unbooked, sight)
        found += intruded
    if off is not None or not calm & scene.ROUTE:
        off, strayed = deviation.step(off, sight)
        found += strayed
    stand, stopped = stopping.step(state.stand, sight)
    bay, misplaced = wrong_bay.step(state.bay, stand, sight)
    found += stopped + misplaced
    if race is not None or not calm & scene.SPEED:
        race, sped = speeding.step(race, sight)
        found += sped
    after = replace(
        state, sides=sides, deviation=off, stand=stand, bay=bay, race=race, unbooked=unbooked, silence=None
    )
    return after, found
