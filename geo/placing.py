"""From a drawing's coordinates to WGS-84: the stated or declared CRS, converted accurately or refused.

Nothing is guessed: columns the wrong way round and a zone with or without its number are told, not mended.
"""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
import shapely
from pyproj import CRS
from pyproj.aoi import AreaOfInterest
from pyproj.exceptions import ProjError
from pyproj.transformer import TransformerGroup
from shapely import box

from geo.datum import Datum, wgs84_from_gcj02
from geo.declared import Declared
from geo.report import LayerWord, Report

#: West, south, east, north, degrees.
Area = tuple[float, float, float, float]
#: A drawing's coordinates must be convertible to WGS-84 at least this well, metres.
CONVERSION_LIMIT_M = 3.0
#: Datums within centimetres of WGS-84.
_SAME_DATUM = frozenset({"China 2000", "World Geodetic System 1984", "World Geodetic System 1984 ensemble"})


def with_crs(frame: Any, declared: Declared, file: str, report: Report) -> Any:
    """The frame with its CRS: the one the file states, else the one declared."""
    if frame.crs is None and declared.crs:
        return frame.set_crs(declared.crs)
    if frame.crs is None:
        report.error(LayerWord.CRS_UNKNOWN, file)
        return None
    if declared.crs and CRS.from_user_input(declared.crs) != frame.crs:
        report.warning(LayerWord.CRS_CONTRADICTED, file, stated=frame.crs.name, declared=declared.crs)
    return frame


def crs_name(crs: CRS, declared: Declared) -> str:
    """``EPSG:4546``, or the name a CRS of no authority gives itself; GCJ-02 where it was declared."""
    authority = crs.to_authority()
    name = ":".join(authority) if authority else str(crs.name)
    return f"{name} (GCJ-02)" if declared.datum is Datum.GCJ02 else name


def in_wgs84(frame: Any, declared: Declared, file: str, watch_area: Area, report: Report) -> Any:
    """The frame in WGS-84, from GCJ-02 where that is declared; None and a complaint when it cannot be."""
    placed = _converted(frame, declared, file, watch_area, report)
    if placed is None or declared.datum is not Datum.GCJ02:
        return placed
    report.warning(LayerWord.DATUM_CONVERTED, file)
    return placed.set_geometry(shapely.transform(placed.geometry.values, _from_gcj02))


def _converted(frame: Any, declared: Declared, file: str, watch_area: Area, report: Report) -> Any:
    if not _convertible(frame.crs, watch_area):
        report.error(LayerWord.CRS_INACCURATE, file, crs=frame.crs.name)
        return None
    if declared.northing_first:
        frame = frame.set_geometry(shapely.transform(frame.geometry.values, _exchanged), crs=frame.crs)
    if not frame.crs.is_projected or shapely.intersects(box(*watch_area), _envelope(frame)):
        return frame.to_crs("EPSG:4326")
    if not declared.northing_first and _northing_first(frame, watch_area):
        report.error(LayerWord.NORTHING_FIRST, file)
        return None
    if zone := _zone_number(frame, watch_area):
        report.error(LayerWord.ZONE_NUMBER, file, zone=zone[0], crs=zone[1])
        return None
    return frame.to_crs("EPSG:4326")


#: CGCS2000 Gauss-Krueger zones: false easting with the zone number before it, and without.
_NUMBERED = [(f"EPSG:{4488 + zone}", zone) for zone in range(25, 46)] + [
    (f"EPSG:{4478 + zone}", zone) for zone in range(13, 24)
]
_BARE = [f"EPSG:{code}" for code in range(4534, 4555)] + [f"EPSG:{code}" for code in range(4502, 4513)]


def _zone_number(frame: Any, watch_area: Area) -> tuple[str, str] | None:
    """(how the eastings begin, the zone's EPSG code) of the one zone in which the drawing lies here.

    Eastings of 37 498 000 m carry the number of their zone (EPSG:4525), eastings of 498 000 m do not
    (EPSG:4546); declared the wrong way round the drawing lands on the other side of the earth.
    """
    easting = float(frame.total_bounds[0])
    if not math.isfinite(easting):
        return None
    begins = int(easting // 1e6)
    ways = [name for name, zone in _NUMBERED if zone == begins] if begins else _BARE
    for name in ways:
        if shapely.intersects(box(*watch_area), _envelope(frame.set_crs(name, allow_override=True))):
            return (str(begins or "—"), name)
    return None


def _convertible(crs: CRS, watch_area: Area) -> bool:
    """Whether PROJ knows an accurate way to WGS-84 here. For Xi'an 1980 and Beijing 1954 it falls back to
    taking the numbers over unchanged, tens of metres off, without a word."""
    base = crs.geodetic_crs
    if base is None:
        return False
    if base.datum is not None and base.datum.name in _SAME_DATUM:
        return True
    here = cast(Any, AreaOfInterest(*watch_area))  # pyproj's annotation names a private twin of it
    try:
        ways = TransformerGroup(
            base, "EPSG:4326", always_xy=True, allow_ballpark=False, area_of_interest=here
        ).transformers
    except ProjError:
        return False
    return bool(ways) and 0 <= ways[0].accuracy <= CONVERSION_LIMIT_M


def _northing_first(frame: Any, watch_area: Area) -> bool:
    """Whether the whole drawing falls into the watch area only with its two columns exchanged."""
    turned = frame.set_geometry(shapely.transform(frame.geometry.values, _exchanged))
    return bool(shapely.covers(box(*watch_area), _envelope(turned)))


def _envelope(frame: Any) -> shapely.Geometry | None:
    bounds = frame.to_crs("EPSG:4326").total_bounds
    return box(*bounds) if np.all(np.isfinite(bounds)) else None


def _exchanged(xy: Any) -> Any:
    return xy[:, ::-1]


def _from_gcj02(xy: Any) -> Any:
    return np.column_stack(wgs84_from_gcj02(xy[:, 0], xy[:, 1]))
