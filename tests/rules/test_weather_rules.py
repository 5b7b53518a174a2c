"""Which loads wait for the weather, and which hours are closed to whom."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parking.rules import hours, override, weather
from parking.rules.park_rules import WEATHER_DEFAULT, ForbiddenHours, WeatherRule
from parking.rules.policy import Policy
from parking.rules.substance import Load, Substance, single
from parking.rules.weather import Warned
from parking.vocabulary import LoadState, Refusal, WarningLevel, WeatherKind

NOW = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
HOUR = timedelta(hours=1)
CLASSES = ["2.1", "2.2", "2.3", "3", "4.1", "4.2", "4.3", "5.1", "5.2", "6.1", "6.2", "8", "9"]
levels, kinds = st.sampled_from(list(WarningLevel)), st.sampled_from(WeatherKind)
classes = st.sampled_from(CLASSES)
loads = st.builds(
    lambda main, sub, state: single(main, tuple(sub), state),
    classes, st.lists(classes, max_size=2), st.sampled_from([LoadState.LOADED, LoadState.EMPTY_UNCLEANED]),
)  # fmt: skip


def warned(*held, since=NOW, until=None, lifted=None, level=WarningLevel.ORANGE, kind="rain"):
    return Warned(
        1, level, kind, "运城市气象台", "原文", held, since, until, since, "dispatcher:li", lifted, None
    )


@pytest.mark.parametrize(
    ("kind", "level", "held"),
    [
        ("rain", "blue", ()),
        ("rain", "yellow", ("4.3",)),
        ("rain", "orange", ("2.3", "4.2", "4.3", "6.1")),
        ("heat", "orange", ("2", "2.3", "4.2", "4.3", "5.2", "6.1")),
        ("lightning", "orange", ("2.1", "2.3", "3", "4.2", "4.3", "6.1")),
        ("fog", "red", ("*",)),
        ("other", "yellow", ("4.3",)),
        ("other", "orange", ("2", "2.1", "2.3", "3", "4.2", "4.3", "5.2", "6.1")),
        ("a kind of this park alone", "orange", ("2.3", "4.2", "4.3", "6.1")),
    ],
)
def test_a_warning_holds_what_the_park_says_of_its_kind_and_level(kind, level, held):
    assert weather.held_classes(kind, WarningLevel(level), WEATHER_DEFAULT) == held


@given(kinds, levels, levels, loads)
def test_a_higher_level_never_lets_more_through(kind, one, other, load):
    lower, higher = sorted((one, other), key=list(WarningLevel).index)
    few, many = (weather.held_classes(kind, level, WEATHER_DEFAULT) for level in (lower, higher))
    assert not weather.held_of(load, few) or weather.held_of(load, many)


@given(kinds, levels, loads)
def test_a_kind_nobody_named_holds_at_least_what_every_named_one_does(kind, level, load):
    named = weather.held_classes(kind, level, WEATHER_DEFAULT)
    other = weather.held_classes(WeatherKind.OTHER, level, WEATHER_DEFAULT)
    assert not weather.held_of(load, named) or weather.held_of(load, other)


@given(loads, classes)
def test_every_hazard_of_every_compartment_counts(load, hidden):
    with_it = Load((*load.substances, Substance("9", (hidden,))), load.load_state)
    assert hidden in weather.held_of(with_it, (hidden,))


@given(st.lists(classes).map(tuple))
def test_the_unknown_is_held_by_every_warning_and_the_cleaned_by_none(held):
    laden_with_nothing, no_class = Load((), LoadState.LOADED), single(None)
    assert weather.against(laden_with_nothing, [warned(*held)], NOW)
    assert weather.against(no_class, [warned(*held)], NOW)
    assert weather.against(single("2", (), LoadState.LOADED), [warned("2.3")], NOW), "which gas is not known"
    clean = single("4.3", (), LoadState.EMPTY_CLEAN)
    assert not weather.against(clean, [warned(*held), warned("*")], NOW)


def test_a_warning_counts_from_its_begin_to_its_end_or_until_it_is_lifted():
    petrol = single("3")
    later = warned("3", since=NOW + HOUR, until=NOW + 2 * HOUR)
    for minutes, held in ((0, False), (59, False), (60, True), (119, True), (120, False)):
        assert bool(weather.against(petrol, [later], NOW + timedelta(minutes=minutes))) is held
    lifted = warned("3", lifted=NOW + HOUR)
    assert lifted.stands(NOW)
    assert not lifted.stands(NOW + HOUR)
    assert lifted.over(NOW + HOUR)


def test_the_reason_says_what_is_held_by_what_since_when():
    (why,) = weather.against(single("3", ("6.1",)), [warned("6.1")], NOW)
    assert why.word is Refusal.WEATHER_HOLD
    assert why.facts["hazard_class"] == ("6.1",)
    assert (why.facts["kind"], why.facts["issuer"], why.facts["since"]) == ("rain", "运城市气象台", NOW)


def test_a_park_may_hold_less_or_more():
    own = (WeatherRule("dust devil", WarningLevel.BLUE, ("9",)),)
    assert weather.held_classes("dust devil", WarningLevel.BLUE, own) == ("9",)
    assert weather.held_classes("rain", WarningLevel.RED, own) == ()


NIGHT = ForbiddenHours(("2.1", "3"), time(22), time(6), "夜间")


@pytest.mark.parametrize(
    ("clock", "closed"),
    [("21:59", False), ("22:00", True), ("00:00", True), ("05:59", True), ("06:00", False), ("12:00", False)],
)
def test_the_night_is_closed_over_midnight_by_the_parks_own_clock(clock, closed):
    at = datetime.fromisoformat(f"2026-03-02T{clock}+08:00").astimezone(UTC)
    reasons = hours.against(("3",), [NIGHT], at, SHANGHAI)
    assert bool(reasons) is closed
    if reasons:
        assert (reasons[0].facts["begins"], reasons[0].facts["ends"]) == ("22:00", "06:00")


def test_closed_hours_are_for_the_classes_named_a_subsidiary_hazard_too_and_for_the_unknown():
    at = datetime(2026, 3, 2, 15, tzinfo=UTC)  # 23:00 in the park
    assert hours.against(single("6.1", ("3",)).hazards, [NIGHT], at, SHANGHAI)
    assert hours.against(single(None).hazards, [NIGHT], at, SHANGHAI)
    assert not hours.against(single("8").hazards, [NIGHT], at, SHANGHAI)
    assert not hours.against(single("3", (), LoadState.EMPTY_CLEAN).hazards, [NIGHT], at, SHANGHAI)


@settings(max_examples=60)
@given(st.times().map(lambda t: t.replace(second=0, microsecond=0)), st.times(), st.datetimes())
def test_of_every_stretch_and_its_complement_exactly_one_holds(begins, ends, at):
    ends = ends.replace(second=0, microsecond=0)
    if begins == ends:
        return
    at = at.replace(year=2026, tzinfo=UTC) if (at.month, at.day) != (2, 29) else NOW
    one, rest = ForbiddenHours(("*",), begins, ends, ""), ForbiddenHours(("*",), ends, begins, "")
    assert one.covers(at, SHANGHAI) is not rest.covers(at, SHANGHAI)


def test_two_persons_may_open_an_hour_but_never_the_weather():
    may = override.overridable(Policy())
    assert Refusal.HOURS_FORBIDDEN in may
    assert Refusal.WEATHER_HOLD not in may
