"""What the person who hands in a drawing says of it, where the drawing itself says nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pyproj import CRS
from pyproj.exceptions import CRSError

from geo.datum import Datum
from geo.report import LayerReason

_KNOWN = frozenset({"crs", "datum", "northing_first", "dxf_layers", "label_layers", "properties"})


@dataclass(frozen=True, slots=True)
class Declared:
    """``crs``: of a file that states none (a DXF never does). ``northing_first``: its first column is the
    northing. ``dxf_layers``: DXF layers whose lines are the shapes; ``label_layers``: whose texts name them
    (none: every text). ``properties``: for every shape that has none of that name itself.
    """

    crs: str = ""
    datum: Datum = Datum.WGS84
    northing_first: bool = False
    dxf_layers: tuple[str, ...] = ()
    label_layers: tuple[str, ...] = ()
    properties: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_mapping(cls, said: Mapping[str, Any], datum: Datum = Datum.WGS84) -> Declared:
        """From a checked mapping (see ``wrong``)."""
        return cls(
            crs=str(said.get("crs", "")),
            datum=Datum(said.get("datum", datum)),
            northing_first=bool(said.get("northing_first", False)),
            dxf_layers=tuple(said.get("dxf_layers", ())),
            label_layers=tuple(said.get("label_layers", ())),
            properties=dict(said.get("properties", {})),
        )


def wrong(said: Any) -> Iterator[tuple[str, LayerReason]]:
    """(field, why) of everything that cannot be meant."""
    if not isinstance(said, Mapping):
        yield "", LayerReason.NOT_AN_OBJECT
        return
    for name in said.keys() - _KNOWN:
        yield str(name), LayerReason.NO_SUCH_FIELD
    if not crs_known(said.get("crs", "")):
        yield "crs", LayerReason.NO_SUCH_CRS
    if said.get("datum", Datum.WGS84) not in list(Datum):
        yield "datum", LayerReason.NO_SUCH_DATUM
    if not isinstance(said.get("northing_first", False), bool):
        yield "northing_first", LayerReason.NOT_A_BOOLEAN
    for name in ("dxf_layers", "label_layers"):
        value = said.get(name, [])
        if not isinstance(value, (list, tuple)) or not all(isinstance(v, str) for v in value):
            yield name, LayerReason.NOT_A_LIST
    if not isinstance(said.get("properties", {}), Mapping):
        yield "properties", LayerReason.NOT_AN_OBJECT


def crs_known(name: Any) -> bool:
    """Whether PROJ knows this CRS; the empty text (none declared) is fine."""
    if not isinstance(name, str) or len(name) > 2000:
        return False
    try:
        return not name or CRS.from_user_input(name) is not None
    except CRSError:
        return False
