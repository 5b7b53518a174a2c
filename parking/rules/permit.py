"""What a booking names: the approved routes its vehicle may take and the closed zones it may enter.

Naming no route leaves every approved route of the park; ``zones`` None leaves every closed zone, also those
drawn later, and an empty tuple none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from geo.layer_checks import flag_of
from geo.route_checks import moment_of
from geo.shapes import Feature, LayerKind, Park
from parking.refused import Reason, no
from parking.rules.era import watched
from parking.vocabulary import Refusal

#: Form fields, named by refusals.
ROUTES, ZONES = "routes", "zones"


@dataclass(frozen=True, slots=True)
class Permit:
    """Codes, sorted and each once."""

    routes: tuple[str, ...] = ()
    zones: tuple[str, ...] | None = None

    @staticmethod
    def of(routes: Iterable[str], zones: Iterable[str] | None) -> Permit:
        """A permit from codes in any order, perhaps repeated."""
        return Permit(tuple(sorted(set(routes))), None if zones is None else tuple(sorted(set(zones))))

    def enters(self, zone: str) -> bool:
        return self.zones is None or zone in self.zones


#: Nothing named: every approved route, every closed zone.
EVERYTHING = Permit()


def routes_to_name(park: Park, at: datetime) -> list[Feature]:
    """The approved routes in force at ``at``. Detours are not among them: they need not be named."""
    return [f for f in park.in_force(LayerKind.ROUTE, at) if not _detour(f)]


def zones_to_name(park: Park, at: datetime) -> list[Feature]:
    """The closed zones in force at ``at``, and other zones whose edge is watched like theirs."""
    return [f for f in park.in_force(LayerKind.ZONE, at) if closed(f)]


def closed(zone: Feature) -> bool:
    """May a vehicle need to be booked for this zone?"""
    return zone.attributes.get("zone_kind") == "closed" or watched(zone)


def against(permit: Permit, park: Park, begins: datetime, ends: datetime) -> tuple[Reason, ...]:
    """Every code that cannot be named for a stay from ``begins`` to ``ends``; each reason names its field."""
    span = (begins, ends)
    return (
        *(reason for code in permit.routes for reason in _against_route(code, park, span)),
        *(reason for code in permit.zones or () for reason in _against_zone(code, park, span)),
    )


def shut_out(
    permit: Permit, park: Park, kind: LayerKind, codes: Iterable[str], at: datetime
) -> Mapping[str, Reason]:
    """Of the bays or docks with these codes those in a closed zone the permit does not name, with why."""
    shut = [z for z in zones_to_name(park, at) if not permit.enters(z.code)]
    if not shut:
        return {}
    wanted = set(codes)
    found = {}
    for place in park.in_force(kind, at):
        middle = place.geometry.representative_point()
        zone = next((z.code for z in shut if z.geometry.covers(middle)), None)
        if place.code in wanted and zone is not None:
            found[place.code] = no(Refusal.PLACE_SHUT, ZONES, place=place.code, zone=zone)
    return found


def _against_route(code: str, park: Park, span: Sequence[datetime]) -> Iterator[Reason]:
    versions = [f for f in park.of(LayerKind.ROUTE) if f.code == code]
    if not versions:
        yield no(Refusal.ROUTE_UNKNOWN, ROUTES, route=code)
    elif all(_detour(f) for f in versions):
        yield no(Refusal.ROUTE_DETOUR, ROUTES, route=code)
    elif (off := _first_without([f for f in versions if not _detour(f)], park, span)) is not None:
        yield no(Refusal.ROUTE_NOT_IN_FORCE, ROUTES, route=code, day=off)


def _against_zone(code: str, park: Park, span: Sequence[datetime]) -> Iterator[Reason]:
    versions = [f for f in park.of(LayerKind.ZONE) if f.code == code]
    if not versions:
        yield no(Refusal.ZONE_UNKNOWN, ZONES, zone=code)
    elif not any(closed(f) for f in versions):
        yield no(Refusal.ZONE_NOT_CLOSED, ZONES, zone=code)
    elif (off := _first_without([f for f in versions if closed(f)], park, span)) is not None:
        yield no(Refusal.ZONE_NOT_IN_FORCE, ZONES, zone=code, day=off)


def _first_without(versions: Sequence[Feature], park: Park, span: Sequence[datetime]) -> str | None:
    """The first day of those asked about (ISO, the park's) on which no version binds; None: there is none."""
    zone = ZoneInfo(park.timezone)
    off = (at for at in span if not any(_binds(f, at, zone) for f in versions))
    return next((at.astimezone(zone).date().isoformat() for at in off), None)


def _binds(feature: Feature, at: datetime, zone: ZoneInfo) -> bool:
    if feature.approval is not None and not feature.approval.in_force(at.astimezone(zone).date()):
        return False
    since = moment_of(feature.attributes.get("valid_from"), zone)
    until = moment_of(feature.attributes.get("valid_to"), zone)
    return (since is None or since <= at) and (until is None or at < until)


def _detour(route: Feature) -> bool:
    return bool(flag_of(route.attributes.get("detour")))
