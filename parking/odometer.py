"""What a vehicle has driven in its life, out of what came with a fix."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Additional item of JT/T 808 message 0x0200: mileage, four bytes, tenths of a kilometre.
_MILEAGE, _SIZE = 0x01, 4


def driven(extras: Sequence[Mapping[str, Any] | None], items: Sequence[bytes | None]) -> NDArray[np.float64]:
    """Kilometres, (n,); nan where nothing was said of it."""
    return np.array([one(e, i) for e, i in zip(extras, items, strict=True)], dtype=np.float64)


def one(extras: Mapping[str, Any] | None, items: bytes | None = None) -> float:
    """Kilometres by one fix's extras, or by its undecoded additional items; nan when they do not say."""
    if items:
        return _in_items(items)
    said = extras.get("mileage_km") if extras else None
    if isinstance(said, (int, float)):
        return float(said)
    kept = extras.get("items") if extras else None
    return _in_items(bytes.fromhex(kept)) if isinstance(kept, str) else math.nan


def _in_items(items: bytes) -> float:
    at = 0
    while at + 2 <= len(items):
        kind, size = items[at], items[at + 1]
        if kind == _MILEAGE and size == _SIZE and at + 2 + size <= len(items):
            return int.from_bytes(items[at + 2 : at + 2 + size]) / 10
        at += 2 + size
    return math.nan
