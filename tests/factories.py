"""A little lot in the database, and vehicles that want to stand in it.

Twelve bays of 4 × 20 m side by side from west to east, and one far away:

    B01 B02 B03 B04 | B05 B06 B07 B08 | B09 B10 | B11    B12        …100 m…  F01
    class 3           general           5.1       empty  isolation           general
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from shapely import box, to_wkb
from shapely.geometry.base import BaseGeometry
from sqlalchemy import select
from sqlalchemy.orm import Session

from parking.models import Bay, Booking, Goods, LayerVersion, Lot, ParkRow
from parking.services import bays, bookings, visits
from parking.services.bookings import BookingForm
from parking.vocabulary import LoadState, VisitStep

NOW = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
STAFF, DRIVER, HERE = "dispatcher:li", "driver:test", "127.0.0.1"
EAST, NORTH = 493_000.0, 3_950_000.0  # the lot's corner in the metric CRS
GENERAL = ["2", "3", "4.1", "4.2", "5.1", "6.1", "8", "9"]
LADEN = ["loaded", "empty_uncleaned"]
GOODS = {
    "1203": ("3", []),
    "1230": ("3", ["6.1"]),
    "1942": ("5.1", []),
    "1017": ("2.3", ["5.1", "8"]),
    "1830": ("8", []),
    "0081": ("1.1", []),
    "2912": ("7", []),
    "3082": ("9", []),
}
#: A park that asks neither the enterprise nor the checklist, for tests of other things.
OPEN = {"enterprise_approval": False, "checklist_required": False}
_number = count(1)


def hours(n: float) -> timedelta:
    return timedelta(hours=n)


def lot(session: Session, policy: dict[str, Any] | None = None) -> Lot:
    """The little lot of the module's picture, its goods and two docks."""
    park = ParkRow(
        code="little",
        name_zh="小园区",
        name_en="Little park",
        official=False,
        settings={
            "metric_crs": "EPSG:4546",
            "watch_area": [110.8, 35.6, 111.1, 35.8],
            "policy": {**OPEN, **(policy or {})},
            "notice_zh": "",
            "notice_en": "",
            "timezone": "Asia/Shanghai",
        },
        loaded_at=NOW,
    )
    session.add(park)
    session.flush()
    made = Lot(park_id=park.id, code="LOT", name_zh="停车场", name_en="Lot")
    session.add(made)
    session.add_all(
        Goods(
            un_number=un,
            name_zh=f"货{un}",
            name_en=f"goods {un}",
            hazard_class=c,
            subsidiary=s,
            source="test",
        )
        for un, (c, s) in GOODS.items()
    )
    session.flush()
    for i in range(1, 13):
        _bay(session, park, made, f"B{i:02d}", (i - 1) * 4.0, *_kind(i))
    _bay(session, park, made, "F01", 148.0, "ZF", GENERAL, LADEN)
    _dock(session, park, "D1", "3")
    _dock(session, park, "D2", "")
    session.flush()
    return made


def _kind(i: int) -> tuple[str, list[str], list[str]]:
    if i <= 4:
        return "Z3", ["3"], LADEN
    if i <= 8:
        return "ZG", GENERAL, LADEN
    if i <= 10:
        return "Z5", ["5.1"], LADEN
    return ("ZE", [], ["empty_clean"]) if i == 11 else ("ZI", GENERAL, [*LADEN, "empty_clean"])


def _bay(
    session: Session,
    park: ParkRow,
    lot: Lot,
    code: str,
    x: float,
    zone: str,
    classes: list[str],
    loads: list[str],
) -> None:
    shape = box(EAST + x, NORTH, EAST + x + 4, NORTH + 20)
    degrees = box(110.92 + x / 90_500, 35.68, 110.92 + (x + 4) / 90_500, 35.68 + 20 / 111_000)
    session.add(
        Bay(
            lot_id=lot.id,
            code=code,
            zone=zone,
            hazard_classes=classes,
            load_states=loads,
            isolation=code == "B12",
            length_m=20.0,
            width_m=4.0,
            wkb=to_wkb(shape),
        )
    )
    _layer(session, park, "bay", code, to_wkb(degrees), {"zone": zone})


def _dock(session: Session, park: ParkRow, code: str, classes: str) -> None:
    _layer(
        session, park, "dock", code, to_wkb(box(110.93, 35.68, 110.931, 35.681)), {"hazard_classes": classes}
    )


def _layer(
    session: Session, park: ParkRow, kind: str, code: str, wkb: bytes, attributes: dict[str, Any]
) -> None:
    session.add(
        LayerVersion(
            park_id=park.id,
            kind=kind,
            code=code,
            name_zh=code,
            name_en=code,
            wkb=wkb,
            attributes=attributes,
            sha256=f"{kind}{code}".ljust(64, "0"),
            loaded_at=NOW,
        )
    )


def draw(session: Session, kind: str, code: str, shape: BaseGeometry, **attributes: Any) -> None:
    """A shape more in the park of the little lot; ``shape`` in degrees."""
    park = session.scalars(select(ParkRow)).one()
    _layer(session, park, kind, code, to_wkb(shape), attributes)
    session.flush()


def form(**changes: Any) -> BookingForm:
    """A good form for petrol, one hour from NOW for four hours; each call another truck and waybill."""
    n = next(_number)
    values: dict[str, Any] = {
        "plate": f"晋M{n:05d}",
        "plate_colour": 2,
        "carrier": "运城危货运输有限公司",
        "driver_name": "王师傅",
        "driver_phone": "13800000000",
        "escort_name": "李押运",
        "waybill_no": f"YD{n:08d}",
        "un_number": "1203",
        "mass_kg": 28_000,
        "load_state": LoadState.LOADED,
        "window_start": NOW + hours(1),
        "window_end": NOW + hours(5),
        **changes,
    }
    return BookingForm(**values)


def booked(session: Session, now: datetime = NOW, **changes: Any) -> Booking:
    return bookings.request(session, form(**changes), now, DRIVER, HERE)


def held(session: Session, bay: str, now: datetime = NOW, **changes: Any) -> Booking:
    """A booking with a bay."""
    made = booked(session, now, **changes)
    bays.assign(session, made.id, bay, now, STAFF, HERE)
    return made


def walk(session: Session, visit_id: int, now: datetime, *steps: VisitStep, dock: str = "D1") -> None:
    """Take a visit through steps as staff."""
    for step in steps:
        visits.step(session, visit_id, step, now, STAFF, HERE, dock=dock if step is VisitStep.CALL else None)


def parked(session: Session, bay: str, **changes: Any) -> Booking:
    """A booking whose vehicle stands in its bay since the beginning of its window."""
    made = held(session, bay, **changes)
    visit = visits.check_in(session, made.id, made.window_start, DRIVER, HERE)
    walk(session, visit.id, made.window_start, VisitStep.ADMIT, VisitStep.PARK)
    return made
