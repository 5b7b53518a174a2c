"""Parks that had their checklist before row V11 get it; what they edited stays theirs."""

from __future__ import annotations

from sqlalchemy import select, update

from parking import schema
from parking.db import transaction
from parking.models import CheckRow, ParkRow
from parking.rules.checklist import DEFAULT
from parking.services.checklist import _stored
from tests import earlier
from tests.factories import NOW


def _park(session, code: str, missing: str = "V11") -> int:
    park = ParkRow(code=code, name_zh=code, name_en=code, official=False, settings={}, loaded_at=NOW)
    session.add(park)
    session.flush()
    rows = [row for row in DEFAULT if row.code != missing]
    session.add_all(_stored(park.id, n, row) for n, row in enumerate(rows, 1))
    session.flush()
    return park.id


def _edit(session, park_id: int, **values) -> None:
    row = update(CheckRow).where(CheckRow.park_id == park_id, CheckRow.code == "P1")
    session.execute(row.values(**values))


def _list(session, park_id: int) -> list[tuple[str, bool]]:
    rows = select(CheckRow.code, CheckRow.active).where(CheckRow.park_id == park_id)
    return [tuple(r) for r in session.execute(rows.order_by(CheckRow.position, CheckRow.id))]


def test_a_list_as_delivered_gets_the_row_asked_and_an_edited_one_gets_it_to_be_decided_on(servers):
    with earlier.database_at(servers, "0013") as engine:
        with transaction(engine) as session:
            untouched, reworded, shortened = (_park(session, code) for code in ("one", "two", "three"))
            newer = _park(session, "four", missing="")
            _edit(session, reworded, text_zh="证件")
            _edit(session, shortened, active=False)
            bare = ParkRow(
                code="five", name_zh="五", name_en="five", official=False, settings={}, loaded_at=NOW
            )
            session.add(bare)
        schema.upgrade(engine)
        with transaction(engine) as session:
            assert _list(session, untouched) == [(row.code, True) for row in DEFAULT]
            assert _list(session, reworded)[-1] == _list(session, shortened)[-1] == ("V11", False)
            assert len(_list(session, reworded)) == len(_list(session, newer)) == len(DEFAULT)
            assert _list(session, bare.id) == []
            asked = session.scalars(
                select(CheckRow).where(CheckRow.park_id == untouched, CheckRow.code == "V11")
            ).one()
            given = _stored(untouched, 11, next(r for r in DEFAULT if r.code == "V11"))
            told = ("text_zh", "text_en", "holder", "on_fail", "document", "applies", "source", "self_check")
            assert [getattr(asked, n) for n in told] == [getattr(given, n) for n in told]
