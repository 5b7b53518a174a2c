"""The recorded day as values: what each terminal said, what each person did, and when."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from workers.jt808.framing import unescape, wrap
from workers.jt808.header import split
from workers.jt808.reader import BEIJING, bcd_time, beijing

FOLDER = Path("fixtures") / "frames"
ZONE = ZoneInfo("Asia/Shanghai")
_LOCATION, _BATCH = 0x0200, 0x0704
#: Where the time stands in the body of 0x0200 (JT/T 808-2019, table 23: the printed 21 is a slip).
_TIME = slice(22, 28)


@dataclass(frozen=True, slots=True)
class Said:
    """One recorded frame, ``at`` seconds after the recorded day's midnight in Beijing."""

    at: float
    frame: bytes


@dataclass(frozen=True, slots=True)
class Truck:
    """A vehicle of the day. ``booking`` holds the form's fields, times as HH:MM; empty: it books nothing.

    ``bay``: where the recording parks it, so that is the bay the dispatcher gives it.
    """

    plate: str
    phone: str
    version: str
    booking: Mapping[str, str]
    dock: str | None
    acts: tuple[tuple[float, str], ...]
    said: tuple[Said, ...]
    bay: str | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A booking made during the day for later; ``assign``: it gets its bay at once."""

    at: float
    booking: Mapping[str, str]
    assign: bool


@dataclass(frozen=True, slots=True)
class Day:
    begins: float
    ends: float
    midnight: datetime
    trucks: tuple[Truck, ...]
    waiting: tuple[Waiting, ...]

    def bookings(self) -> Iterator[Mapping[str, str]]:
        """Every form that is filled in during the day."""
        yield from (t.booking for t in self.trucks if t.booking)
        yield from (w.booking for w in self.waiting)


def read(folder: Path = FOLDER) -> Day:
    """The recorded day. Raises OSError or ValueError when its files are missing or broken."""
    plan = json.loads((folder / "day.json").read_text(encoding="utf-8"))
    return Day(
        begins=_seconds(plan["begins"]),
        ends=_seconds(plan["ends"]),
        midnight=datetime.fromisoformat(plan["date"]).replace(tzinfo=ZONE),
        trucks=tuple(_truck(folder, entry) for entry in plan["vehicles"]),
        waiting=tuple(Waiting(_seconds(w["at"]), w["booking"], w["assign"]) for w in plan["waiting"]),
    )


def _truck(folder: Path, entry: Mapping[str, Any]) -> Truck:
    lines = (folder / entry["frames"]).read_text(encoding="ascii").splitlines()
    said = tuple(Said(float(at), bytes.fromhex(frame)) for at, frame in (line.split() for line in lines))
    acts = tuple((_seconds(at), what) for at, what in entry["acts"])
    return Truck(
        entry["plate"],
        entry["phone"],
        entry["version"],
        entry["booking"],
        entry["dock"],
        acts,
        said,
        entry.get("bay"),
    )


def _seconds(text: str) -> float:
    parts = [int(p) for p in text.split(":")]
    return float(sum(p * 60 ** (2 - n) for n, p in enumerate(parts)))


def restamped(frame: bytes, shift: timedelta) -> bytes:
    """The frame with every position time moved by ``shift`` and the checksum made right again."""
    content = unescape(frame[1:-1])[:-1]
    header, body = split(content)
    head = content[: len(content) - len(body)]
    if header.message_id == _LOCATION:
        body = _moved(body, shift)
    elif header.message_id == _BATCH:
        body = body[:3] + b"".join(_batch(body[3:], shift))
    return wrap(head + body)


def _batch(items: bytes, shift: timedelta) -> Iterator[bytes]:
    while items:
        length = int.from_bytes(items[:2])
        yield items[:2] + _moved(items[2 : 2 + length], shift)
        items = items[2 + length :]


def _moved(body: bytes, shift: timedelta) -> bytes:
    moment = beijing(body[_TIME]) + shift
    return body[: _TIME.start] + bcd_time(moment, BEIJING) + body[_TIME.stop :]
