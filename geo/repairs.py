"""What would mend a shape, proposed and never done by itself.

A repair moves a legal line or drops a piece of it, so it is shown with the areas before and after and done
only when a person agrees.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from geo.datum import LocalFrame
from geo.report import Repair, RepairWord
from geo.shapes import LayerKind

#: A polygon smaller than this, or thinner than that (area by half the outline), is a sliver left over by
#: some geometry tool. Assumptions: no legal object is so small. Square metres, metres.
SLIVER_M2 = 1.0
SLIVER_M = 0.1
#: Crossings of an outline with itself up to which a repair is proposed, and pieces looked at together.
CROSSINGS_LIMIT = 500
_BATCH = 64
#: Kinds whose shapes are polygons.
AREAS = frozenset(LayerKind) - {LayerKind.ROUTE, LayerKind.CAMERA}


def proposal(
    kind: LayerKind,
    geometry: BaseGeometry | None,
    unclosed: bool,
    frame: LocalFrame,
    file: str,
    label: str,
) -> Repair | None:
    """What would mend ``geometry`` (WGS-84; its rings already closed when ``unclosed``), or None.

    None also where nothing can be mended: a wrong kind of shape is not made into a right one.
    """
    if geometry is None or geometry.is_empty:
        return Repair(file, label, (RepairWord.DROP_EMPTY,), None, None, 0.0, 0.0)
    if kind not in AREAS or not isinstance(geometry, (Polygon, MultiPolygon)):
        return None
    if not geometry.is_valid and tangled(geometry):
        return None
    words = [RepairWord.CLOSE_RING] if unclosed else []
    after: BaseGeometry = geometry
    if not geometry.is_valid:
        words.append(RepairWord.MAKE_VALID)
        after = _areas(shapely.make_valid(geometry, method="structure", keep_collapsed=False))
    if (whole := without_slivers(after, frame)) is not after:
        words.append(RepairWord.MERGE_SLIVERS)
        after = whole
    if not words:
        return None
    left = None if after.is_empty else after
    return Repair(file, label, tuple(words), geometry, left, drawn_m2(geometry, frame), drawn_m2(left, frame))


def without_slivers(geometry: BaseGeometry, frame: LocalFrame) -> BaseGeometry:
    """``geometry`` itself, or its parts without slivers: one that touches another part is merged into it."""
    if not isinstance(geometry, MultiPolygon):
        return geometry
    parts = list(geometry.geoms)
    thin = [_sliver(frame.to_metres(part)) for part in parts]
    if not any(thin) or all(thin):
        return geometry
    kept = [part for part, bad in zip(parts, thin, strict=True) if not bad]
    touching = [
        part for part, bad in zip(parts, thin, strict=True) if bad and any(part.touches(k) for k in kept)
    ]
    return _areas(shapely.union_all([*kept, *touching]))


def tangled(geometry: BaseGeometry) -> bool:
    """Whether an outline crosses itself so often that no repair is meant by it, and none would ever end."""
    crossings = 0
    for ring in shapely.get_rings(geometry):
        corners = shapely.get_coordinates(ring)
        pieces: Any = shapely.linestrings(np.stack([corners[:-1], corners[1:]], axis=1))
        tree = shapely.STRtree(pieces)
        for at in range(0, len(pieces), _BATCH):
            met = tree.query(pieces[at : at + _BATCH], predicate="intersects").shape[1]
            crossings += met - 3 * len(pieces[at : at + _BATCH])  # itself and its two neighbours
            if crossings > 2 * CROSSINGS_LIMIT:  # each is met from both sides
                return True
    return False


def drawn_m2(geometry: BaseGeometry | None, frame: LocalFrame) -> float:
    """The area of a shape as it is drawn, square metres (the halves of a bow-tie both count)."""
    if geometry is None or geometry.is_empty:
        return 0.0
    metric = frame.to_metres(geometry)
    if metric.is_valid:
        return round(float(metric.area), 2)
    lines = shapely.node(shapely.boundary(metric))
    faces: Sequence[BaseGeometry] = shapely.get_parts(shapely.polygonize([lines])).tolist()
    return round(sum(float(face.area) for face in faces), 2)


def _sliver(part: BaseGeometry) -> bool:
    return part.area < SLIVER_M2 or part.area < SLIVER_M * part.length / 2


def _areas(geometry: BaseGeometry) -> BaseGeometry:
    """The polygons of whatever a geometry tool returned."""
    if isinstance(geometry, (Polygon, MultiPolygon)):
        return geometry
    parts = [
        p for p in shapely.get_parts(geometry, return_index=False) if isinstance(p, (Polygon, MultiPolygon))
    ]
    merged = shapely.union_all(parts) if parts else Polygon()
    return merged if isinstance(merged, (Polygon, MultiPolygon)) else Polygon()
