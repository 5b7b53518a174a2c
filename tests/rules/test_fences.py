"""What a terminal holds of the park: nothing allowed that is not, and the loss said."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Polygon, box

from geo.shapes import LayerKind
from parking.rules.fences import PARTS, WIDEST_M, Source, plan, version_of
from parking.rules.policy import Policy
from tests.land import FRAME, placed


def source(kind, shape, version_id=7, code="X", **attributes) -> Source:
    return Source(version_id, kind, code, "名称", placed(shape), attributes)


def planned(*sources, **policy):
    return plan(sources, FRAME, Policy.from_mapping(policy))


def metres(spots):
    lat, lon = np.array(spots).T[:2]
    return np.column_stack(FRAME.metres(lon, lat))


def drawn(one: Source):
    return FRAME.to_metres(one.shape)


def test_a_boundary_tells_of_going_in_and_out_and_carries_the_parks_limit():
    bd = source(LayerKind.BOUNDARY, box(-500, -500, 500, 500))
    (fence,) = planned(bd, park_limit_kmh=30).fences
    assert (fence.kind, fence.number, fence.layer, fence.code) == ("polygon", 7 * PARTS, "boundary", "X")
    assert fence.payload["max_kmh"] == 30 and "platform_out" in fence.payload["tell"]
    held = Polygon(metres(fence.payload["vertices"]))
    assert held.covers(drawn(bd)) and len(fence.payload["vertices"]) == 4
    assert fence.loss.added_m2 == pytest.approx(held.area - drawn(bd).area, abs=1)
    assert fence.loss.farthest_m < 1


def test_a_control_line_with_a_hole_is_held_without_it_and_that_is_said():
    ring = source(LayerKind.CONTROL_LINE, box(-900, -900, 900, 900) - box(-100, -100, 100, 100))
    (fence,) = planned(ring).fences
    assert fence.loss.holes == 1 and fence.loss.added_m2 >= 200 * 200
    assert fence.payload["max_kmh"] is None


@settings(max_examples=25)
@given(st.integers(5, 120), st.integers(4, 40), st.integers(0, 2**32 - 1))
def test_any_control_line_is_contained_in_what_the_terminal_holds_of_it(spikes, most, seed):
    random = np.random.default_rng(seed)
    angles = np.sort(random.uniform(0, 2 * np.pi, spikes))
    reach = random.uniform(300, 900, spikes)
    shape = Polygon(np.column_stack([reach * np.cos(angles), reach * np.sin(angles)])).buffer(0)
    line = source(LayerKind.CONTROL_LINE, shape)
    fences = planned(line, fence_vertices=most).fences
    held = shapely.union_all([Polygon(metres(f.payload["vertices"])) for f in fences])
    assert held.buffer(1e-6).covers(drawn(line))
    assert all(len(f.payload["vertices"]) <= most for f in fences)


@settings(max_examples=25)
@given(st.integers(3, 150), st.floats(20, 400), st.integers(0, 2**32 - 1))
def test_the_strip_of_a_route_lies_inside_our_corridor(count, half, seed):
    random = np.random.default_rng(seed)
    road = source(
        LayerKind.ROUTE, LineString(np.cumsum(random.normal((30, 0), (5, 8), (count, 2)), axis=0)),
        half_width_m=half,
    )  # fmt: skip
    made = planned(road)
    if not made.fences:
        assert made.not_held == ("X",)
        return
    (fence,) = made.fences
    turns = fence.payload["turns"]
    width = turns[0][2]
    assert {t[2] for t in turns} == {width} and 0 < width <= WIDEST_M and len(turns) <= 40
    strip = LineString(metres(turns)).buffer(width / 2)
    assert drawn(road).buffer(half + 0.05).covers(strip)
    assert fence.loss.narrower_m == pytest.approx(half - width / 2)
    assert fence.loss.farthest_m <= fence.loss.narrower_m + 1e-9


def test_a_corridor_wider_than_the_protocol_can_say_is_held_narrower_and_that_is_said():
    road = source(LayerKind.ROUTE, LineString([(0, 0), (0, 1000)]), half_width_m=300)
    (fence,) = planned(road).fences
    assert fence.payload["turns"][0][2] == 255 and fence.loss.narrower_m == 300 - 127.5


def test_a_road_no_terminal_can_follow_is_named():
    zigzag = source(LayerKind.ROUTE, LineString([(10 * n, 100 * (n % 2)) for n in range(100)]))
    assert planned(zigzag).not_held == ("X",)


def test_zones_with_a_limit_are_held_and_others_are_not():
    slow = source(LayerKind.ZONE, box(0, 0, 9, 9), 1, speed_limit_kmh=15)
    lot = source(LayerKind.ZONE, box(0, 0, 9, 9), 2, zone_kind="lot")
    fences = planned(slow, lot, source(LayerKind.ZONE, box(0, 0, 9, 9), 3)).fences
    assert [(f.number // PARTS, f.payload["max_kmh"]) for f in fences] == [(1, 15), (2, 5)]


def test_ids_are_those_of_the_layer_version_and_a_new_version_has_others():
    both = [source(LayerKind.BOUNDARY, box(0, 0, 9, 9), n) for n in (7, 8)]
    one, other = (planned(s) for s in both)
    assert one.fences[0].number != other.fences[0].number and one.digest != other.digest
    assert planned(both[0]).digest == one.digest
    road = source(LayerKind.ROUTE, LineString([(0, 0), (0, 500), (100, 900)]), 9)
    (fence,) = planned(road).fences
    segment = fence.payload["first_segment"] + 1
    assert [version_of("polygon", one.fences[0].number), version_of("segment", segment)] == [7, 9]
