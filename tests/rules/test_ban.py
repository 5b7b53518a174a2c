"""The blacklist: one spelling for one name, and an end that needs nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from parking.rules import ban
from parking.rules.ban import Entry
from parking.vocabulary import BanSubject, Refusal

NOW = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
BROUGHT = ban.names("晋M12345", "王师傅", "13800000000", "李 押运", "运城危货（集团）有限公司")


def entry(subject, name, **more):
    values = {"since": NOW, "until": NOW + DAY, **more}
    return Entry(1, subject, ban.normalise(subject, name), "园区内多次违停", **values)


def hit(*entries, at=NOW):
    return [r.word for r in ban.against(entries, BROUGHT, at)]


def test_a_name_is_found_however_it_is_spelled():
    for subject, name in (
        (BanSubject.PLATE, "晋m·12345"),
        (BanSubject.DRIVER, "李押运"),
        (BanSubject.DRIVER, "１３８ 0000 0000"),
        (BanSubject.CARRIER, "运城危货(集团)有限公司"),
    ):
        assert hit(entry(subject, name)) == [Refusal.BANNED]
    assert hit(entry(BanSubject.PLATE, "晋M12346")) == []
    assert hit(entry(BanSubject.CARRIER, "王师傅")) == [], "a carrier's name is not a driver's"


def test_it_ends_by_itself_and_sooner_when_lifted():
    mine = entry(BanSubject.PLATE, "晋M12345")
    assert hit(mine, at=NOW + DAY) == []
    assert hit(mine, at=NOW - DAY) == []
    lifted = entry(BanSubject.PLATE, "晋M12345", lifted_at=NOW + DAY / 2)
    assert hit(lifted, at=NOW + DAY / 4) == [Refusal.BANNED]
    assert hit(lifted, at=NOW + DAY / 2) == []


@given(st.text(max_size=40))
@example("O¨")
@example("ͅ ̈ΐ ŉ")
def test_normalising_twice_changes_nothing(name):
    for subject in BanSubject:
        once = ban.normalise(subject, name)
        assert ban.normalise(subject, once) == once
