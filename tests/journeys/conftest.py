"""A whole house for the journeys: started as ``make run`` starts it, on free ports, in its own folder."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import redis
from sqlalchemy import Engine

from parking import db, running
from tests.streams import free_ports
from workers.processes import end

ROOT = Path(__file__).parents[2]
PORTS = ("HAZPARK_WEB_PORT", "HAZPARK_LIVE_PORT", "HAZPARK_GATEWAY_PORT")
LOOPBACK_ONLY = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


@dataclass
class House:
    """A running house: where it listens, its first passwords, its database."""

    data: Path
    ports: dict[str, int]
    passwords: dict[str, str]
    environment: dict[str, str]
    engine: Engine
    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.ports['HAZPARK_WEB_PORT']}"

    @property
    def live(self) -> str:
        return f"http://127.0.0.1:{self.ports['HAZPARK_LIVE_PORT']}"

    @property
    def gateway(self) -> int:
        return self.ports["HAZPARK_GATEWAY_PORT"]

    def valkey(self) -> redis.Redis:
        return redis.Redis.from_url(self.environment["REDIS_URL"], decode_responses=True)


def wait_for(what, seconds: float = 30.0, every: float = 0.2):
    """The first true value ``what()`` gives; fails after ``seconds``."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(every)
    raise AssertionError(f"not within {seconds} s: {what}")


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    data = Path(tempfile.mkdtemp(prefix="hzj-"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, data, ignore_errors=True)
        yield _start(data, stack)


def _start(data: Path, stack: contextlib.ExitStack) -> House:
    ports = dict(zip(PORTS, free_ports(3), strict=True))
    env = {k: v for k, v in os.environ.items() if not k.startswith("HAZPARK_") and not k.endswith("_URL")}
    env |= {k: str(v) for k, v in ports.items()}
    env |= {"HAZPARK_DATA": str(data), "HAZPARK_DEMO": "0", "LANG": "zh_CN.UTF-8"}
    env |= {"HAZPARK_CLOCK_FILE": str(data / "demo-clock.json")}
    log = data / "up.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "workers", "up"], cwd=ROOT, env=env, stdout=out, stderr=out, text=True
        )
    stack.callback(end, process, signal.SIGINT, 30.0)
    wait_for(lambda: process.poll() is not None or "http://" in log.read_text(), 90)
    said = log.read_text()
    assert process.poll() is None, said
    passwords = dict(re.findall(r"^  (\w+) +([A-Za-z0-9]{16})$", said, re.MULTILINE))
    environment = running.read(data)["environment"]
    engine = db.make_engine(environment["DATABASE_URL"])
    stack.callback(engine.dispose)
    return House(data, ports, passwords, environment, engine, process)


@pytest.fixture(scope="module")
def browser() -> Iterator:
    from playwright.sync_api import sync_playwright

    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None and os.environ.get("CI") == "true":
        pytest.fail("no browser: install the Debian package chromium, or name one in CHROMIUM")
    if program is None:
        pytest.skip("no browser: install the Debian package chromium, or name one in CHROMIUM")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(
            executable_path=program, chromium_sandbox=False, args=[LOOPBACK_ONLY]
        )
        yield made
        made.close()


class Window:
    """A person's browser that keeps account of everything that went wrong in it."""

    def __init__(self, browser, base: str, phone: bool = False) -> None:
        size = {"width": 390, "height": 844} if phone else {"width": 1440, "height": 900}
        self.context = browser.new_context(viewport=size, locale="zh-CN", timezone_id="Asia/Shanghai")
        self.page = self.context.new_page()
        self.base, self.troubles = base, []
        self.page.on("console", lambda m: m.type == "error" and self.troubles.append(f"console: {m.text}"))
        self.page.on("pageerror", lambda e: self.troubles.append(f"script: {e}"))
        self.page.on("requestfailed", self._failed)
        self.page.on("request", self._asked)

    def _asked(self, request) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "data:")):
            self.troubles.append(f"left this server: {request.url}")

    def _failed(self, request) -> None:
        """A stream or a fragment cut off by the next page is how pages end, not a fault."""
        if request.failure != "net::ERR_ABORTED":
            self.troubles.append(f"failed: {request.url}: {request.failure}")

    def go(self, path: str):
        self.page.goto(self.base + path)
        return self.page

    def sign_in(self, username: str, password: str) -> None:
        page = self.go("/sign-in")
        page.fill("[name=username]", username)
        page.fill("[name=password]", password)
        page.click("main form button")
        page.wait_for_url(lambda url: "/sign-in" not in url)


@pytest.fixture
def window(browser, house):
    """Makes windows; at the end nothing may have gone wrong in any of them."""
    made: list[Window] = []

    def make(phone: bool = False) -> Window:
        made.append(Window(browser, house.base, phone))
        return made[-1]

    yield make
    troubles = [trouble for each in made for trouble in each.troubles]
    for each in made:
        each.context.close()
    assert troubles == []
