"""The board as it is drawn: bays as polygons on the lot, and as rows along time. No HTML here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from geo.shapes import LayerKind, Park
from parking.queries.board import BayView, Board
from parking.queries.bookings import BookingView
from parking.services.bays import Suggestion
from parking.vocabulary import BayState, VisitState
from web.forms import PARK_ZONE

#: Free space around the drawing, metres.
MARGIN_M = 12.0
#: What the timeline shows: from this long ago, for this long.
BEFORE, LENGTH = timedelta(hours=2), timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Spot:
    """A bay on the drawing, metres, y downwards. ``angle``: of its long side, degrees, text readable.

    ``rank``: place among the bays proposed for the chosen booking (1 is best), 0: not possible, None: no
    booking is chosen.
    """

    bay: BayView
    points: str
    x: float
    y: float
    angle: float
    mark_x: float
    mark_y: float
    rank: int | None
    overdue: bool


@dataclass(frozen=True, slots=True)
class Zone:
    """A class zone with its bays; ``x``, ``y``: where its name stands on the drawing."""

    code: str
    names: Mapping[str, str]
    classes: tuple[str, ...]
    spots: tuple[Spot, ...]
    x: float
    y: float

    def name(self, lang: str) -> str:
        return self.names.get(lang, self.code)

    @property
    def free(self) -> int:
        return sum(s.bay.state is BayState.FREE for s in self.spots)


@dataclass(frozen=True, slots=True)
class Drawing:
    """The whole lot. ``width``, ``height`` in metres."""

    width: float
    height: float
    zones: tuple[Zone, ...]

    @property
    def spots(self) -> Iterable[Spot]:
        return (s for z in self.zones for s in z.spots)


@dataclass(frozen=True, slots=True)
class Bar:
    """A stay on the timeline; ``left`` and ``width`` in per cent of the time shown."""

    booking: BookingView
    left: float
    width: float
    here: bool
    overdue: bool


@dataclass(frozen=True, slots=True)
class Row:
    spot: Spot
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """``ticks``: (per cent, "06:00") each two hours; ``now`` and ``wanted`` (left, width) in per cent."""

    ticks: tuple[tuple[float, str], ...]
    now: float
    wanted: tuple[float, float] | None
    zones: tuple[tuple[Zone, tuple[Row, ...]], ...]


def drawing(board: Board, park: Park, proposed: Sequence[Suggestion] | None) -> Drawing:
    """Bays of the lot as seen from above, north at the top."""
    ranks = None if proposed is None else _ranks(proposed)
    late = {b.id for b in board.overdue()}
    height = board.extent[1] + 2 * MARGIN_M
    spots = [_spot(b, height, ranks, late) for b in board.bays if b.metres]
    zones = {f.code: f for f in park.of(LayerKind.ZONE)}
    codes = sorted({s.bay.zone for s in spots})
    return Drawing(
        width=board.extent[0] + 2 * MARGIN_M,
        height=height,
        zones=tuple(_zone(c, zones.get(c), [s for s in spots if s.bay.zone == c]) for c in codes),
    )


def timeline(board: Board, drawn: Drawing, chosen: BookingView | None) -> Timeline:
    """Bays × time, from two hours ago for a day; zones with a bay for the chosen booking first."""
    start = (board.at - BEFORE).replace(minute=0, second=0, microsecond=0)
    late = {b.id for b in board.overdue()}
    return Timeline(
        ticks=tuple(_ticks(start)),
        now=_share(start, board.at),
        wanted=_stretch(start, chosen.window_start, chosen.window_end) if chosen else None,
        zones=tuple(
            (z, tuple(_row(s, start, board.at, late) for s in z.spots))
            for z in sorted(drawn.zones, key=lambda z: not any(s.rank for s in z.spots))
        ),
    )


def _ranks(proposed: Sequence[Suggestion]) -> Mapping[str, int]:
    possible = [s.bay_code for s in proposed if s.possible]
    return {code: i for i, code in enumerate(possible, 1)}


def _spot(bay: BayView, height: float, ranks: Mapping[str, int] | None, late: set[int]) -> Spot:
    ring = [(x + MARGIN_M, height - MARGIN_M - y) for x, y in bay.metres]
    corners = ring[:-1] if ring[0] == ring[-1] else ring
    x = sum(p[0] for p in corners) / len(corners)
    y = sum(p[1] for p in corners) / len(corners)
    along_x, along_y, long_m = _longest(ring)
    if along_y > 0 or (along_y == 0 and along_x < 0):
        along_x, along_y = -along_x, -along_y  # the sign stands at the upper end, the text reads upwards
    return Spot(
        bay=bay,
        points=" ".join(f"{a:.2f},{b:.2f}" for a, b in corners),
        x=round(x, 2),
        y=round(y, 2),
        angle=round(math.degrees(math.atan2(along_y, along_x)), 1),
        mark_x=round(x + along_x * (long_m / 2 - 2.6), 2),
        mark_y=round(y + along_y * (long_m / 2 - 2.6), 2),
        rank=None if ranks is None else ranks.get(bay.code, 0),
        overdue=bay.current is not None and bay.current.id in late,
    )


def _longest(ring: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Direction (unit vector) and length of the longest side."""
    sides = [(b[0] - a[0], b[1] - a[1], math.hypot(b[0] - a[0], b[1] - a[1])) for a, b in pairwise(ring)]
    dx, dy, length = max(sides, key=lambda s: s[2])
    return (dx / length, dy / length, length) if length else (1.0, 0.0, 0.0)


def _zone(code: str, feature: object, spots: Sequence[Spot]) -> Zone:
    names = {"zh": getattr(feature, "name_zh", code), "en": getattr(feature, "name_en", code)}
    tops = [float(p.split(",")[1]) for s in spots for p in s.points.split()]
    return Zone(
        code=code,
        names=names,
        classes=tuple(dict.fromkeys(c for s in spots for c in s.bay.hazard_classes)),
        spots=tuple(spots),
        x=round(sum(s.x for s in spots) / len(spots), 1),
        y=round(min(tops) - 2.5, 1),
    )


def _ticks(start: datetime) -> Iterable[tuple[float, str]]:
    first = start.astimezone(PARK_ZONE)
    skip = first.hour % 2
    for hour in range(skip, int(LENGTH.total_seconds() // 3600), 2):
        at = first + timedelta(hours=hour)
        text = at.strftime("%m-%d") if at.hour == 0 else at.strftime("%H:%M")
        yield _share(start, at), text


def _row(spot: Spot, start: datetime, now: datetime, late: set[int]) -> Row:
    bay = spot.bay
    stays = [b for b in (bay.current, *bay.upcoming) if b is not None]
    return Row(spot, tuple(bar for b in stays if (bar := _bar(b, start, now, late)) is not None))


def _bar(booking: BookingView, start: datetime, now: datetime, late: set[int]) -> Bar | None:
    begins = booking.held_from or booking.window_start
    ends = booking.held_until or booking.window_end
    here = booking.visit is not None and booking.visit.open
    left, width = _stretch(start, begins, max(ends, now) if here else ends) or (0.0, 0.0)
    return Bar(booking, left, width, here, booking.id in late) if width > 0 else None


def _stretch(start: datetime, begins: datetime, ends: datetime) -> tuple[float, float] | None:
    left = max(0.0, _share(start, begins))
    right = min(100.0, _share(start, ends))
    return (round(left, 3), round(right - left, 3)) if right > left else None


def _share(start: datetime, at: datetime) -> float:
    return round((at - start) / LENGTH * 100, 3)


def at_dock(board: Board) -> Mapping[str, list[str]]:
    """Dock → plates called to it or standing there."""
    busy = (VisitState.CALLED, VisitState.EN_ROUTE_IN, VisitState.AT_DOCK, VisitState.WORK_DONE)
    found: dict[str, list[str]] = {}
    for b in board.here:
        if b.visit and b.visit.dock and b.visit.state in busy:
            found.setdefault(b.visit.dock, []).append(b.plate)
    return found
