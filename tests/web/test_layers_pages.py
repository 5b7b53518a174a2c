"""An administrator hands in a layer, sees it on a map, consents; exports and replay are for those who may."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import geopandas
import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from geo.layers import read_park
from parking import sheets
from parking.db import transaction
from parking.models import Audit, Drawing, LayerVersion, Vehicle, Violation
from parking.services import drawings, park
from tests.services.test_drawings import geojson, open_ring, wider
from tests.visitors import Site, close_site, hidden, open_site, text

DEMO = Path(__file__).parents[2] / "fixtures" / "park"
FORMULA = "=HYPERLINK(1)"
ACT = {
    "document": "某函〔2026〕9号",
    "issuing_body": "某县人民政府",
    "approved_on": "2026-03-01",
    "effective_from": "2030-04-01",
}


@pytest.fixture(scope="module")
def drawn():
    return read_park(DEMO)[0]


@pytest.fixture
def site(database_url: str, redis_url: str, tmp_path: Path, drawn) -> Iterator[Site]:
    made = open_site(database_url, redis_url, tmp_path)
    with transaction(made.engine) as session:
        park.load(session, drawn, [], datetime.now(UTC), "test")
        vehicle = Vehicle(plate="晋M12345", plate_colour=2, first_seen_at=datetime.now(UTC))
        session.add(vehicle)
        session.flush()
        session.add(
            Violation(
                vehicle_id=vehicle.id,
                kind="speeding",
                subject=FORMULA,
                started_at=datetime.now(UTC) - timedelta(hours=1),
                ended_at=None,
                lon=110.92,
                lat=35.68,
                certainty="certain",
                facts={"limit_kmh": 30.0, "peak_kmh": 44.0},
                late=False,
                state="open",
                seen_at=datetime.now(UTC),
            )
        )
    yield made
    close_site(made)


def hand_in(who, content, name="新控制线.geojson", **more):
    token = hidden(who.get("/admin/layers"), "csrf_token")
    data = {
        "csrf_token": token,
        "kind": "control_line",
        "datum": "wgs84",
        **ACT,
        **more,
        "file": (io.BytesIO(content), name),
    }
    return who.client.post(
        "/admin/layers", data=data, headers=who.headers, content_type="multipart/form-data"
    )


def test_a_layer_is_handed_in_shown_consented_to_and_counts(site: Site, drawn):
    admin = site.signed_in("admin")
    answer = hand_in(admin, geojson(wider(drawn)))
    assert answer.status_code == 303, text(answer)
    page = admin.get(answer.location)
    assert "确认采用" in text(page) and "folium-map" in page.get_data(as_text=True)
    digest = hidden(page, "digest")
    done = admin.send(f"{answer.location}/take", page=answer.location, digest=digest)
    assert done.status_code == 303, text(done)
    with transaction(site.engine) as session:
        rows = session.scalars(
            select(LayerVersion).where(
                LayerVersion.kind == "control_line", LayerVersion.withdrawn_at.is_(None)
            )
        ).all()
        assert sorted(r.document for r in rows)[-1] and {r.document for r in rows} >= {ACT["document"]}
        assert "drawing_taken" in session.scalars(select(Audit.action)).all()
    assert ACT["document"] in text(admin.get("/admin/park"))
    assert "已采用" in text(admin.get(answer.location))
    back = admin.get(f"{answer.location}/file")
    assert back.data == geojson(wider(drawn))


def test_repairs_are_shown_with_areas_and_wait_for_consent(site: Site, drawn):
    admin = site.signed_in("admin", "en")
    where = hand_in(admin, geojson(wider(drawn), spoil=open_ring)).location
    page = admin.get(where)
    assert "close the ring" in text(page) and "m²" in text(page)
    digest = hidden(page, "digest")
    refused = admin.send(f"{where}/take", page=where, digest=digest)
    assert refused.status_code == 422 and "agree to them" in text(refused)
    assert admin.send(f"{where}/take", page=where, digest=digest, repairs="1").status_code == 303


def test_a_drawing_with_errors_says_what_to_mend_and_offers_no_consent(site: Site):
    admin = site.signed_in("admin", "en")
    where = hand_in(admin, b'{"type": "FeatureCollection", "features": []}').location
    page = admin.get(where)
    assert "holds no shapes" in text(page) and 'name="digest"' not in page.get_data(as_text=True)
    assert admin.send(f"{where}/decline", page=where).status_code == 303
    assert "not taken over" in text(admin.get("/admin/layers"))


def test_a_form_that_lacks_something_is_shown_again_with_what_was_typed(site: Site, drawn):
    admin = site.signed_in("admin", "en")
    answer = hand_in(admin, geojson(wider(drawn)), document="", properties="no sign")
    assert answer.status_code == 422
    assert "Please fill in: Approval document" in text(answer) and "no sign" in text(answer)
    for more, said in (
        ({"crs": "EPSG:1"}, "no coordinate system"),
        ({"effective_to": "2029-01-01"}, "dates do not fit"),
    ):
        assert said in text(hand_in(admin, b"{}", **more))
    assert "not read" in text(hand_in(admin, b"{}", "x.exe"))


def test_a_body_beyond_the_limit_is_not_read_and_other_forms_stay_small(site: Site, monkeypatch):
    admin = site.signed_in("admin")
    assert hand_in(admin, bytes(drawings.LARGEST_MB * 1_000_000 + 600_000)).status_code == 413
    token = hidden(admin.get("/password"), "csrf_token")
    big = admin.client.post(
        "/password", data={"csrf_token": token, "x": "y" * 400_000}, headers=admin.headers
    )
    assert big.status_code == 413
    guard = site.signed_in("guard")
    sent = guard.client.post(
        "/admin/layers", data={"file": (io.BytesIO(bytes(1_000_000)), "x.kml")}, headers=guard.headers
    )
    assert sent.status_code == 403
    with transaction(site.engine) as session:
        assert session.scalars(select(Drawing.id)).all() == []


def test_layers_leave_with_their_acts_as_geojson_and_geopackage(site: Site, tmp_path):
    admin = site.signed_in("admin")
    answer = admin.get("/admin/layers/export/geojson")
    data = json.loads(answer.data)
    assert answer.mimetype == "application/geo+json" and "attachment" in answer.headers["Content-Disposition"]
    line = next(f for f in data["features"] if f["properties"]["kind"] == "control_line")
    assert line["properties"]["document"] and line["properties"]["in_force"] is True
    assert data["official"] is False and data["notice_en"]
    (tmp_path / "x.gpkg").write_bytes(admin.get("/admin/layers/export/gpkg").data)
    bays = geopandas.read_file(tmp_path / "x.gpkg", layer="bay")
    assert bays.crs.to_epsg() == 4326 and len(bays) > 60
    assert admin.get("/admin/layers/export/shp").status_code == 404
    assert admin.get("/violations/export/csv").status_code == 403


def test_violations_of_a_period_leave_and_no_cell_is_a_formula(site: Site):
    supervisor = site.signed_in("supervisor")
    csv = supervisor.get("/violations/export/csv").data.decode("utf-8-sig")
    assert f'"\'{FORMULA}"' in csv and "晋M12345" in csv and "超速" in csv
    book = load_workbook(io.BytesIO(supervisor.get("/violations/export/xlsx").data))
    cell = next(c for row in book.active for c in row if c.value == FORMULA)
    assert cell.data_type == "s"
    data = json.loads(supervisor.get("/violations/export/geojson").data)
    assert data["features"][0]["geometry"]["coordinates"] == [110.92, 35.68]
    none = json.loads(supervisor.get("/violations/export/geojson?since=2020-01-01&until=2020-01-02").data)
    assert none["features"] == []
    assert supervisor.get("/violations/export/geojson?since=2020-01-01&until=2026-01-02").status_code == 400
    with transaction(site.engine) as session:
        assert "violations_exported" in session.scalars(select(Audit.action)).all()


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "'=1", "＝1"])
def test_whatever_a_spreadsheet_takes_for_a_formula_begins_with_an_apostrophe(value):
    assert f"\"'{value}" in sheets.as_csv(["a"], [[value]]).decode("utf-8-sig")
    (row,) = list(
        load_workbook(io.BytesIO(sheets.as_xlsx(["a"], [[value]], "t"))).active.iter_rows(min_row=2)
    )
    assert row[0].data_type == "s"


def test_the_replay_page_judges_and_writes_nothing(site: Site, drawn):
    admin, supervisor = site.signed_in("admin"), site.signed_in("supervisor", "en")
    where = hand_in(admin, geojson(wider(drawn))).location
    page = supervisor.get("/violations/replay")
    number = re.search(r"/(\d+)$", where)[1]
    assert f"drawing:{number}" in page.get_data(as_text=True)
    asked = f"/violations/replay?since=2026-03-01T00:00&until=2026-03-02T00:00&what=drawing:{number}"
    found = supervisor.get(asked)
    assert (
        found.status_code == 200
        and "0 vehicle(s)" in text(found)
        and "folium-map" in found.get_data(as_text=True)
    )
    for odd, said in (
        ("since=2026-03-01T00:00&until=2026-03-01T00:00&what=drawing:1", "must begin"),
        ("since=x&until=y&what=drawing:1", "must begin"),
        ("since=2026-03-01T00:00&until=2026-03-02T00:00&what=version:99999", "no version"),
        ("since=2026-03-01T00:00&until=2026-03-02T00:00&what=%F0", "no version"),
    ):
        answer = supervisor.get(f"/violations/replay?{odd}")
        assert answer.status_code == 422 and said in text(answer)
    assert admin.get(asked).status_code == 403
