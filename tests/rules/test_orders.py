"""What may be asked of a terminal: every fault is named."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.refused import Refused
from parking.rules import evidence, orders, retrying
from parking.vocabulary import OrderField, Refusal, TerminalAlarm
from workers.jt808 import items


def refused(make):
    with pytest.raises(Refused) as no:
        make()
    return [(r.word, r.field) for r in no.value.reasons]


def test_a_text_fits_the_message_and_its_letters_the_code_page():
    assert orders.text(" 请驶离 ", urgent=True).payload == {"text": "请驶离", "urgent": True, "speak": True}
    assert refused(lambda: orders.text("  ")) == [(Refusal.FIELD_MISSING, OrderField.TEXT)]
    assert refused(lambda: orders.text("好😀")) == [(Refusal.NOT_GBK, OrderField.TEXT)]
    assert orders.text("汉" * 512) and refused(lambda: orders.text("汉" * 513)) == [
        (Refusal.TEXT_TOO_LONG, OrderField.TEXT)
    ]


def test_all_that_is_out_of_range_is_named_at_once():
    assert refused(lambda: orders.track(-1, 10**6)) == [
        (Refusal.OUT_OF_RANGE, OrderField.INTERVAL_S), (Refusal.OUT_OF_RANGE, OrderField.VALID_S),
    ]  # fmt: skip
    wrong = {OrderField.REPORT_S: 0, OrderField.TOP_SPEED_KMH: 500, OrderField.HEARTBEAT_S: 60}
    assert [f for _, f in refused(lambda: orders.parameters(wrong))] == [
        OrderField.REPORT_S, OrderField.TOP_SPEED_KMH,
    ]  # fmt: skip
    assert refused(lambda: orders.parameters({}))[0][0] is Refusal.NOTHING_ASKED


def test_parameters_are_numbered_as_in_the_standard():
    wanted = {OrderField.HEARTBEAT_S: 60, OrderField.LONGEST_STOP_S: 600}
    assert orders.parameters(wanted).payload == {"parameters": {"1": 60, "90": 600}}


def test_only_alarms_the_protocol_lets_confirm_are():
    assert orders.confirm([20, 22, 5]).payload == {"bits": 1 << 20 | 1 << 22, "serial": 0}
    assert refused(lambda: orders.confirm([5])) == [(Refusal.NOTHING_ASKED, None)]


def test_waits_grow_as_the_standard_says():
    waits = [retrying.wait(n) / retrying.FIRST for n in range(1, 5)]
    assert all(waits[n] == waits[n - 1] * (n + 1) for n in range(1, 4)), "T(N+1) = T(N) × (N+1)"
    assert waits[0] == 1 and retrying.wait(1) == timedelta(seconds=10)
    assert not retrying.given_up(3, 3) and retrying.given_up(4, 4) and retrying.given_up(0, 12)


def test_the_terminals_alarms_are_read_with_the_item_that_belongs_to_each():
    extras = {
        "area_crossing": {"kind": 3, "id": 56, "direction": "out"},
        "area_crossing#2": {"kind": 4, "id": 72, "direction": "in"},
        "segment_time": {"id": 7, "seconds": 90, "result": "too_long"},
    }
    found = evidence.raised(1 << 20 | 1 << 21 | 1 << 22 | 1 << 23 | 1, extras)
    assert [(f.alarm, f.shape, f.number, f.direction) for f in found] == [
        (TerminalAlarm.AREA, 3, 56, "out"), (TerminalAlarm.ROUTE, 4, 72, "in"),
        (TerminalAlarm.SEGMENT, None, 7, "too_long"), (TerminalAlarm.DEVIATION, None, None, None),
    ]  # fmt: skip
    assert evidence.raised(1 << 5, extras) == () and evidence.raised(1 << 20, None)[0].number is None


def test_an_overspeed_alarm_names_its_area_if_it_has_one():
    everywhere, area = ({"overspeed_area": i} for i in ({"kind": 0}, {"kind": 3, "id": 9}))
    assert [evidence.raised(2, e)[0].number for e in (everywhere, area)] == [None, 9]


@given(st.lists(st.sampled_from([
    bytes.fromhex("010400000F2C"), bytes.fromhex("110100"), bytes.fromhex("11050300000009"),
    bytes.fromhex("1206030000003800"), bytes.fromhex("1206040000004801"), bytes.fromhex("130700000007005A01"),
    bytes.fromhex("300116"), bytes.fromhex("12020304"),
])), st.binary(max_size=3))  # fmt: skip
def test_items_as_they_came_say_the_same_as_the_codecs_reading_of_them(parts, tail):
    raw = b"".join(parts) + tail
    read = {k: v for k, v in items.decode(raw).items() if k.split("#")[0] in (
        "overspeed_area", "area_crossing", "segment_time")}  # fmt: skip
    assert evidence.read_items(raw) == read
    assert evidence.raised(evidence.MASK, None, raw) == evidence.raised(evidence.MASK, read)
