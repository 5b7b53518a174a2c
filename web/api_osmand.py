"""The door of telephones: the OsmAnd protocol as Traccar Client speaks it, and its newer JSON.

A position is answered with 200 only once it is committed; a telephone keeps what is not answered so and
sends it again. Speed is in knots (OsmAnd protocol of Traccar) unless ``speed_unit`` says otherwise, and in
metres a second in the JSON, as telephones give it.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import UnsupportedMediaType

from geo.fix import Fix
from parking import clock
from parking import fixvalues as values
from parking.models import Feed
from parking.queries import feeds as feed_query
from parking.refused import Refused
from parking.services import reports
from parking.services.reports import Report
from parking.speech import N_
from parking.trackfiles.rows import SPEED_UNITS
from parking.vocabulary import FeedKind, FixFault
from web import api_common as api
from web.api_common import Answer
from web.gates import token_holder
from web.language import _
from web.limits import Tries
from web.store import transaction

bp = api.room("api_osmand")
#: Bytes of a request; positions a telephone may send in a minute while it empties its memory (assumption).
_LARGEST = 64 * 1024
_PACE = Tries("device", 1_200, 1)
#: Beside the position, what a telephone says of itself: our name → theirs, and its range.
_EXTRAS: Mapping[str, tuple[tuple[str, ...], float, float]] = {
    "accuracy_m": (("accuracy",), 0, 1e6),
    "hdop": (("hdop",), 0, 1e6),
    "battery_percent": (("batt",), 0, 100),
    "odometer_m": (("odometer",), 0, 1e10),
}


@dataclass(frozen=True, slots=True)
class Said:
    """One request: who, with which token, where."""

    device_key: str
    token: str | None
    fix: Mapping[str, Any]  # raw fields by the names of the OsmAnd protocol
    speed_kmh: float  # km/h of one unit of its speed
    json: bool = False


@bp.route("/api/osmand", methods=["GET", "POST"])
@token_holder
def take() -> ResponseReturnValue:
    """One position of one telephone."""
    try:
        said = _from_json() if _is_json() else _from_fields()
    except Refused:
        _authentic(None, api.bearer() or request.args.get("token"))
        raise
    feed = _authentic(said.device_key, said.token)
    api.paced(_PACE, feed)
    try:
        fix, extras = _fix(said)
    except Refused as refused:
        raise api.of(refused, 400) from refused
    now = clock.now()
    with transaction() as session:
        (vehicle_id,) = feed_query.vehicles(session, feed.id).values()
        received = reports.receive(session, feed, [Report(vehicle_id, fix, extras)], now)
    api.tell(received.moved)
    return jsonify({"result": str(received.results[0]), "marks": sorted(received.marks)})


def _authentic(device_key: str | None, token: str | None) -> Feed:
    """The telephone: its token and its identifier must belong together. Raises Answer (401)."""
    feed = api.feed_of(FeedKind.DEVICE, token)
    if device_key is not None and not hmac.compare_digest(
        device_key.encode(), (feed.device_key or "").encode()
    ):
        raise Answer(401, "device", _(N_("This token belongs to another device.")), "id")
    return feed


def _is_json() -> bool:
    return request.method == "POST" and request.mimetype == "application/json"


def _from_fields() -> Said:
    """Query and form fields together, as the OsmAnd protocol has them."""
    request.max_content_length = _LARGEST
    if request.method == "POST" and request.mimetype not in ("", "application/x-www-form-urlencoded"):
        raise UnsupportedMediaType
    fields = {**request.args.to_dict(), **request.form.to_dict()}
    unit = values.chosen("speed_unit", fields.get("speed_unit", "knots"), list(SPEED_UNITS))
    if "location" in fields and "lat" not in fields:
        fields["lat"], _comma, fields["lon"] = fields["location"].partition(",")
    fields["bearing"] = fields.get("bearing") or fields.get("heading") or ""
    return Said(
        values.text("id", values.needed("id", fields.get("id") or fields.get("deviceid")), 64),
        api.bearer() or fields.get("token"), fields, SPEED_UNITS[unit],
    )  # fmt: skip


def _from_json() -> Said:
    """{"device_id": …, "location": {"timestamp": …, "coords": {"latitude": …, …}, "battery": {…}}}"""
    root = _object("body", api.parsed(api.body(_LARGEST, _LARGEST)))
    location = _object("location", values.needed("location", root.get("location")))
    coords = _object("location.coords", values.needed("location.coords", location.get("coords")))
    battery, extras = _optional(location, "battery"), _optional(location, "extras")
    level = battery.get("level")
    fields = {
        "timestamp": location.get("timestamp"),
        "lat": coords.get("latitude"),
        "lon": coords.get("longitude"),
        "speed": coords.get("speed"),
        "bearing": coords.get("heading"),
        "altitude": coords.get("altitude"),
        "accuracy": coords.get("accuracy"),
        "odometer": location.get("odometer"),
        "batt": level * 100 if isinstance(level, (int, float)) and level >= 0 else None,
        "alarm": extras.get("alarm") or location.get("alarm") or root.get("alarm"),
        "mock": location.get("mock"),
    }
    key = values.text("device_id", values.needed("device_id", root.get("device_id")), 64)
    token = api.bearer() or request.args.get("token") or root.get("token")
    return Said(key, token if isinstance(token, str) else None, fields, SPEED_UNITS["mps"], json=True)


def _fix(said: Said) -> tuple[Fix, dict[str, Any]]:
    """The position. Raises Refused naming the field as the telephone calls it."""
    raw = said.fix
    lat, lon = _named(said, "lat"), _named(said, "lon")
    speed = _known(values.maybe(_named(said, "speed"), raw.get("speed"), -1, values.LARGEST_SPEED))
    heading = _known(values.maybe(_named(said, "bearing"), raw.get("bearing"), -1, 360))
    altitude = values.maybe(_named(said, "altitude"), raw.get("altitude"), -1_000, 100_000)
    fix = values.fix(
        values.moment("timestamp", values.needed("timestamp", raw.get("timestamp"))),
        values.number(lon, values.needed(lon, raw.get("lon")), -180, 180),
        values.number(lat, values.needed(lat, raw.get("lat")), -90, 90),
        speed_kmh=None if speed is None else speed * said.speed_kmh,
        heading=heading, altitude_m=altitude,
        located=str(raw.get("valid", "1")).lower() in ("1", "true") and not _mock(raw),
        alarm=_alarm(raw.get("alarm")),
    )  # fmt: skip
    extras: dict[str, Any] = {"door": "osmand"}
    for name, (theirs, low, high) in _EXTRAS.items():
        value = next((raw[t] for t in theirs if raw.get(t) is not None), None)
        if (number := values.maybe(theirs[0], value, low, high)) is not None:
            extras[name] = number
    if raw.get("alarm"):
        extras["alarm"] = values.shown(str(raw["alarm"]))
    if _mock(raw):
        extras["mock"] = True
    return fix, extras


_JSON_NAMES = {
    "lat": "location.coords.latitude", "lon": "location.coords.longitude", "speed": "location.coords.speed",
    "bearing": "location.coords.heading", "altitude": "location.coords.altitude",
}  # fmt: skip


def _named(said: Said, field: str) -> str:
    return _JSON_NAMES.get(field, field) if said.json else field


def _known(value: float | None) -> float | None:
    """Telephones say −1 for what they do not know."""
    return None if value is None or value < 0 else value


def _mock(raw: Mapping[str, Any]) -> bool:
    """The telephone itself says that another program made this position up."""
    return str(raw.get("mock") or "").lower() in ("1", "true")


def _alarm(raw: Any) -> int:
    """The alarms we know are obeyed; another word is kept beside the position."""
    return 1 << values.ALARMS[raw] if isinstance(raw, str) and raw in values.ALARMS else 0


def _object(field: str, raw: Any) -> Mapping[str, Any]:
    if not isinstance(raw, dict):
        raise values.wrong(FixFault.NOT_AN_OBJECT, field)
    return raw


def _optional(location: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return _object(f"location.{name}", location.get(name) or {})
