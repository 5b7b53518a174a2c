"""Follows the stream in Valkey and hands it out: one reader, many clients, nobody waits for the slowest."""

from __future__ import annotations

import contextlib
import json
import queue
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import redis
import structlog

from parking.vocabulary import Role

STREAM = "hazpark:live"
BEAT_S = 15.0
#: Batches a client may lag behind before it is cut off.
LAG_MAX = 100
#: Entries repeated to a client that comes back; above it is told to read everything again.
REPEAT_MAX = 1000
#: At most this often a batch is handed out, seconds: a fleet reports hundreds of fixes a second.
PACE_S = 0.1
#: Waiting before Valkey is asked again, seconds.
FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 10.0

#: What each type tells; anything else an entry carries stays in the house.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "booking": ("booking_id",),
    "bay": ("bay_id", "booking_id"),
    "visit": ("visit_id",),
    "violation": ("violation_id",),
    "notice": (),
    "fix": ("vehicle_id", "plate", "lon", "lat", "speed_kmh", "heading", "time"),
}
_ALL = frozenset(FIELDS)
#: What each role is told. Guards learn nothing of violations and positions, administrators nothing at all.
MAY_HEAR: Mapping[str, frozenset[str]] = {
    Role.GUARD: frozenset({"booking", "bay", "visit"}),
    Role.DISPATCHER: _ALL,
    Role.SUPERVISOR: _ALL,
    Role.ADMIN: frozenset(),
}
_ID = re.compile(r"\d{1,20}-\d{1,20}")
Entry = tuple[str, dict[str, Any]]

log = structlog.get_logger()


@dataclass(eq=False, slots=True)
class Client:
    """One open stream."""

    staff_id: int
    role: str
    version: int
    sock: socket.socket | None = None
    queue: queue.Queue[str] = field(default_factory=lambda: queue.Queue(LAG_MAX))
    dropped: bool = False

    def give(self, text: str) -> bool:
        """Put into the queue; a full one means the browser is too slow: cut it off. False when cut."""
        try:
            self.queue.put_nowait(text)
        except queue.Full:
            self.dropped = True
            if self.sock is not None:
                with contextlib.suppress(OSError):
                    self.sock.shutdown(socket.SHUT_RDWR)  # wakes the greenlet that is stuck sending
        return not self.dropped


class Hub:
    """The clients of this process and the reader that serves them. ``carried``: are letters in time?"""

    def __init__(self, url: str, carried: Callable[[], bool | None]) -> None:
        self._url = url
        self._carried = carried
        self._lock = threading.Lock()
        self._clients: set[Client] = set()
        self._position: str | None = None  # id of the newest entry handed out; None: not connected yet
        self._started = False
        self._server: Any = None  # answers of redis-py are typed for every protocol at once
        self.connected = False
        self.dropped = 0

    def start(self) -> None:
        """Begin to follow the stream (once, at the first visitor)."""
        with self._lock:
            if self._started:
                return
            self._started = True
        threading.Thread(target=self._follow, name="live-reader", daemon=True).start()

    def count(self) -> int:
        with self._lock:
            return len(self._clients)

    def full(self, staff_id: int, all_of_them: int, of_one: int) -> bool:
        with self._lock:
            mine = sum(c.staff_id == staff_id for c in self._clients)
            return len(self._clients) >= all_of_them or mine >= of_one

    def join(self, client: Client, last_id: str | None) -> Sequence[str]:
        """Take the client in; returns what it missed since ``last_id`` (its newest event), if it was away."""
        self.start()
        with self._lock:
            self._clients.add(client)
            position = self._position
        if not last_id:
            return ()
        try:
            return list(self._missed(client.role, last_id, position))
        except (redis.RedisError, ValueError):
            return (refresh(),)

    def leave(self, client: Client) -> None:
        with self._lock:
            self._clients.discard(client)

    def beat(self) -> str:
        """Every 15 s to everyone: we are here, and this is how far we can be believed."""
        state = {"valkey": self.connected, "carried": self._carried()}
        return f": beat\nevent: beat\ndata: {json.dumps(state)}\n\n"

    def _missed(self, role: str, last_id: str, position: str | None) -> Iterator[str]:
        """The entries after ``last_id`` up to ``position``; later ones come through the queue."""
        server = self._server
        if position is None or server is None or not _ID.fullmatch(last_id):
            yield refresh()
            return
        oldest = server.xrange(STREAM, count=1)
        found = server.xrange(STREAM, f"({last_id}", position, count=REPEAT_MAX + 1)
        forgotten = not oldest or _order(oldest[0][0]) > _order(last_id) or _order(last_id) > _order(position)
        if forgotten or len(found) > REPEAT_MAX:
            yield refresh(position)
            return
        text = told(role, _entries(found))
        if text:
            yield text

    def _follow(self) -> None:
        """For ever: connect, read, hand out; when Valkey is away say so and try again."""
        wait = FIRST_WAIT_S
        while True:
            try:
                self._connect()
                wait = FIRST_WAIT_S
                while True:
                    self._read()
            except (redis.RedisError, OSError, ValueError) as error:
                if self.connected or wait == FIRST_WAIT_S:
                    log.warning("live_stream_away", error=str(error))
                self._lost()
                time.sleep(wait)
                wait = min(LONGEST_WAIT_S, wait * 2)
            except Exception:
                log.exception("live_stream_failed")
                self._lost()
                time.sleep(LONGEST_WAIT_S)

    def _connect(self) -> None:
        """Begin behind the newest entry, or where we stopped as long as that entry is still known."""
        server: Any = redis.Redis.from_url(
            self._url, socket_timeout=BEAT_S + 5, socket_connect_timeout=3, decode_responses=True, protocol=2
        )
        newest = server.xrevrange(STREAM, count=1)
        top = str(newest[0][0]) if newest else "0-0"
        with self._lock:
            before, self._position = self._position, top
            self._server, self.connected = server, True
        if before is not None:
            self._everyone(refresh(top))  # whatever was missed: read it all again
        self._everyone(self.beat())

    def _read(self) -> None:
        server = self._server
        if server is None:
            raise ValueError("not connected")
        answer = server.xread({STREAM: self._position or "0-0"}, count=500, block=int(BEAT_S * 1000))
        if not answer:
            return
        rows = answer[0][1]
        entries = _entries(rows)
        heard = {role: told(role, entries) for role in MAY_HEAR}
        with self._lock:
            self._position = str(rows[-1][0])
            self._hand_out(lambda role: heard.get(role, ""))
        time.sleep(PACE_S)

    def _lost(self) -> None:
        was = self.connected
        self.connected = False
        if was:
            self._everyone(self.beat())

    def _everyone(self, text: str) -> None:
        with self._lock:
            self._hand_out(lambda role: text)

    def _hand_out(self, text: Callable[[str], str]) -> None:
        for client in list(self._clients):
            said = text(client.role)
            if said and not client.give(said):
                self.dropped += 1
                self._clients.discard(client)


def refresh(event_id: str | None = None) -> str:
    """Tells a browser that it may have missed something: read everything again."""
    head = f"id: {event_id}\n" if event_id else ""
    return f'{head}data: {{"type":"refresh"}}\n\n'


def told(role: str, entries: Iterable[Entry]) -> str:
    """The entries as a client of this role hears them; of several fixes of a vehicle only the last."""
    heard = MAY_HEAR.get(role, frozenset())
    kept = [(eid, e) for eid, e in entries if e.get("type") in heard]
    last_fix = {e.get("vehicle_id"): eid for eid, e in kept if e["type"] == "fix"}
    return "".join(
        _line(eid, e) for eid, e in kept if e["type"] != "fix" or last_fix[e.get("vehicle_id")] == eid
    )


def _line(event_id: str, entry: Mapping[str, Any]) -> str:
    cut = {key: entry[key] for key in ("type", *FIELDS[entry["type"]]) if key in entry}
    return f"id: {event_id}\ndata: {json.dumps(cut, ensure_ascii=False, separators=(',', ':'))}\n\n"


def _entries(rows: Iterable[Any]) -> list[Entry]:
    """What can be read; an entry nobody understands is passed over."""
    found: list[Entry] = []
    for event_id, fields in rows:
        try:
            entry = json.loads(fields.get("data", ""))
        except (ValueError, AttributeError):
            continue
        readable = isinstance(entry, dict) and isinstance(entry.get("type"), str)
        if readable and isinstance(entry.get("vehicle_id", 0), int):
            found.append((str(event_id), entry))
    return found


def _order(event_id: str) -> tuple[int, int]:
    first, _, second = event_id.partition("-")
    return int(first), int(second or 0)
