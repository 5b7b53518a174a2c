"""Many frames at once: what is plain in them is cut, un-escaped, verified and read in columns.

Plain is a stream of whole frames, each a position report (0x0200) or an authentication (0x0102) in one
piece and not encrypted, with a right checksum and a time that is one. Everything else is left to the
reader that goes frame by frame (``framing``, ``messages``): it knows what is wrong and where. Where both
read a frame they read the same (the tests hold them to it).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.jt808.framing import escape
from workers.jt808.header import LONGEST_BODY, SUBPACKAGED, VERSION_FLAG
from workers.jt808.location import LOCATED, SOUTH, WEST

REPORT, SIGN_ON = 0x0200, 0x0102

#: Header and checksum at least, and all there is before the body in 2013 and in 2019.
_SHORTEST, _EARLY, _LATE = 13, 12, 17

_ENCRYPTED = 0b111 << 10
_ODD = _ENCRYPTED | SUBPACKAGED
_FIXED = 28  # bytes of a report before its additional items

_REPORT = np.dtype([
    ("alarm", ">u4"), ("status", ">u4"), ("lat", ">u4"), ("lon", ">u4"), ("altitude", ">u2"),
    ("speed", ">u2"), ("heading", ">u2"), ("time", "u1", 6),
])  # fmt: skip

_DAYS = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)
_BEFORE = np.concatenate(([0, 0], np.cumsum([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30])))
_FROM_1970_TO_2000 = 10_957
_BEIJING_S = 8 * 3600

Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Plain:
    """Plain frames in the order of their streams; one entry a frame.

    ``source``: index of the stream; ``phone``: as carried, 6 or 10 bytes; ``late``: of edition 2019;
    ``begin`` and ``end``: where header and body lie in ``content``; ``body``: where the body begins.
    """

    content: bytes
    source: NDArray[np.int64]
    begin: NDArray[np.int64]
    body: NDArray[np.int64]
    end: NDArray[np.int64]
    message: NDArray[np.uint16]
    serial: NDArray[np.uint16]
    late: NDArray[np.bool_]
    phone: list[bytes]

    def __len__(self) -> int:
        return len(self.phone)


@dataclass(frozen=True, slots=True, eq=False)
class Reports:
    """The 0x0200 bodies of some plain frames. ``at``: microseconds since 1970 UTC; ``heading`` -1: none."""

    at: NDArray[np.int64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    speed_kmh: NDArray[np.float64]
    heading: NDArray[np.int16]
    altitude_m: NDArray[np.int32]
    alarm: NDArray[np.uint32]
    status: NDArray[np.uint32]
    located: NDArray[np.bool_]
    items: list[bytes | None]


def read(streams: Sequence[bytes]) -> tuple[Plain, NDArray[np.bool_]]:
    """The frames of every stream that is plain throughout, and which streams those are."""
    lengths = np.array([len(s) for s in streams], np.int64)
    data = np.frombuffer(b"".join((*streams, b"\0")), np.uint8)
    ends = np.cumsum(lengths)
    good = (lengths >= 2) & (data[ends - lengths] == 0x7E) & (data[ends - 1] == 0x7E)
    marks = np.flatnonzero(data == 0x7E)
    begin, end = marks[:-1] + 1, marks[1:]
    some = end > begin
    begin, end = begin[some], end[some]
    source = np.searchsorted(ends, begin, side="right")
    keep = good[source]
    begin, end, source = begin[keep], end[keep], source[keep]
    data, begin, end, fine = _unescaped(data, begin, end)
    fine &= end - begin >= _SHORTEST
    _spoil(good, source[~fine])
    begin, end, source = begin[fine], end[fine], source[fine]
    fine = _sums(data, begin, end) == 0
    plain, fine = _headers(data, source, begin, end - 1, fine)
    _spoil(good, source[~fine])
    return _kept(plain, fine & good[source]), good


def reports(plain: Plain, rows: NDArray[np.int64]) -> tuple[Reports, NDArray[np.bool_]]:
    """The position reports in these rows, and which of them have a time that is one."""
    data = np.frombuffer(plain.content, np.uint8)
    body = plain.body[rows]
    found = data[body[:, None] + np.arange(_FIXED)].view(_REPORT)[:, 0]
    at, fine = _moments(found["time"])
    status, heading = found["status"].astype(np.uint32), found["heading"].astype(np.int32)
    lat, lon = found["lat"].astype(np.float64), found["lon"].astype(np.float64)
    content = plain.content
    spans = zip((body + _FIXED).tolist(), plain.end[rows].tolist(), strict=True)
    return Reports(
        at, np.where(status & WEST, -lon, lon) / 1e6, np.where(status & SOUTH, -lat, lat) / 1e6,
        found["speed"] / 10.0, np.where(heading <= 360, heading % 360, -1).astype(np.int16),
        found["altitude"].astype(np.int32), found["alarm"].astype(np.uint32), status,
        (status & LOCATED) != 0, [content[a:b] or None for a, b in spans],
    ), fine  # fmt: skip


def answers(
    phones: Sequence[bytes], own: Sequence[int], answered: NDArray[np.uint16], message: NDArray[np.uint16],
    result: int,
) -> list[bytes]:  # fmt: skip
    """The frames of 0x8001 to these messages; ``own``: our serials. A phone of 10 bytes speaks 2019."""
    late = np.array([len(p) == 10 for p in phones], np.bool_)
    frames: list[bytes] = [b""] * len(phones)
    for width, which in ((6, np.flatnonzero(~late)), (10, np.flatnonzero(late))):
        if len(which):
            rows = which.tolist()
            made = _answers(width, b"".join([phones[n] for n in rows]), np.array([own[n] for n in rows]),
                            answered[which], message[which], result)  # fmt: skip
            for n, frame in zip(rows, made, strict=True):
                frames[n] = frame
    return frames


def _answers(
    width: int, phones: bytes, own: NDArray[np.int64], answered: NDArray[np.uint16],
    message: NDArray[np.uint16], result: int,
) -> list[bytes]:  # fmt: skip
    edition = [("edition", "u1")] if width == 10 else []
    kind = np.dtype([
        ("open", "u1"), ("id", ">u2"), ("properties", ">u2"), *edition, ("phone", "u1", width),
        ("own", ">u2"),
        ("answered", ">u2"), ("message", ">u2"), ("result", "u1"), ("sum", "u1"), ("close", "u1"),
    ])  # fmt: skip
    rows = np.zeros(len(own), kind)
    rows["open"] = rows["close"] = 0x7E
    rows["id"], rows["properties"] = 0x8001, 5 | (VERSION_FLAG if width == 10 else 0)
    if width == 10:
        rows["edition"] = 1
    rows["phone"] = np.frombuffer(phones, np.uint8).reshape(-1, width)
    rows["own"], rows["answered"], rows["message"], rows["result"] = own, answered, message, result
    inside = rows.view(np.uint8).reshape(len(rows), kind.itemsize)
    inside[:, -2] = np.bitwise_xor.reduce(inside[:, 1:-2], axis=1)
    special = ((inside[:, 1:-1] & 0xFE == 0x7C) | (inside[:, 1:-1] == 0x7E)).any(axis=1)
    whole, size = rows.tobytes(), kind.itemsize
    frames = [whole[n : n + size] for n in range(0, len(whole), size)]
    for n in np.flatnonzero(special).tolist():
        frames[n] = b"\x7e" + escape(frames[n][1:-1]) + b"\x7e"
    return frames


def _unescaped(
    data: Bytes, begin: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[Bytes, NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """7D 01 and 7D 02 made one byte again; which frames had nothing else behind a 7D."""
    at = np.flatnonzero(data[:-1] == 0x7D)
    fine = np.ones(len(begin), np.bool_)
    if not len(at):
        return data, begin, end, fine
    after = data[at + 1]
    wrong = at[(after != 1) & (after != 2)]
    inside = np.searchsorted(begin, wrong, side="right") - 1
    fine[inside[(inside >= 0) & (wrong < end[inside])] if len(begin) else []] = False
    data = data.copy()
    data[at] = np.where(after == 2, 0x7E, 0x7D)
    stays = np.ones(len(data), np.bool_)
    stays[at + 1] = False
    moved = np.searchsorted(at, begin), np.searchsorted(at, end)
    return data[stays], begin - moved[0], end - moved[1], fine


def _sums(data: Bytes, begin: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.uint8]:
    """XOR of each frame, checksum included: 0 when it is right."""
    if not len(begin):
        return np.zeros(0, np.uint8)
    edges = np.empty(2 * len(begin), np.int64)
    edges[0::2], edges[1::2] = begin, end
    if edges[-1] == len(data):
        edges = edges[:-1]
    return np.bitwise_xor.reduceat(data, edges)[0::2]


def _headers(
    data: Bytes, source: NDArray[np.int64], begin: NDArray[np.int64], end: NDArray[np.int64],
    fine: NDArray[np.bool_],
) -> tuple[Plain, NDArray[np.bool_]]:  # fmt: skip
    """What the headers say; ``end`` is that of the body. Frames that are not plain come out not fine."""
    padded = np.concatenate((data, np.zeros(_LATE, np.uint8)))
    message, properties = _word(padded, begin), _word(padded, begin + 2)
    length, size = (properties & LONGEST_BODY).astype(np.int64), end - begin
    late = (properties & VERSION_FLAG != 0) & (size != _EARLY + length)
    body = begin + np.where(late, _LATE, _EARLY)
    report = message == REPORT
    fine = fine & (properties & _ODD == 0) & (end - body == length) & (report | (message == SIGN_ON))
    fine &= ~report | (length >= _FIXED)
    content = data.tobytes()
    serial = _word(padded, np.minimum(body - 2, len(data)))
    spans = zip((begin + np.where(late, 5, 4)).tolist(), (body - 2).tolist(), strict=True)
    phones = [content[a:b] for a, b in spans]
    return Plain(content, source, begin, body, end, message, serial, late, phones), fine


def _word(data: Bytes, at: NDArray[np.int64]) -> NDArray[np.uint16]:
    return data[at].astype(np.uint16) << 8 | data[at + 1]


def _kept(plain: Plain, which: NDArray[np.bool_]) -> Plain:
    if which.all():
        return plain
    phones = [plain.phone[n] for n in np.flatnonzero(which).tolist()]
    return Plain(
        plain.content, plain.source[which], plain.begin[which], plain.body[which], plain.end[which],
        plain.message[which], plain.serial[which], plain.late[which], phones,
    )  # fmt: skip


def _spoil(good: NDArray[np.bool_], streams: NDArray[np.int64]) -> None:
    good[streams] = False


def _moments(bcd: Bytes) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """BCD YYMMDDhhmmss of Beijing, rows of 6 bytes → microseconds since 1970 UTC, and which are times."""
    high, low = bcd >> 4, bcd & 15
    fine = ((high < 10) & (low < 10)).all(axis=1)
    year, month, day, hour, minute, second = (high * 10 + low).astype(np.int64).T
    fine &= (month >= 1) & (month <= 12) & (day >= 1) & (hour < 24) & (minute < 60) & (second < 60)
    month = np.where(fine, month, 1)
    leap = year % 4 == 0  # 2000 to 2099
    fine &= (day <= _DAYS[month]) & ((month != 2) | leap | (day <= 28))
    days = _FROM_1970_TO_2000 + 365 * year + (year + 3) // 4 + _BEFORE[month] + (leap & (month > 2)) + day - 1
    return (days * 86_400 + hour * 3600 + minute * 60 + second - _BEIJING_S) * 1_000_000, fine
