"""The product proposes from repeated offences; it never proposes twice what was decided, nor the innocent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from parking.rules.ban_proposal import PARKING, Offence, proposals
from parking.vocabulary import ViolationKind

NOW = datetime(2026, 3, 2, tzinfo=UTC)
MONTH = timedelta(days=30)
offences = st.lists(
    st.builds(
        Offence, st.integers(1, 999), st.sampled_from(["A", "B", "C"]), st.sampled_from(ViolationKind),
        st.integers(-60, 5).map(lambda d: NOW + timedelta(days=d)),
    ),
    max_size=25, unique_by=lambda o: o.id,
)  # fmt: skip


@given(offences, st.integers(1, 4), st.dictionaries(st.sampled_from("ABC"), st.integers(0, 999)))
def test_who_is_proposed_has_offended_often_lately_and_since_the_last_decision(seen, least, decided):
    for found in proposals(seen, NOW, least, MONTH, decided, {"C"}):
        assert found.plate != "C" and len(found.offences) >= least
        assert all(o.kind in PARKING and NOW - MONTH <= o.at <= NOW for o in found.offences)
        assert found.last == max(o.id for o in found.offences) > decided.get(found.plate, 0)


@given(offences, st.integers(1, 4))
def test_who_offended_often_and_is_undecided_is_proposed(seen, least):
    asked = {p.plate for p in proposals(seen, NOW, least, MONTH, {}, ())}
    for plate in "ABC":
        mine = [o for o in seen if o.plate == plate and o.kind in PARKING and NOW - MONTH <= o.at <= NOW]
        assert (plate in asked) == (len(mine) >= least)
