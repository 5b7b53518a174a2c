"""A terminal that sends GCJ-02: everything it says lies some 500 m away, always by the same shift.

Nobody can see it in one fix. The evidence is a drive: many fixes in a row, all moving, none on an approved
route or at a place to stand as sent, all close to an approved route once the shift is taken off, over a
distance on which no other road runs beside it by chance. Then the vehicle's fixes are marked, never
converted, until as many in a row say the opposite. The numbers are assumptions of the policy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from parking.rules.sight import Sight

#: The shift is nowhere in China longer than this, metres; farther from every route nothing is asked.
SHIFT_MAX_M = 900.0


@dataclass(frozen=True, slots=True)
class Shift:
    """The evidence so far. ``x``, ``y``: the newest fix with the shift taken off, metres."""

    began: float
    last: float
    x: float
    y: float
    fixes: int = 1
    driven_m: float = 0.0
    proven: bool = False
    against: int = 0


def step(shift: Shift | None, sight: Sight) -> Shift | None:
    """The evidence after this fix; one that does not move says nothing."""
    if not _moves(sight):
        return shift
    near = _near_with_shift(sight)
    if shift is not None and shift.proven:
        return _doubted(shift, sight, near)
    if near is None:
        return None
    if shift is None:
        return Shift(sight.at, sight.at, *near)
    driven = shift.driven_m + ((near[0] - shift.x) ** 2 + (near[1] - shift.y) ** 2) ** 0.5
    fixes, policy = shift.fixes + 1, sight.ground.policy
    proven = fixes >= policy.gcj_fixes and driven >= policy.gcj_m
    return replace(shift, last=sight.at, x=near[0], y=near[1], fixes=fixes, driven_m=driven, proven=proven)


def _moves(sight: Sight) -> bool:
    speed = sight.fix.speed_kmh
    if speed is None:
        speed = sight.step_m / sight.gap_s * 3.6 if sight.gap_s > 0 else 0.0
    return speed >= sight.ground.policy.moving_kmh


def _near_with_shift(sight: Sight) -> tuple[float, float] | None:
    """The place without the shift, if that lies close to a route and what was sent on none and nowhere."""
    sent = sight.any_offset
    if sent is None or sent.beyond_m <= 0 or sent.offset_m > SHIFT_MAX_M or sight.place.resting:
        return None
    meant = sight.era.corridors.nearest(*sight.unshifted)
    near = meant is not None and meant.offset_m <= sight.ground.policy.gcj_near_m
    return sight.unshifted if near else None


def _doubted(shift: Shift, sight: Sight, near: tuple[float, float] | None) -> Shift | None:
    """A proven shift ends when as many fixes in a row as proved it lie on a route as they are sent."""
    if near is not None:
        return replace(shift, last=sight.at, against=0)
    sent = sight.any_offset
    if sent is None or sent.offset_m > sight.ground.policy.gcj_near_m:
        return shift
    against = shift.against + 1
    return None if against >= sight.ground.policy.gcj_fixes else replace(shift, against=against)
