"""The live stream: what browsers should look at again, now.

A stream in Valkey, cut to about the last ten thousand entries. It is a doorbell, not a memory: what it
says is already committed in PostgreSQL, so an entry lost with the broker costs a late refresh and
nothing else. Telling therefore never raises and never waits long.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import redis

from parking.settings import Settings

STREAM = "hazpark:live"
KEEP = 10_000

#: After a failure, entries are dropped for this long instead of waiting for the broker each time, seconds.
PAUSE_S = 1.0

log = logging.getLogger(__name__)


class LiveStream:
    """Writes entries ``data`` = JSON ``{"type": violation|fix|booking|bay|visit|notice, …ids}``."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(url, socket_timeout=1.0, socket_connect_timeout=1.0)
        self._silent_until = 0.0

    def tell(self, news: Iterable[Mapping[str, Any]]) -> bool:
        """Append the entries in one round trip. False when they were dropped."""
        entries = [json.dumps(dict(n), ensure_ascii=False, separators=(",", ":")) for n in news]
        if not entries or time.monotonic() < self._silent_until:
            return not entries
        try:
            self._append(entries)
        except redis.RedisError as error:
            self._silent_until = time.monotonic() + PAUSE_S
            log.warning("live stream: %d entries dropped: %s", len(entries), error)
            return False
        return True

    def _append(self, entries: list[str]) -> None:
        with self._client.pipeline(transaction=False) as pipe:
            for entry in entries:
                pipe.xadd(STREAM, {"data": entry}, maxlen=KEEP, approximate=True)
            pipe.execute()


@lru_cache(maxsize=1)
def stream() -> LiveStream:
    """This process's stream, at REDIS_URL."""
    return LiveStream(Settings.from_env().redis_url)


def tell(news: Iterable[Mapping[str, Any]]) -> bool:
    return stream().tell(news)
