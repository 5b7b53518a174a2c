"""A past period under another version: read, compared, never written."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from geo.layers import to_geojson
from geo.shapes import LayerKind
from parking.cli import replay as command
from parking.db import transaction
from parking.models import Audit, LayerVersion, Letter, Violation
from parking.refused import Refused
from parking.rules.whatif import Period, with_layer
from parking.services import park, terminals, tracking, whatif
from parking.services.tracking import TerminalFix
from parking.vocabulary import Refusal
from tests import land
from tests.land import START
from tests.rules.test_whatif import BETWEEN, WIDER

ASKED = Period(START - timedelta(hours=1), START + timedelta(hours=5))
LATER = START + timedelta(hours=2)


def fill(session):
    park.load(session, land.park(), [], START, "test")
    for n, phone in enumerate(("13900000001", "13900000002")):
        terminals.register(session, phone, f"晋M0000{n + 1}", 2, START)
        fixes = BETWEEN if n == 0 else land.stand(-3000, 0, 1200)
        tracking.take(session, [TerminalFix(phone, i, 0, f) for i, f in enumerate(fixes)], LATER)
    session.flush()


def amounts(session):
    return [session.scalar(select(func.count()).select_from(t)) for t in (Violation, Letter, Audit)]


def test_the_new_line_would_have_caught_the_one_and_not_the_other(session):
    fill(session)
    before = amounts(session)
    told = []
    after = with_layer(land.park(), LayerKind.CONTROL_LINE, [WIDER])
    found = whatif.replay(session, ASKED, after, done=lambda n, of: told.append((n, of)))
    assert list(found.vehicles.values()) == ["晋M00001"] and found.judged == 2
    assert found.counts()["ring_unbooked"] == {"only_old": 0, "only_new": 1, "both": 0}
    assert told == [(2, 2)] and amounts(session) == before
    assert found.left_out == 0 and whatif.replay(session, ASKED, after, most=1).left_out == 1


def test_an_old_version_can_be_asked_for_by_its_number_and_one_that_is_none_is_refused(session):
    fill(session)
    park.load(session, with_layer(land.park(), LayerKind.CONTROL_LINE, [WIDER]), [], LATER, "test")
    old = session.scalars(select(LayerVersion.id).where(LayerVersion.withdrawn_at.is_not(None))).one()
    after = whatif.park_with_version(session, old)
    assert whatif.replay(session, ASKED, after).counts()["ring_unbooked"]["only_old"] == 1
    with pytest.raises(Refused) as refused:
        whatif.park_with_version(session, 10**9)
    assert refused.value.reasons[0].word is Refusal.VERSION_UNKNOWN


@pytest.mark.parametrize("hours", [0, -1, 24 * 32])
def test_a_period_that_is_none_is_refused(hours):
    with pytest.raises(Refused):
        whatif.period(START, START + timedelta(hours=hours))


def test_the_command_takes_a_file_and_prints_the_difference(engine, tmp_path, capsys):
    with transaction(engine) as session:
        fill(session)
    file = tmp_path / "control_line.geojson"
    file.write_text(
        json.dumps({"type": "FeatureCollection", "features": [to_geojson(WIDER)]}), encoding="utf-8"
    )
    times = ["--from", "2026-03-02", "--to", "2026-03-03"]
    assert command.main([*times, "--layer", str(file), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["counts"]["ring_unbooked"]["only_new"] == 1 and said["vehicles"] == 2
    assert command.main([*times, "--layer", str(file), "--lang", "en"]) == 0
    assert "+ 晋M00001" in capsys.readouterr().out
    assert command.main([*times, "--version", "999999", "--lang", "en"]) == 1
    assert "no version 999999" in capsys.readouterr().err
    assert command.main(["--from", "2026-03-03", "--to", "2026-03-02", "--layer", str(file)]) == 2
    other = file.rename(tmp_path / "new.geojson")
    assert command.main([*times, "--layer", str(other)]) == 1
    assert "--kind" in capsys.readouterr().err
