"""A little park for the rules, drawn in metres around (0, 0) and put where degrees are honest.

Boundary: 1,000 m square. Control line: 2,000 m square. Hazmat gate in the middle of the south edge,
general gate in the middle of the east edge. Lot in the south-west, a dock in the north. The approved
route runs from the south through the gate north to the dock, with a branch to the lot.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

from shapely import LineString, box
from shapely.affinity import translate

from geo.datum import LocalFrame
from geo.fix import Fix
from geo.shapes import Approval, Feature, LayerKind, Park
from parking.rules.ground import Ground
from parking.rules.monitor import Finding, Journey, State, judge
from parking.rules.policy import Policy

CRS = "EPSG:4546"
FRAME = LocalFrame(CRS)
ORIGIN = tuple(float(v[0]) for v in FRAME.metres([110.92], [35.68]))
START = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
LATER = START + timedelta(days=1)
APPROVAL = Approval("某函〔2023〕1号", "某政府", date(2023, 1, 1), date(2023, 1, 1))

BOOKED = Journey(booked=True, loaded=True, routes=("R1",), booking_id=1)
EMPTY = Journey(booked=True, loaded=False, routes=("R1",), booking_id=1)
STRANGER = Journey(booked=False, loaded=None)


def placed(shape):
    return FRAME.to_degrees(translate(shape, *ORIGIN))


def feature(kind, code, shape, approval=None, **attributes) -> Feature:
    return Feature(kind, code, code, code, placed(shape), approval, attributes)


def park(*more: Feature) -> Park:
    return Park(
        code="little",
        name_zh="小园区",
        name_en="little park",
        official=False,
        notice_zh="测试",
        notice_en="test",
        metric_crs=CRS,
        watch_area=(110.80, 35.58, 111.04, 35.78),
        policy={},
        features=(
            feature(LayerKind.BOUNDARY, "BD", box(-500, -500, 500, 500), APPROVAL),
            feature(LayerKind.CONTROL_LINE, "CL", box(-1000, -1000, 1000, 1000), APPROVAL),
            feature(LayerKind.GATE, "G1", box(-15, -522, 15, -478), gate_kind="hazmat_only"),
            feature(LayerKind.GATE, "G2", box(478, -15, 522, 15), gate_kind="general"),
            feature(LayerKind.ZONE, "LOT", box(-400, -400, -200, -250), zone_kind="lot"),
            feature(LayerKind.ZONE, "Q1", box(-20, -640, 20, -522), zone_kind="gate_queue"),
            feature(LayerKind.DOCK, "D1", box(-15, 380, 15, 410)),
            feature(LayerKind.ROUTE, "R1", LineString([(0, -1800), (0, 400)])),
            feature(LayerKind.ROUTE, "R2", LineString([(0, -1800), (0, -325), (-300, -325)])),
            *more,
        ),
    )


def ground(*more: Feature, **policy) -> Ground:
    made = park(*more)
    return Ground(made, Policy.from_mapping(policy))


def fix(x: float, y: float, seconds: float, speed: float | None = None, **more) -> Fix:
    lon, lat = FRAME.degrees([ORIGIN[0] + x], [ORIGIN[1] + y])
    return Fix(START + timedelta(seconds=seconds), float(lon[0]), float(lat[0]), speed, **more)


def drive(points: Sequence[tuple[float, float]], kmh: float = 28.0, every_s: float = 5.0, begin: float = 0.0):
    """Fixes of a vehicle that drives the polyline at ``kmh``, one each ``every_s`` seconds."""
    line = LineString(points)
    step = kmh / 3.6 * every_s
    count = int(line.length // step) + 1
    spots = [line.interpolate(min(i * step, line.length)) for i in range(count + 1)]
    return [fix(p.x, p.y, begin + i * every_s, kmh) for i, p in enumerate(spots)]


def stand(x: float, y: float, seconds: float, begin: float = 0.0, every_s: float = 20.0):
    return [fix(x, y, begin + i * every_s, 0.0) for i in range(int(seconds // every_s) + 1)]


def after(fixes: Sequence[Fix], gap_s: float = 5.0) -> float:
    """Seconds from START at which the next leg begins."""
    return (fixes[-1].time - START).total_seconds() + gap_s


def judged(land: Ground, fixes: Iterable[Fix], journey: Journey = BOOKED, state: State | None = None):
    return judge(land, state or State.new(), list(fixes), lambda _: journey, LATER)


def offences(land: Ground, fixes: Iterable[Fix], journey: Journey = BOOKED) -> list[Finding]:
    return [f for f in judged(land, fixes, journey).findings if f.offence]


def kinds(findings: Iterable[Finding]) -> list[str]:
    return sorted(f.kind.value for f in findings)
