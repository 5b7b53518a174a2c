"""A booking form is judged whole: every reason, each in its field."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.rules.admission import BookingForm, Facts, KnownGoods, OtherBooking, judge, tidy
from parking.rules.policy import Policy
from parking.vocabulary import LoadState, Refusal

NOW = datetime(2026, 3, 2, tzinfo=UTC)
OPEN = Policy(enterprise_approval=False)
PETROL = Facts(goods={"1203": KnownGoods("1203", "3")}, policy=OPEN)
GOOD = BookingForm(
    plate="晋M12345", plate_colour=2, carrier="运城危货", driver_name="王师傅", driver_phone="13800000000",
    escort_name="李押运", waybill_no="YD1", un_number="1203", mass_kg=28_000, load_state=LoadState.LOADED,
    window_start=NOW + timedelta(hours=1), window_end=NOW + timedelta(hours=3),
)  # fmt: skip


def words(form: BookingForm, facts: Facts = PETROL) -> list[str]:
    return [r.word.value for r in judge(tidy(form), facts, NOW)]


def test_a_good_form_meets_no_reason():
    assert words(GOOD) == []


@pytest.mark.parametrize(
    ("changes", "word", "field"),
    [
        ({"plate": ""}, Refusal.FIELD_MISSING, "plate"),
        ({"carrier": "   "}, Refusal.FIELD_MISSING, "carrier"),
        ({"escort_name": ""}, Refusal.FIELD_MISSING, "escort_name"),
        ({"waybill_no": ""}, Refusal.FIELD_MISSING, "waybill_no"),
        ({"un_number": None}, Refusal.FIELD_MISSING, "un_number"),
        ({"un_number": None, "load_state": LoadState.EMPTY_UNCLEANED}, Refusal.FIELD_MISSING, "un_number"),
        ({"carrier": "长" * 121}, Refusal.FIELD_TOO_LONG, "carrier"),
        ({"waybill_no": "9" * 41}, Refusal.FIELD_TOO_LONG, "waybill_no"),
        ({"plate": "晋I12345"}, Refusal.PLATE_MALFORMED, "plate"),
        ({"driver_phone": "1380000000"}, Refusal.PHONE_MALFORMED, "driver_phone"),
        ({"driver_phone": "١٣٨٠٠٠٠٠٠٠٠"}, Refusal.PHONE_MALFORMED, "driver_phone"),
        ({"escort_name": "王 师傅"}, Refusal.DRIVER_IS_ESCORT, "escort_name"),
        ({"plate_colour": 7}, Refusal.CHOICE_UNKNOWN, "plate_colour"),
        ({"load_state": "half"}, Refusal.CHOICE_UNKNOWN, "load_state"),
        ({"mass_kg": 0}, Refusal.MASS_NOT_POSITIVE, "mass_kg"),
        ({"mass_kg": 49_001}, Refusal.MASS_TOO_LARGE, "mass_kg"),
        ({"mass_kg": -1, "load_state": LoadState.EMPTY_CLEAN}, Refusal.NUMBER_MALFORMED, "mass_kg"),
        ({"mass_kg": 5, "load_state": LoadState.EMPTY_CLEAN}, Refusal.EMPTY_WITH_MASS, "mass_kg"),
        ({"window_end": GOOD.window_start}, Refusal.WINDOW_REVERSED, "window_end"),
        ({"window_start": NOW - timedelta(hours=3), "window_end": NOW}, Refusal.WINDOW_PAST, "window_end"),
        ({"window_end": GOOD.window_start + timedelta(hours=25)}, Refusal.WINDOW_TOO_LONG, "window_end"),
        ({"window_start": GOOD.window_start.replace(tzinfo=None)}, Refusal.TIME_MALFORMED, "window_start"),
    ],
)
def test_each_fault_has_its_word_at_its_field(changes, word, field):
    found = judge(tidy(replace(GOOD, **changes)), PETROL, NOW)
    assert [(r.word, r.field) for r in found] == [(word, field)]


def test_too_far_ahead_is_refused():
    far = NOW + timedelta(days=15)
    assert words(replace(GOOD, window_start=far, window_end=far + timedelta(hours=1))) == ["window_too_far"]


def test_a_park_sets_its_own_limits():
    strict = replace(
        PETROL,
        policy=Policy.from_mapping(
            {"enterprise_approval": False, "booking_mass_kg": 20_000, "booking_window_h": 1}
        ),
    )
    assert words(GOOD, strict) == ["mass_too_large", "window_too_long"]


def test_unknown_goods_are_refused_never_guessed():
    assert words(replace(GOOD, un_number="9999"), Facts(policy=OPEN)) == ["un_number_unknown"]


def test_a_clean_empty_vehicle_needs_no_un_number():
    assert (
        words(replace(GOOD, un_number=None, mass_kg=0, load_state=LoadState.EMPTY_CLEAN), Facts(policy=OPEN))
        == []
    )


@pytest.mark.parametrize("hazard", ["1", "1.1", "1.4S", "1.6", "7"])
@pytest.mark.parametrize("as_subsidiary", [True, False])
def test_class_1_and_7_are_never_taken(hazard, as_subsidiary):
    goods = KnownGoods("0081", "3", (hazard,)) if as_subsidiary else KnownGoods("0081", hazard)
    assert words(GOOD, Facts(goods={"1203": goods}, policy=OPEN)) == ["class_not_accepted"]


def test_the_same_instant_in_another_zone_is_the_same_instant():
    there = replace(GOOD, window_start=GOOD.window_start.astimezone(timezone(timedelta(hours=8))))
    assert judge(tidy(there), PETROL, NOW) == ()
    other = OtherBooking("A", GOOD.plate, "w", GOOD.window_start - timedelta(hours=1), GOOD.window_start)
    assert words(there, replace(PETROL, same_plate=(other,))) == []


@given(st.integers(-600, 600), st.integers(1, 600))
def test_a_plate_is_refused_exactly_when_windows_overlap(start, length):
    begins = GOOD.window_start + timedelta(minutes=start)
    other = OtherBooking("A", GOOD.plate, "w", begins, begins + timedelta(minutes=length))
    overlap = other.window_start < GOOD.window_end and GOOD.window_start < other.window_end
    assert (words(GOOD, replace(PETROL, same_plate=(other,))) == ["already_booked"]) == overlap


texts = st.text(max_size=60)


@given(texts, texts, texts, texts, texts, texts, st.integers(), st.integers())
def test_no_text_makes_the_judge_stumble(plate, carrier, driver, phone, waybill, un, mass, colour):
    wild = replace(
        GOOD, plate=plate, carrier=carrier, driver_name=driver, driver_phone=phone, waybill_no=waybill,
        un_number=un, mass_kg=mass, plate_colour=colour,
    )  # fmt: skip
    once = tidy(wild)
    judge(once, Facts(policy=OPEN), NOW)
    assert "\x00" not in once.plate + once.carrier + once.waybill_no + (once.un_number or "")


def test_a_naive_now_is_a_mistake_of_ours():
    with pytest.raises(ValueError):
        judge(GOOD, PETROL, NOW.replace(tzinfo=None))
