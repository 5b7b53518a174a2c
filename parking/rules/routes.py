"""Which approved routes a vehicle may take at a moment: its own, in force, and the detours allowed then.

A detour is a route of the park's layer with ``detour: true``, ``valid_from``, ``valid_to`` (that moment no
longer) and ``approval_note``: while it is valid it may be driven like an approved route, by everybody or by
vehicles whose route is listed in ``detour_for``. ``one_way: true`` on a route: only in the order drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from shapely import LineString

from geo.corridor import Corridor, Corridors
from geo.datum import LocalFrame
from geo.layer_checks import flag_of, listed
from geo.route_checks import moment_of
from geo.shapes import Feature, LayerKind, Park


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the layer as a corridor, and when it may be driven."""

    feature: Feature
    corridor: Corridor
    detour: bool
    detour_for: frozenset[str]
    valid_from: datetime | None
    valid_to: datetime | None

    @property
    def timeless(self) -> bool:
        """Is it an approved route whatever the moment?"""
        dated = self.feature.approval or self.valid_from or self.valid_to
        return not (self.detour or dated)

    def binds(self, at: datetime | None, zone: ZoneInfo) -> bool:
        """May it be driven at ``at``? Without a moment: is it no matter of time?"""
        approval = self.feature.approval
        if at is None:
            return self.timeless
        day: date = at.astimezone(zone).date()
        if approval is not None and not approval.in_force(day):
            return False
        begun = self.valid_from is None or self.valid_from <= at
        return begun and (self.valid_to is None or at < self.valid_to)

    @property
    def timed(self) -> bool:
        """Allowed by the hour only."""
        return self.detour or self.valid_from is not None or self.valid_to is not None

    def serves(self, codes: tuple[str, ...]) -> bool:
        """Is it meant for a vehicle with these routes (none named: all)?"""
        if not self.detour:
            return not codes or self.corridor.code in codes
        return not self.detour_for or not codes or not self.detour_for.isdisjoint(codes)


class Routes:
    """The routes of a park, asked by vehicle and moment; each answer is compiled once."""

    def __init__(self, park: Park, frame: LocalFrame, half_width_m: float) -> None:
        self._zone = ZoneInfo(park.timezone)
        self._all = [_route(f, frame, half_width_m, self._zone) for f in park.of(LayerKind.ROUTE)]
        self._dated = any(not r.timeless for r in self._all)
        self._timed = any(r.timed for r in self._all)
        self._known: dict[tuple[int, ...], Corridors] = {}
        self._answers: dict[tuple[tuple[str, ...], datetime | date | None], Corridors] = {}

    def on(self, at: datetime) -> list[Route]:
        """The routes and detours in force on the day of ``at``, at whatever hour they are valid."""
        day = at.astimezone(self._zone).date()
        return [r for r in self._all if r.feature.approval is None or r.feature.approval.in_force(day)]

    def allowed(self, codes: tuple[str, ...], at: datetime | None) -> Corridors:
        """Where a vehicle with these routes (none: any) may drive at ``at``.

        Routes named but unknown or not in force leave it every approved route, rather than none to leave.
        """
        asked = (codes, self._key(at))
        if asked in self._answers:
            return self._answers[asked]
        binding = [i for i, r in enumerate(self._all) if r.binds(at, self._zone)]
        if not any(self._own(i, codes) for i in binding):
            codes = ()
        chosen = self._compiled([i for i in binding if self._all[i].serves(codes)])
        if len(self._answers) > 1000:
            self._answers.clear()
        self._answers[asked] = chosen
        return chosen

    def _key(self, at: datetime | None) -> datetime | date | None:
        """What of the moment the answer depends on."""
        if at is None or not self._dated:
            return None
        return at if self._timed else at.astimezone(self._zone).date()

    def _own(self, i: int, codes: tuple[str, ...]) -> bool:
        return not self._all[i].detour and self._all[i].serves(codes)

    def _compiled(self, chosen: Sequence[int]) -> Corridors:
        key = tuple(chosen)
        if key not in self._known:
            if len(self._known) > 1000:
                self._known.clear()
            self._known[key] = Corridors([self._all[i].corridor for i in chosen])
        return self._known[key]


def _route(feature: Feature, frame: LocalFrame, half_width_m: float, zone: ZoneInfo) -> Route:
    told = feature.attributes
    width = told.get("half_width_m")
    line = LineString(frame.to_metres(feature.geometry).coords)
    corridor = Corridor(
        feature.code, line, float(width) if width else half_width_m, bool(flag_of(told.get("one_way")))
    )
    return Route(
        feature,
        corridor,
        bool(flag_of(told.get("detour"))),
        frozenset(listed(told.get("detour_for"))),
        moment_of(told.get("valid_from"), zone),
        moment_of(told.get("valid_to"), zone),
    )
