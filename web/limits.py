"""Counts failed tries by address, in Valkey so that all processes count together.

While Valkey is away each process counts for itself: slower to stop a guesser, but never open and
never shut for everybody.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock

import redis

from parking.refused import Refused, no
from parking.vocabulary import Refusal
from web.store import settings


@lru_cache(maxsize=4)
def _server(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5, decode_responses=True)


@dataclass(slots=True)
class Tries:
    """``allowed`` failures per ``minutes`` from one source; then Refused until the time is over."""

    what: str
    allowed: int
    minutes: int
    _own: dict[str, list[float]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def check(self, source: str) -> None:
        """Raise Refused when this source has failed too often."""
        failed, left_s = self._asked(source)
        if failed >= self.allowed:
            raise Refused(no(Refusal.SIGN_IN_LOCKED, minutes=max(1, math.ceil(left_s / 60))))

    def count(self, source: str) -> None:
        """Count one failure."""
        with self._lock:
            self._fresh(source).append(time.monotonic())
        try:
            server, key = _server(settings().redis_url), self._key(source)
            with server.pipeline() as both:
                both.incr(key).expire(key, self.minutes * 60, nx=True).execute()
        except (redis.RedisError, ValueError):
            pass  # counted by this process

    def _asked(self, source: str) -> tuple[int, float]:
        with self._lock:
            own = self._fresh(source)
            here, left = len(own), (own[0] + self.minutes * 60 - time.monotonic() if own else 0.0)
        try:
            server, key = _server(settings().redis_url), self._key(source)
            return max(here, int(server.get(key) or 0)), max(left, float(server.ttl(key)))
        except (redis.RedisError, ValueError):
            return here, left

    def _fresh(self, source: str) -> list[float]:
        """This process's failures of ``source`` that still count."""
        since = time.monotonic() - self.minutes * 60
        if len(self._own) > 10_000:
            self._own = {k: v for k, v in self._own.items() if v and v[-1] > since}
        kept = self._own[source] = [t for t in self._own.get(source, ()) if t > since]
        return kept

    def _key(self, source: str) -> str:
        return f"hazpark:tries:{self.what}:{source}"
