"""``python -m workers decode FILE|-``: JT/T 808 frames as hex, one per line, to JSON, one object per line."""

from __future__ import annotations

import binascii
import contextlib
import json
import re
import signal
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, is_dataclass
from datetime import UTC, date, datetime
from typing import IO, Any

from parking.speech import N_, translate
from workers.cli.language import parser, spoken
from workers.jt808.assembly import Assembler
from workers.jt808.bad import BadMessage
from workers.jt808.framing import Frame, Splitter, unwrap
from workers.jt808.general import Unknown
from workers.jt808.header import Header, split
from workers.jt808.identity import Registration
from workers.jt808.location import Batch, Location, LocationReply
from workers.jt808.messages import Value, read_body

ABOUT = N_("Decode JT/T 808 frames given as hex, one per line, to JSON.")
AFTER = N_(
    "Each line gives one JSON object: ok, error, version, id, phone, serial, plate, fixes (time in UTC, "
    "degrees, km/h, metres), fields (what other messages say), package (of a divided message). Keys that do "
    "not apply are absent. Exit status: 0 all frames read, 1 some not, 2 the file cannot be read."
)

#: A line longer than this many characters is no frame; it is not kept in memory.
LONGEST_LINE = 65536


def main(argv: list[str]) -> int:
    lang = spoken(argv)
    options = parser("decode", ABOUT, lang, AFTER)
    options.add_argument(
        "file", metavar="FILE|-", help=translate("File of frames, or - for standard input.", lang)
    )
    name = options.parse_args(argv).file
    with contextlib.suppress(AttributeError, ValueError):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        with _opened(name) as source:
            return _print(decode_lines(_lines(source), lang), at_once=name == "-")
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        print(translate("Cannot read {name}: {why}", lang, name=name, why=error.strerror), file=sys.stderr)
        return 2


def decode_lines(lines: Iterable[bytes], lang: str = "en") -> Iterator[dict[str, Any]]:
    """One object per line that is not blank. Sub-packages are joined over lines. Never raises."""
    joining = Assembler()
    for line in lines:
        if text := line.strip():
            yield _decode(text, joining, lang)


def _decode(text: bytes, joining: Assembler, lang: str) -> dict[str, Any]:
    said: dict[str, Any] = {}
    try:
        content = _content(text)
        said["id"] = f"0x{content[:2].hex().upper()}"
        header, body = split(content)
        said.update(version=str(header.version), phone=header.phone, serial=header.serial)
        said.update(_meant(header, body, joining, lang))
    except BadMessage as error:
        return {"ok": False, "error": sentence(error, lang), **said}
    return {"ok": True, **said}


def sentence(error: BadMessage, lang: str) -> str:
    """Where and why, in ``lang``."""
    facts = {k: translate(v, lang) if k == "field" else v for k, v in error.facts.items()}
    why = translate(error.reason, lang, **facts)
    return translate(N_("byte {offset}: {why}"), lang, offset=error.offset, why=why)


def _content(text: bytes) -> bytes:
    """Header and body of the frame on a line; 0x, blanks and a missing pair of 7E are forgiven."""
    digits = re.sub(rb"(?i)\s|0x|,|\xef\xbb\xbf", b"", text)
    try:
        raw = binascii.unhexlify(digits)
    except binascii.Error:
        raise BadMessage(N_("the line is not hexadecimal"), _first_odd(digits)) from None
    if b"\x7e" not in raw:
        return unwrap(raw)
    found = Splitter().feed(raw if raw[-1] == 0x7E else raw + b"\x7e")
    frames = [item for item in found if isinstance(item, Frame)]
    if len(found) == 1 and frames:
        return frames[0].content
    if len(frames) > 1:
        raise BadMessage(N_("{count} frames on one line"), frames[1].offset, count=len(frames))
    if bad := [item for item in found if not isinstance(item, Frame)]:
        raise BadMessage(bad[0].error.reason, bad[0].error.offset, **bad[0].error.facts)
    raise BadMessage(N_("{length} bytes are too short for a frame"), 0, length=len(raw))


def _first_odd(digits: bytes) -> int:
    wrong = re.search(rb"[^0-9a-fA-F]", digits)
    return (wrong.start() if wrong else len(digits)) // 2


def _meant(header: Header, body: bytes, joining: Assembler, lang: str) -> dict[str, Any]:
    if not header.subpackaged:
        return _value(read_body(header, body), lang)
    package = {"package": {"number": header.number, "total": header.total}}
    joined = joining.add(header, body, 0.0)
    return package if joined is None else {**package, **_value(read_body(joined.header, joined.body), lang)}


def _value(value: Value, lang: str) -> dict[str, Any]:
    if isinstance(value, Location):
        return {"fixes": [_fix(value)]}
    if isinstance(value, LocationReply):
        return {"fixes": [_fix(value.location)], "fields": {"answered": value.serial}}
    if isinstance(value, Batch):
        return _batch(value, lang)
    if isinstance(value, Unknown) or not (fields := _fields(value)):
        return {}
    if isinstance(value, Registration):
        return {"version": str(value.version), "plate": fields.pop("plate"), "fields": fields}
    return {"fields": fields}


def _batch(batch: Batch, lang: str) -> dict[str, Any]:
    fields: dict[str, Any] = {"backfill": batch.backfill}
    if batch.unreadable:
        fields["unreadable"] = [{"item": u.item, "error": sentence(u.error, lang)} for u in batch.unreadable]
    return {"fixes": [_fix(location) for location in batch.locations.values()], "fields": fields}


def _fix(fix: Location) -> dict[str, Any]:
    return {
        "time": fix.time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "lat": fix.lat, "lon": fix.lon,
        "speed_kmh": fix.speed_kmh, "heading": fix.heading, "altitude_m": fix.altitude_m, "alarm": fix.alarm,
        "status": fix.status, "located": fix.located, "extras": dict(fix.extras),
    }  # fmt: skip


def _fields(value: object) -> dict[str, Any]:
    found = asdict(value) if is_dataclass(value) and not isinstance(value, type) else {}
    return {k: _plain(v) for k, v in found.items() if v is not None and k != "version"}


def _plain(value: Any) -> Any:
    """Times as text, bytes as hex, at any depth."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value


@contextlib.contextmanager
def _opened(name: str) -> Iterator[IO[bytes]]:
    if name == "-":
        yield sys.stdin.buffer
        return
    with open(name, "rb") as file:  # noqa: PTH123 - a name given by the user
        yield file


def _lines(source: IO[bytes]) -> Iterator[bytes]:
    """Lines; of one that never ends only the beginning."""
    while line := source.readline(LONGEST_LINE):
        rest = line
        while len(rest) == LONGEST_LINE and not rest.endswith(b"\n"):
            rest = source.readline(LONGEST_LINE)
        yield line


def _print(objects: Iterable[dict[str, Any]], at_once: bool) -> int:
    good = True
    for found in objects:
        good = good and found["ok"]
        print(json.dumps(found, ensure_ascii=False), flush=at_once)
    return 0 if good else 1
