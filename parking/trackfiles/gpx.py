"""Tracks as GPX 1.0 or 1.1: the points of every track (trk), not routes and waypoints.

Read by defusedxml: a document type, entities and references to elsewhere are refused, not followed.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from parking.refused import Refused, no
from parking.trackfiles.rows import Row
from parking.vocabulary import FixFault

NAMESPACES = ("http://www.topografix.com/GPX/1/0", "http://www.topografix.com/GPX/1/1")
#: Levels of a file and elements of a point; more is hostile.
_DEEPEST, _LARGEST_POINT = 50, 1_000
#: Local name of a child, at any depth, → our field. Speed is metres a second, also in the usual extension.
_SAID = {"time": "time", "ele": "altitude", "speed": "speed", "course": "heading"}


def rows(data: bytes) -> Iterator[Row]:
    """The track points, numbered from 1. Raises Refused when the file is no GPX that can be read.

    Only the point being read is kept in memory.
    """
    number, inside, above = 0, 0, list[Element]()
    try:
        for event, element in iterparse(io.BytesIO(data), events=("start", "end"), forbid_dtd=True):
            if event == "start":
                _fits(element, above, inside)
                above.append(element)
                inside = inside + 1 if inside or _local(element) == "trkpt" else 0
                continue
            above.pop()
            if _local(element) == "trkpt":
                number, inside = number + 1, 0
                yield _row(number, element)
            if not inside and above:
                del above[-1][:]
    except DefusedXmlException as hostile:
        raise Refused(no(FixFault.FILE_ENTITIES, "file")) from hostile
    except (ParseError, ValueError, LookupError) as broken:
        raise Refused(no(FixFault.FILE_UNREADABLE, "file", reason=str(broken)[:120])) from broken


def _fits(element: Element, above: list[Element], inside: int) -> None:
    """The root is GPX, and nothing is deeper or larger than any recorder writes."""
    if not above:
        _root(element)
    if len(above) > _DEEPEST or inside > _LARGEST_POINT:
        raise ValueError(f"more than {_DEEPEST} levels, or {_LARGEST_POINT} elements in a point")


def _root(element: Element) -> None:
    space, _, name = element.tag.removeprefix("{").rpartition("}")
    if name != "gpx" or space not in NAMESPACES:
        raise Refused(no(FixFault.FILE_UNREADABLE, "file", reason=f"<{element.tag[:80]}>: GPX 1.0, 1.1?"))


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _row(number: int, point: Element) -> Row:
    said: dict[str, str] = {name: point.attrib[name] for name in ("lat", "lon") if name in point.attrib}
    for child in point.iter():
        if (field := _SAID.get(_local(child))) and child.text and field not in said:
            said[field] = child.text.strip()
    return Row(number, said)
