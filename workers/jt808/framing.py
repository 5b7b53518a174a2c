"""Frames in a byte stream: delimiter, escape and checksum (JT/T 808-2013 and -2019, clause 4.4).

A byte 7E never occurs inside a frame, so whatever stands between two of them is a candidate: a frame
with a right checksum, or something to skip and report. Frames may share a delimiter.
"""

from __future__ import annotations

from dataclasses import dataclass

from parking.speech import N_
from workers.jt808.bad import BadMessage

DELIMITER = 0x7E

#: Longest candidate kept: 21 bytes of header, 1,023 of body, a checksum, all of them escaped.
LONGEST = 2 * (21 + 1023 + 1)

#: Bytes of a bad candidate kept for the report.
EVIDENCE = 64


@dataclass(frozen=True, slots=True)
class Frame:
    """Header and body of one frame, un-escaped and verified. ``offset``: where its 7E stood in the stream."""

    content: bytes
    raw: bytes
    offset: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """Bytes that are no frame, from ``offset`` of the stream on; ``start`` shows the first of them."""

    error: BadMessage
    offset: int
    length: int
    start: bytes


def checksum(content: bytes) -> int:
    """XOR of all bytes from the header's first to the body's last."""
    whole = int.from_bytes(content, "big")
    width = 1 << (max(1, len(content)) - 1).bit_length()  # bytes, a power of two
    while width > 1:
        width //= 2
        whole = whole >> 8 * width ^ whole & (1 << 8 * width) - 1
    return whole


def escape(content: bytes) -> bytes:
    return content.replace(b"\x7d", b"\x7d\x01").replace(b"\x7e", b"\x7d\x02")


def unescape(content: bytes) -> bytes:
    """Undo ``escape``. Raises BadMessage for 7D followed by anything but 01 or 02."""
    if b"\x7d" not in content:
        return content
    first, *rest = content.split(b"\x7d")
    parts, at = [first], len(first)
    for part in rest:
        if part[:1] not in (b"\x01", b"\x02"):
            raise BadMessage(N_("7D is not followed by 01 or 02"), at + 1)
        parts.append((b"\x7d" if part[0] == 1 else b"\x7e") + part[1:])
        at += len(part)
    return b"".join(parts)


def wrap(content: bytes) -> bytes:
    """The frame that carries header and body."""
    return b"\x7e" + escape(content + bytes([checksum(content)])) + b"\x7e"


def unwrap(candidate: bytes) -> bytes:
    """Header and body of what stood between two delimiters. Raises BadMessage."""
    if len(candidate) > LONGEST:
        raise BadMessage(N_("{length} bytes without a delimiter; a frame has at most {limit}"), 1,
                         length=len(candidate), limit=LONGEST)  # fmt: skip
    whole = unescape(candidate)
    if len(whole) < 13:
        raise BadMessage(N_("{length} bytes are too short for a frame"), 1, length=len(whole))
    content, given = whole[:-1], whole[-1]
    if (right := checksum(content)) != given:
        raise BadMessage(N_("checksum {given:02X} is wrong, {right:02X} is right"), len(whole),
                         given=given, right=right)  # fmt: skip
    return content


class Splitter:
    """Cuts a stream into frames. Holds at most ``LONGEST`` bytes, whatever is fed to it."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._length = 0  # of the candidate so far, held or not
        self._at = 0  # stream offset of the candidate's first byte
        self._opened = False  # a delimiter stood before it

    @property
    def between(self) -> bool:
        """Nothing of a frame is held: what comes next may as well be read elsewhere."""
        return not self._length

    def skip(self, length: int) -> None:
        """So many bytes that end with a delimiter were read elsewhere; only ``between`` frames."""
        self._at += length
        self._opened = True

    def feed(self, data: bytes) -> list[Frame | Skipped]:
        """What became complete with ``data``; the same however the stream was cut into pieces."""
        *closed, open_end = data.split(b"\x7e")
        found = [item for part in closed if (item := self._close(part)) is not None]
        self._hold(open_end)
        return found

    def _hold(self, part: bytes) -> None:
        self._length += len(part)
        self._held += part[: max(0, LONGEST + 1 - len(self._held))]

    def _close(self, part: bytes) -> Frame | Skipped | None:
        self._hold(part)
        candidate, length, at, opened = bytes(self._held), self._length, self._at, self._opened
        self._held.clear()
        self._length, self._at, self._opened = 0, at + length + 1, True
        if not length:
            return None
        try:
            if not opened:
                raise BadMessage(N_("{length} bytes before the first delimiter"), 0, length=length)
            return Frame(unwrap(candidate), b"\x7e" + candidate + b"\x7e", at - 1)
        except BadMessage as error:
            if "limit" in error.facts:
                error = BadMessage(error.reason, error.offset, length=length, limit=LONGEST)
            return Skipped(error, at, length, candidate[:EVIDENCE])
