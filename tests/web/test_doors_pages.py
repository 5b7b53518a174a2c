"""Devices, platforms and imports as staff manages them."""

from __future__ import annotations

import io
import re

from sqlalchemy import select

from parking.db import transaction
from parking.models import Audit, Feed, Letter, TrackImport
from tests.land import START
from tests.visitors import Site, hidden, text
from workers import routing

DEVICE = {"name": "王师傅", "device_key": "wang-01", "plate": "晋M00007"}
CSV = "时间,经度,纬度,速度\n2026-03-02 08:00:00,110.92,35.68,20\n昨天,110.92,35.68,20\n"


def token_on(answer) -> str:
    found = re.search(r'class="token">(hzp_[^<]+)<', answer.get_data(as_text=True))
    assert found, text(answer)
    return found[1]


def test_a_token_is_shown_once_and_opens_until_it_is_revoked(site: Site):
    admin, phone = site.signed_in("admin"), site.app.test_client()
    token = token_on(admin.send("/admin/feeds/device", page="/admin/feeds", **DEVICE))
    assert token not in admin.get("/admin/feeds").get_data(as_text=True)
    here = {"id": "wang-01", "token": token, "lat": "35.68", "lon": "110.92", "timestamp": "1772409600"}
    assert phone.get("/api/osmand", query_string=here).status_code == 200
    with transaction(site.engine) as session:
        feed_id = session.scalars(select(Feed.id)).one()
        kept = session.execute(select(Feed.token_hash, Audit.facts).join(Audit, Audit.id > 0)).all()
        assert token not in str(kept)
    again = token_on(admin.send(f"/admin/feeds/{feed_id}/token", page="/admin/feeds"))
    assert phone.get("/api/osmand", query_string=here).status_code == 401
    assert phone.get("/api/osmand", query_string={**here, "token": again}).status_code == 200
    admin.send(f"/admin/feeds/{feed_id}/revoke", page="/admin/feeds")
    assert phone.get("/api/osmand", query_string={**here, "token": again}).status_code == 401


def test_what_registers_no_phone_is_said_beside_each_field(site: Site):
    admin = site.signed_in("admin")

    def register(**more):
        return admin.send("/admin/feeds/device", page="/admin/feeds", **{**DEVICE, **more})

    assert "设备标识" in text(register(device_key="<"))
    assert "晋M12345" in text(register(plate="M"))
    assert register(name="").status_code == 422
    register()
    taken = register()
    assert (taken.status_code, "wang-01" in text(taken)) == (422, True)
    platform = {"name": "运城危货", "plates": "晋M00001，晋M0000X1\n瞎写"}
    bad = admin.send("/admin/feeds/platform", page="/admin/feeds", **platform)
    assert (bad.status_code, bad.get_data(as_text=True).count('class="wrong"')) == (422, 2)


def test_a_supervisor_sees_who_may_report_but_changes_nothing(site: Site):
    page = site.signed_in("supervisor").get("/admin/feeds").get_data(as_text=True)
    assert "/admin/feeds/device" not in page


def test_a_file_is_sent_in_taken_in_by_a_worker_and_reported_row_by_row(site: Site):
    supervisor = site.signed_in("supervisor")
    form = supervisor.get("/tracks/import")
    fields = {"csrf_token": hidden(form, "csrf_token"), "plate": "晋M00007", "datum": "wgs84"}
    fields |= {"zone": "Asia/Shanghai"}

    def send(**more):
        data = {**fields, "speed_unit": "kmh", **more}
        data.setdefault("file", (io.BytesIO(CSV.encode("gbk")), "旧轨迹.csv"))
        return supervisor.client.post("/tracks/import", data=data, headers=supervisor.headers)

    assert "坐标系" in text(send(datum=""))
    assert send(file=(io.BytesIO(b"x" * (9 << 20)), "big.csv")).status_code == 413
    answer = send()
    assert answer.status_code == 303
    page = answer.location
    assert "昨天" in text(supervisor.get(page))
    with transaction(site.engine) as session:
        (letter,) = session.scalars(select(Letter).where(Letter.name == "tracks_sent"))
        assert routing.carry(session, letter.id, START) == []
    assert "已导入" in text(supervisor.get(page))
    with transaction(site.engine) as session:
        made = session.scalars(select(TrackImport)).one()
        assert (made.done, made.data, made.report["unusable"]) == (1, None, 1)
