"""Many vehicles passing over calm rows together: ``Stands.glide`` for a row of each at once, by arrays.

Which of them the arrays cannot tell of (an offence may begin or be told, a drift, a bay) is left to the
rules one by one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.zonemap import Ints
from parking.rules.era import Bools
from parking.rules.lines import at_rest
from parking.rules.policy import Policy
from parking.rules.scene import ALL_CALM, BOOKED, ROUTE, SENT, SPEED, Scene, Track
from parking.rules.stands import ASK, Stands
from parking.rules.states import NEW, ROW, SIDES, SUBJECTS, States
from parking.rules.stopping import CALM
from parking.rules.wrong_bay import FIXES_MIN

#: What a first fix needs: it comes from nowhere, so that nothing is asked of the way to it.
_OF_FIRST = ROUTE | SPEED | BOOKED | SENT
_SAME_NAME = ("at", "lon", "lat", "speed_kmh", "odometer_km")


class Together:
    """Steps over rows of ``track`` by vehicles whose states are rows; ``lay_down`` writes ``states``."""

    def __init__(
        self,
        policy: Policy,
        track: Track,
        seen: Scene,
        stands: Stands,
        states: States,
        alarm: NDArray[np.uint32],
    ) -> None:
        """``alarm``: the words of each row of the track."""
        self._policy, self._track, self._scene, self._stands = policy, track, seen, stands
        self._states, self._alarm = states, alarm
        names = [name for name in states.rows.dtype.names or () if name != "form"]
        self._of: dict[str, NDArray[Any]] = {name: states.rows[name].copy() for name in names}
        self._form = states.rows["form"].copy()
        self._slow = track.speed_kmh < policy.stop_kmh
        self._calm = (seen.calm & ALL_CALM) == ALL_CALM
        outside = (seen.places.inside == 0) & seen.clear
        self._fresh = track.first & outside & ((seen.calm & _OF_FIRST) == _OF_FIRST)
        self._fresh &= stands.kind != ASK
        self._sides, self._subject = self._numbers()
        self._allowed_s = np.array([np.inf, policy.illegal_stop_s, policy.ring_stop_s, np.inf])

    def _numbers(self) -> tuple[Ints, Ints]:
        """Of each row the sides at rest and the subject of standing there, by number."""
        kind, seen = self._stands.kind.astype(np.int64), self._scene
        bits, place = np.unique(seen.places.inside, return_inverse=True)
        keys, which = np.unique((seen.era * len(bits) + place) * (ASK + 1) + kind, return_inverse=True)
        sides, subjects = [], []
        for key in keys.tolist():
            (number, n), what = divmod(key // (ASK + 1), len(bits)), key % (ASK + 1)
            era, inside = seen.eras[number], int(bits[n])
            sides.append(SIDES.of(at_rest(era, inside)))
            subjects.append(SUBJECTS.of(self._stands.subject(what, era, inside)))
        return np.array(sides, np.intp)[which], np.array(subjects, np.intp)[which]

    def may(self, vehicles: Ints, rows: Ints, after: Ints) -> Bools:
        """Which of ``vehicles`` may pass over their row; ``after``: the row of the last fix, -1 for none."""
        form = self._form[vehicles]
        calm = (form == ROW) & (after == rows - 1) & self._calm[rows]
        calm &= self._sides[rows] == self._of["sides"][vehicles]
        return np.asarray(calm | ((form == NEW) & self._fresh[rows]))

    def step(self, vehicles: Ints, rows: Ints) -> Bools:
        """Pass over one row each where ``may`` said so; which did."""
        new = self._form[vehicles] == NEW
        passed = np.ones(len(vehicles), dtype=bool)
        if new.any():
            self._begin(vehicles[new], rows[new])
            self._form[vehicles[new]] = ROW
            self._follow(vehicles[new], rows[new])
        old = np.flatnonzero(~new)
        if len(old):
            went = self._stand(vehicles[old], rows[old])
            passed[old] = went
            self._follow(vehicles[old[went]], rows[old[went]])
        return passed

    def _stand(self, v: Ints, r: Ints) -> Bools:
        of, policy = self._of, self._policy
        x, y, at, here = self._scene.x[r], self._scene.y[r], self._track.at[r], self._stands.kind[r]
        slow, resting = self._slow[r], self._scene.places.resting[r]
        kind, began, last, calm = of["kind"][v], of["began"][v], of["last"][v], of["calm"][v]
        away, count, before = of["away"][v], of["count"][v], of["at"][v]
        reach = np.where(slow, 2 * policy.stop_radius_m, policy.stop_radius_m)
        metres = _metres(x - of["x"][v], y - of["y"][v])
        stays = (metres <= reach) & ~np.where(kind != 0, resting, here != 0)
        stop = here == ASK
        stop |= ~away & slow & (metres > policy.stop_radius_m) & (last - began >= policy.drift_after_s)
        stop |= stays & (at - began >= self._allowed_s[kind])
        stop |= ~stop & self._misplaced(v, r, stays & (kind == 0) & (count + 1 >= FIXES_MIN), at - began)
        stop |= (
            ~stays
            & (kind == 0)
            & (count >= FIXES_MIN)
            & (last - began >= policy.wrong_bay_min * 60)
            & (self._stands.assigned[r])
        )
        strange = of["away_kind"][v]
        settles = ~stays & away & ~np.where(strange != 0, resting, here != 0)
        settles &= _metres(x - of["away_x"][v], y - of["away_y"][v]) <= reach
        stop |= settles & (at - before >= self._allowed_s[strange])
        strays = ~stays & ~away & (calm >= CALM)
        went = ~stop
        self._go_on(v[went & stays], r[went & stays])
        self._settle(v[went & settles], r[went & settles])
        self._stray(v[went & strays], r[went & strays])
        begins = went & ~(stays | settles | strays)
        self._begin(v[begins], r[begins])
        return np.asarray(went)

    def _misplaced(self, v: Ints, r: Ints, asked: Bools, stood_s: NDArray[np.float64]) -> Bools:
        """Perhaps at another bay than the assigned one."""
        found = asked & self._stands.assigned[r] & (stood_s >= self._policy.wrong_bay_min * 60)
        of = self._of
        for n in np.flatnonzero(found).tolist():
            p, means = int(v[n]), (of["mean_x"], of["mean_y"])
            found[n] = self._stands.misplaced(
                int(r[n]), float(stood_s[n]), int(of["count"][p]), *(float(m[p]) for m in means)
            )
        return found

    def _go_on(self, v: Ints, r: Ints) -> None:
        of, at = self._of, self._track.at[r]
        count = of["count"][v] + 1
        of["gap_s"][v] = np.maximum(of["gap_s"][v], at - of["last"][v])
        of["last"][v] = at
        of["calm"][v] += 1
        of["count"][v] = count
        for mean, column in (("mean_x", self._scene.x), ("mean_y", self._scene.y)):
            of[mean][v] += (column[r] - of[mean][v]) / count
        of["away"][v] = False

    def _settle(self, v: Ints, r: Ints) -> None:
        """Where it was seen with the last fix it stands since then."""
        of = self._of
        for name, value in (
            ("began", "at"), ("last", "at"), ("x", "away_x"), ("y", "away_y"), ("mean_x", "away_x"),
            ("mean_y", "away_y"), ("stand_lon", "lon"), ("stand_lat", "lat"), ("kind", "away_kind"),
            ("subject", "away_subject"),
        ):  # fmt: skip
            of[name][v] = of[value][v]
        of["gap_s"][v], of["calm"][v], of["count"][v] = 0.0, 1, 1
        self._go_on(v, r)

    def _stray(self, v: Ints, r: Ints) -> None:
        of = self._of
        of["calm"][v], of["away"][v] = 0, True
        of["away_x"][v], of["away_y"][v] = self._scene.x[r], self._scene.y[r]
        of["away_kind"][v], of["away_subject"][v] = self._stands.kind[r], self._subject[r]

    def _begin(self, v: Ints, r: Ints) -> None:
        of, at, x, y = self._of, self._track.at[r], self._scene.x[r], self._scene.y[r]
        for name, value in (
            ("began", at), ("last", at), ("x", x), ("y", y), ("mean_x", x), ("mean_y", y),
            ("stand_lon", self._track.lon[r]), ("stand_lat", self._track.lat[r]),
            ("kind", self._stands.kind[r]), ("subject", self._subject[r]), ("gap_s", 0.0), ("calm", 1),
            ("count", 1), ("away", False),
        ):  # fmt: skip
            of[name][v] = value

    def _follow(self, v: Ints, r: Ints) -> None:
        """The rows are the last fixes now."""
        of = self._of
        for name in _SAME_NAME:
            of[name][v] = getattr(self._track, name)[r]
        of["alarm"][v], of["status"][v] = self._alarm[r], self._track.status[r]
        of["newest"][v] = of["at"][v]
        of["heard"][v] = np.maximum(of["heard"][v], of["at"][v])
        of["sides"][v] = self._sides[r]

    def lay_down(self, vehicles: Ints) -> None:
        """Write the rows of these vehicles back into the states, for others to go on with."""
        for name, column in self._of.items():
            self._states.rows[name][vehicles] = column[vehicles]
        self._states.rows["form"][vehicles] = self._form[vehicles]

    def take_up(self, vehicles: Ints) -> None:
        """Read the rows of these vehicles again."""
        for name, column in self._of.items():
            column[vehicles] = self._states.rows[name][vehicles]
        self._form[vehicles] = self._states.rows["form"][vehicles]


def _metres(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sqrt(x * x + y * y)
