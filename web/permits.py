"""Routes and closed zones of a booking on pages: to be chosen by the dispatcher, to be read by everybody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import request

from geo.shapes import Feature, LayerKind, Park
from parking.queries.bookings import BookingView
from parking.rules import permit as rules
from parking.rules.permit import Permit
from parking.services.permits import BEFORE, Asked
from web.forms import cleaned, row_number


@dataclass(frozen=True, slots=True)
class Named:
    """What a booking names, in words. Empty ``routes`` and None for ``zones``: every one the park has.

    ``any_routes``, ``any_zones``: whether the park has any.
    """

    routes: tuple[str, ...]
    zones: tuple[str, ...] | None
    any_routes: bool
    any_zones: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """What may be chosen, each with whether it is ticked; ``seen``: the change the choice starts from."""

    routes: tuple[tuple[Feature, bool], ...]
    zones: tuple[tuple[Feature, bool], ...]
    seen: int


def named(park: Park, view: BookingView, now: datetime, lang: str) -> Named:
    """A code that is drawn no longer is said as it is."""
    at = max(view.window_start, now)
    names = {(f.kind, f.code): f"{f.code} {f.name(lang)}" for f in park.at(at).features}

    def said(kind: LayerKind, codes: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(names.get((kind, code), code) for code in codes)

    permit = view.permit
    return Named(
        said(LayerKind.ROUTE, permit.routes),
        None if permit.zones is None else said(LayerKind.ZONE, permit.zones),
        bool(rules.routes_to_name(park, at)),
        bool(rules.zones_to_name(park, at)),
    )


def offer(park: Park, view: BookingView, now: datetime, typed: Asked | None = None) -> Offer | None:
    """The choice for a booking, as ``typed`` or as it stands; None while there is nothing to choose."""
    ready = view.visit.open if view.visit else view.state in BEFORE
    at = max(view.window_start, now)
    routes, zones = rules.routes_to_name(park, at), rules.zones_to_name(park, at)
    if not ready or not (routes or zones):
        return None
    permit = typed.permit if typed else view.permit
    return Offer(
        tuple((f, f.code in permit.routes) for f in routes),
        tuple((f, permit.enters(f.code)) for f in zones),
        view.permit_id,
    )


def asked() -> Asked | None:
    """What the form names; None for a form that does not ask. Every zone shown and ticked means: all."""
    if "permit_seen" not in request.form:
        return None
    routes, zones, shown = (_codes(key) for key in ("routes", "zones", "zones_shown"))
    return Asked(
        Permit.of(routes, None if zones == shown else zones),
        request.form.get("permit_seen", type=row_number) or 0,
    )


def _codes(key: str) -> set[str]:
    return {code for text in request.form.getlist(key)[:500] if (code := cleaned(text, 40))}
