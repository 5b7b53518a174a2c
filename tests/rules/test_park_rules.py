"""The park's lists are checked field by field; nothing odd slips into a safety rule."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from parking.rules.park_rules import RuleWrong, matches, read
from parking.rules.policy import Policy

TODAY = date(2026, 3, 2)
GOOD = {
    "segregation": [{"a": "3", "b": "5.1", "ruling": "distance", "distance_m": 12, "document": "x"}],
    "index_limits": {
        "lot": {"warn": 4, "refuse": 5, "note": "安监批复 7 号"},
        "zones": {"Z3": {"warn": 0.5, "refuse": 0.6}},
    },
    "forbidden_hours": [{"classes": ["2.1", "3"], "from": "22:00", "to": "06:00", "reason": "夜间"}],
    "weather": [{"kind": "*", "level": "yellow", "classes": ["*"]}],
}


def test_good_lists_become_values():
    rules = read(GOOD, TODAY)
    assert rules.limit(None, Policy()).refuse == 5
    assert rules.limit("Z3", Policy()).warn == 0.5
    assert rules.limit("Z9", Policy()).refuse == Policy().index_refuse == 1.0
    assert len(rules.weather) == 1
    assert len(read({}, TODAY).weather) > 3, "without a word of its own a park has the defaults"


def test_forbidden_hours_reach_past_midnight_in_the_parks_own_time():
    night = read(GOOD, TODAY).forbidden_hours[0]
    zone = ZoneInfo("Asia/Shanghai")
    at = {h: datetime(2026, 3, 2, h, 0, tzinfo=UTC) for h in (13, 14, 21, 22)}
    assert [night.covers(at[h], zone) for h in (13, 14, 21, 22)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("hazard", "classes", "hit"),
    [
        ("2.1", ("2",), True),
        ("2.1", ("2.1",), True),
        ("3", ("2",), False),
        ("9", ("*",), True),
        (None, ("3",), True),
    ],
)
def test_an_unknown_class_falls_under_every_list(hazard, classes, hit):
    assert matches(hazard, classes) is hit


@pytest.mark.parametrize(
    ("name", "value", "where"),
    [
        ("colour", 1, "colour"),
        ("stay_limits", [{"hours": 2, "purposes": ["tea"]}], "stay_limits[0].purposes"),
        ("stay_limits", [{"hours": 2, "purposes": "to_wait"}], "stay_limits[0].purposes"),
        ("segregation", {}, "segregation"),
        ("index_limits", {"lots": 1}, "index_limits.lots"),
        ("index_limits", {"lot": {"warn": 2, "refuse": 1}}, "index_limits.lot.warn"),
        ("index_limits", {"lot": {"warn": 1, "refuse": 2}}, "index_limits.lot.note"),
        ("index_limits", {"lot": {"warn": True, "refuse": 1}}, "index_limits.lot.warn"),
        ("index_limits", {"zones": {"Z": {"warn": 0.1}}}, "index_limits.zones.Z.refuse"),
        ("forbidden_hours", [{"classes": ["3"], "from": "24:00", "to": "06:00"}], "forbidden_hours[0].from"),
        ("forbidden_hours", [{"classes": [], "from": "22:00", "to": "06:00"}], "forbidden_hours[0].classes"),
        ("forbidden_hours", [{"classes": ["3"], "from": "06:00", "to": "06:00"}], "forbidden_hours[0].to"),
        ("weather", [{"level": "purple", "classes": ["*"]}], "weather[0].level"),
        ("weather", [{"level": "red", "classes": ["all"]}], "weather[0].classes"),
    ],
)
def test_a_wrong_list_is_refused_naming_its_field(name, value, where):
    with pytest.raises(RuleWrong) as wrong:
        read({**GOOD, name: value}, TODAY)
    assert wrong.value.where == where
