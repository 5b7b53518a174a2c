"""The fleet of ``river.py``: one process, many sockets, many terminals on each. Not a test.

Frames are made by numpy for all that is due in a moment; a terminal sends again, in order, what was not
answered when it has signed on again, and every ``PATIENCE_S`` over the same connection. Where the plan says
``hang_up``, a connection on which a report has waited so many seconds is given up for a new one. Started by
``river.py``; speaks JSON lines on its standard streams.
"""

from __future__ import annotations

import json
import os
import resource
import select
import socket
import sys
import time
from typing import Any

import numpy as np

from workers.jt808.framing import escape, unescape

FIRST_PHONE = 13_000_000_000
REPORT = np.dtype([  # with the three items below
    ("open", "u1"), ("id", ">u2"), ("properties", ">u2"), ("phone", "u1", 6), ("serial", ">u2"),
    ("alarm", ">u4"), ("status", ">u4"), ("lat", ">u4"), ("lon", ">u4"), ("altitude", ">u2"),
    ("speed", ">u2"),
    ("heading", ">u2"), ("time", "u1", 6), ("items", "u1", 12), ("sum", "u1"), ("close", "u1"),
])  # fmt: skip
ITEMS = np.frombuffer(bytes.fromhex("0104000012343001 1f31010c".replace(" ", "")), np.uint8)
ANSWER = np.dtype([
    ("open", "u1"), ("id", ">u2"), ("properties", ">u2"), ("phone", "u1", 6), ("own", ">u2"),
    ("answered", ">u2"), ("message", ">u2"), ("result", "u1"), ("sum", "u1"), ("close", "u1"),
])  # fmt: skip
DIGITS = 10 ** np.arange(11, -1, -1)
PATIENCE_S = 20.0


def phones(numbers: np.ndarray) -> np.ndarray:
    """12 BCD digits of each terminal, rows of 6 bytes."""
    digits = (FIRST_PHONE + numbers[:, None]) // DIGITS % 10
    return (digits[:, 0::2] * 16 + digits[:, 1::2]).astype(np.uint8)


def numbers(bcd: np.ndarray) -> np.ndarray:
    digits = np.empty((len(bcd), 12), np.int64)
    digits[:, 0::2], digits[:, 1::2] = bcd >> 4, bcd & 15
    return digits @ DIGITS - FIRST_PHONE


class Ways:
    """Each vehicle drives to and fro on a straight line; a few of them through the park."""

    def __init__(self, count: int, area: list[float], park: list[float], through: int, seed: int) -> None:
        dice = np.random.default_rng(seed)
        west, south, east, north = (area[0] + 0.003, area[1] + 0.003, area[2] - 0.003, area[3] - 0.003)
        here = np.empty((count, 2))
        there = np.empty((count, 2))
        todo = np.arange(count)
        while len(todo):
            a = dice.uniform([west, south], [east, north], (len(todo), 2))
            way = dice.uniform(0, 2 * np.pi, len(todo))
            b = a + 0.03 * np.column_stack((np.cos(way), np.sin(way)))
            low, high = np.minimum(a, b), np.maximum(a, b)
            apart = (high[:, 0] < park[0] - 0.002) | (low[:, 0] > park[2] + 0.002)
            apart |= (high[:, 1] < park[1] - 0.002) | (low[:, 1] > park[3] + 0.002)
            fine = apart & (low > [west, south]).all(axis=1) & (high < [east, north]).all(axis=1)
            here[todo[fine]], there[todo[fine]] = a[fine], b[fine]
            todo = todo[~fine]
        middle = np.array([(park[0] + park[2]) / 2, (park[1] + park[3]) / 2])
        size = np.array([park[2] - park[0], park[3] - park[1]])
        self.through = np.arange(through) * (count // max(1, through))
        off = dice.uniform(-0.35, 0.35, (through, 2)) * size
        way = dice.uniform(0, 2 * np.pi, through)
        reach = 0.9 * size.max() * np.column_stack((np.cos(way), np.sin(way)))
        here[self.through], there[self.through] = middle + off - reach, middle + off + reach
        self.here, self.step = here, there - here
        metres = np.hypot(self.step[:, 0] * 90_000, self.step[:, 1] * 111_000)
        self.kmh = dice.uniform(25, 60, count)
        self.share = self.kmh / 3.6 / metres
        self.phase = dice.uniform(0, 2, count)

    def at(self, vehicles: np.ndarray, when: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Longitude and latitude in millionths, speed in tenths."""
        along = (self.phase[vehicles] + self.share[vehicles] * (when % 1e6)) % 2
        along = np.where(along > 1, 2 - along, along)
        place = self.here[vehicles] + self.step[vehicles] * along[:, None]
        return np.rint(place[:, 0] * 1e6), np.rint(place[:, 1] * 1e6), np.rint(self.kmh[vehicles] * 10)


class Fleet:
    def __init__(self, plan: dict[str, Any]) -> None:
        self.count, self.sockets = plan["vehicles"], plan["sockets"]
        self.base, self.all = plan["first"], plan["all"]
        self.ports = plan["ports"]
        ways = Ways(plan["all"], plan["area"], plan["park"], plan["through"], plan["seed"])
        self.ways, self.through = ways, set(ways.through.tolist())
        self.own = np.arange(self.count) + self.base
        self.bcd = phones(self.own)
        self.frame: list[bytes] = [b""] * self.count
        self.serial = np.zeros(self.count, np.int64)
        self.sent = np.zeros(self.count)
        self.tried = np.zeros(self.count)  # when it last sent something again
        self.hang_up = plan["hang_up"]
        self.made_at = np.zeros(plan["sockets"])  # when each connection was
        self.hung_up = 0
        self.open = np.zeros(self.count, bool)
        self.signed = np.zeros(self.count, np.int8)  # 0 no, 1 asked, 2 yes
        self.asked = np.zeros(self.count)
        self.older: dict[int, dict[int, tuple[float, bytes]]] = {}
        self.poll = select.epoll()
        self.socks: list[socket.socket | None] = [None] * self.sockets
        self.by_fd: dict[int, int] = {}
        self.rest: dict[int, bytes] = {}
        self.blocked: dict[int, bytearray] = {}
        self.down: list[int] = list(range(self.sockets))
        self.retry_at = 0.0
        self.latency: list[np.ndarray] = []
        self.acked: list[np.ndarray] = []
        self.sign_ons: list[float] = []  # seconds from asking to the answer
        self.refused = 0
        self.told: dict[str, float] = {}  # of those through the park: "vehicle serial" → when first sent
        self.reports = 0

    # connections

    def connect(self, most: int = 1000) -> None:
        now = time.monotonic()
        if not self.down or now < self.retry_at:
            return
        for _ in range(min(most, len(self.down))):
            number = self.down[-1]
            sock = socket.socket()
            try:
                sock.settimeout(1.0)
                sock.connect(("127.0.0.1", self.ports[number % len(self.ports)]))
            except OSError:
                sock.close()
                self.retry_at = now + 0.2
                return
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.down.pop()
            self.socks[number] = sock
            self.made_at[number] = time.time()
            self.by_fd[sock.fileno()] = number
            self.poll.register(sock.fileno(), select.EPOLLIN)

    def lost(self, number: int) -> None:
        sock = self.socks[number]
        if sock is None:
            return
        self.poll.unregister(sock.fileno())
        del self.by_fd[sock.fileno()]
        sock.close()
        self.socks[number] = None
        self.rest.pop(number, None)
        self.blocked.pop(number, None)
        self.signed[number :: self.sockets] = 0
        self.down.append(number)

    def write(self, vehicle: int, data: bytes) -> None:
        number = vehicle % self.sockets
        sock = self.socks[number]
        if sock is None:
            return
        if number in self.blocked:
            self.blocked[number] += data
            return
        try:
            done = sock.send(data)
        except BlockingIOError:
            done = 0
        except OSError:
            self.lost(number)
            return
        if done < len(data):
            self.blocked[number] = bytearray(data[done:])

    def flush(self) -> None:
        for number in list(self.blocked):
            data, sock = self.blocked[number], self.socks[number]
            try:
                done = sock.send(data) if sock else len(data)
            except BlockingIOError:
                continue
            except OSError:
                self.lost(number)
                continue
            del data[:done]
            if not data:
                self.blocked.pop(number, None)

    def impatient(self) -> None:
        """Hang up where a report has waited too long since the connection was made."""
        if not self.hang_up:
            return
        now = time.time()
        first = np.where(self.open, self.sent, now)
        for v, held in self.older.items():
            first[v] = next(iter(held.values()))[0]
        for number in np.unique(np.flatnonzero(now - first > self.hang_up) % self.sockets).tolist():
            if now - self.made_at[number] > self.hang_up:
                self.hung_up += 1
                self.lost(number)

    # what is said

    def sign_on(self, vehicles: list[int]) -> None:
        now = time.time()
        for v in vehicles:
            code = f"c{FIRST_PHONE + self.base + v}".encode()
            inside = b"\x01\x02" + len(code).to_bytes(2, "big") + bytes(self.bcd[v]) + b"\xff\xff" + code
            total = 0
            for byte in inside:
                total ^= byte
            self.signed[v] = 1
            self.asked[v] = now
            self.write(v, b"\x7e" + escape(inside + bytes([total])) + b"\x7e")

    def report(self, vehicles: np.ndarray) -> None:
        now = time.time()
        late = np.flatnonzero(self.open[vehicles])
        for v in vehicles[late].tolist():
            self.older.setdefault(v, {})[int(self.serial[v])] = (self.sent[v], self.frame[v])
        self.serial[vehicles] = (self.serial[vehicles] + 1) & 0xFFFF
        frames = self.make(vehicles, now)
        self.sent[vehicles], self.open[vehicles] = now, True
        self.reports += len(frames)
        signed = self.signed[vehicles].tolist()
        wanting = []
        for v, frame, state in zip(vehicles.tolist(), frames, signed, strict=True):
            self.frame[v] = frame
            if v + self.base in self.through:
                self.told[f"{v + self.base} {self.serial[v]}"] = now
            if state == 2:
                if v in self.older and now - self.tried[v] > PATIENCE_S:
                    self.again(v, now)
                else:
                    self.write(v, frame)
            elif state == 0 or now - self.asked[v] > 5:
                wanting.append(v)
        self.sign_on(wanting)

    def again(self, v: int, now: float, all_of_it: bool = False) -> None:
        """What was not answered, oldest first, then the newest."""
        if all_of_it:
            self.tried[v] = now
        for sent, frame in self.older.get(v, {}).values():
            if all_of_it or now - sent > PATIENCE_S:
                self.write(v, frame)
                self.tried[v] = now
        if self.open[v]:
            self.write(v, self.frame[v])

    def make(self, vehicles: np.ndarray, now: float) -> list[bytes]:
        rows = np.zeros(len(vehicles), REPORT)
        rows["open"] = rows["close"] = 0x7E
        rows["id"], rows["properties"] = 0x0200, 40
        rows["phone"], rows["serial"] = self.bcd[vehicles], self.serial[vehicles]
        lon, lat, speed = self.ways.at(self.own[vehicles], now)
        rows["lon"], rows["lat"], rows["speed"] = lon, lat, speed
        rows["alarm"] = (self.own[vehicles] % 20_000 == 7) & (self.serial[vehicles] % 4 == 3)
        rows["status"], rows["altitude"], rows["heading"] = 3, 400, vehicles % 360
        stamp = time.strftime("%y%m%d%H%M%S", time.gmtime(now + 8 * 3600))
        rows["time"], rows["items"] = np.frombuffer(bytes.fromhex(stamp), np.uint8), ITEMS
        inside = rows.view(np.uint8).reshape(len(rows), REPORT.itemsize)
        inside[:, -2] = np.bitwise_xor.reduce(inside[:, 1:-2], axis=1)
        special = ((inside[:, 1:-1] == 0x7D) | (inside[:, 1:-1] == 0x7E)).any(axis=1)
        whole, size = rows.tobytes(), REPORT.itemsize
        frames = [whole[n : n + size] for n in range(0, len(whole), size)]
        for n in np.flatnonzero(special).tolist():
            frames[n] = b"\x7e" + escape(frames[n][1:-1]) + b"\x7e"
        return frames

    # what is heard

    def hear(self, timeout: float) -> None:
        pieces = []
        for fd, _ in self.poll.poll(timeout, 8192):
            number = self.by_fd.get(fd)
            if number is None:
                continue
            try:
                data = os.read(fd, 65536)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data:
                self.lost(number)
                continue
            if number in self.rest:
                data = self.rest.pop(number) + data
            if data.count(b"\x7e") % 2:  # the last one opens an answer that is not whole
                end = data.rfind(b"\x7e")
                self.rest[number], data = data[end:], data[:end]
            if b"\x7d" in data:
                parts = (unescape(p) for p in data.split(b"\x7e") if p)
                data = b"".join(b"\x7e" + p + b"\x7e" for p in parts)
            pieces.append(data)
        if pieces:
            self.answers(np.frombuffer(b"".join(pieces), ANSWER))

    def answers(self, rows: np.ndarray) -> None:
        now = time.time()
        vehicles = numbers(rows["phone"]) - self.base
        reports = rows["message"] == 0x0200
        self.refused += int((rows["result"] != 0).sum())
        good = reports & (rows["result"] == 0)
        v, serial = vehicles[good], rows["answered"][good].astype(np.int64)
        newest = (serial == self.serial[v]) & self.open[v]
        self.open[v[newest]] = False
        self.latency.append(np.column_stack((np.full(newest.sum(), now), now - self.sent[v[newest]])))
        self.acked.append((v + self.base) << 16 | serial)
        for one, number in zip(v[~newest].tolist(), serial[~newest].tolist(), strict=True):
            held = self.older.get(one)
            if held and (known := held.pop(number, None)):
                self.latency.append(np.array([[now, now - known[0]]]))
                if not held:
                    del self.older[one]
        for one, result in zip(vehicles[~reports].tolist(), rows["result"][~reports].tolist(), strict=True):
            self.signed[one] = 0 if result else 2
            self.sign_ons.append(now - self.asked[one])
            if not result and (self.open[one] or one in self.older):
                self.again(one, now, all_of_it=True)
        for one in vehicles[reports & (rows["result"] != 0)].tolist():
            self.signed[one] = 0

    # the story

    def everybody_signs_on(self) -> None:
        next_one = 0
        while (self.signed == 2).sum() < self.count:
            self.connect()
            if not self.down:
                room = 4000 - int((self.signed == 1).sum())
                if next_one < self.count and room > 0:
                    self.sign_on(list(range(next_one, min(self.count, next_one + room))))
                    next_one = min(self.count, next_one + room)
                elif next_one >= self.count:
                    late = np.flatnonzero(
                        (self.signed == 0) | ((self.signed == 1) & (time.time() - self.asked > 10))
                    )
                    self.sign_on(late[:2000].tolist())
            self.hear(0.005)
            self.flush()

    def drive(self, rate: float, seconds: float, begin: float) -> None:
        """``begin``: a common instant of all fleets; what is behind schedule is sent at once."""
        done, looked = 0, begin
        while (elapsed := time.time() - begin) < seconds:
            due = min(int(max(0.0, elapsed) * rate), done + 5000)
            if due > done:
                self.report(np.arange(done, due) % self.count)
                done = due
            self.connect()
            self.hear(0.004)
            if self.blocked:
                self.flush()
            if time.time() - looked > 1:
                looked = time.time()
                self.impatient()
        self.behind = int(rate * seconds) - done

    def drain(self, seconds: float) -> None:
        ends, tried = time.time() + seconds, time.time()
        while time.time() < ends and (self.open.any() or self.older):
            self.connect()
            self.hear(0.01)
            self.flush()
            if time.time() - tried > 1:
                tried = now = time.time()
                self.impatient()
                left = np.flatnonzero(self.open).tolist() + list(self.older)
                for v in dict.fromkeys(left):
                    if self.signed[v] == 2 and now - max(self.sent[v], self.tried[v]) > PATIENCE_S:
                        self.again(v, now, all_of_it=True)
                    elif self.signed[v] == 0 or (self.signed[v] == 1 and now - self.asked[v] > 5):
                        self.sign_on([v])


def main() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    plan = json.loads(sys.stdin.readline())
    fleet = Fleet(plan)
    fleet.everybody_signs_on()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        run = json.loads(line)
        fleet.latency, fleet.acked, fleet.reports, fleet.told = [], [], 0, {}
        fleet.hung_up, fleet.sign_ons = 0, []
        fleet.drive(run["rate"], run["seconds"], run["begin"])
        begun = time.time()
        fleet.drain(run["drain"])
        np.savez(
            run["out"], latency=np.concatenate(fleet.latency or [np.zeros((0, 2))]),
            acked=np.concatenate(fleet.acked or [np.zeros(0, np.int64)]), sign_ons=np.array(fleet.sign_ons),
        )  # fmt: skip
        left = int(fleet.open.sum()) + sum(map(len, fleet.older.values()))
        print(json.dumps({"sent": fleet.reports, "unanswered": left, "refused": fleet.refused,
                          "behind": fleet.behind, "told": fleet.told, "hung_up": fleet.hung_up,
                          "drained_s": round(time.time() - begun, 1)}), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
