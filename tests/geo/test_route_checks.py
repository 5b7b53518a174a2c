"""What a route or a closed zone may say of itself is checked at the door."""

import pytest
from shapely import LineString, box

from geo.layer_checks import check_feature
from geo.report import LayerWord, Report
from geo.shapes import LayerKind

AREA = (110.0, 35.0, 111.0, 36.0)
DETOUR = {
    "detour": True, "valid_from": "2026-03-02", "valid_to": "2026-03-09T06:00", "approval_note": "封路 7 号",
}  # fmt: skip


def told(kind, **properties):
    shape = (
        LineString([(110.4, 35.4), (110.5, 35.5)])
        if kind is LayerKind.ROUTE
        else box(110.4, 35.4, 110.5, 35.5)
    )
    report = Report()
    check_feature(kind, shape, properties, AREA, None, "f", "x", report)
    return [(i.word, i.facts.get("property")) for i in report.items]


def test_a_detour_with_its_dates_and_its_note_is_fine():
    assert told(LayerKind.ROUTE, **DETOUR) == []


@pytest.mark.parametrize("name", ["valid_from", "valid_to", "approval_note"])
def test_a_detour_without_one_of_them_is_not(name):
    assert told(LayerKind.ROUTE, **{**DETOUR, name: " "}) == [(LayerWord.PROPERTY_MISSING, name)]


@pytest.mark.parametrize(
    "name, value",
    [
        ("valid_from", "tomorrow"),
        ("valid_to", "2026-03-01"),
        ("detour", "perhaps"),
        ("one_way", 2),
    ],
)
def test_what_cannot_be_read_is_named(name, value):
    assert (LayerWord.PROPERTY_WRONG, name) in told(LayerKind.ROUTE, **{**DETOUR, name: value})


@pytest.mark.parametrize("value, wrong", [("yes!", True), ("true", False), (False, False), (None, False)])
def test_flags_of_a_zone_are_true_or_false(value, wrong):
    found = told(LayerKind.ZONE, zone_kind="closed", permit_required=value)
    assert (found == [(LayerWord.PROPERTY_WRONG, "permit_required")]) is wrong
