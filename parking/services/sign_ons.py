"""Many terminals sign on in one statement."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from parking import arrays
from parking.services.remembered import cursor
from parking.services.terminals import bare_phone


def authenticate(session: Session, claims: Sequence[tuple[str, str]], now: datetime) -> list[bool]:
    """Of each (phone, code): whether the code is the one we issued to this phone. Notes who was right."""
    phones = sorted({bare_phone(phone) for phone, _ in claims})
    with cursor(session) as asking:
        asking.execute(
            "SELECT phone, id, auth_code FROM terminal WHERE phone = ANY(%s)", [arrays.texts(phones)]
        )
        known = {phone: (terminal_id, code) for phone, terminal_id, code in asking}
        good = [_same(known.get(bare_phone(phone)), code) for phone, code in claims]
        right = {known[bare_phone(p)][0] for (p, _), fine in zip(claims, good, strict=True) if fine}
        if right:
            asking.execute(
                "UPDATE terminal SET last_seen_at = %s WHERE id = ANY(%s)"
                " AND (last_seen_at IS NULL OR last_seen_at NOT BETWEEN %s - interval '1 minute' AND %s)",
                [now, arrays.int8s(sorted(right)), now, now],
            )
    return good


def _same(known: tuple[int, str] | None, code: str) -> bool:
    return known is not None and hmac.compare_digest(known[1].encode(), code.encode())
