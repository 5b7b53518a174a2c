"""How far a vehicle drives by a bay: from the nearest gate for hazardous goods to the bay, on to its docks.

As the crow flies between centres: roads inside a lot are not drawn, and between two bays of one lot the
difference is what counts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geo.datum import LocalFrame
from geo.shapes import Feature, LayerKind, Park
from parking.rules.kept import Kept
from parking.rules.plan_problem import Numbers

_kept: Kept[Numbers] = Kept(64)


def metres(park: Park, bays: Sequence[BaseGeometry], enterprise: str | None) -> Numbers:
    """For each bay (outline in the park's metric CRS) metres gate → bay → middle of the enterprise's docks.

    Without docks of that name all docks count, without any dock or gate that leg is left out. Not to be
    written to: the same array is handed out while park and bays are the same.
    """
    return _kept.of((park, *bays), (enterprise,), lambda: _metres(park, bays, enterprise))


def _metres(park: Park, bays: Sequence[BaseGeometry], enterprise: str | None) -> Numbers:
    here = _centres(bays)
    gates = [f for f in park.of(LayerKind.GATE) if f.attributes.get("gate_kind") == "hazmat_only"]
    docks = park.of(LayerKind.DOCK)
    theirs = [d for d in docks if enterprise and d.attributes.get("enterprise") == enterprise]
    way: Numbers = np.zeros(len(bays))
    if gates:
        way = way + _apart(here, _drawn(park, gates)).min(axis=1)
    if theirs or docks:
        way = way + _apart(here, _drawn(park, theirs or docks)).mean(axis=1)
    way.setflags(write=False)
    return way


def _drawn(park: Park, features: Sequence[Feature]) -> Numbers:
    frame = LocalFrame(park.metric_crs)
    at = _centres([f.geometry for f in features])
    x, y = frame.metres(at[:, 0], at[:, 1])
    return np.column_stack((x, y))


def _centres(shapes: Sequence[BaseGeometry]) -> Numbers:
    found: Numbers = shapely.get_coordinates(shapely.centroid(np.array(shapes, dtype=object)))
    return found


def _apart(here: Numbers, there: Numbers) -> Numbers:
    found: Numbers = np.linalg.norm(here[:, None, :] - there[None, :, :], axis=2)
    return found
