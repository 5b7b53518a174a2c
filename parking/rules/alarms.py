"""Alarms a terminal raises itself: told once when the bit rises, ended when it falls.

Bits of the alarm word of JT/T 808 message 0x0200. They are obeyed even in a fix whose position or
time is not believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from geo.fix import Fix
from parking.rules.sight import Finding
from parking.vocabulary import Certainty, ViolationKind

OBEYED: Mapping[int, str] = {0: "sos", 26: "theft", 29: "collision", 30: "rollover"}

#: The same bits as a word.
OBEYED_BITS = sum(1 << bit for bit in OBEYED)

#: Name of a raised alarm → when it rose, ISO 8601 UTC.
Raised = Mapping[str, str]


def step(
    raised: Raised, fix: Fix, at: datetime, believed: bool, newest: bool = True
) -> tuple[Raised, list[Finding]]:
    """The alarms standing after ``fix``; ``at`` is its time, or the time it came if that is not believed.

    A fix that is not the ``newest`` may raise an alarm but ends none: later ones said it goes on.
    """
    names = {name for bit, name in OBEYED.items() if fix.alarm >> bit & 1}
    risen = [_finding(n, at, None, fix, believed) for n in sorted(names - raised.keys())]
    fallen = [_fallen(n, raised[n], at, fix, believed) for n in sorted(raised.keys() - names) if newest]
    standing = names if newest else names | raised.keys()
    after = {n: raised.get(n, at.isoformat()) for n in sorted(standing)}
    return after, risen + fallen


def _fallen(name: str, rose: str, at: datetime, fix: Fix, believed: bool) -> Finding:
    began = datetime.fromisoformat(rose)
    return _finding(name, began, max(began, at), fix, believed)


def _finding(name: str, began: datetime, ended: datetime | None, fix: Fix, believed: bool) -> Finding:
    return Finding(
        kind=ViolationKind.TERMINAL_ALARM,
        subject=name,
        started_at=began,
        ended_at=ended,
        lon=fix.lon if believed else None,
        lat=fix.lat if believed else None,
        certainty=Certainty.CERTAIN if believed else Certainty.INFERRED,
        facts={"alarm": name},
    )
