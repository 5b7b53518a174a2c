"""``python -m parking``: tools people reach for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from shapely import LineString

from tests.land import drive, fix, placed

ROOT = Path(__file__).parents[2]
PARK = ROOT / "fixtures" / "park"


def run(*words, **environment):
    env = {**os.environ, "HAZPARK_LANGUAGE": "en", **environment}
    return subprocess.run(
        [sys.executable, "-m", "parking", *map(str, words)],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )


def tracks(path, **vehicles):
    rows = ["id,t,lon,lat,speed_kmh"]
    for vehicle, fixes in vehicles.items():
        rows += [f"{vehicle},{f.time:%Y-%m-%dT%H:%M:%SZ},{f.lon},{f.lat},{f.speed_kmh or 0.0}" for f in fixes]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def told(result):
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    return lines[:-1], lines[-1]["summary"]


FAR = -60_000  # metres west of the park, outside its watch area
DETOUR = drive(
    [(FAR, -3000), (FAR, -2000), (FAR + 300, -2000), (FAR + 300, -1500), (FAR, -1500), (FAR, -500)]
)
STRAIGHT = drive([(FAR, -3000), (FAR, -500)])
ROUTE = placed(LineString([(FAR, -3500), (FAR, 0)]))
THROUGH_THE_FENCE = drive([(0, -3000), (0, -500)])
FENCE_ROUTE = placed(LineString([(0, -3500), (0, 0)]))


@pytest.mark.parametrize("kind", ["csv", "geojson"])
def test_a_detour_from_the_named_route_is_found_and_the_faithful_driver_is_not_accused(tmp_path, kind):
    routes = tmp_path / f"routes.{kind}"
    if kind == "csv":
        routes.write_text(f'id,n,wkt\nstray,2,"{ROUTE.wkt}"\ntrue,2,"{ROUTE.wkt}"\n')
    else:
        line = {"type": "LineString", "coordinates": list(ROUTE.coords)}
        features = [{"type": "Feature", "properties": {"id": v}, "geometry": line} for v in ("stray", "true")]
        routes.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    file = tracks(tmp_path / "t.csv", stray=DETOUR, true=STRAIGHT)
    result = run("judge", "--park", PARK, "--tracks", file, "--routes", routes, "--anywhere")
    assert result.returncode == 0, result.stderr
    found, summary = told(result)
    assert [(f["id"], f["kind"]) for f in found] == [("stray", "route_deviation")]
    assert found[0]["facts"]["largest_offset_m"] == pytest.approx(300, abs=3)
    assert {"start", "end", "lon", "lat", "certainty", "gap_s"} <= set(found[0])
    assert summary["vehicles"] == 2 and summary["fixes"] == len(DETOUR) + len(STRAIGHT)


@pytest.mark.parametrize("more", [[], ["--anywhere"]])
def test_who_is_in_the_park_is_judged_by_its_lines_whatever_else_the_file_holds(tmp_path, more):
    routes = tmp_path / "routes.csv"
    routes.write_text(f'id,wkt\nfar,"{ROUTE.wkt}"\nhere,"{FENCE_ROUTE.wkt}"\nastray,"{ROUTE.wkt}"\n')
    file = tracks(tmp_path / "t.csv", far=STRAIGHT, here=THROUGH_THE_FENCE, astray=THROUGH_THE_FENCE)
    result = run("judge", "--park", PARK, "--tracks", file, "--routes", routes, *more)
    assert result.returncode == 0, result.stderr
    found = {(f["id"], f["kind"]) for f in told(result)[0]}
    assert {("here", "boundary_crossing"), ("astray", "boundary_crossing")} <= found
    assert {("here", "route_deviation"), ("far", "route_deviation")}.isdisjoint(found)
    assert ("astray", "route_deviation") in found


def test_a_named_route_is_owed_outside_the_ring_too(tmp_path):
    """Within the watch area, but far from every line of the park."""
    routes = tmp_path / "routes.csv"
    west = placed(LineString([(-9000, -3500), (-9000, 0)]))
    routes.write_text(f'id,wkt\nv,"{west.wkt}"\n')
    detour = drive([(-9000, -3000), (-9000, -2000), (-8700, -2000), (-8700, -1500), (-9000, -1500)])
    file = tracks(tmp_path / "t.csv", v=detour)
    found, _ = told(run("judge", "--park", PARK, "--tracks", file, "--routes", routes))
    assert [f["kind"] for f in found] == ["route_deviation"]


@pytest.mark.parametrize("named", [True, False])
def test_a_long_way_from_elsewhere_does_not_hide_what_was_done_in_the_park(tmp_path, named):
    """Most of the track lies far outside the watch area, only its end in the park."""
    way = drive([(-300, -40_000), (-300, -300)], kmh=80)
    routes = tmp_path / "routes.csv"
    routes.write_text(f'id,wkt\n{"v" if named else "other"},"{ROUTE.wkt}"\n')
    file = tracks(tmp_path / "t.csv", v=way)
    result = run("judge", "--park", PARK, "--tracks", file, "--routes", routes, "--anywhere")
    found, summary = told(result)
    assert "boundary_crossing" in {f["kind"] for f in found}
    assert summary["believed"] == len(way)


def test_one_wild_fix_in_the_middle_does_not_make_the_rest_unbelieved(tmp_path):
    wild = STRAIGHT.copy()
    wild[len(wild) // 2] = replace(wild[len(wild) // 2], lon=0.5, lat=-89.0)
    file = tracks(tmp_path / "t.csv", v=wild)
    _, summary = told(run("judge", "--park", PARK, "--tracks", file, "--anywhere"))
    assert summary["believed"] == len(wild) - 1


@pytest.mark.parametrize(
    "row",
    [
        "v,0001-01-01T00:00:00+08:00,110.9,35.6,",
        "v,9999-12-31T23:59:59-08:00,110.9,35.6,",
        "v,2026-03-02T00:00:30Z,110.9,35.6,-5",
        "v,2026-03-02T00:00:30Z,110.9,35.6,1e308",
    ],
)
def test_a_value_no_vehicle_can_have_is_a_bad_row_and_no_traceback(tmp_path, row):
    file = tracks(tmp_path / "t.csv", v=STRAIGHT)
    file.write_text(file.read_text() + row + "\n")
    result = run("judge", "--park", PARK, "--tracks", file, "--anywhere")
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert f"Line {len(STRAIGHT) + 2}" in result.stderr
    assert told(result)[1]["unusable_rows"] == 1


@pytest.mark.parametrize("lon, lat, field", [(1e300, 35.0, "lon"), (110, 95, "lat"), (110, -1e300, "lat")])
def test_a_place_on_no_earth_is_named_and_left_out_and_no_traceback(tmp_path, lon, lat, field):
    odd = [*STRAIGHT, replace(STRAIGHT[-1], lon=lon, lat=lat)]
    result = run("judge", "--park", PARK, "--tracks", tracks(tmp_path / "t.csv", v=odd), "--anywhere")
    assert result.returncode == 1
    assert f"Line {len(odd) + 1}: {field} is " in result.stderr
    assert told(result)[1]["believed"] == len(STRAIGHT)
    nowhere = tracks(tmp_path / "n.csv", v=[replace(f, lon=lon, lat=lat) for f in STRAIGHT[:3]])
    result = run("judge", "--park", PARK, "--tracks", nowhere, "--anywhere")
    assert result.returncode == 2 and "Traceback" not in result.stderr


def test_with_each_finding_goes_how_sure_it_is_and_the_interval_it_lies_in(tmp_path):
    """Through the fence during a gap of two minutes: certain that, not where; the stretch is given."""
    inside, outside = (
        [fix(20 * n, 0, 10 * n, 30) for n in range(3)],
        [fix(0, -3000, 140, 30), fix(0, -3050, 150, 30)],
    )
    file = tracks(tmp_path / "t.csv", v=inside + outside)
    found, _ = told(run("judge", "--park", PARK, "--tracks", file, "--passages", "--anywhere"))
    crossed = next(f for f in found if f["facts"].get("line") == "BD")
    assert (crossed["certainty"], crossed["gap_s"]) == ("somewhere_between", 120.0)
    begins, ends = crossed["interval"]
    assert "2026-03-02T00:00:20Z" <= begins <= crossed["start"] <= ends <= "2026-03-02T00:02:20Z"
    assert crossed["facts"]["stretch"]["type"] == "MultiLineString"


def test_a_bad_row_is_named_by_line_and_field_and_the_rest_is_judged(tmp_path):
    file = tracks(tmp_path / "t.csv", v=STRAIGHT)
    lines = file.read_text().splitlines()
    lines[2] = "v,yesterday,110.9,35.6,"
    lines[3] = "v,2026-03-02T00:00:30Z,east,35.6,"
    file.write_text("\n".join(lines))
    result = run("judge", "--park", PARK, "--tracks", file)
    assert result.returncode == 1
    assert "Line 3" in result.stderr and "yesterday" in result.stderr
    assert "Line 4" in result.stderr and "lon" in result.stderr
    assert told(result)[1]["unusable_rows"] == 2


@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe garbage", b"a,b\n1,2\n", b"id,t,lon,lat\n"])
def test_a_file_that_is_no_track_is_refused_in_a_sentence(tmp_path, content):
    file = tmp_path / "t.csv"
    file.write_bytes(content)
    result = run("judge", "--park", PARK, "--tracks", file)
    assert result.returncode == 2
    assert "t.csv" in result.stderr and "Traceback" not in result.stderr


def test_an_unbooked_vehicle_in_the_ring_is_told(tmp_path):
    here = [fix(0, 0, 10 * n, 0.0) for n in range(5)]
    result = run("judge", "--park", PARK, "--tracks", tracks(tmp_path / "t.csv", v=here), "--unbooked")
    assert "ring_unbooked" in {f["kind"] for f in told(result)[0]}


def test_a_clean_park_and_a_broken_one(tmp_path):
    assert run("park", "check", PARK).returncode == 0
    broken = run("park", "check", tmp_path)
    assert broken.returncode == 1
    assert "park.json" in broken.stdout and "missing" in broken.stdout
    chinese = run("park", "check", tmp_path, HAZPARK_LANGUAGE="zh")
    assert "缺少" in chinese.stdout


@pytest.mark.parametrize("command", ["park", "judge", "db", "seed", "staff"])
@pytest.mark.parametrize("lang, word", [("zh", "帮助"), ("en", "Show this help")])
def test_help_speaks_both_languages(command, lang, word):
    result = run(command, "--help", "--lang", lang)
    assert result.returncode == 0
    assert word in result.stdout


def test_the_first_run_makes_park_and_accounts_once(database_url):
    first = run("seed", DATABASE_URL=database_url)
    assert first.returncode == 0, first.stderr
    assert first.stdout.count("\n") >= 6 and "admin" in first.stdout
    again = run("seed", DATABASE_URL=database_url)
    assert (again.returncode, again.stdout) == (0, "")
    assert run("staff", "add", "wang", "--role", "guard", DATABASE_URL=database_url).stdout.strip()
    twice = run("staff", "add", "wang", DATABASE_URL=database_url)
    assert twice.returncode == 1 and "wang" in twice.stderr


def test_a_repair_is_proposed_and_made_only_in_a_copy_and_only_when_agreed_to(tmp_path):
    folder = Path(shutil.copytree(PARK, tmp_path / "park"))
    data = json.loads((folder / "gate.geojson").read_text(encoding="utf-8"))
    data["features"][0]["geometry"]["coordinates"][0].pop()
    (folder / "gate.geojson").write_text(json.dumps(data), encoding="utf-8")
    before = (folder / "gate.geojson").read_bytes()
    checked = run("park", "check", folder)
    assert checked.returncode == 1 and "proposed repair" in checked.stdout and "m² after" in checked.stdout
    assert not (tmp_path / "park-repaired").exists()
    repaired = run("park", "check", folder, "--repair")
    assert repaired.returncode == 0, repaired.stdout + repaired.stderr
    assert "close the ring. Area" in repaired.stdout
    assert run("park", "check", tmp_path / "park-repaired").returncode == 0
    assert (folder / "gate.geojson").read_bytes() == before
    assert run("park", "check", folder, "--repair").returncode == 1
