"""A day of the lot as plain numbers: who wants to stand when, where they may, what must keep apart.

Nothing here knows a hazard class. Loads that behave alike share a *kind*; ``needs`` says how many metres two
kinds must keep between their bays' outlines. So the planner stays the same whatever table the park uses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from parking.rules.policy import Policy

Numbers = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
#: Index sums (S) are compared with this slack, so that 0.1 + 0.2 may fill a limit of 0.3.
SLACK = 1e-9
NOWHERE = -1


@dataclass(frozen=True, slots=True)
class Weights:
    """What one unit of each evil costs, in metres driven. Design defaults (设计默认值), no standard.

    ``unplaced``: per vehicle without a bay, at the least; it is raised until no vehicle is ever left out for
    the sake of anything below (see ``Problem.unplaced_cost``). ``moved``: per told driver sent elsewhere.
    ``near``: per vehicle in a bay from which the nearest bay open to loads it must keep apart from is only
    just far enough; it falls with the square of the distance to nothing at ``comfort`` times what is needed.
    ``driven``: per metre driven.
    """

    unplaced: float = 1_000_000.0
    moved: float = 20_000.0
    near: float = 500.0
    driven: float = 1.0
    comfort: float = 1.5

    @classmethod
    def from_policy(cls, policy: Policy) -> Weights:
        return cls(
            policy.plan_weight_unplaced,
            policy.plan_weight_moved,
            policy.plan_weight_near,
            policy.plan_weight_driven,
            max(1.0, policy.plan_comfort),
        )


@dataclass(frozen=True, slots=True)
class PlanStay:
    """One vehicle's stay in the lot, [begin, end) in seconds.

    ``told``: place (index into ``Problem.bays``) of the bay its driver was told; ``fixed``: of the bay it
    stands in already. ``index``: what it adds to the lot's q/Q sum.
    """

    id: int
    begin: int
    end: int
    kind: int
    index: float = 0.0
    told: int | None = None
    fixed: int | None = None


@dataclass(frozen=True, slots=True)
class PlanBay:
    id: int
    code: str
    zone: str


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """A day to plan.

    ``metres[i, b]``: what stay ``i`` drives when it stands in bay ``b``; infinite where it may not stand.
    ``apart[b, c]``: metres between two bays' outlines. ``needs[k, l]``: metres two kinds must keep
    (symmetric; 0 asks for nothing). A bay holds one vehicle at a time. Limits of the q/Q sum
    hold at every instant; a zone without an entry has none.
    """

    bays: Sequence[PlanBay]
    stays: Sequence[PlanStay]
    metres: Numbers
    apart: Numbers
    needs: Numbers
    lot_limit: float = float("inf")
    zone_limits: Mapping[str, float] = field(default_factory=dict)
    weights: Weights = field(default_factory=Weights)

    def __post_init__(self) -> None:
        rows, columns = len(self.stays), len(self.bays)
        if self.metres.shape != (rows, columns) or self.apart.shape != (columns, columns):
            raise ValueError("problem: metres is stays × bays, apart is bays × bays")
        if not np.array_equal(self.needs, self.needs.T):
            raise ValueError("problem: needs must be symmetric")
        if any(s.begin >= s.end for s in self.stays):
            raise ValueError("problem: a stay ends after it begins")

    def unary(self) -> Numbers:
        """stays × bays: cost of standing there, in whole units; infinite where a stay may not stand."""
        weights = self.weights
        near = self.neighbourhood()
        cost = np.round(self.metres * weights.driven)
        for i, stay in enumerate(self.stays):
            cost[i] += near[stay.kind]
            if stay.fixed is not None:
                here = np.arange(len(self.bays)) == stay.fixed
                cost[i] = np.where(here, 0.0, np.inf)
            elif stay.told is not None:
                cost[i, np.arange(len(self.bays)) != stay.told] += round(weights.moved)
        return cost

    def neighbourhood(self) -> Numbers:
        """kinds × bays: the hazard neighbourhood's cost.

        It looks at where hostile loads of this day may stand, not at where a plan puts them: vehicles come
        late, and a bay that is good only while everybody is punctual is not a good bay.
        """
        cost = np.zeros((len(self.needs), len(self.bays)))
        comfort = self.weights.comfort
        for kind, other in zip(*np.nonzero(self.needs), strict=True):
            needed = float(self.needs[kind, other])
            theirs = self._open_to(int(other))
            if comfort <= 1 or not theirs.any():
                continue
            apart = self.apart[:, theirs]
            short = np.clip((needed * comfort - apart) / (needed * (comfort - 1)), 0.0, 1.0) ** 2
            nearest = np.where(apart >= needed, short, 0.0).max(axis=1)
            cost[kind] = np.maximum(cost[kind], np.round(self.weights.near * nearest))
        return cost

    def unplaced_cost(self) -> float:
        """Cost of one vehicle without a bay: more than everything below it could ever add up to."""
        cost = self.unary()
        worst = np.where(np.isfinite(cost), cost, 0.0).max(axis=1, initial=0.0).sum()
        lost = sum(s.told is not None for s in self.stays) * self.weights.moved
        return float(max(round(self.weights.unplaced), np.ceil(worst + lost) + 1))

    def _open_to(self, kind: int) -> npt.NDArray[np.bool_]:
        """Which bays some stay of this kind may take, or stands in."""
        found = np.zeros(len(self.bays), dtype=bool)
        for stay, row in zip(self.stays, self.metres, strict=True):
            if stay.kind == kind and stay.fixed is None:
                found |= np.isfinite(row)
            elif stay.kind == kind:
                found[stay.fixed] = True
        return found


@dataclass(frozen=True, slots=True, order=True)
class Worth:
    """What a placement costs: first the vehicles without a bay, then the weighted rest.

    ``rest`` adds up ``moved`` drivers, hazard neighbourhood (``near``) and ``driven_m`` by their weights.
    Worths compare in that order, so fewer unplaced always wins.
    """

    unplaced: int
    rest: float
    moved: int = 0
    near: float = 0.0
    driven_m: float = 0.0
