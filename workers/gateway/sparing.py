"""A log that a flood cannot fill: each event a few times a minute, then only counted."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import structlog

PER_MINUTE = 5


def configure(level: str) -> None:
    """One line per event: time, level, event, key=value."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(),
    )


class Sparing:
    """``warning(event, **facts)`` and its brothers; ``suppressed`` tells how many went unsaid before."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = structlog.get_logger()
        self._clock = clock
        self._minute: dict[str, tuple[float, int]] = {}

    def info(self, event: str, **facts: Any) -> None:
        self._say("info", event, facts)

    def warning(self, event: str, **facts: Any) -> None:
        self._say("warning", event, facts)

    def error(self, event: str, **facts: Any) -> None:
        self._say("error", event, facts)

    def _say(self, level: str, event: str, facts: dict[str, Any]) -> None:
        now = self._clock()
        since, said = self._minute.get(event, (now, 0))
        if now - since >= 60:
            if said > PER_MINUTE:
                facts["suppressed"] = said - PER_MINUTE
            since, said = now, 0
        self._minute[event] = (since, said + 1)
        if said < PER_MINUTE:
            getattr(self._log, level)(event, **facts)
