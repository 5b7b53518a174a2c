"""A layer handed in is looked at, consented to and followed; nothing is deleted, every process sees it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from shapely.affinity import translate
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from geo.layers import read_park, to_geojson
from geo.shapes import Approval, LayerKind
from parking import db
from parking.db import transaction
from parking.models import Audit, Bay, Drawing, LayerVersion
from parking.queries import park as parks
from parking.queries import queue
from parking.refused import Refused
from parking.services import drawings, ground, park
from parking.services.drawings import HandedIn
from parking.vocabulary import DrawingState, Refusal, SuccessionWord

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 2, tzinfo=UTC)
ADMIN, HERE = "admin:zhao", "127.0.0.1"
ACT = Approval("某函〔2026〕9号", "某县人民政府", date(2026, 3, 1), date(2026, 4, 1))
MARCH, APRIL = datetime(2026, 3, 15, tzinfo=UTC), datetime(2026, 4, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def drawn():
    return read_park(ROOT / "fixtures" / "park")[0]


@pytest.fixture(scope="module")
def loaded_engine(servers, drawn):
    """One database with the park for all stories of this file; each story is rolled back."""
    name = servers.new_database()
    made = db.make_engine(servers.url_of(name))
    with transaction(made) as session:
        park.load(session, drawn, [], NOW, "test")
    yield made
    made.dispose()
    servers.drop(name)


@pytest.fixture
def session(loaded_engine):
    for cache in (parks._cache, ground._cache):
        cache.clear()  # a story that was rolled back may have had the same hour
    with Session(loaded_engine, expire_on_commit=False) as made:
        yield made
        made.rollback()


@pytest.fixture
def loaded(session, drawn):
    return drawn


def geojson(*features, spoil=None):
    made = [to_geojson(f) for f in features]
    for one in made:
        for name in ("document", "issuing_body", "approved_on", "effective_from", "effective_to"):
            one["properties"].pop(name, None)
    data = json.loads(json.dumps({"type": "FeatureCollection", "features": made}))
    if spoil:
        spoil(data["features"])
    return json.dumps(data).encode()


def moved(feature, east=0.0005):
    from dataclasses import replace

    return replace(feature, geometry=translate(feature.geometry, east, 0))


def line(drawn):
    return drawn.of(LayerKind.CONTROL_LINE)[0]


def wider(drawn):
    from dataclasses import replace

    return replace(line(drawn), geometry=line(drawn).geometry.buffer(0.002, join_style="mitre"))


def given(content, kind=LayerKind.CONTROL_LINE, act=ACT, name="新控制线.geojson", **more):
    return HandedIn(kind, name, content, more.pop("declared", {}), act, **more)


def handed_in(session, *features, **more):
    spoil = more.pop("spoil", None)
    return drawings.hand_in(session, given(geojson(*features, spoil=spoil), **more), NOW, ADMIN, HERE)


def taken(session, drawing, repairs=False, now=NOW):
    seen = drawings.review(session, drawing.id)
    return drawings.take(session, drawing.id, seen.digest, repairs, now, ADMIN, HERE)


def refusals(act):
    with pytest.raises(Refused) as refused:
        act()
    return [r.word for r in refused.value.reasons]


def test_a_new_control_line_follows_the_old_one_on_its_day(session, loaded):
    drawing = handed_in(session, wider(loaded))
    seen = drawings.review(session, drawing.id)
    assert seen.report.items == []
    assert [c.word for c in seen.changes] == [SuccessionWord.FOLLOWS, SuccessionWord.ENDS]
    taken(session, drawing, now=NOW + timedelta(hours=1))
    now = parks.current(session)
    (before,), (after,) = (
        now.in_force(LayerKind.CONTROL_LINE, MARCH),
        now.in_force(LayerKind.CONTROL_LINE, APRIL),
    )
    assert before.geometry.equals(line(loaded).geometry) and before.approval.effective_to == date(2026, 4, 1)
    assert before.approval.document == line(loaded).approval.document
    assert after.approval == ACT and after.geometry.area > before.geometry.area
    assert after.source.file == "新控制线.geojson" and after.source.crs == "EPSG:4326"
    row = session.scalars(select(LayerVersion).where(LayerVersion.drawing_id == drawing.id)).one()
    assert row.file_sha256 == drawing.file_sha256 and len(row.geometry_sha256) == 64


def test_nothing_is_deleted_and_everything_is_on_record(session, loaded):
    before = set(session.scalars(select(LayerVersion.id)))
    drawing = handed_in(session, wider(loaded))
    taken(session, drawing)
    assert before <= set(session.scalars(select(LayerVersion.id)))
    assert session.get(Drawing, drawing.id).content == geojson(wider(loaded))
    actions = session.scalars(select(Audit.action).where(Audit.subject == "drawing").order_by(Audit.id)).all()
    assert actions == ["drawing_handed_in", "drawing_taken"]
    assert drawing.state == DrawingState.TAKEN and drawing.decided_by == ADMIN


def test_the_judges_ground_changes_with_it(session, loaded):
    old = ground.current(session)
    taken(session, handed_in(session, wider(loaded)))
    new = ground.current(session)
    assert new is not old
    assert new.control_lines(APRIL)[0].shape.area > new.control_lines(MARCH)[0].shape.area


CHILD = """
import sys
import threading
from datetime import datetime
from parking.db import reading
from parking.services import ground
for line in sys.stdin:
    with reading() as session:
        area = ground.current(session).control_lines(datetime.fromisoformat(line.strip()))[0].shape.area
    print(round(area), flush=True)
"""


def test_a_process_that_runs_already_takes_the_new_version_without_restart(engine, database_url, drawn):
    with transaction(engine) as session:
        park.load(session, drawn, [], NOW, "test")
    env = {**os.environ, "DATABASE_URL": database_url, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, text=True
    )

    def asked(at):
        child.stdin.write(f"{at.isoformat()}\n")
        child.stdin.flush()
        return int(child.stdout.readline())

    try:
        first = asked(APRIL)
        with transaction(engine) as session:
            drawing = handed_in(session, wider(drawn))
        assert asked(APRIL) == first
        with transaction(engine) as session:
            taken(session, drawing)
        assert asked(APRIL) > first and asked(MARCH) == first
    finally:
        child.stdin.close()
        child.wait(10)


def test_a_line_for_a_while_lets_the_old_one_resume(session, loaded):
    quarter = Approval("临时", "某县人民政府", date(2026, 3, 1), date(2026, 4, 1), date(2026, 7, 1))
    taken(session, handed_in(session, wider(loaded), act=quarter))
    now = parks.current(session)
    areas = [
        now.in_force(LayerKind.CONTROL_LINE, at)[0].geometry.area
        for at in (MARCH, APRIL, datetime(2026, 7, 2, tzinfo=UTC))
    ]
    assert areas[0] == areas[2] < areas[1]


def test_the_same_line_drawn_anew_for_the_same_days_replaces_it_and_the_old_one_stays_on_record(
    session, loaded
):
    own = line(loaded).approval
    act = Approval("更正", own.issuing_body, own.approved_on, own.effective_from)
    seen = drawings.review(session, handed_in(session, wider(loaded), act=act).id)
    assert SuccessionWord.REPLACED in [c.word for c in seen.changes]
    taken(session, seen.drawing)
    (one,) = parks.current(session).of(LayerKind.CONTROL_LINE)
    assert one.approval.document == "更正"
    rows = session.scalars(select(LayerVersion).where(LayerVersion.kind == "control_line")).all()
    assert len(rows) == 2


def test_what_is_already_so_changes_nothing(session, loaded):
    taken(session, handed_in(session, wider(loaded)))
    again = drawings.review(session, handed_in(session, wider(loaded)).id)
    assert [c.word for c in again.changes] == [SuccessionWord.SAME] and not again.takes_effect


def test_gates_without_dates_are_followed_too(session, loaded):
    gate = loaded.of(LayerKind.GATE)[0]
    taken(session, handed_in(session, moved(gate, 0.00001), kind=LayerKind.GATE))
    now = parks.current(session)
    for at, document in ((MARCH, ""), (APRIL, ACT.document)):
        (one,) = [f for f in now.in_force(LayerKind.GATE, at) if f.code == gate.code]
        assert one.approval.document == document
    others = [f for f in now.in_force(LayerKind.GATE, APRIL) if f.code != gate.code]
    assert len(others) == len(loaded.of(LayerKind.GATE)) - 1


def test_a_whole_drawing_ends_what_it_does_not_show_and_the_bays_follow_on_the_day(session, loaded):
    bays = loaded.of(LayerKind.BAY)
    drawing = handed_in(session, *bays[1:], kind=LayerKind.BAY, whole=True)
    seen = drawings.review(session, drawing.id)
    assert seen.report.errors == []
    taken(session, drawing)
    row = session.scalars(select(Bay).where(Bay.code == bays[0].code)).one()
    assert row.out_of_service is None
    park.settle(session, APRIL)
    session.refresh(row)
    assert row.out_of_service == park.WITHDRAWN
    assert bays[0].code in {f.code for f in parks.current(session).in_force(LayerKind.BAY, MARCH)}


def test_errors_are_not_taken_over(session, loaded):
    drawing = handed_in(session, moved(line(loaded), 0.01))  # the boundary no longer lies inside
    seen = drawings.review(session, drawing.id)
    assert [i.word for i in seen.report.errors] == ["boundary_outside_control_line"]
    assert refusals(lambda: drawings.take(session, drawing.id, seen.digest, True, NOW, ADMIN, HERE)) == [
        Refusal.DRAWING_WRONG
    ]


def open_ring(features):
    features[0]["geometry"]["coordinates"][0].pop()


def test_repairs_are_made_only_when_agreed_to(session, loaded):
    drawing = handed_in(session, wider(loaded), spoil=open_ring)
    seen = drawings.review(session, drawing.id)
    assert seen.needs_repair and not seen.report.errors
    assert drawings.review(session, drawing.id, consent=False).report.errors
    digest = seen.digest
    assert refusals(lambda: drawings.take(session, drawing.id, digest, False, NOW, ADMIN, HERE)) == [
        Refusal.REPAIR_NOT_AGREED
    ]
    assert drawings.take(session, drawing.id, digest, True, NOW, ADMIN, HERE).repaired


def test_consent_holds_only_for_what_was_seen(session, loaded):
    one, other = handed_in(session, wider(loaded)), handed_in(session, moved(wider(loaded), 0.0001))
    digest = drawings.review(session, one.id).digest
    taken(session, other)
    assert refusals(lambda: drawings.take(session, one.id, digest, False, NOW, ADMIN, HERE)) == [
        Refusal.DRAWING_CHANGED
    ]


def test_a_drawing_is_decided_on_once(session, loaded):
    drawing = handed_in(session, wider(loaded))
    drawings.decline(session, drawing.id, NOW, ADMIN, HERE)
    assert refusals(lambda: drawings.decline(session, drawing.id, NOW, ADMIN, HERE)) == [
        Refusal.DRAWING_DECIDED
    ]
    assert refusals(lambda: drawings.take(session, drawing.id, "", False, NOW, ADMIN, HERE)) == [
        Refusal.DRAWING_DECIDED
    ]


@pytest.mark.parametrize(
    "more, word",
    [
        ({"name": "x.exe"}, Refusal.DRAWING_FORMAT),
        ({"name": "x.shp"}, Refusal.DRAWING_FORMAT),
        ({"declared": {"crs": "EPSG:1"}}, Refusal.DRAWING_CRS),
        ({"act": Approval("a", "b", date(2026, 5, 1), date(2026, 4, 1))}, Refusal.ACT_DATES),
        (
            {"act": Approval("a", "b", date(2026, 4, 1), date(2026, 4, 1), date(2026, 4, 1))},
            Refusal.ACT_DATES,
        ),
    ],
)
def test_what_cannot_be_looked_at_is_refused_at_once(session, loaded, more, word):
    assert refusals(lambda: drawings.hand_in(session, given(b"{}", **more), NOW, ADMIN, HERE)) == [word]


def test_a_file_too_large_or_empty(session, loaded, monkeypatch):
    assert refusals(lambda: drawings.hand_in(session, given(b""), NOW, ADMIN, HERE)) == [
        Refusal.DRAWING_EMPTY
    ]
    monkeypatch.setattr(drawings, "LARGEST_MB", 0)
    assert refusals(lambda: drawings.hand_in(session, given(b"{}"), NOW, ADMIN, HERE)) == [
        Refusal.DRAWING_TOO_LARGE
    ]


@pytest.mark.parametrize(
    "name", ["../../etc/x.geojson", "C:\\x\\..\\y.geojson", "\x00线\n.GeoJSON", ".geojson"]
)
def test_a_file_name_cannot_lead_anywhere(session, loaded, name):
    drawing = drawings.hand_in(
        session,
        given(geojson(wider(loaded)), name=name if name != ".geojson" else "a/..b.geojson"),
        NOW,
        ADMIN,
        HERE,
    )
    assert "/" not in drawing.file_name and drawing.file_name.isprintable()
    assert drawings.review(session, drawing.id).report.errors == []


def test_the_database_itself_refuses_two_versions_of_one_day(session, loaded):
    with pytest.raises(IntegrityError, match="ex_layer_version_in_force"):
        session.execute(
            text(
                "INSERT INTO layer_version (park_id, kind, code, name_zh, name_en, wkb, attributes, sha256,"
                " loaded_at, effective_from) SELECT park_id, kind, code, name_zh, name_en, wkb, attributes,"
                " 'x', now(),"
                " '2026-01-01' FROM layer_version WHERE kind = 'control_line'"
            )
        )


def test_two_people_who_consent_at_once_do_not_both_get_their_line(engine, drawn):
    with transaction(engine) as opened:
        park.load(opened, drawn, [], NOW, "test")
        made = [handed_in(opened, wider(drawn)), handed_in(opened, moved(wider(drawn), 0.0001))]
        seen = [(d.id, drawings.review(opened, d.id).digest) for d in made]
    both, told = threading.Barrier(2), []

    def consent(number, digest):
        both.wait()
        try:
            with transaction(engine) as opened:
                drawings.take(opened, number, digest, False, NOW + timedelta(hours=1), ADMIN, HERE)
            told.append("taken")
        except Refused as refused:
            told.append(refused.reasons[0].word)

    people = [threading.Thread(target=consent, args=one) for one in seen]
    [p.start() for p in people]
    [p.join(60) for p in people]
    assert sorted(told) == sorted(["taken", Refusal.DRAWING_CHANGED])
    with transaction(engine) as opened:
        assert len(parks.current(opened).in_force(LayerKind.CONTROL_LINE, APRIL)) == 1


def test_a_drawing_in_the_datum_of_web_maps_is_put_right_where_that_is_declared(session, loaded):
    from dataclasses import replace

    import numpy
    from shapely import transform

    from geo.datum import gcj02_from_wgs84

    line = wider(loaded)
    shifted = transform(line.geometry, lambda xy: numpy.column_stack(gcj02_from_wgs84(xy[:, 0], xy[:, 1])))
    drawing = handed_in(session, replace(line, geometry=shifted), declared={"datum": "gcj02"})
    seen = drawings.review(session, drawing.id)
    assert seen.features[0].geometry.equals_exact(line.geometry, 1e-8)
    assert [i.word for i in seen.report.items] == ["datum_converted"]
    assert seen.features[0].source.crs == "EPSG:4326 (GCJ-02)"


def test_screens_show_one_of_each_dock_when_a_new_one_is_to_come(session, loaded):
    dock = loaded.of(LayerKind.DOCK)[0]
    taken(session, handed_in(session, moved(dock, 0.000001), kind=LayerKind.DOCK))
    codes = [d.code for d in queue.docks(session)]
    assert len(codes) == len(set(codes)) == len(loaded.of(LayerKind.DOCK))
    assert len([f for f in parks.current(session).of(LayerKind.DOCK) if f.code == dock.code]) == 2
