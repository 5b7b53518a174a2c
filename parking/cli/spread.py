"""A replay shared by all workers: asked for, waited for, put together."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from parking import clock, db
from parking.rules.whatif import Period
from parking.services import replays
from parking.services.replays import Progress

#: Seconds between two looks, and without any progress until it is given up.
LOOK_S, PATIENCE_S = 0.5, 120.0


class Stalled(Exception):
    """Nothing was done for a long time: the workers are away."""

    def __init__(self, run_id: int, progress: Progress) -> None:
        super().__init__(f"replay {run_id} stands still at {progress.done} of {progress.parts}")
        self.run_id, self.progress = run_id, progress


def spread(
    asked: Period, version_id: int | None, drawing_id: int | None, done: Callable[[int, int], None]
) -> dict[str, Any]:
    """What ``parking.cli.replay.as_json`` has, judged by the workers. Raises Refused, Stalled."""
    with db.transaction() as session:
        run_id = replays.ask(session, asked, version_id, drawing_id, "command line", clock.now())
    _wait(run_id, done)
    with db.reading() as session:
        vehicles, fixes, differences = 0, 0, []
        counts: dict[str, dict[str, int]] = {}
        for part in replays.results(session, run_id):
            vehicles, fixes = vehicles + len(part.vehicles), fixes + part.fixes
            found = part.result or {}
            differences += found.get("differences", [])
            for kind, row in found.get("counts", {}).items():
                sums = counts.setdefault(kind, dict.fromkeys(row, 0))
                for name, count in row.items():
                    sums[name] += count
    return {
        "since": asked.since.isoformat(), "until": asked.until.isoformat(), "vehicles": vehicles,
        "fixes": fixes, "counts": dict(sorted(counts.items())), "differences": differences,
    }  # fmt: skip


def _wait(run_id: int, done: Callable[[int, int], None]) -> None:
    before, since = -1, time.monotonic()
    while True:
        with db.reading() as session:
            now = replays.progress(session, run_id)
        done(now.done, now.parts)
        if now.done == now.parts:
            return
        if now.done != before:
            before, since = now.done, time.monotonic()
        elif time.monotonic() - since > PATIENCE_S:
            raise Stalled(run_id, now)
        time.sleep(LOOK_S)
