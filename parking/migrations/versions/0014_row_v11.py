"""checklist row V11, the certificate of who says he is empty and clean, for parks that have a list

Revision: 0014, after 0013. A list left as it was delivered gets it at its place, to be asked; into a list the
park has edited it comes last and not asked: the park decides. A park without a list gets the whole one later.
"""

import hashlib
import json
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

#: SHA-256 of [code, text_zh, text_en, on_fail] of the 20 rows as delivered before, in their order.
DELIVERED = "31ad83a0018d73322b11afcddcbd021d67b1595c8e5bc2a736d2ce4368bf2366"
BEFORE = "V10"

ROW = sa.table(
    "check_row",
    *(sa.column(c) for c in ("id", "park_id", "code", "position", "text_zh", "text_en", "holder", "on_fail")),
    *(sa.column(c) for c in ("source", "active")),
    sa.column("applies", postgresql.JSONB()),
)


def upgrade() -> None:
    connection = op.get_bind()
    rows = connection.execute(sa.select(ROW).order_by(ROW.c.park_id, ROW.c.position, ROW.c.id)).all()
    for park_id, found in groupby(rows, key=lambda r: r.park_id):
        listed = list(found)
        if all(r.code != "V11" for r in listed):
            _add(connection, park_id, listed)


def _add(connection: sa.Connection, park_id: int, listed: list[sa.Row[Any]]) -> None:
    delivered = all(r.active for r in listed) and _digest(listed) == DELIVERED
    at = 1 + (
        next(r.position for r in listed if r.code == BEFORE) if delivered else max(r.position for r in listed)
    )
    later = ROW.update().where(ROW.c.park_id == park_id, ROW.c.position >= at)
    connection.execute(later.values(position=ROW.c.position + 1))
    connection.execute(ROW.insert().values(
        park_id=park_id, code="V11", position=at, text_zh="空车（已清洗）：清洗合格证与罐体相符",
        text_en="Said to be empty and clean: the cleaning certificate is of this tank", holder="tank",
        on_fail="hold", source="设计默认值", active=delivered,
        applies={"load_states": ["empty_clean"], "classes": []},
    ))  # fmt: skip


def _digest(listed: list[sa.Row[Any]]) -> str:
    said = [[r.code, r.text_zh, r.text_en, r.on_fail] for r in listed]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


def downgrade() -> None:
    """Answers may hang on the row: it stays."""
