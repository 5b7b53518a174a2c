"""What time it is in the park.

The edges ask here and pass the answer down; rules never look at a clock. Normally this is the
system clock. A demo installation has a clock file, written by the demo player only: park time then
runs faster while the recorded day plays and keeps the lead it gained. Park time never runs backwards.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DemoClock:
    """``park = park_start + rate × (real − real_start)`` until ``park_end``, then at rate 1."""

    real_start: float
    park_start: float
    rate: float
    park_end: float
    playing: bool = False  # a recorded day is still being played, however slowly just now

    def at(self, real: float) -> float:
        fast_for = (self.park_end - self.park_start) / self.rate
        elapsed = max(0.0, real - self.real_start)
        if elapsed <= fast_for:
            return self.park_start + self.rate * elapsed
        return self.park_end + (elapsed - fast_for)

    def write(self, path: Path) -> None:
        """Replace the clock file atomically."""
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self)))
        fresh.replace(path)

    def pace(self, real: float) -> float:
        """Park seconds in one real second."""
        fast_for = (self.park_end - self.park_start) / self.rate
        return self.rate if 0 <= real - self.real_start < fast_for else 1.0


_cache: tuple[str, int, DemoClock | None] = ("", 0, None)


def demo_clock() -> DemoClock | None:
    """The demo clock if this installation has one, else None."""
    global _cache
    name = os.environ.get("HAZPARK_CLOCK_FILE", "")
    if not name:
        return None
    try:
        stamp = Path(name).stat().st_mtime_ns
    except FileNotFoundError:
        return None
    if _cache[:2] != (name, stamp):
        _cache = (name, stamp, DemoClock(**json.loads(Path(name).read_text())))
    return _cache[2]


def now() -> datetime:
    """Park time, aware UTC."""
    real = datetime.now(UTC)
    clock = demo_clock()
    return datetime.fromtimestamp(clock.at(real.timestamp()), UTC) if clock else real


def pace() -> float:
    """Park seconds in one real second (1 without a demo clock): what waits for machines, not for people, is
    waited for in real time."""
    clock = demo_clock()
    return clock.pace(datetime.now(UTC).timestamp()) if clock else 1.0


def lead() -> timedelta:
    """How far park time is ahead of real time (zero without a demo clock)."""
    return now() - datetime.now(UTC)
