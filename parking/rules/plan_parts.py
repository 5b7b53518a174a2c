"""A day falls into parts that cannot disturb each other: zones far enough apart are planned one by one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from parking.rules.plan_problem import NOWHERE, SLACK, Places
from parking.rules.plan_table import Frame, Table


@dataclass(frozen=True, slots=True, eq=False)
class Sort:
    """Stays that may take the same bays and need the same distances."""

    kind: int
    open: np.ndarray
    stays: Places
    heavy: bool


def parts(frame: Frame, standing: Table) -> list[Places]:
    """The movable stays, split so that no rule and no bay links two parts. Largest part last."""
    sorts = _sorts(frame, standing)
    boss = list(range(len(sorts)))

    def top(k: int) -> int:
        while boss[k] != k:
            k = boss[k]
        return k

    for k, one in enumerate(sorts):
        for j in range(k):
            if top(j) != top(k) and _linked(frame, one, sorts[j]):
                boss[top(k)] = top(j)
    found: dict[int, list[Places]] = {}
    for k, one in enumerate(sorts):
        found.setdefault(top(k), []).append(one.stays)
    return sorted((np.sort(np.concatenate(p)) for p in found.values()), key=len)


def _sorts(frame: Frame, standing: Table) -> list[Sort]:
    rows: dict[tuple[int, bytes, bool], list[int]] = {}
    masks: dict[bytes, np.ndarray] = {}
    for i in np.flatnonzero(frame.fixed == NOWHERE):
        open_to = np.isfinite(standing.costs(int(i)))
        key = open_to.tobytes()
        masks[key] = open_to
        rows.setdefault((int(frame.kind[i]), key, bool(frame.index[i] > 0)), []).append(int(i))
    return [Sort(k, masks[key], np.array(stays), heavy) for (k, key, heavy), stays in rows.items()]


def _linked(frame: Frame, one: Sort, other: Sort) -> bool:
    if (one.open & other.open).any():
        return True
    if not one.open.any() or not other.open.any():
        return False
    if one.heavy and other.heavy and _share_limit(frame, one, other):
        return True
    need = frame.problem.needs[one.kind, other.kind]
    return bool(need > 0 and (frame.problem.apart[np.ix_(one.open, other.open)] < need).any())


def _share_limit(frame: Frame, one: Sort, other: Sort) -> bool:
    if frame.most > frame.problem.lot_limit + SLACK:
        return True
    shared = np.intersect1d(frame.zone[one.open], frame.zone[other.open])
    return bool(np.isfinite(frame.zone_limit[shared]).any())
