"""What no plan can beat: a lower bound on the cost of a day.

"Every vehicle in exactly one bay" is relaxed with a price per vehicle (Lagrange); what is left falls apart
into bays, and the dearest chain of stays through one bay is found exactly by dynamic programming over all
bays at once. Segregation between vehicles that can still be moved, and q/Q sums, are left out: leaving rules
out can only lower the bound, so it stays true.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from parking.rules.plan_problem import Numbers, Places


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """``value``: no plan of these stays costs less. ``extra[i, b]``: at least so much more with i in b."""

    value: float
    extra: Numbers
    wanted: Places


class Chains:
    """Stays sorted by their end, with the last stay that ends before each begins, and the mirror of it."""

    def __init__(self, begin: Places, end: Places) -> None:
        self.by_end = np.lexsort((begin, end))
        self.by_begin = np.lexsort((end, begin))
        self.before = np.searchsorted(end[self.by_end], begin, "right")
        self.after = np.searchsorted(begin[self.by_begin], end, "left")
        self.n = len(begin)

    def forward(self, gain: Numbers) -> Numbers:
        """best[k, b]: the most gained in bay b by a chain of the first k stays (by end)."""
        best = np.zeros((self.n + 1, gain.shape[1]))
        for k, i in enumerate(self.by_end.tolist()):
            np.add(best[self.before[i]], gain[i], out=best[k + 1])
            np.maximum(best[k + 1], best[k], out=best[k + 1])
        return best

    def backward(self, gain: Numbers) -> Numbers:
        """best[k, b]: the most gained in bay b by a chain of the stays from the k-th on (by begin)."""
        best = np.zeros((self.n + 1, gain.shape[1]))
        for k in range(self.n - 1, -1, -1):
            i = self.by_begin[k]
            np.add(best[self.after[i]], gain[i], out=best[k])
            np.maximum(best[k], best[k + 1], out=best[k])
        return best

    def chosen(self, best: Numbers) -> np.ndarray:
        """taken[i, b]: whether the best chain of bay b holds stay i."""
        taken = best[1:] > best[:-1]
        left = np.full(best.shape[1], self.n)
        for k, i in zip(range(self.n - 1, -1, -1), self.by_end[::-1].tolist(), strict=True):
            now = taken[k]
            now &= left > k
            np.minimum(left, k, out=left)
            left[now] = self.before[i]
        return taken[np.argsort(self.by_end)]


def bound(
    begin: Places,
    end: Places,
    cost: Numbers,
    unplaced: float,
    known: float,
    until: float,
    rounds: int = 400,
) -> Bound:
    """The bound for stays × bays ``cost`` (infinite: not allowed) when leaving one out costs ``unplaced``.

    ``known``: cost of a plan that exists; the search for better prices stops when it is reached.
    """
    chains = Chains(begin, end)
    lowest = np.minimum(cost.min(axis=1, initial=np.inf), unplaced)
    price, best_price = lowest.copy(), lowest.copy()
    best, step, stale = -np.inf, 1.2, 0
    direction = np.zeros(chains.n)
    for _ in range(rounds):
        gain = np.where(np.isfinite(cost), price[:, None] - cost, -np.inf)
        chain = chains.forward(gain)
        value = float(np.minimum(price, unplaced).sum() - chain[-1].sum())
        if value > best + 1e-6:
            stale = 0 if value > best + 1e-5 * abs(best) else stale + 1
            best, best_price = value, price.copy()
        else:
            stale += 1
        if stale >= 12:
            step, stale, price = step / 2, 0, best_price.copy()
        slope = 1.0 - chains.chosen(chain).sum(axis=1)
        if known - best < 0.5 or not slope.any() or step < 1e-3 or time.monotonic() > until:
            break
        direction = slope + 0.5 * direction
        price = np.clip(price + step * (known - value) / (direction @ direction) * direction, 0.0, unplaced)
    return _result(chains, cost, best_price, unplaced, best)


def _result(chains: Chains, cost: Numbers, price: Numbers, unplaced: float, value: float) -> Bound:
    gain = np.where(np.isfinite(cost), price[:, None] - cost, -np.inf)
    ahead, behind = chains.forward(gain), chains.backward(gain)
    through = ahead[chains.before] + gain + behind[chains.after]
    taken = chains.chosen(ahead)
    wanted = np.where(taken.any(axis=1), np.where(taken, cost, np.inf).argmin(axis=1), -1)
    return Bound(value, ahead[-1] - through, wanted)
