"""What may be asked of a terminal, checked before it is written down; the gateway turns it into bytes.

Payloads are plain JSON, one shape per kind; see each function. All reasons are found, not the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from parking.refused import Reason, Refused, no
from parking.vocabulary import CommandKind, OrderField, Refusal

#: Bytes of GBK a text to the driver may take (JT/T 808, message 0x8300).
LONGEST_TEXT = 1024

#: Field of the form → (parameter of JT/T 808 table 12, smallest, largest value offered).
PARAMETERS: Mapping[OrderField, tuple[int, int, int]] = {
    OrderField.HEARTBEAT_S: (0x0001, 10, 3600),
    OrderField.REPORT_S: (0x0029, 1, 3600),
    OrderField.SLEEP_REPORT_S: (0x0027, 10, 86_400),
    OrderField.ALARM_REPORT_S: (0x0028, 1, 600),
    OrderField.TOP_SPEED_KMH: (0x0055, 5, 120),
    OrderField.SPEEDING_S: (0x0056, 1, 255),
    OrderField.LONGEST_STOP_S: (0x005A, 60, 604_800),
}

#: Alarms a person may confirm: emergency, danger, area, route, segment, illegal ignition, displacement.
CONFIRMABLE = (0, 3, 20, 21, 22, 27, 28)


@dataclass(frozen=True, slots=True)
class Order:
    """A command that may be asked."""

    kind: CommandKind
    payload: Mapping[str, Any]


def text(words: str, urgent: bool = False, speak: bool = True) -> Order:
    """``{"text", "urgent", "speak"}``; it is always shown. Raises Refused."""
    words = words.strip()
    if not words:
        raise Refused(Reason(Refusal.FIELD_MISSING, {"field": OrderField.TEXT}, OrderField.TEXT))
    if strange := sorted({c for c in words if not _in_gbk(c)}):
        raise Refused(no(Refusal.NOT_GBK, OrderField.TEXT, characters=" ".join(strange[:20])))
    if (length := len(words.encode("gbk"))) > LONGEST_TEXT:
        raise Refused(no(Refusal.TEXT_TOO_LONG, OrderField.TEXT, bytes=length, limit=LONGEST_TEXT))
    return Order(CommandKind.SEND_TEXT, {"text": words, "urgent": urgent, "speak": speak})


def track(interval_s: int, valid_s: int) -> Order:
    """``{"interval_s", "valid_s"}``; interval 0 stops. Raises Refused."""
    _raise(
        [*_range(OrderField.INTERVAL_S, interval_s, 0, 600), *_range(OrderField.VALID_S, valid_s, 0, 86_400)]
    )
    return Order(CommandKind.TRACK_FOR_A_WHILE, {"interval_s": interval_s, "valid_s": valid_s})


def parameters(wanted: Mapping[OrderField, int]) -> Order:
    """``{"parameters": {number: value}}``; JSON makes the numbers texts. Raises Refused."""
    if not wanted:
        raise Refused(no(Refusal.NOTHING_ASKED))
    _raise([r for f, value in wanted.items() for r in _range(f, value, *PARAMETERS[f][1:])])
    return Order(
        CommandKind.SET_PARAMETERS, {"parameters": {str(PARAMETERS[f][0]): v for f, v in wanted.items()}}
    )


def confirm(bits: Sequence[int], serial: int = 0) -> Order:
    """``{"bits": word, "serial"}``; serial 0 confirms them in all reports."""
    word = sum(1 << bit for bit in set(bits) if bit in CONFIRMABLE)
    if not word:
        raise Refused(no(Refusal.NOTHING_ASKED))
    return Order(CommandKind.CONFIRM_ALARM, {"bits": word, "serial": serial})


def plain(kind: CommandKind) -> Order:
    """A command that needs no values: locate, ask for parameters or attributes, restart."""
    return Order(kind, {})


def _in_gbk(character: str) -> bool:
    try:
        character.encode("gbk")
    except UnicodeEncodeError:
        return False
    return character.isprintable() or character == "\n"


def _range(field: OrderField, value: int, least: int, most: int) -> Iterator[Reason]:
    if not least <= value <= most:
        yield Reason(Refusal.OUT_OF_RANGE, {"field": field, "least": least, "most": most}, field)


def _raise(reasons: Sequence[Reason]) -> None:
    if reasons:
        raise Refused(*reasons)
