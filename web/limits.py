"""Counts failed tries by address, in Valkey so that all processes count together.

While Valkey is away each process counts for itself: slower to stop a guesser, but never open and
never shut for everybody.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

import redis
from flask import Flask, current_app

from parking.refused import Refused, no
from parking.vocabulary import Refusal
from web.store import settings

#: Sources remembered by one process before those whose time is over are dropped.
_ROOM = 10_000
_lock = Lock()


def init_app(app: Flask) -> None:
    app.extensions["hazpark.tries"] = defaultdict(list)


@dataclass(frozen=True, slots=True)
class Tries:
    """``allowed`` tries per ``minutes`` from one source; then Refused until the time is over."""

    what: str
    allowed: int
    minutes: int

    def check(self, source: str) -> None:
        """Raise Refused when this source has tried too often."""
        failed, left_s = self._asked(source)
        if failed >= self.allowed:
            raise Refused(no(Refusal.SIGN_IN_LOCKED, minutes=max(1, math.ceil(left_s / 60))))

    def count(self, source: str) -> None:
        """Count one try."""
        with _lock:
            self._own(source).append(time.monotonic())
        try:
            with server(settings().redis_url).pipeline() as both:
                both.incr(self._key(source))
                both.expire(self._key(source), self.minutes * 60, nx=True)
                both.execute()
        except (redis.RedisError, ValueError):
            pass  # counted by this process

    def _asked(self, source: str) -> tuple[int, float]:
        """(tries that count, seconds until the first of them no longer does)."""
        with _lock:
            own = self._own(source)
            here, left = len(own), (own[0] + self.minutes * 60 - time.monotonic() if own else 0.0)
        try:
            shared = server(settings().redis_url)
            together = int(shared.get(self._key(source)) or 0)
            return max(here, together), max(left, float(shared.ttl(self._key(source))))
        except (redis.RedisError, ValueError):
            return here, left

    def _own(self, source: str) -> list[float]:
        """This process's tries from ``source`` that still count."""
        kept: dict[str, list[float]] = current_app.extensions["hazpark.tries"]
        since = time.monotonic() - self.minutes * 60
        if len(kept) > _ROOM:
            for key in [
                key for key, tries in kept.items() if not tries or tries[-1] < time.monotonic() - 3600
            ]:
                del kept[key]
        mine = kept[self._key(source)]
        mine[:] = [one for one in mine if one > since]
        return mine

    def _key(self, source: str) -> str:
        return f"hazpark:tries:{self.what}:{source}"


@lru_cache(maxsize=4)
def server(url: str) -> redis.Redis:
    """This process's client of Valkey; it waits half a second at most."""
    return redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5, decode_responses=True)
