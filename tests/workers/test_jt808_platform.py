"""What the platform sends, byte by byte in each edition, and that all of it can be read again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.jt808 import areas, orders, parameters, routes
from workers.jt808.areas import Areas, Circle, Polygon, Rectangle
from workers.jt808.assembly import Assembler
from workers.jt808.bad import BadMessage
from workers.jt808.framing import Splitter
from workers.jt808.header import LONGEST_BODY, Header, Version, split
from workers.jt808.limits import Limits
from workers.jt808.messages import frames, read_body
from workers.jt808.routes import Route, Turn

V11, V13, V19 = Version.V2011, Version.V2013, Version.V2019
VERSIONS = st.sampled_from(list(Version))
SLOW = Limits("260301000000", "260401000000", 30, 10, 20)

# 35.680000 N = 02206F00, 110.920000 E = 069C8140; 35.690000 = 02209610, 110.930000 = 069CA850
CORNER, FAR = (35.68, 110.92), (35.69, 110.93)
TIMES = "260301000000 260401000000"


def read(message_id, body, version):
    return read_body(Header(message_id, "1", 1, version), body)


@pytest.mark.parametrize(
    ("version", "wire"),
    [
        (V11, "00 01 01 00000001 0008 02206F00 069C8140 000001F4"),
        (V13, "00 01 00000001 0008 02206F00 069C8140 000001F4"),
        (V19, "00 01 00000001 0008 02206F00 069C8140 000001F4 0004 D4B0C7F8"),
    ],
)
def test_a_circle_without_limits(version, wire):
    circle = Circle(1, 0b1000, name="园区", centre=CORNER, radius_m=500)
    body = areas.encode_circles(areas.UPDATE, [circle], version)
    assert body.hex() == bytes.fromhex(wire).hex()
    assert read(0x8600, body, version) == Areas(0, (replace(circle, name="园区" * (version is V19)),))


@pytest.mark.parametrize(
    ("version", "wire"),
    [
        (V11, f"01 01 01 00000007 000B 02209610 069C8140 02206F00 069CA850 {TIMES} 001E 0A"),
        (V13, f"01 01 00000007 000B 02209610 069C8140 02206F00 069CA850 {TIMES} 001E 0A"),
        (V19, f"01 01 00000007 000B 02209610 069C8140 02206F00 069CA850 {TIMES} 001E 0A 0014 0001 41"),
    ],
)
def test_a_rectangle_with_times_and_a_limit(version, wire):
    made = Rectangle(7, 0b1000, SLOW, "A", left_top=(35.69, 110.92), right_bottom=(35.68, 110.93))
    body = areas.encode_rectangles(areas.APPEND, [made], version)
    assert body.hex() == bytes.fromhex(wire).hex()
    assert read(0x8602, body, version).items == (_as_kept(made, version),)


POLYGON = "02206F00 069C8140 02206F00 069CA850 02209610 069CA850"


@pytest.mark.parametrize(
    ("version", "wire"),
    [
        (V11, f"00000102 002B {TIMES} 001E 0A 0003 03 {POLYGON}"),
        (V13, f"00000102 012B {TIMES} 001E 0A 0003 {POLYGON}"),
        (V19, f"00000102 012B {TIMES} 001E 0A 0003 {POLYGON} 0014 0001 42"),
    ],
)
def test_the_night_limit_of_a_polygon_follows_its_vertices_and_2011_knows_eight_attributes(version, wire):
    made = Polygon(0x102, 0x0128, SLOW, "B", vertices=(CORNER, (35.68, 110.93), FAR))
    body = areas.encode_polygon(made, version)
    assert body.hex() == bytes.fromhex(wire).hex()
    seen = read(0x8604, body, version)
    assert seen == _as_kept(replace(made, attributes=0x28 if version is V11 else 0x128), version)


@pytest.mark.parametrize(
    ("version", "wire"),
    [
        (V11, "00000009 003C 0002 02"
              " 0000000B 02206F00 069C8140 64 03 0258 0028 05"
              " 0000000C 02209610 069CA850 FF 00"),
        (V13, "00000009 003C 0002"
              " 00000015 0000000B 02206F00 069C8140 64 03 0258 003C 0028 05"
              " 00000016 0000000C 02209610 069CA850 FF 00"),
        (V19, "00000009 003C 0002"
              " 00000015 0000000B 02206F00 069C8140 64 03 0258 003C 0028 05 001E"
              " 00000016 0000000C 02209610 069CA850 FF 00 0002 5231"),
    ],
)  # fmt: skip
def test_a_route_writes_times_only_where_its_attributes_say_so(version, wire):
    first = Turn(0x15, 0x0B, CORNER, 100, 600, 60, Limits("", "", 40, 5, 30))
    made = Route(9, 0b111100, (first, Turn(0x16, 0x0C, FAR, 255)), name="R1")
    body = routes.encode_route(made, version)
    assert body.hex() == bytes.fromhex(wire).hex()
    assert read(0x8606, body, version) == _route_as_kept(made, version)


def test_a_route_with_times_has_them_before_its_points():
    made = Route(1, 0, (Turn(1, 1, CORNER, 10), Turn(2, 2, FAR, 10)), Limits("000000083000", "000000180000"))
    assert routes.encode_route(made, V13)[:20].hex() == "0000000100010000000830000000001800000002"
    assert read(0x8606, routes.encode_route(made, V13), V13) == made


def test_south_and_west_stand_in_the_attributes():
    south = Polygon(1, vertices=((-33.9, -70.1), (-33.8, -70.1), (-33.8, -70.0)))
    body = areas.encode_polygon(south, V13)
    assert body[4:6].hex() == "00c0" and read(0x8604, body, V13) == south
    turn = Turn(1, 1, (-33.9, -70.1), 50)
    assert routes.encode_route(Route(1, 0, (turn, turn)), V13)[8 + 17] == 0b1100
    with pytest.raises(ValueError, match="equator"):
        areas.encode_polygon(Polygon(1, vertices=((-1, 1), (1, 1), (1, 2))), V13)


@pytest.mark.parametrize(
    ("version", "wire"),
    [
        (V11, "02 02 00000029 04 0000001E 00000083 07 BDFA4D31323334"),
        (V13, "02 00000029 04 0000001E 00000083 07 BDFA4D31323334"),
        (V19, "02 00000029 04 0000001E 00000083 07 BDFA4D31323334"),
    ],
)
def test_parameters_are_set_in_the_width_the_table_gives(version, wire):
    wanted = {0x29: 30, 0x83: "晋M1234"}
    body = parameters.encode_settings(wanted, version)
    assert body.hex() == bytes.fromhex(wire).hex()
    assert read(0x8103, body, version).settings == wanted
    both = parameters.encode_settings({0x31: 500, 0x84: 2}, V13)
    assert both == bytes.fromhex("02 00000031 02 01F4 00000084 01 02")


def test_parameters_are_asked_for_and_answered():
    assert parameters.encode_query([0x29, 0x5A]).hex() == "02000000290000005a"
    assert read(0x8106, bytes.fromhex("02 00000029 0000005A"), V13).numbers == (0x29, 0x5A)
    assert read(0x8104, b"", V13).numbers == ()
    answer = read(0x0104, bytes.fromhex("0007 03 00000029 04 0000001E 0000F999 02 CAFE 00000029 01 1E"), V13)
    assert answer.answered == 7 and answer.settings == {0xF999: b"\xca\xfe", 0x29: b"\x1e"}


def test_a_parameter_that_does_not_fit_is_refused_by_name():
    with pytest.raises(ValueError, match="parameter 0x0031: 65536 does not fit 2"):
        parameters.encode_settings({0x31: 65536}, V13)
    with pytest.raises(ValueError, match="0xF999 is no number"):
        parameters.encode_settings({0xF999: 1}, V13)


ORDERS = [
    (0x8105, orders.encode_control(orders.Control(4)), "04", orders.Control(4)),
    (0x8105, orders.encode_control(orders.Control(1, "A;B")), "01 413B42", orders.Control(1, "A;B")),
    (0x8202, orders.encode_track(orders.Track(5, 600)), "0005 00000258", orders.Track(5, 600)),
    (0x8202, orders.encode_track(orders.Track(0)), "0000", orders.Track(0)),
    (0x8203, orders.encode_confirm(orders.ConfirmAlarm(9, 1 << 20)), "0009 00100000",
     orders.ConfirmAlarm(9, 1 << 20)),
    (0x8601, orders.encode_delete(()), "00", orders.Delete()),
    (0x8605, orders.encode_delete((1, 258)), "02 00000001 00000102", orders.Delete((1, 258))),
    (0x8608, orders.encode_areas_query(orders.AskAreas(3)), "03 00000000", orders.AskAreas(3)),
    (0x8608, orders.encode_areas_query(orders.AskAreas(4, (9,))), "04 00000001 00000009",
     orders.AskAreas(4, (9,))),
    (0x8107, b"", "", orders.Ask()), (0x8201, b"", "", orders.Ask()), (0x8204, b"", "", orders.Ask()),
]  # fmt: skip


@pytest.mark.parametrize(("message_id", "body", "wire", "value"), ORDERS)
def test_orders_by_the_letter(message_id, body, wire, value):
    assert body == bytes.fromhex(wire)
    assert read(message_id, body, V19) == value


def test_the_ids_of_messages_about_areas():
    ids = [(k.name, f"{k.set_id:04X}", f"{k.delete_id:04X}") for k in orders.Kind]
    assert ids == [
        ("CIRCLE", "8600", "8601"), ("RECTANGLE", "8602", "8603"), ("POLYGON", "8604", "8605"),
        ("ROUTE", "8606", "8607"),
    ]  # fmt: skip


def test_only_alarms_that_can_be_confirmed_are():
    for bits in (0, 1 << 1, 1 << 20 | 1 << 5):
        with pytest.raises(ValueError, match="confirmed"):
            orders.encode_confirm(orders.ConfirmAlarm(0, bits))
    with pytest.raises(ValueError, match="125"):
        orders.encode_delete(range(126))


def test_what_a_terminal_keeps_is_read_or_kept_raw():
    polygon = Polygon(3, vertices=(CORNER, (35.68, 110.93), FAR), name="X")
    body = areas.encode_polygon(polygon, V19)
    answer = read(0x0608, b"\3\0\0\0\2" + body + body, V19)
    assert answer == orders.AreasAnswer(3, 2, (polygon, polygon))
    short = read(0x0608, b"\3\0\0\0\1" + body[:-3], V19)
    assert (short.items, short.rest) == ((), body[:-3].hex())
    circles = areas.encode_circles(0, [Circle(1, centre=CORNER, radius_m=5)], V19)
    assert read(0x0608, b"\1\0\0\0\1" + circles + b"!", V19).items[0].radius_m == 5
    assert read(0x0608, b"\7\0\0\0\1??", V19).rest == "3f3f"


def test_a_polygon_of_a_thousand_vertices_travels_in_packages_of_at_most_1023_bytes():
    for version, count in ((V11, 255), (V13, 1000), (V19, 1000)):  # 2011 counts them in one byte
        made = Polygon(5, 8, vertices=tuple((35 + n / 1000, 110 + n / 1000) for n in range(count)))
        sent = frames(0x8604, "13900000001", 65534, areas.encode_polygon(made, version), version)
        parts = [split(f.content) for raw in sent for f in Splitter().feed(raw)]
        assert len(parts) > 2 and all(len(body) <= LONGEST_BODY for _, body in parts)
        assert [h.serial for h, _ in parts] == [(65534 + n) % 65536 for n in range(len(parts))]
        joining = Assembler()
        (whole,) = (j for h, b in reversed(parts) if (j := joining.add(h, b, 0.0)))
        assert read(0x8604, whole.body, version) == _as_kept(made, version)


DIGITS = st.text("0123456789", min_size=12, max_size=12)
NAMES = st.text("园区控制线ABC123", max_size=20)
DEGREES = st.integers(1, 89_000_000).map(lambda n: n / 1e6)
LIMITS = st.builds(
    Limits, max_kmh=st.none() | st.integers(0, 65535), seconds=st.integers(0, 255)
).flatmap(lambda s: st.builds(
    lambda a, b, timed, night: Limits(a * timed, b * timed, s.max_kmh, s.seconds * (s.max_kmh is not None),
                                      night if s.max_kmh is not None else None),
    DIGITS, DIGITS, st.booleans(), st.integers(0, 65535),
))  # fmt: skip
NUMBER, ATTRIBUTES = st.integers(1, 0xFFFFFFFF), st.integers(0, 0xFFFF).map(lambda n: n & 0xFF3C)


@st.composite
def hemispheres(draw):
    south, west = draw(st.sampled_from([1, -1])), draw(st.sampled_from([1, -1]))
    return DEGREES.flatmap(lambda a: DEGREES.map(lambda b: (south * a, west * b)))


@given(hemispheres(), VERSIONS, st.data())
def test_any_area_comes_back_as_it_was_sent(spots, version, data):
    common = {
        "number": data.draw(NUMBER), "attributes": data.draw(ATTRIBUTES), "limits": data.draw(LIMITS),
        "name": data.draw(NAMES),
    }  # fmt: skip
    circle = Circle(**common, centre=data.draw(spots), radius_m=data.draw(NUMBER))
    square = Rectangle(**common, left_top=data.draw(spots), right_bottom=data.draw(spots))
    polygon = Polygon(**common, vertices=tuple(data.draw(st.lists(spots, min_size=3, max_size=12))))
    for message_id, body, made in (
        (0x8600, areas.encode_circles(2, [circle, circle], version), circle),
        (0x8602, areas.encode_rectangles(1, [square], version), square),
        (0x8604, areas.encode_polygon(polygon, version), polygon),
    ):
        seen = read(message_id, body, version)
        last = seen.items[-1] if isinstance(seen, Areas) else seen
        assert last == _as_kept(made, version)


@given(hemispheres(), VERSIONS, st.data())
def test_any_route_comes_back_as_it_was_sent(spots, version, data):
    word = st.integers(0, 65535)
    turns = st.builds(
        Turn, NUMBER, NUMBER, spots, st.integers(0, 255), st.none() | word, word,
        LIMITS.map(lambda s: replace(s, start="", end="")),
    ).map(lambda t: t if t.longest_s is not None else replace(t, shortest_s=0))  # fmt: skip
    limits = data.draw(LIMITS.map(lambda s: Limits(s.start, s.end)))
    made = Route(
        data.draw(NUMBER), data.draw(ATTRIBUTES), tuple(data.draw(st.lists(turns, min_size=2, max_size=6))),
        limits, data.draw(NAMES),
    )  # fmt: skip
    assert read(0x8606, routes.encode_route(made, version), version) == _route_as_kept(made, version)


@given(
    st.dictionaries(
        st.sampled_from(sorted(parameters.WIDTHS)) | st.integers(0x200, 0xFFFFFFFF), st.integers(0, 255),
        max_size=8,
    ),
    st.dictionaries(st.sampled_from([0x10, 0x13, 0x83]), NAMES, max_size=3),
    VERSIONS,
)  # fmt: skip
def test_any_parameters_come_back_as_they_were_sent(numbers, texts, version):
    wanted = {k: v if k in parameters.WIDTHS else bytes([v]) for k, v in numbers.items()} | texts
    assert read(0x8103, parameters.encode_settings(wanted, version), version).settings == wanted
    answer = parameters.ParametersAnswer(3, wanted)
    assert read(0x0104, parameters.encode_answer(answer), version) == answer


MESSAGES = [0x0005, 0x0104, 0x0608, *range(0x8103, 0x8108), *range(0x8201, 0x8205), *range(0x8600, 0x8609)]


@given(st.sampled_from(MESSAGES), st.binary(max_size=200), VERSIONS)
def test_no_body_makes_these_readers_stumble(message_id, body, version):
    try:
        read(message_id, body, version)
    except BadMessage as error:
        assert 3 <= error.offset <= 18 + len(body)


def _as_kept(made, version):
    """What the edition can carry of it."""
    limits = made.limits
    if version is not V19:
        limits = replace(limits, night_kmh=None)
        return replace(made, name="", attributes=_attributes(made, version), limits=limits)
    night = limits.max_kmh if limits.night_kmh is None else limits.night_kmh
    return replace(made, limits=replace(limits, night_kmh=night))


def _attributes(made, version):
    return made.attributes & 0xFF if version is V11 else made.attributes


def _route_as_kept(made, version):
    turns = tuple(_turn_as_kept(turn, version) for turn in made.turns)
    name = made.name if version is V19 else ""
    return replace(made, turns=turns, name=name, attributes=_attributes(made, version))


def _turn_as_kept(turn, version):
    night = None
    if version is V19 and turn.limits.max_kmh is not None:
        night = turn.limits.max_kmh if turn.limits.night_kmh is None else turn.limits.night_kmh
    turn = replace(turn, limits=replace(turn.limits, night_kmh=night))
    return replace(turn, point=0, shortest_s=0) if version is V11 else turn
