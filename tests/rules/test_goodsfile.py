"""Goods a park knows: every row understood, or told; none quietly left out."""

from pathlib import Path

import pytest

from geo.report import LayerWord, Report
from parking.goodsfile import COLUMNS, read_goods

FIXTURES = Path(__file__).parents[2] / "fixtures"
HEAD = ",".join(COLUMNS)
METHANOL = '1230,甲醇,Methanol,3,6.1,II,"UN Model Regulations 3.2"'


def read(tmp_path, *lines, encoding="utf-8"):
    (tmp_path / "goods.csv").write_text("\n".join((HEAD, *lines)), encoding=encoding)
    report = Report()
    return read_goods(tmp_path, report), report


def test_the_goods_we_ship_are_right_and_are_found_beside_the_park():
    report = Report()
    goods = {g["un_number"]: g for g in read_goods(FIXTURES / "park", report)}
    assert report.items == [] and len(goods) >= 45
    told = {n: (g["hazard_class"], g["subsidiary"], g["packing_group"]) for n, g in goods.items()}
    # as in the dangerous goods list of the UN Model Regulations
    assert told["1005"] == ("2.3", "8", "")
    assert told["1016"] == ("2.3", "2.1", "")
    assert told["1017"] == ("2.3", "5.1,8", "")
    assert told["1072"] == ("2.2", "5.1", "")
    assert told["1131"] == ("3", "6.1", "I")
    assert told["1230"] == ("3", "6.1", "II")
    assert told["1334"] == ("4.1", "", "III")
    assert told["2076"] == ("6.1", "8", "II")
    assert told["2789"] == ("8", "3", "II")


def test_gases_have_no_packing_group_and_the_others_of_classes_3_to_8_have_one():
    goods = read_goods(FIXTURES / "park", Report())
    assert not [g for g in goods if (g["hazard_class"][0] == "2") == bool(g["packing_group"])]


@pytest.mark.parametrize(
    "line, name",
    [
        ("123,甲醇,Methanol,3,6.1,II,x", "un_number"),
        ("UN1230,甲醇,Methanol,3,6.1,II,x", "un_number"),
        ("１２３０,甲醇,Methanol,3,6.1,II,x", "un_number"),
        ("1230,甲醇,Methanol,2,6.1,II,x", "hazard_class"),
        ("1230,甲醇,Methanol,３,6.1,II,x", "hazard_class"),
        ("1230,甲醇,Methanol,3,6.1;8,II,x", "subsidiary"),
        ("1230,甲醇,Methanol,3,3,II,x", "subsidiary"),
        ("1230,甲醇,Methanol,3,6.1,Ⅱ,x", "packing_group"),
    ],
)
def test_a_value_that_is_none_names_row_and_column(tmp_path, line, name):
    goods, report = read(tmp_path, METHANOL.replace("1230", "1231"), line)
    assert [g["un_number"] for g in goods] == ["1231"]
    assert [(i.word, i.facts["property"]) for i in report.errors] == [(LayerWord.PROPERTY_WRONG, name)]
    assert report.errors[0].feature.startswith("3: ")


def test_an_unquoted_comma_does_not_shift_a_class_into_another_column(tmp_path):
    goods, report = read(tmp_path, "1017,氯,Chlorine,2.3,5.1,8,,x")
    assert goods == [] and report.errors


def test_the_same_number_twice_is_not_settled_by_the_last(tmp_path):
    _, report = read(tmp_path, METHANOL, METHANOL.replace("6.1", "8"))
    assert [i.word for i in report.errors] == [LayerWord.CODE_TWICE]


def test_a_file_from_excel_in_gbk_is_told_not_garbled(tmp_path):
    goods, report = read(tmp_path, METHANOL, encoding="gbk")
    assert goods == [] and [i.word for i in report.errors] == [LayerWord.FILE_UNREADABLE]


def test_a_missing_column_is_named(tmp_path):
    (tmp_path / "goods.csv").write_text("un_number,name_zh\n1230,甲醇\n", encoding="utf-8")
    report = Report()
    assert read_goods(tmp_path, report) == []
    assert {i.facts["property"] for i in report.errors} == set(COLUMNS) - {"un_number", "name_zh"}


def test_what_is_known_of_a_substance_may_stand_in_two_more_columns(tmp_path):
    """A zone typed wrong would make a gas look milder than it is."""
    head = f"{HEAD},traits,fire_category"
    chlorine = '1017,氯,Chlorine,2.3,"5.1,8",,x,tih_zone_b,乙'
    wrong = ["1005,氨,Ammonia,2.3,8,,x,zone_d,乙", "1053,硫化氢,Hydrogen sulphide,2.3,2.1,,x,,A"]
    (tmp_path / "goods.csv").write_text("\n".join((head, chlorine, *wrong)), encoding="utf-8")
    report = Report()
    (good,) = read_goods(tmp_path, report)
    assert (good["traits"], good["fire_category"]) == ("tih_zone_b", "乙")
    assert [i.facts["property"] for i in report.errors] == ["traits", "fire_category"]


def test_a_name_is_found_by_the_first_letters_of_every_reading():
    from parking.pinyin import initials

    assert "wsa" in initials("无水氨").split()
    assert {"cgsj", "zgsj"} <= set(initials("重铬酸钾").split())
    assert initials("硫酸(>51%)").startswith("ls")
    assert initials("LPG") == "lpg"
