"""Sees to it that nothing survives the supervisor, not even when it is killed without a word.

A forked process listens on a pipe. As long as the supervisor lives it only learns which groups of
processes there are; when the pipe ends, it ends every group that is left: PostgreSQL by its own quick
way, so that the next start needs no recovery, the others at once. (The kernel's parent-death signal,
see processes.py, does the same for direct children; this one also reaches grandchildren, and works
where the kernel has no such signal.)
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

#: How long a group may take to go by itself before SIGKILL, seconds.
PATIENCE_S = 10.0


class Undertaker:
    """Forks at once; keep it for the life of the supervisor."""

    def __init__(self) -> None:
        self._groups: dict[int, int] = {}
        self._appoint()

    def remember(self, group: int, last_signal: int) -> None:
        """``last_signal`` is what the group gets when we are gone."""
        self._groups[group] = last_signal
        self._write(f"{group} {int(last_signal)}\n")

    def forget(self, group: int) -> None:
        self._groups.pop(group, None)
        self._write(f"{group} 0\n")

    def look_after(self) -> None:
        """Appoint a new one when the old one was killed."""
        with contextlib.suppress(ChildProcessError):
            if os.waitpid(self._pid, os.WNOHANG)[0] == 0:
                return
        os.close(self._pipe)
        self._appoint()

    def dismiss(self) -> None:
        """After an orderly stop: there is nothing left to do."""
        for group in list(self._groups):
            self.forget(group)
        os.close(self._pipe)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)

    def _appoint(self) -> None:
        reading, self._pipe = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._pipe)
            _wait_and_bury(reading)
        os.close(reading)
        for group, last_signal in self._groups.items():
            self._write(f"{group} {int(last_signal)}\n")

    def _write(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError):
            os.write(self._pipe, line.encode())


def _wait_and_bury(reading: int) -> None:
    """Body of the forked process; never returns."""
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        os.closerange(3, reading)  # hold nothing else of the supervisor's, its lock least of all
        os.closerange(reading + 1, 1024)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        groups: dict[int, int] = {}
        with os.fdopen(reading) as lines:
            for line in lines:
                group, last_signal = map(int, line.split())
                groups[group] = last_signal
        bury({group: number for group, number in groups.items() if number})
    finally:
        os._exit(0)


def bury(groups: dict[int, int], patience: float = PATIENCE_S) -> None:
    """Signal every group, wait for their leaders to go, kill what stays."""
    left = {group for group, number in groups.items() if _signal(group, number)}
    deadline = time.monotonic() + patience
    while left and time.monotonic() < deadline:
        time.sleep(0.02)
        left = {group for group in left if _signal(group, 0) and not _unreaped(group)}
    for group in groups:
        _signal(group, signal.SIGKILL)


def _signal(group: int, number: int) -> bool:
    """False when the group is gone."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _unreaped(leader: int) -> bool:
    """Ended, but its new parent (the first process of some containers) does not look."""
    try:
        return Path(f"/proc/{leader}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return False
