"""What beat rings, and how often.

Nothing is timed by a delayed task: each sweep asks the database what is due, so a ring lost costs one
period and a ring too many costs nothing. A ring not heard within its period is dropped.
"""

from __future__ import annotations

from typing import Any


def _every(seconds: float, task: str) -> dict[str, Any]:
    return {"task": task, "schedule": seconds, "options": {"expires": seconds}}


TIMETABLE: dict[str, dict[str, Any]] = {
    task: _every(seconds, task)
    for task, seconds in {
        "sweep_overstays": 5.0,
        "sweep_silence": 5.0,
        "sweep_bookings": 10.0,
        "sweep_visits": 10.0,
        "sweep_queue": 10.0,
        "sweep_warnings": 20.0,
        "sweep_waitlist": 15.0,
        "settle_bays": 60.0,
        "sweep_commands": 10.0,
        "sweep_evidence": 20.0,
        "sweep_terminals": 60.0,
        "sweep_fences": 60.0,
        "make_plans": 2.0,
        "heartbeat": 5.0,
        "make_partitions": 60.0,
        "pack_fixes": 300.0,
    }.items()
}
