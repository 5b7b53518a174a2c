"""Read in bulk or one by one: the same, for whatever a stream holds."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workers.jt808 import bulk, general
from workers.jt808.bad import BadMessage
from workers.jt808.framing import Frame, Splitter, checksum, wrap
from workers.jt808.header import Header, Version
from workers.jt808.identity import Authentication, encode_authentication
from workers.jt808.location import Location
from workers.jt808.messages import decode, frames

phones = st.text("0123456789", min_size=1, max_size=11)
versions = st.sampled_from([Version.V2013, Version.V2019])
rare = st.sampled_from([b"\x7d", b"\x7e", b"\x7d\x01", b"\x7d\x02", b"\x99\x13\x99\x25\x61\x61"])
times = st.tuples(*(st.integers(0, n) for n in (99, 13, 32, 24, 60, 60))).map(
    lambda t: bytes.fromhex("".join(f"{n:02d}" for n in t))
)


@st.composite
def frame(draw):
    """A frame, mostly a good one."""
    version, phone, serial = draw(versions), draw(phones), draw(st.integers(0, 65535))
    kind = draw(st.sampled_from(["report"] * 6 + ["sign on", "beat", "rubbish", "cut", "spoilt", "parted"]))
    body = draw(st.binary(min_size=22, max_size=22)) + draw(times | st.binary(min_size=6, max_size=6))
    body += draw(st.binary(max_size=40) | rare)
    if kind == "sign on":
        code = draw(st.text("abc019", max_size=16))
        return frames(0x0102, phone, serial, encode_authentication(Authentication(code), version), version)[0]
    if kind == "beat":
        return frames(0x0002, phone, serial, b"", version)[0]
    if kind == "rubbish":
        return b"\x7e" + draw(st.binary(max_size=60)) + b"\x7e"
    if kind == "parted":
        return wrap(Header(0x0200, phone, serial, version, total=3, number=2, subpackaged=True).encode(body))
    made = frames(0x0200, phone, serial, body, version)[0]
    if kind == "cut":
        return frames(0x0200, phone, serial, body[: draw(st.integers(0, 27))], version)[0]
    if kind == "spoilt":
        at = draw(st.integers(1, len(made) - 2))
        return made[:at] + draw(st.binary(min_size=1, max_size=2)) + made[at + 1 :]
    return made


streams = st.lists(
    st.tuples(st.lists(frame(), max_size=4).map(b"".join), st.integers(0, 3)).map(
        lambda s: s[0][: len(s[0]) - s[1]] if s[1] == 3 else s[0]
    ),
    max_size=6,
)


def one_by_one(stream):
    """What the slow reader makes of it: messages, or None where anything is not plain."""
    found = []
    for item in Splitter().feed(stream):
        if not isinstance(item, Frame):
            return None
        try:
            found.append(decode(item.content))
        except BadMessage:
            return None
    return found


@given(streams)
def test_what_is_plain_reads_as_it_does_one_by_one(given_streams):
    plain, good = bulk.read(given_streams)
    reports, timed = bulk.reports(plain, rows := np.flatnonzero(plain.message == 0x0200))
    read = {int(row): n for n, row in enumerate(rows)}
    for number, stream in enumerate(given_streams):
        if not good[number]:
            assert not (plain.source == number).any()
            continue
        wanted = one_by_one(stream)
        own = np.flatnonzero(plain.source == number).tolist()
        assert wanted is not None and len(own) == len(wanted)
        for row, message in zip(own, wanted, strict=True):
            header = message.header
            assert plain.phone[row].hex() == header.phone
            assert (plain.message[row], plain.serial[row]) == (header.message_id, header.serial)
            assert plain.late[row] == (header.version is Version.V2019)
            if isinstance(message.value, Location):
                same_report(reports, timed, read[row], message.value)


def same_report(reports, timed, n, value):
    assert timed[n] == ("time_unset" not in value.extras)
    fix = value.fix()
    if timed[n]:
        assert reports.at[n] == round(fix.time.timestamp()) * 1_000_000
    heading = None if reports.heading[n] < 0 else reports.heading[n]
    assert (reports.lon[n], reports.lat[n], reports.speed_kmh[n], heading, reports.altitude_m[n]) == (
        fix.lon, fix.lat, fix.speed_kmh, fix.heading, fix.altitude_m
    )  # fmt: skip
    assert (reports.alarm[n], reports.status[n], reports.located[n]) == (fix.alarm, fix.status, fix.located)
    assert (reports.items[n] or b"") == (value.items or b"")


@given(st.lists(frame(), min_size=1, max_size=8))
def test_whole_good_frames_are_plain(made):
    """Nothing plain is left to the slow reader for nothing."""
    for one in made:
        messages = one_by_one(one)
        if messages and all(
            m.header.message_id in (0x0200, 0x0102) and not (m.header.subpackaged or m.header.encryption)
            for m in messages
        ):
            assert bulk.read([one])[1].tolist() == [True]


@given(
    st.lists(st.tuples(phones, versions, *[st.integers(0, 65535)] * 3), min_size=1, max_size=9),
    st.integers(0, 4),
)
def test_answers_are_those_the_codec_writes(asked, result):
    headers = [Header(m, p, a, v) for p, v, _, a, m in asked]
    raw = [bytes.fromhex(h.phone.rjust(20 if h.version is Version.V2019 else 12, "0")) for h in headers]
    words = np.array([(a, m) for *_, a, m in asked], np.uint16)
    made = bulk.answers(raw, [own for _, _, own, _, _ in asked], words[:, 0], words[:, 1], result)
    assert made == [
        frames(0x8001, p, own, general.encode_general(a, m, result), v)[0] for p, v, own, a, m in asked
    ]


@given(st.binary(max_size=300))
def test_the_checksum_is_the_xor_of_all_bytes(data):
    wanted = 0
    for byte in data:
        wanted ^= byte
    assert checksum(data) == wanted
