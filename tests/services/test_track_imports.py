"""Old tracks from files: every row accounted for, the same file twice changes nothing."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from geo.datum import Datum
from parking.cli import tracks
from parking.db import transaction
from parking.models import FixRow, Letter, TrackImport, Violation
from parking.refused import Refused
from parking.services import imports, park
from parking.trackfiles import vehicle as trackfiles
from parking.trackfiles.vehicle import Options
from parking.vocabulary import FixFault, Mark
from tests import land
from tests.doors import PLATE, opened
from tests.land import START, drive

BEIJING = ZoneInfo("Asia/Shanghai")
CSV = Options(PLATE, Datum.WGS84, BEIJING)
GPX = Options(PLATE)
LATER = START + timedelta(hours=1)
THROUGH_THE_FENCE = drive([(-300, -300), (-300, -650)])


def gpx(points: str, version: str = "1/1", before: str = "") -> bytes:
    head = f'<?xml version="1.0"?>{before}<gpx xmlns="http://www.topografix.com/GPX/{version}" version="1.1">'
    return f"{head}<wpt lat='1' lon='2'/><trk><trkseg>{points}</trkseg></trk></gpx>".encode()


def as_csv(fixes) -> bytes:
    lines = ["time,lon,lat,speed_kmh"]
    lines += [f"{f.time.isoformat()},{f.lon:.6f},{f.lat:.6f},{f.speed_kmh or 0:.1f}" for f in fixes]
    return "\n".join(lines).encode()


def taken_in(session, data: bytes, options: Options = CSV, now=LATER, name="old.csv") -> TrackImport:
    made = imports.begin(session, name, data, options, now, "supervisor:li", "here")
    while imports.step(session, made.id, now):
        pass
    return made


def faults(data: bytes, options: Options = CSV):
    return [(line, r.field, str(r.word)) for line, r in trackfiles.read(data, options).faults]


def refused(data: bytes, options: Options = CSV) -> str:
    with pytest.raises(Refused) as why:
        trackfiles.read(data, options)
    return str(why.value)


@pytest.mark.parametrize(
    "data",
    [
        "time,lon,lat,speed,plate\n2026-03-02 08:00:05,110.92,35.68,20,晋M00001".encode(),
        "time,lon,lat,speed\r\n2026-03-02 08:00:05,110.92,35.68,20\r\n".encode("utf-8-sig"),
        "定位时间;经度;纬度;速度(km/h)\n2026/3/2 8:00:05;110.92;35.68;20".encode("gbk"),
        "GPS_Time\tLongitude\tLATITUDE\tspeed_kmh\n20260302080005\t110.92\t35.68\t20".encode("utf-16"),
        b'"t"|"lng"|"lat"|"speed"\n"1772409605"|"110.92"|"35.68"|"20"\n|||\n',
    ],
    ids=["utf-8", "bom", "gbk", "utf-16", "bars"],
)
def test_every_dialect_says_the_same(data):
    (fix,) = trackfiles.read(data, CSV).rows
    assert (fix.time, fix.lon, fix.lat) == (START + timedelta(seconds=5), 110.92, 35.68)
    assert (fix.speed_kmh, fix.backfill) == (20.0, True)


def test_gpx_of_both_versions_is_utc_and_wgs_84_and_speaks_in_metres_a_second():
    point = '<trkpt lat="35.68" lon="110.92">{}<time>2026-03-02T00:00:00</time>{}</trkpt>'
    old = point.format("<ele>400.6</ele>", "<speed>10</speed><course>90</course>")
    more = '<x:T xmlns:x="urn:x"><x:speed>10</x:speed></x:T>'
    new = point.format("", f"<extensions>{more}</extensions>")
    for version, point in (("1/0", old), ("1/1", new)):
        (fix,) = trackfiles.read(gpx(point, version), GPX).rows
        assert (fix.time, fix.speed_kmh) == (START, 36.0)
    assert trackfiles.read(gpx(old, "1/0"), GPX).rows[0].altitude_m == 401


def test_every_unusable_row_is_named():
    rows = [
        "time,lon,lat,plate",
        "2026-03-02T00:00:00Z,110.92,35.68,",
        "yesterday,110.92,35.68,",
        "2026-03-02T00:00:00Z,,35.68,",
        "2026-03-02T00:00:00Z,110.92,135.68,",
        "2026-03-02T00:00:00Z,110.92,35.68,晋M00002",
        "2026-03-02T00:00:00Z",
    ]
    assert faults("\n".join(rows).encode()) == [
        (3, "time", "not_a_time"), (4, "lon", "absent"), (5, "lat", "out_of_range"),
        (6, "plate", "plate_differs"), (7, "lon", "absent"),
    ]  # fmt: skip
    naive = b"time,lon,lat\n2026-03-02 00:00:00,110.92,35.68"
    assert faults(naive, Options(PLATE, Datum.WGS84)) == [(2, "time", "zone_absent")]
    bare = gpx('<trkpt lat="1" lon="2"/><trkpt/>')
    assert faults(bare, GPX) == [(1, "time", "absent"), (2, "time", "absent")]


def test_a_file_that_cannot_be_understood_is_refused_whole():
    assert refused(b"when,x,y\n1,2,3") == "column_absent, column_absent, column_absent"
    assert refused("time,lon,经度,lat\n1,2,3,4".encode()) == "column_twice"
    assert refused(b"") == "column_absent, column_absent, column_absent"
    assert refused(b"time,lon,lat\n") == FixFault.FILE_EMPTY
    assert refused(b"time,lon,lat\n\xff\xff,1,2") == FixFault.FILE_UNREADABLE
    assert refused(b"time,lon,lat\n1,2,3", Options(PLATE)) == FixFault.DATUM_ABSENT
    assert refused(b"<gpx><trk>") == FixFault.FILE_UNREADABLE
    assert refused(b"<html></html>") == FixFault.FILE_UNREADABLE
    assert refused(gpx("<trkpt"), GPX) == FixFault.FILE_UNREADABLE


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE g [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>',
        '<!DOCTYPE g [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE g SYSTEM "http://127.0.0.1:1/x.dtd">',
    ],
    ids=["bomb", "file", "address"],
)
def test_entities_are_refused_not_followed(doctype):
    point = '<trkpt lat="35.68" lon="110.92"><time>2026-03-02T00:00:00Z</time></trkpt>'
    assert refused(gpx(point, before=doctype), GPX) == FixFault.FILE_ENTITIES


@given(
    st.lists(
        st.builds(
            land.fix, st.integers(-3000, 3000), st.integers(-3000, 3000), st.integers(0, 9000),
            st.none() | st.floats(0, 200), altitude_m=st.none() | st.integers(-500, 9000),
            heading=st.none() | st.integers(0, 359),
        )
    )
)  # fmt: skip
def test_what_waits_in_few_bytes_is_what_was_read(fixes):
    kept = [trackfiles.values.fix(
        f.time, f.lon, f.lat, speed_kmh=f.speed_kmh, heading=f.heading, altitude_m=f.altitude_m,
        backfill=True) for f in fixes]  # fmt: skip
    packed = trackfiles.packed(tuple(kept))
    assert trackfiles.unpacked(packed, 0, len(kept)) == kept
    assert len(packed) <= 30 * len(kept)


def test_a_file_made_to_fill_the_memory_is_refused():
    assert refused(gpx("<a>" * 60 + "</a>" * 60), GPX) == FixFault.FILE_UNREADABLE
    assert refused(gpx("<trkpt>" + "<a/>" * 2_000 + "</trkpt>"), GPX) == FixFault.FILE_UNREADABLE
    assert refused(b"time,lon,lat\n" + b"1\n" * (trackfiles.MOST_ROWS + 1)) == FixFault.TOO_MANY
    many = trackfiles.read(b"time,lon,lat\n" + b"1\n" * 2_000, CSV)
    assert (many.unusable, len(many.faults)) == (2_000, trackfiles.NAMED)


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda t: f"time,lon,lat\n{t}".encode()))
def test_whatever_the_bytes_are_rows_or_a_reason_come_out(data):
    for options in (CSV, GPX):
        try:
            tracks_ = trackfiles.read(data, options)
        except Refused as why:
            assert why.reasons
        else:
            assert all(fix.time.tzinfo for fix in tracks_.rows)


def test_gcj_02_is_converted_where_it_was_declared():
    plain = trackfiles.read(as_csv(THROUGH_THE_FENCE), CSV).rows[0]
    shifted = trackfiles.read(as_csv(THROUGH_THE_FENCE), Options(PLATE, Datum.GCJ02)).rows[0]
    assert 0.004 < plain.lon - shifted.lon < 0.007


def test_a_track_is_judged_in_any_order_and_twice_changes_nothing(session, monkeypatch):
    monkeypatch.setattr(imports, "PIECE", 7)
    doors = opened(session)
    made = taken_in(session, as_csv(THROUGH_THE_FENCE[::-1]))
    assert (made.done, made.data) == (len(THROUGH_THE_FENCE), None)
    assert made.report["stored"] == len(THROUGH_THE_FENCE)
    found = session.scalars(select(Violation.kind, Violation.started_at)).all()
    assert "boundary_crossing" in doors.offences()
    again = taken_in(session, as_csv(THROUGH_THE_FENCE))
    assert again.report["repeated"] == len(THROUGH_THE_FENCE)
    assert session.scalars(select(Violation.kind, Violation.started_at)).all() == found
    assert session.scalar(select(func.count()).select_from(FixRow)) == len(THROUGH_THE_FENCE)
    row = session.scalars(select(FixRow).limit(1)).one()
    assert (row.backfill, row.extras["door"], row.extras["import"]) == (True, "import", made.id)


def test_where_the_terminal_spoke_the_file_is_kept_beside_it(session):
    doors = opened(session)
    doors.by_terminal(land.stand(0, 395, 600), LATER)
    made = taken_in(session, as_csv(THROUGH_THE_FENCE))
    assert (made.report["secondary"], doors.offences()) == (len(THROUGH_THE_FENCE), ["ring_unbooked"])


def test_what_is_too_old_is_kept_but_not_judged(session):
    doors = opened(session)
    made = taken_in(session, as_csv(THROUGH_THE_FENCE), now=START + timedelta(days=30))
    assert made.report["marks"] == {Mark.TOO_OLD: len(THROUGH_THE_FENCE)}
    assert doors.offences() == []


def test_a_worker_takes_one_piece_and_asks_for_the_next(session, monkeypatch):
    monkeypatch.setattr(imports, "PIECE", 4)
    opened(session)
    made = imports.begin(session, "old.csv", as_csv(THROUGH_THE_FENCE), CSV, LATER, "supervisor:li", "here")
    imports.hand_over(session, made.id)
    asked = select(Letter).where(Letter.name == "tracks_sent")
    for _ in range(3):
        imports.go_on(session, made.id, LATER)
    assert (made.state, made.done) == ("imported", len(THROUGH_THE_FENCE))
    assert len(session.scalars(asked).all()) == 3


def test_the_command_reports_row_by_row(engine, tmp_path, capsys):
    with transaction(engine) as session:
        park.load(session, land.park(), [], START, "test")
    file = tmp_path / "old.csv"
    file.write_bytes(as_csv(THROUGH_THE_FENCE) + b"\nyesterday,1,2,3\n")

    def run(*more: str):
        status = tracks.main(["import", str(file), "--plate", PLATE, *more])
        said = capsys.readouterr()
        return status, said.out, said.err

    bare = run("--lang", "en")
    assert (bare[0], "Declare the datum" in bare[2]) == (2, True)
    assert (run("--datum", "wgs84", "--plate", "M1")[0], run("--time-zone", "Mars")[0]) == (2, 2)
    status, said, _ = run("--datum", "wgs84", "--lang", "en")
    assert status == 1
    assert f"Line {len(THROUGH_THE_FENCE) + 2}: time is no time: yesterday" in said
    assert f"{len(THROUGH_THE_FENCE)} stored" in said
    assert "too old: " in said
    assert f"已有 {len(THROUGH_THE_FENCE)}" in run("--datum", "wgs84", "--lang", "zh")[1]
