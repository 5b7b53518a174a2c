"""``make bench``, the river: sockets → rules → commit → answer → browser, by the processes of ``make run``.

A fleet on relay sockets (several terminals each, enrolled by SQL) reports at a steady rate; an event-stream
client listens. Afterwards every answered fix must be stored once, and the violations must be those the
rules find in the stored fixes one at a time. ``--kill`` kills -9 a random process every so many seconds.
Figures of one machine and one moment, load generator included.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from flask import Flask
from fleet import FIRST_PHONE
from sqlalchemy import Engine, text

from geo.fix import Fix
from geo.layers import read_park
from geo.shapes import LayerKind
from parking import db, running
from parking.rules.ground import Ground
from parking.rules.monitor import Journey, State, judge
from workers.processes import end

ROOT = Path(__file__).parents[2]
OUT = ROOT / "build" / "river.json"
STRANGER = Journey(booked=False, loaded=None)
PROCESSES = ("gateway", "postgresql", "valkey", "relay", "worker", "live")
#: The runs the project is held to: fixes a second, seconds, seconds between kills (0: none).
RUNS = {"nation": (13_300, 120, 0), "rush": (45_000, 60, 0), "chaos": (13_300, 600, 30)}


def main(argv: list[str] | None = None) -> dict[str, Any]:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", nargs="*", default=["nation", "rush", "chaos"], choices=RUNS)
    options.add_argument("--vehicles", type=int, default=399_000)
    options.add_argument("--sockets", type=int, default=19_000)
    options.add_argument("--rate", type=float, help="fixes a second instead of each run's own")
    options.add_argument("--seconds", type=float, help="seconds instead of each run's own")
    options.add_argument("--drain", type=float, help="seconds to wait for the last answers")
    options.add_argument(
        "--hang-up", type=float, default=0.0, help="seconds until who is not answered makes a new connection"
    )
    options.add_argument("--kill", type=float, help="seconds between kill -9 instead of each run's own")
    options.add_argument("--gateways", type=int, default=1)
    options.add_argument("--fleets", type=int, default=1, help="processes of the load generator")
    options.add_argument(
        "--through", type=int, default=2000, help="vehicles whose way leads through the park"
    )
    options.add_argument(
        "--sample", type=int, default=2000, help="other vehicles checked against the reference"
    )
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--settle", type=float, default=45.0, help="seconds of unmeasured traffic before")
    options.add_argument("--cold", action="store_true", help="measure from the first report on")
    options.add_argument("--out", type=Path, default=OUT)
    chosen = options.parse_args(argv)
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="hzr") as folder, _house(Path(folder), chosen) as house:
        for name in chosen.runs:
            rate, seconds, kill = RUNS[name]
            results[name] = house.run(
                chosen.rate or rate, chosen.seconds or seconds, kill if chosen.kill is None else chosen.kill
            )
            print(json.dumps({name: results[name]}, indent=1), flush=True)
    chosen.out.parent.mkdir(exist_ok=True)
    chosen.out.write_text(json.dumps(results, indent=1) + "\n")
    return results


class House:
    """The running system and the fleets in front of it."""

    def __init__(
        self, data: Path, up: subprocess.Popen[str], env: dict[str, str], chosen: argparse.Namespace
    ) -> None:
        self.data, self.up, self.env, self.chosen = data, up, env, chosen
        self.engine = db.make_engine(env["DATABASE_URL"])
        self.fleets: list[subprocess.Popen[str]] = []
        self.extra: list[subprocess.Popen[bytes]] = []
        self.dice = random.Random(chosen.seed)
        self.warm = False
        self.area, self.park = _place()

    def pids(self) -> dict[str, list[int]]:
        """Process numbers by name, children included."""
        parents, commands = _processes()
        found: dict[str, list[int]] = defaultdict(list)
        for pid, command in commands.items():
            if parents[pid] == self.up.pid and (name := _name(command)):
                found[name].append(pid)
        for name, tops in list(found.items()):
            for top in tops[:]:
                found[name] += [p for p, parent in parents.items() if parent == top]
        found["gateway"] += [p.pid for p in self.extra]
        found["fleet"] = [p.pid for p in self.fleets]
        return found

    def enrol(self) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(
                "INSERT INTO vehicle (plate, plate_colour, first_seen_at) SELECT 'R' || n, 2, now()"
                f" FROM generate_series(1, {self.chosen.vehicles}) n"
            ))  # fmt: skip
            connection.execute(text(
                "INSERT INTO terminal (phone, vehicle_id, auth_code, registered_at)"
                f" SELECT ({FIRST_PHONE} + n)::text, id, 'c' || ({FIRST_PHONE} + n), now()"
                " FROM (SELECT id, substr(plate, 2)::bigint - 1 AS n FROM vehicle WHERE plate LIKE 'R%') v"
            ))  # fmt: skip
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))

    def start_fleets(self, ports: list[int]) -> None:
        share = self.chosen.vehicles // self.chosen.fleets
        for n in range(self.chosen.fleets):
            plan = {
                "vehicles": share, "sockets": self.chosen.sockets // self.chosen.fleets, "first": n * share,
                "all": share * self.chosen.fleets, "ports": ports, "area": self.area, "park": self.park,
                "through": self.chosen.through, "seed": self.chosen.seed, "hang_up": self.chosen.hang_up,
            }  # fmt: skip
            fleet = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("fleet.py"))], cwd=ROOT, text=True,
                env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
            self.fleets.append(fleet)
            _say(fleet, plan)
        begun = time.time()
        for fleet in self.fleets:
            _hear(fleet)
        print(f"{self.chosen.vehicles} terminals signed on in {time.time() - begun:.1f} s", flush=True)

    def run(self, rate: float, seconds: float, kill: float) -> dict[str, Any]:
        with self.engine.begin() as connection:
            first = connection.execute(text("SELECT coalesce(max(id), 0) FROM violation")).scalar_one()
        ear = Ear(self.env, self.engine)
        self._warm(rate)
        pids, begin = self.pids(), time.time() + 1
        spent = {name: _cpu(found) for name, found in pids.items()}
        for n, fleet in enumerate(self.fleets):
            _say(fleet, {
                "rate": rate / len(self.fleets), "seconds": seconds, "begin": begin,
                "drain": self.chosen.drain or (90 if kill else 30), "out": str(self.data / f"fleet{n}.npz"),
            })  # fmt: skip
        kills = self._kill_until(begin + seconds, kill)
        time.sleep(max(0.0, begin + seconds - time.time()))
        after = {name: _cpu(found) for name, found in self.pids().items()}
        said = [_hear(fleet) for fleet in self.fleets]
        self._settled()
        ear.close()
        files = [np.load(self.data / f"fleet{n}.npz") for n in range(len(self.fleets))]
        latency = np.concatenate([f["latency"] for f in files])
        answered = np.concatenate([f["acked"] for f in files])
        acked = np.unique(answered)
        told = {k: v for one in said for k, v in one["told"].items()}
        measured = {
            "rate": rate, "seconds": seconds,
            "sent": sum(s["sent"] for s in said), "acknowledged": len(acked),
            "answered_again": len(answered) - len(acked), "hung_up": sum(s["hung_up"] for s in said),
            "drained_s": max(s["drained_s"] for s in said),
            "behind": sum(s["behind"] for s in said), "unanswered": sum(s["unanswered"] for s in said),
            "refused": sum(s["refused"] for s in said), "ack_ms": _quantiles(latency[:, 1]),
        }  # fmt: skip
        if len(sign_ons := np.concatenate([f["sign_ons"] for f in files])):
            measured |= {"signed_on_again": len(sign_ons), "sign_on_ms": _quantiles(sign_ons)}
        if kill:
            calm = np.ones(len(latency), bool)
            for moment, _ in kills:
                sent = latency[:, 0] - latency[:, 1]
                calm &= (latency[:, 0] < moment) | (sent > moment + 5)
            measured |= {
                "kills": [name for _, name in kills],
                "ack_ms_outside_5s": _quantiles(latency[calm, 1]),
            }
        if not kill:  # processes that died took their account with them
            measured["us_a_fix"] = {
                name: round(1e6 * (after.get(name, 0) - spent[name]) / max(1, measured["sent"]), 1)
                for name in spent
            }
            share = {n: (after.get(n, 0) - spent[n]) / seconds / (os.cpu_count() or 1) for n in spent}
            measured["cpu_percent_of_machine"] = {n: round(100 * v, 1) for n, v in share.items()}
            measured["cpu_percent_of_machine"]["all"] = round(100 * sum(share.values()), 1)
        measured |= self._stored(acked)
        measured |= self._violations(first, ear, told)
        return measured

    def _warm(self, rate: float) -> None:
        """Every vehicle reports once, unmeasured, and goes on for a while: processes that run have met their
        fleet, and what its signing on left behind is tidied up."""
        if self.warm or self.chosen.cold:
            return
        self.warm, rate = True, min(rate, 10_000.0)
        for n, fleet in enumerate(self.fleets):
            seconds = self.chosen.vehicles / rate + 1 + self.chosen.settle
            _say(fleet, {"rate": rate / len(self.fleets), "seconds": seconds,
                         "drain": 60,
                         "begin": time.time(), "out": str(self.data / f"warm{n}.npz")})  # fmt: skip
        for fleet in self.fleets:
            _hear(fleet)

    def _kill_until(self, end: float, every: float) -> list[tuple[float, str]]:
        kills: list[tuple[float, str]] = []
        while every and time.time() + every < end:
            time.sleep(every * self.dice.uniform(0.8, 1.2))
            name = self.dice.choice(PROCESSES)
            for pid in self.pids().get(name, [])[:1]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    kills.append((time.time(), name))
        return kills

    def _settled(self) -> None:
        """Until no fix comes any more, of those nobody waits for either, and every letter is carried."""
        ends, before = time.time() + 300, -1
        while time.time() < ends:
            with contextlib.suppress(Exception), self.engine.connect() as connection:
                fixes, letters = connection.execute(text(
                    "SELECT (SELECT count(*) FROM fix), (SELECT count(*) FROM outbox WHERE done_at IS NULL)"
                )).one()  # fmt: skip
                if fixes == before and not letters:
                    return
                before = fixes
            time.sleep(2.0)

    def _stored(self, acked: np.ndarray) -> dict[str, Any]:
        """Answered and not stored, and stored more than once."""
        with self.engine.connect() as connection:
            rows = connection.execute(text(
                f"SELECT (t.phone::bigint - {FIRST_PHONE}) << 16 | f.serial FROM fix f"
                " JOIN terminal t ON t.id = f.terminal_id"
            ))  # fmt: skip
            stored = np.fromiter((row[0] for row in rows), np.int64)
        unique = np.unique(stored)
        return {
            "stored": len(stored), "doubled": len(stored) - len(unique),
            "acknowledged_and_lost": int((~np.isin(acked, unique)).sum()),
        }  # fmt: skip

    def _violations(self, first: int, ear: Ear, told: dict[str, float]) -> dict[str, Any]:
        with self.engine.connect() as connection:
            rows = connection.execute(text(
                f"SELECT v.id, v.vehicle_id, v.kind, v.subject, v.started_at, v.ended_at,"
                f" (t.phone::bigint - {FIRST_PHONE}), (SELECT f.serial FROM fix f"
                " WHERE f.vehicle_id = v.vehicle_id AND f.received_at = v.seen_at"
                " ORDER BY f.time DESC LIMIT 1)"
                " FROM violation v JOIN terminal t ON t.vehicle_id = v.vehicle_id WHERE v.state <> 'refuted'"
            )).all()  # fmt: skip
            refuted = connection.execute(
                text("SELECT count(*) FROM violation WHERE state = 'refuted'")
            ).scalar_one()
            vehicles = {row[1] for row in rows}
            others = connection.execute(text("SELECT id FROM vehicle WHERE plate LIKE 'R%'")).scalars().all()
        vehicles |= set(self.dice.sample(list(others), min(len(others), self.chosen.sample)))
        wanted = self._reference(sorted(vehicles))
        found = [(v, kind, subject, began, ended) for _, v, kind, subject, began, ended, _, _ in rows]
        delays = [
            ear.heard[number] - told[key]
            for number, *_, phone, serial in rows
            if number > first and number in ear.heard and (key := f"{phone} {serial}") in told
        ]
        fresh = sum(row[0] > first for row in rows)
        return {
            "violations": len(found), "violations_of_this_run": fresh, "refuted": refuted,
            "odd_ones": [list(map(str, one)) for one in sorted(wanted ^ set(found), key=str)[:10]],
            "missed": len(wanted - set(found)), "invented": len(set(found) - wanted),
            "doubled_violations": len(found) - len(set(found)), "checked_vehicles": len(vehicles),
            "heard_in_browser": sum(row[0] in ear.heard for row in rows if row[0] > first),
            "browser_ms": _quantiles(np.array(delays)),
        }  # fmt: skip

    def _reference(self, vehicles: list[int]) -> set[tuple[Any, ...]]:
        """The violations the rules find in the stored fixes, one fix at a time."""
        park, _ = read_park(ROOT / "fixtures" / "park")
        assert park is not None
        ground, wanted = Ground(park), set()
        with self.engine.connect() as connection:
            for n in range(0, len(vehicles), 500):
                rows = connection.execute(text(
                    "SELECT vehicle_id, time, lon, lat, speed_kmh, heading, altitude_m, located, alarm,"
                    " status, backfill, received_at FROM fix WHERE vehicle_id = ANY(:ids)"
                    " ORDER BY vehicle_id, time, serial, item"
                ), {"ids": vehicles[n : n + 500]})  # fmt: skip
                states: dict[int, State] = defaultdict(State.new)
                latest: dict[tuple[Any, ...], Any] = {}
                for vehicle, *fix, received in rows:
                    judged = judge(ground, states[vehicle], [Fix(*fix)], lambda _: STRANGER, received)
                    states[vehicle] = judged.state
                    for f in judged.findings:
                        if f.offence:
                            latest[vehicle, str(f.kind), f.subject, f.started_at] = f.ended_at
                wanted |= {(*key, ended) for key, ended in latest.items()}
        return wanted


class Ear:
    """A browser that listens to the event stream and comes back when it was cut off."""

    def __init__(self, env: dict[str, str], engine: Engine) -> None:
        self.heard: dict[int, float] = {}
        self._port, self._cookie, self._going = int(env["HAZPARK_LIVE_PORT"]), _cookie(env, engine), True
        self._last = ""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        time.sleep(0.5)

    def close(self) -> None:
        self._going = False

    def _run(self) -> None:
        while self._going:
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
                headers = {"Cookie": self._cookie, **({"Last-Event-ID": self._last} if self._last else {})}
                connection.request("GET", "/live", headers=headers)
                self._listen(connection.getresponse())
            time.sleep(0.1)

    def _listen(self, answer: http.client.HTTPResponse) -> None:
        if answer.status != 200:
            raise ValueError(answer.status)
        while self._going and (line := answer.readline()):
            if line.startswith(b"id: "):
                self._last = line[4:].strip().decode()
            elif line.startswith(b"data: ") and b'"violation_id"' in line:
                self.heard.setdefault(json.loads(line[6:])["violation_id"], time.time())


@contextlib.contextmanager
def _house(data: Path, chosen: argparse.Namespace) -> Iterator[House]:
    ports = _free_ports(3 + chosen.gateways - 1)
    env = {k: v for k, v in os.environ.items() if not k.startswith("HAZPARK_") and not k.endswith("_URL")}
    env |= dict(
        zip(("HAZPARK_WEB_PORT", "HAZPARK_LIVE_PORT", "HAZPARK_GATEWAY_PORT"), map(str, ports), strict=False)
    )
    env |= {
        "HAZPARK_DATA": str(data), "HAZPARK_DEMO": "0", "HAZPARK_SECRET_KEY": "bench" * 8,
        "HAZPARK_TERMINAL_RELAYS": "127.0.0.0/8", "PYTHONPATH": str(ROOT), "HAZPARK_LOG_LEVEL": "WARNING",
    }  # fmt: skip
    with contextlib.ExitStack() as stack, (data / "up.log").open("w") as out:
        command = [sys.executable, "-m", "workers", "up"]
        up = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out, text=True)
        stack.callback(end, up, signal.SIGINT, 30.0)
        ends = time.time() + 90
        while "http://" not in (data / "up.log").read_text():
            assert up.poll() is None and time.time() < ends, (data / "up.log").read_text()
            time.sleep(0.2)
        env |= running.read(data)["environment"]
        house = House(data, up, env, chosen)
        stack.callback(house.engine.dispose)
        house.enrol()
        for port in ports[3:]:
            command = [sys.executable, "-m", "workers", "gateway"]
            own = {**env, "HAZPARK_GATEWAY_PORT": str(port)}
            extra = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out, env=own)
            house.extra.append(extra)
            stack.callback(extra.wait)
            stack.callback(extra.terminate)
        time.sleep(1.0)
        stack.callback(lambda: [fleet.kill() for fleet in house.fleets])
        house.start_fleets(ports[2:])
        yield house


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _cookie(env: dict[str, str], engine: Engine) -> str:
    """What the browser of a supervisor who has signed in sends."""
    with engine.begin() as connection:
        row = connection.execute(text(
            "SELECT id, role, session_version AS version FROM staff WHERE role = 'supervisor' AND active"
            " ORDER BY id LIMIT 1"
        )).one()  # fmt: skip
    app = Flask("bench")
    app.secret_key = env["HAZPARK_SECRET_KEY"]
    signer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    return "hazpark=" + signer.dumps({"staff_id": row.id, "role": row.role, "version": row.version})


def _place() -> tuple[list[float], list[float]]:
    """West, south, east, north of the area that is watched, and of the park with its control line."""
    import shapely

    park, _ = read_park(ROOT / "fixtures" / "park")
    assert park is not None
    lines = [f.geometry for f in (*park.of(LayerKind.CONTROL_LINE), *park.of(LayerKind.BOUNDARY))]
    return list(park.watch_area), shapely.total_bounds(lines).tolist()


def _quantiles(seconds: np.ndarray) -> dict[str, float]:
    if not len(seconds):
        return {}
    found = np.percentile(seconds * 1000, [50, 99, 100])
    return dict(zip(("p50", "p99", "max"), np.round(found, 1).tolist(), strict=True))


def _say(process: subprocess.Popen[str], what: dict[str, Any]) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(what) + "\n")
    process.stdin.flush()


def _hear(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "the load generator died"
    return json.loads(line)


def _processes() -> tuple[dict[int, int], dict[int, str]]:
    parents, commands = {}, {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
                parents[int(folder.name)] = int(fields[1])
                commands[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
    return parents, commands


def _name(command: str) -> str:
    for name, sign in (
        ("postgresql", "postgres"), ("valkey", "valkey"), ("worker", "celery_app worker"),
        ("beat", "celery_app beat"), ("relay", "workers relay"), ("gateway", "workers gateway"),
        ("live", "web.live"), ("web", "web:create_app"),
    ):  # fmt: skip
        if sign in command:
            return name
    return ""


def _cpu(pids: list[int]) -> float:
    """Seconds of processor time, of children that are gone too."""
    total = 0.0
    for n, pid in enumerate(pids):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            times = fields[11:15] if n == 0 else fields[11:13]
            total += sum(map(int, times)) / os.sysconf("SC_CLK_TCK")
    return total


if __name__ == "__main__":
    print(datetime.now(UTC).isoformat(timespec="seconds"))
    main()
