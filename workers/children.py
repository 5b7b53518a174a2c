"""A child of the supervisor: started, watched, started again when it falls."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from workers.accounts import Account
from workers.plan import Service
from workers.processes import end, kill_group, spawn
from workers.undertaker import Undertaker

#: Delay before the first restart, doubled for each further one in a row, seconds.
FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 10.0

#: Who lived this long is not "falling in a row", seconds.
STEADY_S = 30.0


@dataclass
class Child:
    """``once``: a task that ends by itself and is not started again."""

    service: Service
    env: Mapping[str, str]
    log: Path | None
    undertaker: Undertaker
    lock: IO[str]
    account: Account = field(default_factory=Account)
    once: bool = False
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    due: float = 0.0
    falls: int = 0
    restarts: int = 0

    @property
    def name(self) -> str:
        return self.service.name

    @property
    def alive(self) -> bool:
        return self.process is not None

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    def lived_s(self) -> float:
        return time.monotonic() - self.started if self.process else 0.0

    def start(self) -> None:
        gentle = self.service.name == "postgresql"
        self.process = spawn(
            self.service.command,
            env=self.env,
            log=self.log,
            account=self.account,
            death_signal=self.service.stop_signal if gentle else 9,
            keep=(self.lock.fileno(),),
        )
        self.undertaker.remember(self.process.pid, self.service.stop_signal if gentle else 9)
        self.started = time.monotonic()

    def fallen(self) -> int | None:
        """Its exit status if it just ended (negative: by a signal); plans its next start."""
        if self.process is None or (status := self.process.poll()) is None:
            return None
        self.falls = 0 if self.lived_s() > STEADY_S else self.falls
        self.due = time.monotonic() + self.delay_s()
        self.falls += 1
        self._gone()
        return status

    def delay_s(self) -> float:
        return min(LONGEST_DELAY_S, FIRST_DELAY_S * float(2**self.falls))

    def ask_to_stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(self.service.stop_signal)

    def stop(self) -> None:
        """Wait until it has gone after ``ask_to_stop``; SIGKILL when its patience is over."""
        if self.process is not None:
            end(self.process, None, self.service.patience_s)
            self._gone()

    def _gone(self) -> None:
        if self.process is not None:
            kill_group(self.process.pid)
            self.undertaker.forget(self.process.pid)
            self.process = None
