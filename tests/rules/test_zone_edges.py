"""Closed zones: who goes over their edge is recorded; without a booking for the zone it is an offence."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from shapely import LineString, MultiPolygon, Point, Polygon, box
from shapely.geometry import shape

from geo.shapes import LayerKind
from parking.rules.lines import Side
from parking.rules.monitor import Journey, State
from parking.vocabulary import Certainty, Mark
from tests.land import BOOKED, FRAME, ORIGIN, START, STRANGER, drive, feature, fix, ground, judged, placed

SQUARE = box(100, 100, 300, 300)


def land(shape=SQUARE, policy=None, **attributes):
    return ground(
        feature(LayerKind.ZONE, "Z1", shape, **{"zone_kind": "closed", **attributes}), **policy or {}
    )


def over(found):
    """(kind, direction, certainty) of what went over the edge of the zone."""
    return [(f.kind.value, f.facts["direction"], f.certainty) for f in found if f.facts.get("line") == "Z1"]


THROUGH = [(0, 200), (400, 200)]
BOTH = [("zone_crossing", "in", Certainty.CERTAIN), ("zone_crossing", "out", Certainty.CERTAIN)]


def test_into_the_zone_and_out_again_are_two_events():
    found = judged(land(), drive(THROUGH)).findings
    assert over(found) == BOTH
    first = next(f for f in found if f.facts.get("line") == "Z1")
    at = FRAME.metres([first.lon], [first.lat])
    assert (at[0][0] - ORIGIN[0], at[1][0] - ORIGIN[1]) == pytest.approx((100, 200), abs=0.1)


def test_a_crossing_says_when_at_the_earliest_and_latest_how_deep_and_where():
    found = judged(land(), [fix(40, 200, 0, 25), fix(80, 200, 10, 25), fix(140, 200, 20, 25)]).findings
    facts = next(f for f in found if f.facts.get("line") == "Z1").facts
    earliest, latest = (datetime.fromisoformat(facts[k]) for k in ("earliest_at", "latest_at"))
    assert START + timedelta(seconds=10) <= earliest < latest <= START + timedelta(seconds=20)
    assert facts["depth_m"] == pytest.approx(40, abs=0.1)
    assert (facts["gate"], facts["on_route"], facts["gap_s"]) == ("", False, 10.0)


@pytest.mark.parametrize("journey, kind", [(STRANGER, "zone_unbooked"), (BOOKED, "zone_crossing")])
def test_without_a_booking_going_in_is_an_offence_and_coming_out_is_none(journey, kind):
    found = over(judged(land(), drive(THROUGH), journey).findings)
    assert [(k, d) for k, d, _ in found] == [(kind, "in"), ("zone_crossing", "out")]


@pytest.mark.parametrize("zones, kind", [(("Z9",), "zone_unbooked"), (("Z1",), "zone_crossing")])
def test_a_booking_for_another_zone_is_none_for_this_one(zones, kind):
    found = judged(land(), drive(THROUGH), replace(BOOKED, zones=zones)).findings
    assert over(found)[0][0] == kind


@pytest.mark.parametrize(
    "policy, attributes, kind",
    [
        ({"zone_unbooked": False}, {}, "zone_crossing"),
        ({"zone_unbooked": False}, {"permit_required": True}, "zone_unbooked"),
        ({}, {"permit_required": "false"}, "zone_crossing"),
    ],
)
def test_what_the_zone_says_goes_before_what_the_park_says(policy, attributes, kind):
    found = judged(land(policy=policy, **attributes), drive(THROUGH), STRANGER).findings
    assert over(found)[0][0] == kind


@pytest.mark.parametrize("attributes", [{"record_crossings": False}, {"zone_kind": "gate_queue"}])
def test_an_edge_nobody_watches_is_crossed_in_silence(attributes):
    assert over(judged(land(**attributes), drive(THROUGH), STRANGER).findings) == []


def test_a_zone_cut_between_two_sparse_fixes_is_inferred():
    found = over(judged(land(), [fix(0, 200, 0, 50), fix(500, 200, 36, 50)]).findings)
    assert found == [(k, d, Certainty.INFERRED) for k, d, _ in BOTH]


def test_a_fix_too_near_the_edge_to_prove_it_does_not_lose_the_crossing():
    """The only fix inside lies 10 m deep; the way to it and on from it went through the middle."""
    corner = [fix(0, 150, 0, 50), fix(290, 200, 20, 50), fix(500, 400, 40, 50)]
    assert [(k, d) for k, d, _ in over(judged(land(), corner).findings)] == [(k, d) for k, d, _ in BOTH]


@pytest.mark.parametrize(
    "way",
    [
        [(50, 100), (350, 100)],  # along the edge
        [(0, 200), (200, 0)],  # touching a corner
        [(100, 0), (100, 400)],  # along another edge
    ],
)
def test_touching_a_zone_or_running_along_its_edge_is_no_crossing(way):
    assert over(judged(land(), drive(way)).findings) == []


def test_standing_near_the_edge_jitters_into_nothing():
    jitter = [fix(100 + (12 if n % 2 else -12), 200 + n % 5, 5 * n, 0) for n in range(60)]
    assert over(judged(land(), [fix(60, 200, -5, 5), *jitter]).findings) == []


def test_first_seen_inside_nobody_entered():
    found = judged(land(), drive([(200, 200), (400, 200)])).findings
    assert [d for _, d, _ in over(found)] == ["out"]


def test_starting_on_the_edge_proves_no_side():
    assert over(judged(land(), drive([(100, 200), (200, 200)])).findings) == []


def test_a_hole_is_outside():
    holed = Polygon(SQUARE.exterior.coords, [box(160, 160, 240, 240).exterior.coords])
    ways = [d for _, d, _ in over(judged(land(holed), drive(THROUGH, kmh=20, every_s=2)).findings)]
    assert ways == ["in", "out", "in", "out"]


def test_parts_of_one_zone_are_entered_one_after_the_other():
    parts = MultiPolygon([box(100, 100, 200, 300), box(250, 100, 350, 300)])
    ways = [d for _, d, _ in over(judged(land(parts), drive(THROUGH, every_s=3)).findings)]
    assert ways == ["in", "out", "in", "out"]


def test_of_zones_far_away_nothing_is_remembered():
    state = judged(land(), drive([(0, -100), (0, 50)])).state
    assert {s.code for s in state.sides} == {"boundary:BD", "control_line:CL"}
    inside = judged(land(), drive([(0, 200), (200, 200)])).state
    assert Side("zone:Z1", True) in inside.sides
    assert State.from_json(inside.to_json()) == inside


def test_after_a_jump_into_a_zone_nobody_entered_it_and_leaving_it_is_seen():
    jumped = [fix(-3000, 200, 0, 20), fix(-2990, 200, 5, 20), fix(200, 200, 10, 20), fix(200, 210, 15, 20)]
    result = judged(land(), jumped + drive([(200, 210), (400, 210)], begin=20))
    assert Mark.TELEPORT in result.marks
    assert [d for _, d, _ in over(result.findings)] == ["out"]


def test_a_gap_too_long_gives_the_stretch_of_the_line_it_must_have_been():
    found = judged(ground(), [fix(0, -400, 0, 20), fix(100, -1400, 100, 20)], BOOKED).findings
    facts = next(f.facts for f in found if f.facts.get("line") == "CL")
    stretch = FRAME.to_metres(shape(facts["stretch"]))
    line = FRAME.to_metres(placed(box(-1000, -1000, 1000, 1000).boundary))
    assert stretch.length < 0.5 * line.length
    assert stretch.within(line.buffer(0.5))
    middle = FRAME.to_metres(placed(Point(50, -1000)))
    assert stretch.distance(middle) < 1
    south = FRAME.to_metres(placed(LineString([(-990, -1000), (990, -1000)])))
    assert not stretch.buffer(1).contains(south)


def test_a_crossing_everybody_can_place_needs_no_stretch():
    found = judged(land(), drive(THROUGH)).findings
    assert all("stretch" not in f.facts for f in found)


def test_nobody_is_accused_of_a_corner_cut_that_jitter_could_explain():
    shallow = [fix(80, 130, 0, 50), fix(130, 80, 20, 50)]
    assert {k for k, _, _ in over(judged(land(), shallow, Journey(False, True)).findings)} <= {
        "zone_crossing"
    }
