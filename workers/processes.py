"""Starts child processes that cannot outlive us.

Every child leads a session of its own (Ctrl-C reaches the supervisor only, and a whole group can be
signalled), asks the kernel to be signalled when its parent dies, and inherits the lock on the data
folder: while any of them lives, the folder counts as in use.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from workers.accounts import Account

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def spawn(
    command: Sequence[str | Path],
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    account: Account | None = None,
    death_signal: int = signal.SIGKILL,
    keep: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start ``command`` with output appended to ``log`` (None: our own output).

    ``death_signal`` is what it gets when we die without a word; ``keep`` are file descriptors it inherits.
    """
    account = account or Account()
    parent = os.getpid()

    def before_exec() -> None:
        _raise_file_limit()
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    with _output(log) as out:
        return subprocess.Popen(  # noqa: S603 - our own table of commands, no shell
            [*account.prefix, *map(str, command)],
            env=dict(env) if env is not None else None,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT if out else None,
            start_new_session=True,
            preexec_fn=before_exec,  # safe: we have one thread
            pass_fds=tuple(keep),
            user=account.uid,
            group=account.gid,
            extra_groups=None if account.uid is None else [],
        )


def die_with_parent(death_signal: int = signal.SIGKILL) -> None:
    """For forked children of our children: go when the parent goes (Linux only)."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)


def end(process: subprocess.Popen[bytes], first: int | None = signal.SIGTERM, patience: float = 5.0) -> None:
    """Stop a child: ``first`` signal (None: given before), SIGKILL to its group after ``patience`` s."""
    if process.poll() is None:
        if first is not None:
            process.send_signal(first)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    kill_group(process.pid)
    process.wait()


def kill_group(leader: int) -> None:
    """SIGKILL whatever is left of the group a child led."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _raise_file_limit() -> None:
    """A gateway holds tens of thousands of sockets; take what the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextlib.contextmanager
def _output(log: Path | None) -> Iterator[IO[bytes] | None]:
    if log is None:
        yield None
        return
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with log.open("ab") as file:
        yield file
