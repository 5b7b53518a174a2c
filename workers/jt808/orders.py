"""Short orders to the terminal: control, ask, locate, track, confirm an alarm, delete and list areas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from parking.speech import N_
from workers.jt808 import areas, routes
from workers.jt808.bad import BadMessage
from workers.jt808.header import Version
from workers.jt808.limits import unsigned
from workers.jt808.reader import Reader

#: Alarms the platform may confirm by 0x8203 (bits of the alarm word).
CONFIRMABLE = 1 << 0 | 1 << 3 | 1 << 20 | 1 << 21 | 1 << 22 | 1 << 27 | 1 << 28

#: Ids one delete message can name.
MOST_DELETED = 125


class Kind(IntEnum):
    """What a terminal keeps; the value is the type byte of 0x8608."""

    CIRCLE = 1
    RECTANGLE = 2
    POLYGON = 3
    ROUTE = 4

    @property
    def set_id(self) -> int:
        """The message that sets one: 0x8600, 0x8602, 0x8604, 0x8606."""
        return 0x85FE + 2 * self

    @property
    def delete_id(self) -> int:
        """0x8601, 0x8603, 0x8605, 0x8607."""
        return self.set_id + 1


@dataclass(frozen=True, slots=True)
class Ask:
    """A query without a body: 0x8107 attributes, 0x8201 position, 0x8204 link test (2019)."""


@dataclass(frozen=True, slots=True)
class Control:
    """0x8105: command 4 restarts, 5 restores the factory settings; others have parameters."""

    command: int
    parameters: str = ""


@dataclass(frozen=True, slots=True)
class Track:
    """0x8202: a report every ``interval_s`` for ``valid_s`` seconds; interval 0 stops it."""

    interval_s: int
    valid_s: int = 0


@dataclass(frozen=True, slots=True)
class ConfirmAlarm:
    """0x8203: the alarms ``bits`` of report ``serial`` (0: of all reports) are handled."""

    serial: int
    bits: int


@dataclass(frozen=True, slots=True)
class Delete:
    """0x8601, 0x8603, 0x8605, 0x8607: these ids; none named: all of that kind."""

    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class AskAreas:
    """0x8608 (2019): what the terminal keeps of ``kind``; none named: all."""

    kind: int
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class AreasAnswer:
    """0x0608 (2019): ``count`` areas or routes of ``kind``; ``rest``: hex of what could not be read."""

    kind: int
    count: int
    items: tuple[areas.Circle | areas.Rectangle | areas.Polygon | routes.Route, ...] = ()
    rest: str = ""


def encode_control(control: Control) -> bytes:
    return unsigned(control.command, 1, "command") + control.parameters.encode("gbk", "replace")


def encode_track(track: Track) -> bytes:
    interval = unsigned(track.interval_s, 2, "interval")
    return interval + unsigned(track.valid_s, 4, "time of validity") if track.interval_s else interval


def encode_confirm(confirm: ConfirmAlarm) -> bytes:
    """Raises ValueError for an alarm nobody can confirm: the terminal ends those itself."""
    if confirm.bits & ~CONFIRMABLE or not confirm.bits:
        raise ValueError(f"alarm bits {confirm.bits:#x}: only {CONFIRMABLE:#x} can be confirmed")
    return unsigned(confirm.serial, 2, "serial") + unsigned(confirm.bits, 4, "alarms")


def encode_delete(numbers: Sequence[int]) -> bytes:
    """Raises ValueError over ``MOST_DELETED`` ids."""
    if len(numbers) > MOST_DELETED:
        raise ValueError(f"at most {MOST_DELETED} ids can be deleted at once, not {len(numbers)}")
    return bytes([len(numbers)]) + b"".join(unsigned(n, 4, "id") for n in numbers)


def encode_areas_query(query: AskAreas) -> bytes:
    ids = b"".join(unsigned(n, 4, "id") for n in query.numbers)
    return unsigned(query.kind, 1, "type") + unsigned(len(query.numbers), 4, "number of ids") + ids


def read_control(reader: Reader) -> Control:
    return Control(reader.number(1, "command"), reader.text(reader.left, "parameters"))


def read_track(reader: Reader) -> Track:
    interval = reader.number(2, "interval")
    return Track(interval, reader.number(4, "time of validity") if interval or reader.left else 0)


def read_confirm(reader: Reader) -> ConfirmAlarm:
    return ConfirmAlarm(reader.number(2, "serial"), reader.number(4, "alarms"))


def read_delete(reader: Reader) -> Delete:
    count = reader.number(1, "number of ids")
    return Delete(tuple(reader.number(4, "id") for _ in range(count)))


def read_areas_query(reader: Reader) -> AskAreas:
    kind, count = reader.number(1, "type"), reader.number(4, "number of ids")
    if reader.left != 4 * count:
        raise BadMessage(N_("{count} ids do not fit {left} bytes"), reader.offset,
                         count=count, left=reader.left)  # fmt: skip
    return AskAreas(kind, tuple(reader.number(4, "id") for _ in range(count)))


def read_areas_answer(reader: Reader, version: Version) -> AreasAnswer:
    """Never refuses what follows the head: what cannot be read stays in ``rest``."""
    kind, count, at = reader.number(1, "type"), reader.number(4, "number of areas"), reader.at
    try:
        items = _read_items(reader, kind, count, version)
    except BadMessage:
        return AreasAnswer(kind, count, (), reader.body[at:].hex())
    return AreasAnswer(kind, count, items, reader.rest().hex())


def _read_items(
    reader: Reader, kind: int, count: int, version: Version
) -> tuple[areas.Circle | areas.Rectangle | areas.Polygon | routes.Route, ...]:
    """Circles and rectangles come as one list with its head, polygons and routes one after another."""
    if kind == Kind.CIRCLE:
        return areas.read_circles(reader, version).items
    if kind == Kind.RECTANGLE:
        return areas.read_rectangles(reader, version).items
    found: list[areas.Polygon | routes.Route] = []
    while reader.left and len(found) < count and kind in (Kind.POLYGON, Kind.ROUTE):
        polygon = kind == Kind.POLYGON
        found.append(areas.read_polygon(reader, version) if polygon else routes.read_route(reader, version))
    return tuple(found)
