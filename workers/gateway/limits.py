"""What the gateway allows a connection, and itself."""

from __future__ import annotations

import resource
from dataclasses import dataclass

#: File descriptors kept for databases, logs and the like.
_SPARE_FILES = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds. ``queue`` and ``batch`` count fixes."""

    sign_on_s: float = 60.0  # from connecting to authentication
    idle_s: float = 600.0  # between two good frames; heartbeats come every 30-180 s
    connections: int = 20_000
    relay_terminals: int = 50_000  # of one declared relay's connection
    queue: int = 20_000
    share: float = 0.2  # of the queue, for one terminal; a relay may fill it
    batch: int = 4_000
    gather_s: float = 0.03
    read_s: float = 0.01  # what comes within this is read together
    positions: int = 500  # told to the live map, a second
    retry_s: float = 0.2  # first pause after an outage, doubling …
    retry_most_s: float = 5.0  # … up to this
    drain_s: float = 4.0  # at the end: for what was received but not yet stored
    unread_bytes: int = 256 * 1024  # answers a terminal may leave unread
    failures: int = 5  # refused sign-ons of one connection

    @property
    def allowed_connections(self) -> int:
        """As many as wanted and as the system has file descriptors for."""
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return (
            self.connections
            if soft == resource.RLIM_INFINITY
            else max(1, min(self.connections, soft - _SPARE_FILES))
        )
