"""Maps of what would change: versions before and after, repairs proposed, findings under another line."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from geo import maps as drawing
from geo.maps import MapParts
from geo.shapes import Feature, LayerKind, Park
from parking import clock
from parking.layer_words import repair_names
from parking.services.drawings import Review
from parking.services.whatif import Replay
from parking.speech import N_
from parking.vocabulary import SuccessionWord
from web.language import _, clock_time, lang, name
from web.security import nonce

#: Shapes drawn at most: a browser on a phone must live with it. The table beside the map has them all.
SHAPES = 2_000
#: Layers drawn pale beneath, to know where one is.
_GROUND = (LayerKind.CONTROL_LINE, LayerKind.BOUNDARY, LayerKind.ROUTE, LayerKind.GATE)
_WORDS = {
    "was": N_("until now"),
    "will": N_("from then on"),
    "broken": N_("as handed in"),
    "mended": N_("repaired"),
    "point": N_("only under the other version"),
    "boundary": N_("Park boundary"),
    "control_line": N_("Land-use safety control line"),
}


def review_map(seen: Review) -> MapParts | None:
    """The drawing on top of what it follows, and its repairs; None when there is nothing to draw."""
    layers = [*_ground(seen.park, [seen.drawing.kind]), *_changes(seen), *_repairs(seen)]
    shapes = list(seen.features) or list(seen.park.of(LayerKind.BOUNDARY))
    if not shapes:
        return None
    corners = [(x, y) for r in seen.report.repairs if r.before is not None for x, y in _corners(r.before)]
    bounds = drawing.bounds_of([], corners) if corners else drawing.bounds_of(shapes)
    return _drawn(layers, [], bounds, _("Map of the drawing"))


def replay_map(found: Replay) -> MapParts | None:
    """Both versions and where the difference was found."""
    changed = [f for f in found.after.features if f not in found.before.features]
    old = [f for kind in {f.kind for f in changed} for f in found.before.in_force(kind, found.period.since)]
    layers = [
        *_ground(found.before, {f.kind for f in changed}),
        *(_shape("was", f) for f in old),
        *(_shape("will", f) for f in changed),
    ]
    points = list(_points(found))
    shapes = [*old, *changed]
    if not shapes:
        return None
    return _drawn(layers, points, drawing.bounds_of(shapes), _("Map of the difference"))


def _drawn(
    layers: list[dict[str, Any]], points: list[dict[str, Any]], bounds: list[float], label: str
) -> MapParts:
    present = {layer["kind"] for layer in layers} | ({"point"} if points else set())
    legend = {kind: _(word) for kind, word in _WORDS.items() if kind in present}
    data = drawing.map_data(layers=layers[:SHAPES], points=points, legend=legend)
    return drawing.draw(data, bounds, nonce(), label)


def _ground(park: Park, without: Collection[str]) -> Iterator[dict[str, Any]]:
    kinds = [kind for kind in _GROUND if kind not in without]
    for feature in drawing.order(f for kind in kinds for f in park.in_force(kind, clock.now())):
        yield drawing.layer(feature, feature.name(lang()))


def _changes(seen: Review) -> Iterator[dict[str, Any]]:
    gone = (SuccessionWord.ENDS, SuccessionWord.REPLACED)
    for change in seen.changes:
        if change.word in gone:
            yield _shape("was", change.feature)
    for change in seen.changes:
        if change.word not in gone:
            yield _shape("will", change.feature)


def _repairs(seen: Review) -> Iterator[dict[str, Any]]:
    for repair in seen.report.repairs:
        title = f"{repair.feature}: {repair_names(repair.words, lang())}"
        for kind, shape in (("mended", repair.after), ("broken", repair.before)):
            if shape is not None and not shape.is_empty:
                yield _any(kind, repair.feature, title, shape)


def _corners(shape: BaseGeometry) -> list[tuple[float, float]]:
    west, south, east, north = shape.bounds
    return [(west, south), (east, north)]


def _points(found: Replay) -> Iterator[dict[str, Any]]:
    for vehicle_id, one in found.differences.items():
        for finding in one.only_new[:50]:
            if finding.lon is not None:
                yield {
                    "lon": finding.lon,
                    "lat": finding.lat,
                    "title": f"{found.vehicles[vehicle_id]} {name(finding.kind)}",
                    "lines": [clock_time(finding.started_at), finding.subject],
                    "tone": "stop",
                }


def _shape(kind: str, feature: Feature) -> dict[str, Any]:
    return _any(kind, feature.code, feature.name(lang()), feature.geometry)


def _any(kind: str, code: str, title: str, geometry: BaseGeometry) -> dict[str, Any]:
    return {
        "kind": kind,
        "code": code,
        "name": title,
        "emphasis": False,
        "tone": "",
        "geometry": mapping(geometry),
    }
