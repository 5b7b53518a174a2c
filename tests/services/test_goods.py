"""The list of goods in a running park: found by whatever people type, changed only by a faultless list."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.report import Report
from parking import db
from parking.__main__ import main
from parking.db import reading
from parking.goodsfile import read_file
from parking.models import Audit, Goods
from parking.queries import goods as goods_query
from parking.services import goods
from tests.factories import HERE, NOW, STAFF

SHIPPED = Path(__file__).parents[2] / "fixtures" / "goods.csv"
HEAD = "un_number,name_zh,name_en,hazard_class,subsidiary,packing_groups,origins"


@pytest.fixture
def listed(session: Session) -> Session:
    goods.take(session, read_file(SHIPPED, Report()))
    return session


WAYS = {
    "1005": ("1005", "UN 1005", "液氨", "wsa", "ammonia, an"), "1824": ("液碱",), "1972": ("lng",),
    "1268": ("cb", "粗苯"), "1999": ("煤焦油",), "1230": ("methanol", "甲醇"),
    "1017": ("chlorine",), "1114": ("苯",),
}  # fmt: skip


def test_a_cargo_is_found_by_number_name_initials_or_what_people_say(listed: Session):
    asked = [(number, typed) for number, ways in WAYS.items() for typed in ways]
    missed = [
        (number, typed)
        for number, typed in asked
        if number not in [g.un_number for g in goods_query.search(listed, typed)][:6]
    ]
    assert missed == []


def test_the_very_name_comes_first(listed: Session):
    first = [
        goods_query.search(listed, typed)[0].un_number for typed in ("苯", "甲醇", "Benzene", "氯", "液氨")
    ]
    assert first == ["1114", "1230", "1114", "1017", "1005"]


def test_what_means_everything_to_sql_is_only_a_sign_here(listed: Session):
    assert goods_query.search(listed, "%") == [g for g in goods_query.search(listed, "%") if "%" in g.name_zh]
    assert goods_query.search(listed, "_") == [] and goods_query.search(listed, "\\") == []


def test_the_shipped_list_says_where_each_value_was_read(listed: Session):
    ammonia = goods_query.by_number(listed, "1005")
    assert ammonia is not None and ammonia.critical_quantity_t == 10 and ammonia.erg_guide == "125"
    assert {"hazard_class", "subsidiary", "critical_quantity_t"} <= ammonia.confirmed
    assert list(ammonia.origins["hazard_class"]) == ["CFR", "ADR", "GB"]
    assert ammonia.traits == ("tih_zone_d",)


def test_a_new_list_tells_whose_hazards_change_and_leaves_the_rest(listed: Session, tmp_path):
    file = tmp_path / "new.csv"
    lines = ('1005,无水氨,"Ammonia, anhydrous",2.1,8,,name_zh GB', "4999,试剂,Reagent,8,,II,name_zh GB")
    file.write_text("\n".join((HEAD, *lines)), encoding="utf-8")
    rows = read_file(file, Report())
    change = goods.enter(listed, rows, "new.csv", NOW, STAFF, HERE)
    assert (change.new, change.changed, change.hazards) == (("4999",), ("1005",), ("1005",))
    ammonia = goods_query.by_number(listed, "1005")
    assert ammonia is not None and ammonia.hazard_class == "2.1" and ammonia.critical_quantity_t == 10
    line = listed.scalars(select(Audit).where(Audit.action == "goods")).one()
    assert line.facts["hazards"] == ["1005"]
    assert goods.compare(listed, rows).same == 2


def test_a_list_of_every_number_there_can_be_is_entered(session: Session):
    """A statement takes 65,535 parameters at most; a whole list is more."""
    rows = [
        {
            "un_number": f"{n:04d}", "name_zh": f"货{n}", "name_en": f"goods {n}", "hazard_class": "3",
            "subsidiary": "", "packing_groups": "II", "packing_group": "II", "source": "test", "origins": "",
            "traits": "", "aliases": "", "erg_guide": "128", "critical_entry": "",
        }
        for n in range(4_500)
    ]  # fmt: skip
    assert len(goods.enter(session, rows, "all.csv", NOW, STAFF, HERE).new) == 4_500
    assert goods.enter(session, rows, "all.csv", NOW, STAFF, HERE).same == 4_500


def test_the_command_enters_all_or_nothing_and_says_which_row_is_wrong(database_url, tmp_path, capsys):
    file = tmp_path / "list.csv"
    wrong = "1017,氯,Chlorine,2.4,,,name_zh GB"
    file.write_text("\n".join((HEAD, "1230,甲醇,Methanol,3,6.1,II,name_zh GB", wrong)), encoding="utf-8")
    assert main(["goods", "import", str(file), "--lang", "zh"]) == 1
    said = capsys.readouterr()
    assert "3: 1017" in said.out and "hazard_class" in said.out and "未导入" in said.err
    file.write_text(file.read_text(encoding="utf-8").replace("2.4", "2.3"), encoding="utf-8")
    assert main(["goods", "import", str(file), "--check", "--lang", "en"]) == 0
    assert "2 new, 0 changed, 0 as before." in capsys.readouterr().out
    with reading() as session:
        assert session.scalars(select(Goods)).all() == []
    assert main(["goods", "import", str(file), "--lang", "zh"]) == 0
    with reading() as session:
        assert set(session.scalars(select(Goods.un_number))) == {"1230", "1017"}


@pytest.mark.parametrize("address", ["", "postgresql://nobody@127.0.0.1:1/none"])
def test_without_a_database_a_list_is_checked_and_everything_else_says_so(
    monkeypatch, tmp_path, capsys, address
):
    monkeypatch.setenv("DATABASE_URL", address)
    monkeypatch.setenv("HAZPARK_DATA", str(tmp_path))
    db.engine.cache_clear()
    assert main(["goods", "import", str(SHIPPED), "--check", "--lang", "en"]) == 0
    assert "rows are right" in capsys.readouterr().out
    for command in (["goods", "import", str(SHIPPED)], ["plan"], ["seed"], ["db", "upgrade"]):
        assert main([*command, "--lang", "en"]) == 1
        assert "No database answers" in capsys.readouterr().err
    db.engine.cache_clear()
