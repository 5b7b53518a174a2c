"""The park we ship, copied to be spoilt."""

from __future__ import annotations

import json
from pathlib import Path

DEMO = Path(__file__).parents[1] / "fixtures" / "park"


def edit(folder, kind, change, number=0):
    """Let ``change`` alter the n-th feature of a layer of the copy."""
    path = folder / f"{kind}.geojson"
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data["features"][number])
    path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
