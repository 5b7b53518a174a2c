"""Goods a park knows: every row understood, or told; none quietly left out."""

from pathlib import Path

import pytest
from openpyxl import Workbook

from geo.report import LayerWord, Report
from parking.goodsfile import COLUMNS, listed, origins, read_file, read_goods

FIXTURES = Path(__file__).parents[2] / "fixtures"
HEAD = ",".join((*COLUMNS, "packing_group", "source"))
METHANOL = '1230,甲醇,Methanol,3,6.1,II,"UN Model Regulations 3.2"'


def read(tmp_path, *lines, encoding="utf-8"):
    (tmp_path / "goods.csv").write_text("\n".join((HEAD, *lines)), encoding=encoding)
    report = Report()
    return read_goods(tmp_path, report), report


def test_the_goods_we_ship_are_right_and_are_found_beside_the_park():
    report = Report()
    goods = {g["un_number"]: g for g in read_goods(FIXTURES / "park", report)}
    assert report.items == [] and len(goods) >= 300
    told = {n: (g["hazard_class"], g["subsidiary"], g["packing_groups"]) for n, g in goods.items()}
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


#: Cargoes of a coking and coal-chemical park, in and out, by the name people say.
COKING = {
    "粗苯": "1268", "纯苯": "1114", "甲苯": "1294", "二甲苯": "1307", "煤焦油": "1999", "洗油": "1136",
    "蒽油": "3256", "煤沥青": "3257", "粗酚": "2076", "苯酚": "1671", "工业萘": "1334", "液体萘": "2304",
    "硫磺": "1350", "液体硫磺": "2448", "硫酸": "1830", "液氨": "1005", "氨水": "2672", "硫化铵": "2683",
    "焦炉煤气": "1023", "一氧化碳": "1016", "氢气": "1049", "甲醇": "1230", "LNG": "1972", "CNG": "1971",
    "液氧": "1073", "液氮": "1977", "液碱": "1824", "盐酸": "1789", "脱硫废液": "3082", "吡啶": "1282",
    "喹啉": "2656", "二硫化碳": "1131", "噻吩": "2414", "硫化氢": "1053", "双氧水": "2014", "电石": "1402",
    "液氯": "1017", "氰化钠": "1689",
}  # fmt: skip


def test_the_cargoes_of_a_coking_park_are_found_by_the_names_people_say():
    goods = {g["un_number"]: g for g in read_goods(FIXTURES / "park", Report())}
    unknown = [
        said for said, number in COKING.items()
        if said not in (goods[number]["name_zh"], *listed(goods[number]["aliases"]))
        and said not in goods[number]["name_zh"]
    ]  # fmt: skip
    assert unknown == []


def test_every_value_that_decides_has_an_origin_and_a_hazard_read_in_one_place_is_not_called_confirmed():
    goods = read_goods(FIXTURES / "park", Report())
    places = {g["un_number"]: origins(g["origins"]) for g in goods}
    for g in goods:
        told = places[g["un_number"]]
        asked = ["name_zh", "name_en", "hazard_class", "subsidiary", "erg_guide"]
        asked += ["packing_groups"] * bool(g["packing_groups"])
        asked += ["critical_quantity_t"] * bool(g["critical_quantity_t"])
        assert [name for name in asked if not told.get(name)] == [], g["un_number"]
    once = {n for n, told in places.items() for c in ("hazard_class", "subsidiary") if len(told[c]) < 2}
    assert len(once) < 12


def test_gases_have_no_packing_group():
    goods = read_goods(FIXTURES / "park", Report())
    assert not [g for g in goods if g["hazard_class"][0] == "2" and g["packing_group"]]
    # without one among liquids and solids: self-reactive substances and peroxides, batteries and articles
    bare = {g["hazard_class"] for g in goods if g["hazard_class"][0] != "2" and not g["packing_group"]}
    assert bare <= {"4.1", "4.3", "5.2", "8", "9"}


def test_the_strictest_of_several_packing_groups_counts(tmp_path):
    (tmp_path / "goods.csv").write_text(
        f"{','.join(COLUMNS)},packing_groups,origins\n"
        '1993,易燃液体,Flammable liquid,3,,"II,I,III",name_zh GB\n',
        encoding="utf-8",
    )
    report = Report()
    (row,) = read_goods(tmp_path, report)
    assert (row["packing_group"], listed(row["packing_groups"])) == ("I", ["II", "I", "III"])


def test_a_sheet_reads_as_its_text_and_keeps_leading_zeros(tmp_path):
    book = Workbook()
    book.active.append([*COLUMNS, "packing_group", "source", "critical_quantity_t", "erg_guide"])
    book.active.append([4, "苦味酸铵", "Ammonium picrate", "1.1D", None, None, "GB 12268", 1.0, 112])
    book.active.append([1230, "甲醇", "Methanol", 3, 6.1, "II", "GB 12268", 500, 131])
    book.active.append([1017, "氯", "Chlorine", 2.4, None, None, "GB 12268", 5, 124])
    book.save(tmp_path / "goods.xlsx")
    report = Report()
    rows = read_file(tmp_path / "goods.xlsx", report)
    assert [(r["un_number"], r["hazard_class"], r["subsidiary"]) for r in rows] == [
        ("0004", "1.1D", ""), ("1230", "3", "6.1"),
    ]  # fmt: skip
    assert [(i.feature, i.facts["property"]) for i in report.errors] == [("4: 1017", "hazard_class")]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a sheet", b"\xff\xfe\x00"])
def test_what_is_no_sheet_is_told_so(tmp_path, content):
    (tmp_path / "goods.xlsx").write_bytes(content)
    report = Report()
    assert read_file(tmp_path / "goods.xlsx", report) == [] and len(report.errors) == 1


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
    assert {i.facts["property"] for i in report.errors} == {
        *COLUMNS,
        "packing_groups/packing_group",
        "origins/source",
    } - {"un_number", "name_zh"}


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
