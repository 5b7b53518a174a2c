"""Who passed here: a place, a distance and a time; the vehicles, packed and new positions alike."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, render_template, request
from shapely.geometry import Polygon, mapping

from geo import maps as drawing
from geo.passing import DEGREE_M, Place
from geo.shapes import LayerKind, Park
from parking import clock
from parking.queries import park as park_query
from parking.queries import passing
from parking.queries.passing import Answer, Passed
from parking.speech import N_
from parking.vocabulary import Certainty, Role
from web import desk, maps
from web.gates import gate
from web.language import _, clock_time, name
from web.security import nonce
from web.store import reading

bp = Blueprint("passed", __name__)
MENU = (("passed.page", N_("Who passed")),)
#: What can be asked at once (assumptions: an answer within seconds on one small machine).
LONGEST, RADIUS_MAX = timedelta(days=31), 5_000
USUAL, RADIUS = timedelta(hours=24), 500
#: Vehicles drawn and listed; more are counted.
SHOWN = 300
_TONES = {Certainty.CERTAIN: "stop", Certainty.INFERRED: "wait", Certainty.SOMEWHERE_BETWEEN: "off"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, put right where it could not be taken as it was."""

    place: Place
    start: datetime
    end: datetime
    corrected: bool


@bp.get("/passed")
@gate(Role.SUPERVISOR)
def page() -> str:
    """The form, and the answer once a place was given (``lon``, ``lat`` in degrees)."""
    with reading() as session:
        park = park_query.current(session)
        asked = _asked(park)
        given = bool(request.args.get("lon") and request.args.get("lat"))
        answer = passing.passed(session, asked.place, asked.start, asked.end) if given else None
    shown = answer.passed[:SHOWN] if answer else ()
    return render_template(
        "passed.html", asked=asked, answer=answer, shown=shown, map=_map(park, asked, shown),
        radius_max=RADIUS_MAX, minutes=timedelta(minutes=15), tones=_TONES,
    )  # fmt: skip


def _asked(park: Park) -> Asked:
    end = desk.moment(request.args.get("end")) or clock.now()
    start = desk.moment(request.args.get("start")) or end - USUAL
    west, south, east, north = _extent(park)
    lon = _degrees("lon", 180, (west + east) / 2)
    lat = _degrees("lat", 85, (south + north) / 2)
    radius = min(max(request.args.get("radius", RADIUS, type=int) or RADIUS, 1), RADIUS_MAX)
    if start >= end:
        return Asked(Place(lon, lat, radius), end - USUAL, end, True)
    kept = max(start, end - LONGEST)
    return Asked(Place(lon, lat, radius), kept, end, kept != start)


def _extent(park: Park) -> tuple[float, float, float, float]:
    boundary = park.of(LayerKind.BOUNDARY)
    found: tuple[float, float, float, float] = boundary[0].geometry.bounds if boundary else park.watch_area
    return found


def _degrees(key: str, most: float, otherwise: float) -> float:
    value = request.args.get(key, otherwise, type=float)
    return round(value, 6) if math.isfinite(value) and abs(value) <= most else round(otherwise, 6)


def _map(park: Park, asked: Asked, shown: tuple[Passed, ...]) -> Any:
    ring = _ring(asked.place)
    data = drawing.map_data(
        layers=[*maps.drawn(park, asked.end), {
            "kind": "asked", "code": "", "name": _("Place asked for"), "emphasis": True, "tone": "",
            "geometry": mapping(Polygon(ring)),
        }],
        points=[_point(one) for one in shown],
        legend={"crossed": _("Place asked for"), "point": _("Closest point of a vehicle")} if shown else {},
    )  # fmt: skip
    return drawing.draw(data, drawing.bounds_of([], ring), nonce(), _("Map of who passed"))


def _ring(place: Place) -> list[tuple[float, float]]:
    """The circle as 72 points, degrees."""
    north = place.radius_m / DEGREE_M
    east = north / math.cos(math.radians(place.lat))
    turns = [math.radians(n * 5) for n in range(72)]
    return [(place.lon + east * math.sin(t), place.lat + north * math.cos(t)) for t in turns]


def _point(one: Passed) -> dict[str, Any]:
    return {
        "lon": round(one.lon, 6),
        "lat": round(one.lat, 6),
        "title": one.plate or _("terminal {phone}", phone=one.terminal_phone or "?"),
        "lines": [f"{clock_time(one.first)} – {clock_time(one.last)[11:]}", f"{one.closest_m:.0f} m",
                  name(one.certainty)],
        "tone": _TONES[one.certainty],
    }  # fmt: skip


__all__ = ["Answer", "Asked", "bp"]
