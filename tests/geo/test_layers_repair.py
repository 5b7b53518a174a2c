"""A repair is proposed with the areas before and after, and made only when a person agrees."""

import numpy as np
import pytest
import shapely
from shapely import MultiPolygon, box

from geo.datum import LocalFrame
from geo.layers import read_park
from geo.repairs import proposal, without_slivers
from geo.report import LayerWord, RepairWord
from geo.shapes import LayerKind
from tests.demo_park import DEMO, edit

FRAME = LocalFrame("EPSG:4546")
X, Y = 498_000.0, 3_950_000.0


def placed(shape):
    return FRAME.to_degrees(shapely.transform(shape, lambda xy: xy + np.array([X, Y])))


def proposed(shape, unclosed=False, kind=LayerKind.ZONE):
    return proposal(kind, placed(shape), unclosed, FRAME, "zone.geojson", "Z")


def test_an_open_ring_is_proposed_to_be_closed_and_left_alone_until_then(folder):
    edit(folder, "gate", lambda f: f["geometry"]["coordinates"][0].pop())
    before = (folder / "gate.geojson").read_bytes()
    park, report = read_park(folder)
    (repair,) = report.repairs
    assert repair.words == (RepairWord.CLOSE_RING,) and repair.after_m2 > 10
    assert {i.word for i in report.errors} == {LayerWord.RING_NOT_CLOSED}
    assert len(park.of(LayerKind.GATE)) == len(read_park(DEMO)[0].of(LayerKind.GATE)) - 1
    park, report = read_park(folder, consent=True)
    assert report.errors == [] and [i.word for i in report.items] == [LayerWord.REPAIRED]
    assert len(park.of(LayerKind.GATE)) == len(read_park(DEMO)[0].of(LayerKind.GATE))
    assert (folder / "gate.geojson").read_bytes() == before


def test_a_bow_tie_is_untangled_and_its_halves_stay():
    tie = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    found = proposed(tie)
    assert found.words == (RepairWord.MAKE_VALID,)
    assert found.after.is_valid and found.before_m2 == pytest.approx(50, rel=1e-3)
    assert found.after_m2 == pytest.approx(50, rel=1e-3)


def test_a_loop_that_runs_twice_round_a_place_loses_nothing_of_its_cover():
    twice = shapely.Polygon([(0, 0), (10, 0), (10, 10), (3, 10), (3, -2), (5, -2), (5, 5), (0, 5)])
    found = proposed(twice)
    assert found.after.is_valid and found.after_m2 > 0


def test_slivers_are_merged_into_what_they_touch_and_dropped_where_they_touch_nothing():
    main, beside, alone = box(0, 0, 100, 50), box(100, 0, 100.05, 50), box(300, 0, 300.5, 0.5)
    found = proposed(MultiPolygon([main, alone, beside]))
    assert found.words[-1] is RepairWord.MERGE_SLIVERS
    assert found.after_m2 == pytest.approx(5002.5, rel=1e-3)


def test_a_shape_that_is_all_sliver_is_left_for_a_person():
    thin = placed(MultiPolygon([box(0, 0, 0.1, 5), box(10, 0, 10.1, 5)]))
    assert without_slivers(thin, FRAME) is thin


def test_a_sound_shape_is_not_touched():
    assert proposed(box(0, 0, 10, 10)) is None
    assert proposed(MultiPolygon([box(0, 0, 10, 10), box(20, 0, 30, 10)])) is None
    assert (
        proposal(LayerKind.ROUTE, placed(shapely.LineString([(0, 0), (1, 1)])), False, FRAME, "f", "R")
        is None
    )


def test_empty_shapes_are_dropped_only_with_consent(folder):
    edit(folder, "camera", lambda f: f.update(geometry=None))
    _, report = read_park(folder)
    assert {i.word for i in report.errors} == {LayerWord.GEOMETRY_EMPTY}
    assert [r.words for r in report.repairs] == [(RepairWord.DROP_EMPTY,)]
    park, report = read_park(folder, consent=True)
    assert report.errors == []
    assert len(park.of(LayerKind.CAMERA)) == len(read_park(DEMO)[0].of(LayerKind.CAMERA)) - 1


def test_a_shape_in_the_wrong_place_is_not_repaired_into_it(folder):
    def away(feature):
        ring = feature["geometry"]["coordinates"][0]
        feature["geometry"]["coordinates"] = [[[x + 5, y] for x, y in ring[:-1]]]

    edit(folder, "gate", away)
    _, report = read_park(folder, consent=True)
    assert report.repairs == [] and LayerWord.OUTSIDE_WATCH_AREA in {i.word for i in report.errors}


def test_a_scribble_is_refused_at_once_and_no_repair_is_tried():
    corners = np.random.default_rng(1).uniform(0, 1000, (10_000, 2))
    assert proposed(shapely.Polygon(corners)) is None


def test_a_long_outline_with_one_knot_is_still_mended():
    turn = np.linspace(0, 2 * np.pi, 20_000)
    corners = np.column_stack([np.cos(turn), np.sin(turn)]) * 500
    corners[[5000, 5001]] = corners[[5001, 5000]]
    found = proposed(shapely.Polygon(corners))
    assert found.after.is_valid and found.after_m2 == pytest.approx(np.pi * 500**2, rel=1e-3)
