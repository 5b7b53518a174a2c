"""How much stands in the lot: the indicator S = Σ q/Q of GB 18218-2018 over time, for lot and zones.

An indicator (参考指标), never a legal finding: whether a lot is a unit under GB 18218 is not for software
to say. q is what is in the tanks, Q the critical quantity of the goods (tonnes both). Goods without a
critical quantity add nothing and are counted apart; a load nobody has declared is not summed but refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from parking.refused import Reason, no
from parking.rules.park_rules import IndexLimit
from parking.vocabulary import Advice, LoadState, Refusal

#: Sums of shares closer than this are the same number.
SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Content:
    """What one compartment holds. Kilograms; ``critical_t`` tonnes, None where the list has none."""

    un_number: str
    mass_kg: int
    critical_t: float | None
    residue: bool = False


@dataclass(frozen=True, slots=True)
class Amount:
    """One stay's part in the sum: from when until when (None: nobody can say), in which zone."""

    booking_id: int
    plate: str
    zone: str
    share: float
    begins: datetime
    ends: datetime | None


@dataclass(frozen=True, slots=True)
class Peak:
    """The highest sum in a period, the instant it is first reached, and what makes it up, largest first."""

    total: float
    at: datetime
    parts: tuple[Amount, ...]


def share(contents: Iterable[Content], load_state: LoadState, residue_kg: float) -> float:
    """Σ q/Q of one vehicle. An emptied tank holds its residue: as declared, else the assumed mass."""
    if load_state is LoadState.EMPTY_CLEAN:
        return 0.0
    return sum(_mass_t(c, load_state, residue_kg) / c.critical_t for c in contents if c.critical_t)


def unlisted(contents: Iterable[Content]) -> int:
    """How many compartments hold goods without a critical quantity."""
    return sum(c.critical_t is None for c in contents)


def peak(amounts: Sequence[Amount], zone: str | None, begins: datetime, ends: datetime | None) -> Peak:
    """The highest sum in [begins, ends) in a zone, or in the lot (None). Exact: it can only rise when
    somebody comes, so it is enough to look at the beginning and at each arrival.
    """
    mine = [a for a in amounts if (zone is None or a.zone == zone) and meets(a, begins, ends)]
    coming = sorted((a for a in mine if a.begins > begins), key=lambda a: a.begins)
    going = sorted((a.ends, a.share) for a in mine if a.ends is not None)
    running = sum(a.share for a in mine if a.begins <= begins)
    highest, when, gone = running, begins, 0
    for n, comer in enumerate(coming):
        running += comer.share
        if n + 1 < len(coming) and coming[n + 1].begins == comer.begins:
            continue
        while gone < len(going) and going[gone][0] <= comer.begins:
            running -= going[gone][1]
            gone += 1
        if running > highest + SLACK:
            highest, when = running, comer.begins
    there = [a for a in mine if a.begins <= when and (a.ends is None or when < a.ends)]
    return Peak(sum(a.share for a in there), when, tuple(sorted(there, key=_largest_first)))


def _largest_first(amount: Amount) -> tuple[float, int]:
    return -amount.share, amount.booking_id


def meets(amount: Amount, begins: datetime, ends: datetime | None) -> bool:
    """Whether a stay counts at some instant of [begins, ends)."""
    if amount.ends is not None and amount.ends <= max(amount.begins, begins):
        return False
    return ends is None or amount.begins < ends


def against(
    newcomer: Amount, others: Sequence[Amount], lot: IndexLimit, zone: IndexLimit
) -> tuple[Reason, ...]:
    """Why one more stay may not be accepted: some instant of it would exceed a limit.

    A stay that adds nothing is never refused for what others hold.
    """
    return (*exceeding(newcomer, others, None, lot), *exceeding(newcomer, others, newcomer.zone, zone))


def advice(
    newcomer: Amount, others: Sequence[Amount], lot: IndexLimit, zone: IndexLimit
) -> tuple[Reason, ...]:
    """What is said beside an acceptance: the highest sum the lot and the zone would reach."""
    together = [*others, newcomer]
    highest = peak(together, None, newcomer.begins, newcomer.ends).total
    word = Advice.INDEX_HIGH if highest > lot.warn + SLACK else Advice.INDEX_LOW
    return (no(word, index=_said(highest), limit=_said(lot.refuse)),)


def exceeding(
    newcomer: Amount, others: Sequence[Amount], zone: str | None, limit: IndexLimit
) -> tuple[Reason, ...]:
    """Why one more stay would exceed the limit of a zone, or of the lot (None)."""
    if newcomer.share <= SLACK:
        return ()
    found = peak([*others, newcomer], zone, newcomer.begins, newcomer.ends)
    if found.total <= limit.refuse + SLACK:
        return ()
    word = Refusal.INDEX_LOT if zone is None else Refusal.INDEX_ZONE
    largest = ", ".join(f"{a.plate} {_said(a.share)}" for a in found.parts[:3])
    return (
        no(
            word, zone=newcomer.zone, index=_said(found.total), limit=_said(limit.refuse), at=found.at,
            own=_said(newcomer.share), largest=largest,
        ),
    )  # fmt: skip


def _mass_t(content: Content, load_state: LoadState, residue_kg: float) -> float:
    emptied = load_state is LoadState.EMPTY_UNCLEANED
    if not (content.residue or emptied):
        return content.mass_kg / 1000
    told = content.mass_kg if content.residue and content.mass_kg > 0 else residue_kg
    return told / 1000


def _said(value: float) -> str:
    """Two decimals, rounded up, so that a limit never looks kept when it is not."""
    return f"{-(-round(value * 10_000) // 100) / 100:.2f}"
