"""JT/T 808 by the letter: frames built by hand, and properties that hold for any of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.jt808 import general, identity, location
from workers.jt808.assembly import MOST_BYTES, MOST_SETS, Assembler
from workers.jt808.bad import BadMessage
from workers.jt808.framing import LONGEST, Frame, Skipped, Splitter, escape, unescape, wrap
from workers.jt808.header import Header, Version, split
from workers.jt808.items import decode as items
from workers.jt808.location import UNSET
from workers.jt808.messages import decode, frames, read_body
from workers.jt808.reader import Reader

BODY = bytes.fromhex("00000400 00000003 02206F00 069C8140 01F5 0168 005A 260302080000")
VERSIONS = st.sampled_from(list(Version))
LATER = st.sampled_from([Version.V2013, Version.V2019])
MOMENTS = st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30)).map(  # noqa: DTZ001 - made aware below
    lambda t: t.replace(microsecond=0, tzinfo=UTC)
)
WORD, DWORD = st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)
NAMES = st.text("晋陕测ABCXYZ0123456789", min_size=1, max_size=8)
LOCATIONS = st.builds(
    location.Location,
    time=MOMENTS,
    lat=st.integers(-90_000_000, 90_000_000).map(lambda n: n / 1e6),
    lon=st.integers(-180_000_000, 180_000_000).map(lambda n: n / 1e6),
    speed_kmh=WORD.map(lambda n: n / 10),
    heading=WORD,
    altitude_m=WORD,
    alarm=DWORD,
    status=DWORD.map(lambda n: n & ~0b1100),
)


def whole(message_id, body, version=Version.V2013, phone="13900000001", serial=7):
    (frame,) = frames(message_id, phone, serial, body, version)
    (found,) = Splitter().feed(frame)
    return decode(found.content)


def signed(report):
    """The status as sent: the signs of the degrees stand there."""
    return report.status | (report.lat < 0) << 2 | (report.lon < 0) << 3


def test_the_standards_own_example_of_escaping():
    assert escape(bytes.fromhex("307e087d55")) == bytes.fromhex("307d02087d0155")
    assert unescape(bytes.fromhex("307d02087d0155")) == bytes.fromhex("307e087d55")


def test_a_location_written_by_hand_is_read_to_the_last_digit():
    message = whole(0x0200, BODY + bytes.fromhex("010400000F2C 0302012C 300116 310109 EB02CAFE 1105"))
    report = message.value
    assert message.header.phone == "013900000001" and message.header.serial == 7
    assert report.time == datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
    assert (report.lat, report.lon) == (35.68, 110.92)
    assert (report.speed_kmh, report.heading, report.altitude_m) == (36.0, 90, 501)
    assert (report.alarm, report.status, report.located) == (1024, 3, True)
    assert report.extras == {
        "mileage_km": 388.4, "recorder_speed_kmh": 30.0, "signal_strength": 22, "satellites": 9,
        "0xEB": "cafe", "tail": "1105",
    }  # fmt: skip


def test_south_and_west_are_told_by_the_status():
    report = read_body(Header(0x0200, "1", 1), BODY[:4] + b"\0\0\0\x0e" + BODY[8:])
    assert (report.lat, report.lon) == (-35.68, -110.92)


def test_known_items_have_names_and_other_lengths_are_a_vendors_own():
    assert items(bytes.fromhex("11050200000007"))["overspeed_area"] == {"kind": 2, "id": 7}
    assert items(bytes.fromhex("120601000000 0801"))["area_crossing"]["direction"] == "out"
    assert items(bytes.fromhex("130700000009003C01"))["segment_time"] == {
        "id": 9, "seconds": 60, "result": "too_long",
    }  # fmt: skip
    assert items(bytes.fromhex("06028005")) == {"cabin_temperature_c": -5}
    assert items(bytes.fromhex("2B0400020001")) == {"analogue": [1, 2]}
    assert items(bytes.fromhex("0103000001 31 01 05 310106")) == {
        "0x01": "000001", "satellites": 5, "satellites#2": 6,
    }  # fmt: skip
    assert items(bytes.fromhex("0104000000")) == {"tail": "0104000000"}


def test_a_heading_beyond_the_circle_is_no_heading():
    moment = datetime(2026, 3, 2, tzinfo=UTC)
    headings = [location.Location(moment, 0, 0, heading=h).fix().heading for h in (0, 359, 360, 361, 65535)]
    assert headings == [0, 359, 0, None, None]


def test_2011_is_told_by_the_length_of_its_registration():
    known = identity.Registration("晋M12345", 2, 14, 8, "HAZPK", "T1", "0000001", Version.V2011)
    assert whole(0x0100, identity.encode_registration(known), Version.V2013).value == known


def test_a_2011_terminal_that_gives_its_vin_is_not_taken_for_another_truck():
    known = identity.Registration("LFWKXZRN3K1234567", 0, 14, 8, "HAZPK", "T1", "0000001", Version.V2011)
    assert whole(0x0100, identity.encode_registration(known), Version.V2013).value == known


def test_attributes_tell_whether_a_terminal_is_fit_for_dangerous_goods():
    names = b"HAZPK" + b"T1".ljust(20, b"\0") + b"0000001"
    body = (
        bytes.fromhex("0002") + names + bytes.fromhex("89860012345678901234 02") + b"v1" + b"\x03v20\x07\x81"
    )
    read = whole(0x0107, body).value
    assert read.dangerous_goods and (read.maker, read.model, read.terminal_id) == ("HAZPK", "T1", "0000001")
    assert (read.iccid, read.hardware, read.firmware) == ("89860012345678901234", "v1", "v20")
    assert (read.gnss, read.communication) == (7, 0x81)
    assert not whole(0x0107, b"\0\5" + body[2:]).value.dangerous_goods


@pytest.mark.parametrize(("version", "wire"), [("2013", "0007020003 0005"), ("2019", "000700020003 0005")])
def test_missing_packages_are_asked_for_in_the_layout_of_the_edition(version, wire):
    missing = general.Missing(7, (3, 5))
    assert general.encode_missing(missing, Version(version)) == bytes.fromhex(wire)
    assert whole(0x8003, bytes.fromhex(wire), Version(version)).value == missing


def test_a_batch_whose_count_or_lengths_lie_keeps_what_was_read_before():
    report = BODY[:8] + b"\x02\x20\x6f\0" + BODY[12:]
    packed = location.encode_batch([report, report])
    for body, good in ((packed + b"\0", 2), (packed[:-3], 1), (b"\0\x09" + packed[2:], 2)):
        read = whole(0x0704, body).value
        assert len(read.locations) == good and [u.item for u in read.unreadable] == [good]


def test_a_driver_card_of_each_edition_is_read():
    body = bytes.fromhex("01 260302080000 00 04 D5C5C8FD") + b"123".ljust(20, b"\0")
    body += bytes.fromhex("02 BDFA 20300101")
    card = read_body(Header(0x0702, "1", 1), body)
    assert (card.name, card.licence, card.agency, str(card.valid_until)) == (
        "张三",
        "123",
        "晋",
        "2030-01-01",
    )
    assert read_body(Header(0x0702, "1", 1), bytes.fromhex("02260302080000")).status == 2
    old = (
        bytes([4])
        + "张三".encode("gbk")
        + b"142700".ljust(20, b"\0")
        + b"L1".ljust(40, b"\0")
        + b"\x02\xbd\xfa"
    )
    card = read_body(Header(0x0702, "1", 1), old)
    assert (card.name, card.id_number, card.licence, card.agency) == ("张三", "142700", "L1", "晋")


def test_an_encrypted_body_is_refused_by_name():
    with pytest.raises(BadMessage, match="byte 3: the body is encrypted"):
        decode(Header(0x0200, "1", 1, encryption=1).encode(BODY))


def test_an_error_names_the_byte():
    with pytest.raises(BadMessage) as short:
        decode(Header(0x0200, "1", 1).encode(BODY[:25]))
    assert short.value.offset == 13 + 22
    with pytest.raises(BadMessage) as batch:
        decode(Header(0x0704, "1", 1, Version.V2019).encode(b"\0\1\0\0\x1c" + BODY[:25]))
    assert batch.value.offset == 18 + 5


@pytest.mark.parametrize("clock", ["000000000000", "261302000000", "ffffffffffff"])
def test_a_time_that_is_none_loses_no_report(clock):
    read = decode(Header(0x0200, "1", 1).encode(BODY[:22] + bytes.fromhex(clock))).value
    assert read.time == UNSET and read.extras["time_unset"] == clock


def test_a_terminal_that_sets_the_2019_flag_over_a_2013_header_is_understood():
    content = bytearray(Header(0x0200, "13900000001", 7).encode(BODY))
    content[2] |= 0x40
    header, body = split(bytes(content))
    assert header.phone == "013900000001" and body == BODY


def test_frames_may_share_a_delimiter():
    one = wrap(Header(0x0002, "1", 1).encode(b""))
    found = Splitter().feed(one + one[1:] + one)
    assert [type(f) for f in found] == [Frame] * 3
    assert [f.offset for f in found] == [0, 14, 29]


def test_after_a_bad_frame_the_next_delimiter_begins_anew():
    good = wrap(Header(0x0002, "1", 1).encode(b""))
    found = Splitter().feed(b"junk" + b"\x7e" + b"A" * 9999 + good[:-2] + b"\x00\x7e" + good)
    assert [type(f) for f in found] == [Skipped, Skipped, Skipped, Frame]
    assert [f.offset for f in found[:3]] == [0, 5, 10005]
    assert "without a delimiter" in str(found[1].error) and found[1].length == 9999


def test_missing_packages_are_asked_for_a_few_times_and_a_joined_set_is_its_frames():
    parts = frames(0x0704, "13900000001", 65534, bytes(5000), Version.V2019)
    sent = [(split(f.content), f.raw) for part in parts for f in Splitter().feed(part)]
    joining = Assembler()
    for (header, body), _ in (sent[0], sent[3], sent[3]):
        assert joining.add(header, body, 0.0) is None
    assert joining.incomplete(1.0) == []
    asked = [joining.incomplete(float(n)) for n in range(6, 60, 6)]
    assert [len(a) for a in asked] == [1, 1, 1] + [0] * 6
    assert asked[0][0].first.serial == 65534 and asked[0][0].missing == (2, 3, 5)
    (whole_set,) = (j for (h, b), _ in sent if (j := joining.add(h, b, 61.0)))
    assert whole_set.body == bytes(5000) and whole_set.raw == b"".join(parts)


def test_memory_for_unfinished_sets_is_bounded():
    joining = Assembler()
    for n in range(1000):
        joining.add(
            Header(0x0704, "1", n * 3 % 65536, total=900, number=1, subpackaged=True), bytes(1023), 0.0
        )
        assert len(joining._sets) <= MOST_SETS and joining.held_bytes <= MOST_BYTES
    joining.add(Header(0x0704, "2", 1, total=2, number=1, subpackaged=True), b"", 1000.0)
    assert len(joining._sets) == 1


@given(LOCATIONS, VERSIONS)
def test_a_location_comes_back_as_it_was_sent(report, version):
    read = whole(0x0200, location.encode(report), version).value
    for name in ("time", "lat", "lon", "speed_kmh", "heading", "altitude_m", "alarm"):
        assert getattr(read, name) == getattr(report, name)
    assert read.status == signed(report) and read.extras == {}


@given(st.lists(LOCATIONS, max_size=30), st.booleans(), LATER)
def test_a_batch_comes_back_as_it_was_sent(reports, backfill, version):
    body = location.encode_batch([location.encode(r) for r in reports], backfill)
    read = whole(0x0704, body, version).value
    assert read.backfill == backfill and not read.unreadable
    assert [r.time for r in read.locations.values()] == [r.time for r in reports]
    assert [(r.lat, r.lon) for r in read.locations.values()] == [(r.lat, r.lon) for r in reports]


@given(NAMES, st.integers(0, 255), WORD, WORD, LATER)
def test_a_registration_comes_back_as_it_was_sent(plate, colour, province, city, version):
    known = identity.Registration(plate, colour, province, city, "HAZPK", "型号", "T123456", version)
    assert whole(0x0100, identity.encode_registration(known), version).value == known


@given(st.text("abcdef0123456789", min_size=1, max_size=64), LATER)
def test_a_code_comes_back_as_it_was_sent(code, version):
    body = identity.encode_authentication(identity.Authentication(code), version)
    assert whole(0x0102, body, version).value.code == code


@given(WORD, WORD, st.integers(0, 4), st.text("0123456789abcdef", min_size=1, max_size=32))
def test_answers_come_back_as_they_were_sent(serial, number, result, code):
    assert whole(0x8001, general.encode_general(serial, number, result)).value == general.GeneralAnswer(
        serial, number, result
    )
    answer = whole(0x8100, general.encode_registration_answer(serial, result, code)).value
    assert answer == general.RegistrationAnswer(serial, result, "" if result else code)


@given(st.text("请驶离危险品车辆ABC123", max_size=500), LATER)
def test_a_text_of_any_length_comes_back_whole(words, version):
    body = general.encode_text(general.Text(words), version)
    parts = [
        split(f.content) for part in frames(0x8300, "1", 65535, body, version) for f in Splitter().feed(part)
    ]
    joining = Assembler()
    if len(parts) == 1:
        read = read_body(*parts[0])
    else:
        joined = [j for header, part in reversed(parts) if (j := joining.add(header, part, 0.0))]
        read = read_body(joined[0].header, joined[0].body)
    assert read == general.Text(words)


@given(st.binary(max_size=300), st.data())
def test_no_body_makes_the_reader_stumble(body, data):
    number = data.draw(
        st.sampled_from(
            [1, 2, 3, 4, 9, 0x100, 0x102, 0x107, 0x200, 0x201, 0x702, 0x704, 0x8001, 0x8003, 0x8100, 0x8300]
        )
    )
    try:
        read_body(Header(number, "1", 1, data.draw(VERSIONS)), body)
    except BadMessage as error:
        assert 3 <= error.offset <= 18 + len(body)


@given(st.binary(max_size=200))
def test_no_frame_makes_the_decoder_stumble(content):
    for found in Splitter().feed(b"\x7e" + wrap(content) + content + b"\x7e"):
        if isinstance(found, Frame):
            try:
                decode(found.content)
            except BadMessage as error:
                assert error.offset >= 0


@given(st.lists(st.binary(max_size=40) | st.just(b"\x7e") | st.just(wrap(bytes(20))), max_size=20), st.data())
def test_however_a_stream_is_cut_the_frames_are_the_same(pieces, data):
    stream = b"".join(pieces) + b"A" * data.draw(st.sampled_from([0, LONGEST + 5])) + b"\x7e"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    at_once, bit_by_bit = Splitter().feed(stream), Splitter()
    found = [
        f for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True) for f in bit_by_bit.feed(stream[a:b])
    ]
    assert list(map(_same, found)) == list(map(_same, at_once))


def _same(found):
    return (
        (found.offset, found.content)
        if isinstance(found, Frame)
        else (found.offset, found.length, found.start, str(found.error))
    )


def test_a_reader_at_the_end_says_what_is_missing():
    with pytest.raises(BadMessage, match=r"byte 12: the body ends inside time: 6 bytes wanted, 2 left"):
        Reader(b"ab", 12).moment("time")
