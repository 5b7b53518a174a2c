"""What could not be stored is kept as it came, for a person to look at."""

from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path

LARGEST = 50 * 1024 * 1024
KEPT = 5


class DeadLetters:
    """Appends one JSON object per line to ``path``; older files are ``.1`` (youngest) to ``.5``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def write(self, phone: str, raw: bytes, reason: str) -> None:
        """Keep one frame. Raises OSError when it cannot."""
        line = {"at": datetime.now(UTC).isoformat(), "phone": phone, "reason": reason[:500], "raw": raw.hex()}
        with self._lock:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._turn()
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                file.flush()
                os.fsync(file.fileno())  # a terminal may be told "kept" on the strength of this line

    def _turn(self) -> None:
        if not self.path.exists() or self.path.stat().st_size < LARGEST:
            return
        for n in range(KEPT - 1, 0, -1):
            older = self.path.with_name(f"{self.path.name}.{n}")
            if older.exists():
                older.replace(self.path.with_name(f"{self.path.name}.{n + 1}"))
        self.path.replace(self.path.with_name(f"{self.path.name}.1"))
