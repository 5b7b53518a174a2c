"""Real-looking messages of every kind and edition, made by our own encoders: what the mutator starts from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from workers.jt808 import areas, general, identity, location, orders, parameters, routes
from workers.jt808.header import Header, Version
from workers.jt808.limits import Limits

MOMENT = datetime(2026, 3, 2, tzinfo=UTC)
#: Additional items of every length the walker knows, some lying.
ITEMS = {
    0x01: b"\0\0\x0f\x2c", 0x02: b"\1\2", 0x03: b"\1\2", 0x04: b"\0\1", 0x05: bytes(30), 0x06: b"\x80\x12",
    0x11: b"\3\0\0\1\2", 0x12: b"\3\0\0\1\2\1", 0x13: b"\0\0\0\7\1\0\1", 0x14: b"\0\0\0\1", 0x18: b"\0\1\7",
    0x25: b"\0\0\0\3", 0x2A: b"\0\1", 0x2B: b"\0\1\0\2", 0x30: b"\x16", 0x31: b"\t", 0x64: bytes(47),
    0xE1: b"vendor", 0xEB: b"",
}  # fmt: skip
SPOTS = ((35.68, 110.92), (35.69, 110.92), (35.69, 110.93), (35.68, 110.93))
SLOW = Limits("260301000000", "270301000000", 30, 10, 20)


def contents(versions: Sequence[Version] = tuple(Version)) -> list[bytes]:
    """Header and body of each message."""
    made = [(version, n, body) for version in versions for n, body in _bodies(version)]
    whole = [Header(n, "13912345678", i, version).encode(body) for i, (version, n, body) in enumerate(made)]
    parts = [
        Header(n, "13912345678", k + 1, version, 0, 2, k + 1, True).encode(half)
        for version, n, body in made
        for k, half in enumerate((body[: len(body) // 2], body[len(body) // 2 :]))
    ]
    reports = [c for c in whole if c[:2] in (b"\2\0", b"\2\1", b"\7\4")]
    return whole * 2 + reports * 4 + parts


def _bodies(version: Version) -> Iterator[tuple[int, bytes]]:
    report = location.Location(MOMENT, 35.68, 110.92, 36.5, 90, 501, alarm=1 << 20)
    full = location.encode(report, ITEMS)
    yield 0x0200, location.encode(report)
    yield 0x0200, full
    yield 0x0201, b"\0\7" + full
    yield 0x0704, location.encode_batch([full, location.encode(report)], backfill=True)
    named = identity.Registration("晋M12345", 2, 14, 900, "HAZPK", "T1", "A000001", version)
    yield 0x0100, identity.encode_registration(named)
    given = identity.Authentication("0123456789abcdef", "490154203237518", "v1")
    yield 0x0102, identity.encode_authentication(given, version)
    yield (
        0x0107,
        b"\0\2HAZPK" + bytes(27 if version is not Version.V2019 else 60) + bytes(10) + b"\2v1\3v20\7\x81",
    )
    yield (
        0x0702,
        b"\1\x26\3\2\x08\0\0\0\4" + "张三".encode("gbk") + b"123".ljust(20) + b"\2\xbd\xfa\x20\x30\1\1",
    )
    yield 0x0001, general.encode_general(7, 0x8604, 0)
    yield 0x0002, b""
    yield 0x0004, b""
    yield 0x0005, general.encode_missing(general.Missing(9, (2, 3)), version)
    settings: dict[int, parameters.Setting] = {0x29: 30, 0x83: "晋M12345", 0x31: 500, 0xF999: b"??"}
    yield 0x0104, parameters.encode_answer(parameters.ParametersAnswer(7, settings))
    yield (
        0x0608,
        b"\3\0\0\0\1" + areas.encode_polygon(areas.Polygon(7, 8, SLOW, "A", vertices=SPOTS), version),
    )
    yield 0x0900, b"\xf0" + bytes(range(64))
    yield from _orders(version, settings)


def _orders(version: Version, settings: dict[int, parameters.Setting]) -> Iterator[tuple[int, bytes]]:
    yield 0x8001, general.encode_general(7, 0x0200, 4)
    yield 0x8003, general.encode_missing(general.Missing(9, (2, 3)), version)
    yield 0x8100, general.encode_registration_answer(7, 0, "0123456789abcdef")
    yield 0x8103, parameters.encode_settings(settings, version)
    yield 0x8106, parameters.encode_query([0x29, 0x5A])
    yield 0x8105, orders.encode_control(orders.Control(4))
    yield 0x8202, orders.encode_track(orders.Track(5, 600))
    yield 0x8203, orders.encode_confirm(orders.ConfirmAlarm(7, 1 << 20))
    yield 0x8300, general.encode_text(general.Text("请驶离"), version)
    circle = areas.Circle(1, 8, SLOW, "A", centre=SPOTS[0], radius_m=500)
    square = areas.Rectangle(2, 8, SLOW, "B", left_top=SPOTS[1], right_bottom=SPOTS[3])
    yield 0x8600, areas.encode_circles(0, [circle, circle], version)
    yield 0x8602, areas.encode_rectangles(1, [square], version)
    yield 0x8604, areas.encode_polygon(areas.Polygon(3, 8, SLOW, "C", vertices=SPOTS), version)
    turns = tuple(routes.Turn(n, n, spot, 100, 600, 60, Limits(max_kmh=30)) for n, spot in enumerate(SPOTS))
    yield 0x8606, routes.encode_route(routes.Route(4, 0x28, turns, SLOW, "R"), version)
    yield 0x8605, orders.encode_delete((1, 2, 3))
    yield 0x8608, orders.encode_areas_query(orders.AskAreas(3, (1, 2)))
