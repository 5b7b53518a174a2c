"""Maps: the park as it is now, where a vehicle was, and the place of a violation.

folium makes the shell, static/map.js draws; nothing comes from anywhere but this server. Every map has a
table beside it that says the same in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, abort, render_template, request
from sqlalchemy.orm import Session

from geo import maps as drawing
from geo.maps import MapParts
from geo.shapes import Feature, LayerKind, Park
from parking import clock
from parking.queries import park as park_query
from parking.queries import tracks as track_query
from parking.queries import violations as violation_query
from parking.queries.tracks import POINTS_MAX, Track, VehicleView
from parking.queries.violations import Filter, ViolationView
from parking.rules import plate as plates
from parking.speech import N_
from parking.vocabulary import Role
from web import desk
from web.forms import picker_value
from web.gates import gate
from web.language import _, clock_time, lang, name, say
from web.security import nonce
from web.store import reading

bp = Blueprint("maps", __name__)
MENU = (("maps.park_map", N_("Map")), ("maps.tracks", N_("Tracks")))
WATCHERS = (Role.SUPERVISOR, Role.DISPATCHER)
#: The stretch of track shown around a violation, and the longest one that can be asked for.
AROUND = timedelta(minutes=15)
LONGEST = timedelta(days=7)
USUAL = timedelta(hours=2)
#: A vehicle silent for longer is drawn as such; one silent for a day and not here is not drawn.
OLD, GONE = timedelta(minutes=5), timedelta(days=1)
#: Points of a violation's track kept in the page itself, violations drawn beside a track, rows of the table.
IN_PAGE, MARKED, TABLED = 2_000, 100, 100

_KINDS: Mapping[str, str] = {
    "boundary": N_("Park boundary"),
    "control_line": N_("Land-use safety control line"),
    "route": N_("Approved routes"),
    "lot": N_("Dedicated lot"),
    "gate": N_("Gates"),
    "dock": N_("Docks"),
}


@bp.get("/map")
@gate(*WATCHERS)
def park_map() -> str:
    """Everything that moves, now; the page follows the event stream."""
    now = clock.now()
    asked = _plates("plate")
    with reading() as session:
        park = park_query.current(session)
        found = _present(session, now)
    features = _in_force(park, now)
    data = drawing.map_data(
        layers=_layers(features),
        vehicles=[_dot(v, now) for v in found],
        legend={**_legend(features), "vehicle": _("Vehicle")},
    )
    wanted = [v for v in found if any(one in v.plate for one in asked)]
    around = drawing.bounds_of([], [(v.lon or 0, v.lat or 0) for v in wanted]) if wanted else _frame(features)
    return render_template(
        "map.html",
        map=drawing.draw(data, around, nonce(), _("Map of the park")),
        found=[(v, now - v.last_time if v.last_time else None) for v in found],
        plate=asked[0] if asked else "",
        missing=bool(asked and not wanted),
    )


@bp.get("/tracks")
@gate(*WATCHERS)
def tracks() -> str:
    """Where one vehicle was, to be replayed."""
    start, end, corrected = _stretch()
    asked = _plates("plate")
    with reading() as session:
        park = park_query.current(session)
        matches = next((m for one in asked if (m := track_query.find(session, one))), ())
        exact = next((m for m in matches if m[1] in asked), matches[0] if len(matches) == 1 else None)
        track = track_query.track(session, exact[0], start, end) if exact else None
        seen = _violations(session, exact[1], start, end) if exact else ()
    features = _in_force(park, end)
    data = drawing.map_data(
        layers=_layers(features), points=[_point(v) for v in seen], legend=_legend(features)
    )
    return render_template(
        "tracks.html",
        map=drawing.draw(data, _frame(features, track), nonce(), _("Map of the track")),
        plate=exact[1] if exact else "".join(asked[:1]),
        vehicle_id=exact[0] if exact else None, matches=matches,
        start=start, end=end, corrected=corrected, track=track, seen=seen,
        rows=_thin(track.points, TABLED) if track else (), cap=POINTS_MAX,
    )  # fmt: skip


@bp.get("/api/track")
@gate(*WATCHERS)
def api_track() -> dict[str, Any]:
    """The points of one vehicle, as differences of whole numbers: seconds, degrees × 10⁶, km/h × 10.

    ``total``: believed fixes in the time asked for; more than 10,000 are thinned evenly.
    """
    start, end, _corrected = _stretch()
    with reading() as session:
        track = track_query.track(session, request.args.get("vehicle", 0, type=int), start, end)
    points = track.points
    return {
        "total": track.total,
        "unbelieved": track.unbelieved,
        "t": _differences(int(p.time.timestamp()) for p in points),
        "lon": _differences(round(p.lon * 1e6) for p in points),
        "lat": _differences(round(p.lat * 1e6) for p in points),
        "v": [None if p.speed_kmh is None else round(p.speed_kmh * 10) for p in points],
    }


@bp.get("/api/vehicles")
@gate(*WATCHERS)
def api_vehicles() -> dict[str, Any]:
    """Newest believed position of every vehicle here or heard of within a day."""
    now = clock.now()
    with reading() as session:
        found = _present(session, now)
    return {"at": now.isoformat(), "vehicles": [_dot(v, now) for v in found]}


def violation_map(
    session: Session, park: Park, found: ViolationView, line: Feature | None
) -> tuple[MapParts | None, Track | None]:
    """The map of one violation with the track around it; None when no position is known."""
    if found.lon is None or found.lat is None:
        return None, None
    until = min(found.ended_at or found.started_at, found.started_at + LONGEST) + AROUND
    track = track_query.track(session, found.vehicle_id, found.started_at - AROUND, until)
    features = _in_force(park, found.started_at)
    places = {found.subject, str(found.facts.get("zone", "")), str(found.facts.get("route", ""))} - {""}
    stands_out = {line.code} if line else places
    points = _thin(track.points, IN_PAGE)
    stretch = _stretch_of(found)
    data = drawing.map_data(
        layers=[*_layers(features, stands_out), *stretch],
        track=[drawing.track_point(p.time, p.lon, p.lat, p.speed_kmh, clock_time(p.time)) for p in points],
        points=[_point(found)],
        legend={
            **_legend(features),
            "crossed": _("Line or zone concerned"),
            **({"stretch": _("Where it may have happened")} if stretch else {}),
            "point": _("Most likely place") if stretch else _("Place of the violation"),
        },
    )
    around = drawing.bounds_of([], [(found.lon, found.lat), *((p.lon, p.lat) for p in points)])
    return drawing.draw(data, around, nonce(), _("Map of the violation")), track


def _stretch_of(found: ViolationView) -> list[dict[str, Any]]:
    """The stretch of a line on which a crossing nobody can place may have happened."""
    stretch = found.facts.get("stretch")
    name_of = _("Where it may have happened")
    return [drawing.drawn("stretch", name_of, found.subject, stretch)] if stretch else []


def drawn(park: Park, at: datetime) -> list[dict[str, Any]]:
    """The park's shapes of that time, ready to draw."""
    return _layers(_in_force(park, at))


def _in_force(park: Park, at: datetime) -> list[Feature]:
    kinds = [k for k in LayerKind if k is not LayerKind.CAMERA]
    return drawing.order(f for kind in kinds for f in park.in_force(kind, at))


def _layers(features: Iterable[Feature], stands_out: Iterable[str] = ()) -> list[dict[str, Any]]:
    wanted = set(stands_out)
    return [drawing.layer(f, f.name(lang()), emphasis=f.code in wanted) for f in features]


def _legend(features: Iterable[Feature]) -> dict[str, str]:
    present = {str(f.attributes.get("zone_kind") or f.kind) for f in features}
    return {kind: _(word) for kind, word in _KINDS.items() if kind in present}


def _frame(features: Iterable[Feature], track: Track | None = None) -> list[float]:
    """Around the track, else the boundary, else everything."""
    if track and track.points:
        return drawing.bounds_of([], [(p.lon, p.lat) for p in track.points])
    every = list(features)
    if not every:
        abort(503)
    return drawing.bounds_of([f for f in every if f.kind is LayerKind.BOUNDARY] or every)


def _point(found: ViolationView) -> dict[str, Any]:
    return {
        "lon": found.lon,
        "lat": found.lat,
        "title": f"{found.plate} {name(found.kind)}",
        "lines": [say(found.kind, found.spoken_facts()), clock_time(found.started_at), name(found.certainty)],
        "tone": "stop",
    }


def _dot(vehicle: VehicleView, now: datetime) -> dict[str, Any]:
    age = now - vehicle.last_time if vehicle.last_time else GONE
    here = vehicle.visit_state is not None
    cargo = " ".join(p for p in (vehicle.hazard_class, vehicle.un_number and f"UN {vehicle.un_number}") if p)
    return {
        "id": vehicle.vehicle_id,
        "plate": vehicle.plate,
        "lon": vehicle.lon,
        "lat": vehicle.lat,
        "heading": vehicle.heading,
        "tone": ("stop" if here else "off") if age > OLD else ("calm" if here else "wait"),
        "lines": [
            name(vehicle.visit_state) if here else _("not here on a booking"),
            cargo,
            clock_time(vehicle.last_time),
        ],
    }


def _present(session: Session, now: datetime) -> list[VehicleView]:
    """Vehicles with a position that are here, or were heard of within a day; at most 5,000."""
    found = [
        v
        for v in track_query.vehicles(session)
        if v.lon is not None and v.last_time and (v.visit_state or now - v.last_time < GONE)
    ]
    return found[:5_000]


def _violations(session: Session, plate: str, start: datetime, end: datetime) -> tuple[ViolationView, ...]:
    page = violation_query.page(session, Filter(plate=plate, since=start, until=end), limit=MARKED)
    return tuple(v for v in page.rows if v.plate == plate and v.lon is not None)


def _stretch() -> tuple[datetime, datetime, bool]:
    """(start, end, whether what was asked had to be corrected), from the address."""
    end = desk.moment(request.args.get("end")) or clock.now()
    start = desk.moment(request.args.get("start")) or end - USUAL
    if start >= end:
        return end - USUAL, end, True
    return max(start, end - LONGEST), end, start < end - LONGEST


def _plates(key: str) -> tuple[str, ...]:
    """What was asked for: as the park writes plates, and as it was typed."""
    asked = request.args.get(key, "").replace("\x00", "")[:20].strip()
    return tuple(dict.fromkeys((plates.normalise(asked), asked))) if asked else ()


def _differences(values: Iterable[int]) -> list[int]:
    known = list(values)
    return [b - a for a, b in zip([0, *known], known, strict=False)]


def _thin(points: Any, most: int) -> Any:
    """At most ``most`` of the points, evenly, the last one kept."""
    step = max(1, -(-len(points) // most))
    kept = list(points[::step])
    return kept if not points or kept[-1] is points[-1] else [*kept[: most - 1], points[-1]]


def picker(moment: datetime | None, minutes: int = 0) -> str:
    """A moment some minutes away, as a datetime-local field wants it."""
    return picker_value(moment + timedelta(minutes=minutes)) if moment else ""
