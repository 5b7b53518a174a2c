"""Which door is heeded when several report one vehicle at the same time. Pure.

Two receivers in one truck differ by metres, a phone left at home by kilometres: judged together they would
make the truck jump. So one speaks, and the others are kept beside it until it falls silent.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from enum import IntEnum


class Source(IntEnum):
    """Doors in the order in which they are believed (assumption: the law asks for the terminal)."""

    TERMINAL = 0  # 车载终端, JT/T 808
    PLATFORM = 1  # 承运企业平台
    DEVICE = 2  # 手机
    IMPORT = 3  # 导入的轨迹


#: First letter of a pseudo-terminal's phone. Its colon keeps it from being a JT/T 808 phone: digits only.
LETTERS = {"c": Source.PLATFORM, "p": Source.DEVICE, "i": Source.IMPORT}

#: A door of a vehicle: lower is better; of two alike, the one known for longer. (source, terminal id)
Rank = tuple[Source, int]


def of_phone(phone: str) -> Source:
    """The door a terminal's phone stands for."""
    letter, colon, _ = phone.partition(":")
    return LETTERS.get(letter, Source.IMPORT) if colon else Source.TERMINAL


def heeded(at: float, better: Sequence[float], quiet_s: float) -> bool:
    """Whether a report of ``at`` counts: no better door said anything in the ``quiet_s`` seconds up to it.

    ``better``: times of believed reports of better doors, ascending; all times in seconds since 1970.
    """
    before = bisect_right(better, at)
    return before == 0 or better[before - 1] < at - quiet_s


def chosen(said: Sequence[tuple[float, Rank, bool]], quiet_s: float) -> list[bool]:
    """Of a stretch of reports (time, door, believed), which are judged. In any order."""
    times: dict[Rank, list[float]] = defaultdict(list)
    for at, rank, believed in said:
        if believed:
            times[rank].append(at)
    ranks = {rank for _, rank, _ in said}
    better = {r: sorted(t for other in times if other < r for t in times[other]) for r in ranks}
    return [heeded(at, better[rank], quiet_s) for at, rank, _ in said]
