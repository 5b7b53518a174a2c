"""Reads fields off a body and knows, when one is missing, where and which."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo

from parking.speech import N_
from workers.jt808.bad import BadMessage

#: Times on the wire are Beijing time, except in 0x8004.
BEIJING = timezone(timedelta(hours=8))


class Reader:
    """A cursor over ``body``; ``base`` is the frame offset of its first byte."""

    def __init__(self, body: bytes, base: int = 0) -> None:
        self.body, self.base, self.at = body, base, 0

    @property
    def left(self) -> int:
        return len(self.body) - self.at

    @property
    def offset(self) -> int:
        return self.base + self.at

    def take(self, length: int, field: str) -> bytes:
        if self.left < length:
            raise BadMessage(
                N_("the body ends inside {field}: {length} bytes wanted, {left} left"),
                self.offset, field=field, length=length, left=self.left,
            )  # fmt: skip
        self.at += length
        return self.body[self.at - length : self.at]

    def rest(self) -> bytes:
        return self.take(self.left, "")

    def number(self, length: int, field: str) -> int:
        return int.from_bytes(self.take(length, field), "big")

    def text(self, length: int, field: str) -> str:
        return text(self.take(length, field))

    def exact_text(self, length: int, field: str) -> str:
        """Text that names something (a plate, a code): must be whole GBK. Raises BadMessage."""
        at, data = self.offset, self.take(length, field).split(b"\0")[0]
        try:
            return data.decode("gb18030").strip()
        except UnicodeDecodeError as error:
            raise BadMessage(N_("{field} is not GBK text"), at + error.start, field=field) from None

    def moment(self, field: str) -> datetime:
        at, data = self.offset, self.take(6, field)
        try:
            return beijing(data)
        except ValueError:
            raise BadMessage(N_("{field} is no time: {hex}"), at, field=field, hex=data.hex()) from None


def text(data: bytes) -> str:
    """GBK text, padding removed; what is not GBK shows as U+FFFD."""
    return data.decode("gb18030", "replace").replace("\0", "").strip()


def beijing(data: bytes) -> datetime:
    """BCD YYMMDDhhmmss in GMT+8 → aware UTC. Raises ValueError."""
    if not (digits := data.hex()).isdecimal():
        raise ValueError(digits)
    year, month, day, hour, minute, second = (int(digits[n : n + 2]) for n in range(0, 12, 2))
    return datetime(2000 + year, month, day, hour, minute, second, tzinfo=BEIJING).astimezone(UTC)


def bcd_time(moment: datetime, zone: tzinfo = BEIJING) -> bytes:
    """Aware time → BCD YYMMDDhhmmss, GMT+8 unless told otherwise."""
    return bytes.fromhex(moment.astimezone(zone).strftime("%y%m%d%H%M%S"))


def padded(value: str, length: int) -> bytes:
    """GBK text in exactly ``length`` bytes, filled with zeros."""
    return value.encode("gbk", "replace")[:length].ljust(length, b"\0")
