"""Under whose name a server runs. PostgreSQL refuses root, so root gives up the name for it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from parking.speech import N_
from workers.trouble import Trouble

_UNSHARE = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--")


@dataclass(frozen=True, slots=True)
class Account:
    """``prefix`` goes before the command; ``uid`` and ``gid`` are given to the new process when set."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None

    def own(self, *folders: Path) -> None:
        """Give the folders to this account when it is another one than ours."""
        for folder in folders:
            if self.uid is not None and self.gid is not None:
                os.chown(folder, self.uid, self.gid)


@lru_cache
def unprivileged() -> Account:
    """The account for PostgreSQL.

    An ordinary user runs it as is. Root enters a user namespace where it is user 1000: files stay
    root's, no account is made and no folder changes hands. Where namespaces are forbidden (some
    containers), the account ``nobody`` does it and owns the server's folders.
    """
    if os.geteuid() != 0:
        return Account()
    if shutil.which("unshare") and subprocess.run([*_UNSHARE, "true"], capture_output=True).returncode == 0:  # noqa: S603
        return Account(prefix=_UNSHARE)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise Trouble(
            N_("PostgreSQL does not run as root here: start hazpark as an ordinary user.")
        ) from None
    return Account(uid=nobody.pw_uid, gid=nobody.pw_gid)
