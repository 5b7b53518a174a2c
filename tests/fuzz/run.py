"""``make fuzz``: millions of damaged frames through the whole decoder.

It must answer each with values or a BadMessage that names a byte, and hold no more memory than it says.
What it can read of areas, routes and parameters it must be able to write and read again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.fuzz import corpus, mutator
from workers.jt808 import areas, parameters, routes
from workers.jt808.assembly import MOST_BYTES, MOST_SETS, Assembler
from workers.jt808.bad import BadMessage
from workers.jt808.framing import LONGEST, Frame, Splitter
from workers.jt808.header import Header, Version, split
from workers.jt808.location import Batch, Location, LocationReply
from workers.jt808.messages import read_body

#: Frames fed in one piece, so that damage of one meets the next.
TOGETHER = 4


class Stumbled(AssertionError):
    """The decoder broke its promise; ``wire`` shows the bytes."""


def fuzz(cases: int, seed: int, say: Any = None) -> Counter[str]:
    """Run ``cases`` damaged frames. Raises Stumbled at the first broken promise."""
    random, seeds = Random(seed), corpus.contents()
    splitter, joining, counts = Splitter(), Assembler(), Counter[str]()
    told = time.monotonic()
    for done in range(0, cases, TOGETHER):
        wire = b"".join(mutator.frame(seeds, random) for _ in range(min(TOGETHER, cases - done)))
        try:
            _feed(wire, splitter, joining, counts, done / 1000)
        except Exception as error:
            raise Stumbled(
                f"seed {seed}, case {done}: {type(error).__name__}: {error}: {wire.hex()}"
            ) from error
        if say and time.monotonic() - told > 10:
            told = time.monotonic()
            say(done, counts)
    counts["cases"] = cases
    return counts


def _feed(wire: bytes, splitter: Splitter, joining: Assembler, counts: Counter[str], now: float) -> None:
    for item in splitter.feed(wire):
        if isinstance(item, Frame):
            _frame(item, joining, counts, now)
        else:
            _bad(item.error, LONGEST + 2, counts, "skipped")
    if len(splitter._held) > LONGEST + 1:
        raise Stumbled("the splitter holds more than it says")


def _frame(frame: Frame, joining: Assembler, counts: Counter[str], now: float) -> None:
    counts["frames"] += 1
    try:
        header, body = split(frame.content)
    except BadMessage as error:
        return _bad(error, len(frame.content) + 2, counts, "bad headers")
    if header.subpackaged:
        joined = joining.add(header, body, now)
        if len(joining._sets) > MOST_SETS or joining.held_bytes > MOST_BYTES:
            raise Stumbled("the assembler holds more than it says")
        if joined is None:
            counts["packages"] += 1
            return None
        header, body = joined.header, joined.body
        counts["joined"] += 1
    return _body(header, body, counts)


def _body(header: Header, body: bytes, counts: Counter[str]) -> None:
    if header.version is Version.V2013 and len(body) & 1:  # no header tells 2011: a terminal's record does
        header = replace(header, version=Version.V2011)
    try:
        value = read_body(header, body)
    except BadMessage as error:
        return _bad(error, 1 + header.length + len(body), counts, "bad bodies")
    counts["read"] += 1
    counts[type(value).__name__] += 1
    return _again(value, header.version)


def _bad(error: BadMessage, longest: int, counts: Counter[str], what: str) -> None:
    counts[what] += 1
    error.reason.format_map(error.facts)
    if not 0 <= error.offset <= longest:
        raise Stumbled(f"byte {error.offset} of {longest} is blamed: {error}")


def _again(value: object, version: Version) -> None:
    """What was read is usable, and comes back the same when it is written and read again."""
    if isinstance(value, Location):
        value.fix()
    elif isinstance(value, LocationReply):
        value.location.fix()
    elif isinstance(value, Batch):
        [one.fix() for one in value.locations.values()]
    elif isinstance(value, parameters.SetParameters):
        _same(0x8103, parameters.encode_settings(value.settings, version), version, value)
    elif isinstance(value, areas.Polygon) and len(value.vertices) > 2 and _writable(value, version):
        _same(0x8604, areas.encode_polygon(value, version), version, value)
    elif isinstance(value, routes.Route) and len(value.turns) > 1 and _writable(value, version):
        _same(0x8606, routes.encode_route(value, version), version, value)


def _writable(value: areas.Polygon | routes.Route, version: Version) -> bool:
    """Times of ours have digits, names of ours are GBK, counts and attributes fit the edition."""
    if version is Version.V2011 and value.attributes > 0xFF:
        return False
    digits = all(t.isdecimal() or not t for t in (value.limits.start, value.limits.end))
    count = len(value.vertices if isinstance(value, areas.Polygon) else value.turns)
    return digits and count < 256 and value.name.encode("gbk", "replace").decode("gbk").strip() == value.name


def _same(message_id: int, body: bytes, version: Version, value: object) -> None:
    again = read_body(Header(message_id, "1", 1, version), body)
    if again != value:
        raise Stumbled(f"{value!r} was read again as {again!r}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**32)
    given = parser.parse_args()
    began = time.monotonic()
    print(f"seed {given.seed}", flush=True)
    counts = fuzz(given.cases, given.seed, lambda done, c: print(f"{done:>12,} {dict(c)}", flush=True))
    seconds = time.monotonic() - began
    print(json.dumps({**counts, "seconds": round(seconds, 1), "per_second": round(given.cases / seconds)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
