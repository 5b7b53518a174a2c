"""May these two loads stand near each other, and how near? A verdict with its reason and its source.

Layers, and the stricter wins: a published table (``matrices``), the notes beside it, the park's fire
categories, the park's own overrides. The distances are design defaults of this product (设计默认值): the
tables say "together" or "apart" of one vehicle or one ship and give a lot no metres.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations

from parking.rules.matrices import TABLES, Matrix, Symbol, columns
from parking.rules.policy import Policy
from parking.rules.segregation_overrides import Override
from parking.rules.substance import Load, Substance, single
from parking.vocabulary import FireCategory, GoodsTrait, SegregationNote

__all__ = ["Load", "Matrix", "Rulebook", "Ruling", "Substance", "Verdict", "between", "single", "within"]

SAME_SUBSTANCE = "49 CFR 177.848(e)(6)"
CYANIDE_ACID = "49 CFR 177.848(c)"
NOT_KNOWN = "unknown"


class Ruling(StrEnum):
    """What is decided of two loads."""

    ALLOWED = "allowed"  # 可以相邻
    DISTANCE = "distance"  # 须保持距离
    FORBIDDEN = "forbidden"  # 禁止同处: nearer than the distance counts as together


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far apart two loads must stand (metres between bay outlines), why, and who says so.

    ``reason``: the two hazards (or UN numbers) that ask for it. ``symbol``: the cell of the table.
    """

    ruling: Ruling
    needed_m: float
    reason: tuple[str, str] | None = None
    source: str = ""
    symbol: Symbol = Symbol.FREE
    note: SegregationNote | None = None
    remark: str = ""

    def allows(self, distance_m: float) -> bool:
        """Whether outlines this far apart are far enough. Only a measured distance passes."""
        return self.ruling is Ruling.ALLOWED or distance_m >= self.needed_m


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Everything a park has decided about neighbours. Distances in metres."""

    matrix: Matrix = Matrix.HIGHWAY
    forbidden_m: float = 25.0
    separated_m: float = 10.0
    levels_m: tuple[float, float, float, float] = (10.0, 15.0, 20.0, 25.0)
    fire_zoning: bool = False
    fire_m: float = 15.0
    overrides: tuple[Override, ...] = field(default=())

    @classmethod
    def from_policy(cls, policy: Policy, overrides: Sequence[Override] = ()) -> Rulebook:
        """A park's own numbers, made monotone: what is stricter is never nearer."""
        separated = policy.segregation_separated_m
        levels = [policy.imdg_1_m, policy.imdg_2_m, policy.imdg_3_m, policy.imdg_4_m]
        one, two, three, four = (max(levels[: i + 1]) for i in range(4))
        return cls(
            matrix=Matrix.SEA if policy.segregation_imdg else Matrix.HIGHWAY,
            forbidden_m=max(policy.segregation_forbidden_m, separated),
            separated_m=separated,
            levels_m=(one, two, three, four),
            fire_zoning=policy.fire_zoning,
            fire_m=policy.fire_zoning_m,
            overrides=tuple(overrides),
        )

    @property
    def farthest_m(self) -> float:
        """No pair of loads asks for more than this."""
        return max(
            self.forbidden_m, self.separated_m, *self.levels_m,
            self.fire_m if self.fire_zoning else 0.0, *(o.distance_m for o in self.overrides),
        )  # fmt: skip

    @property
    def worst_m(self) -> float:
        """The distance of what may not stand together at all."""
        return max(self.forbidden_m, *self.levels_m)

    def of(self, symbol: Symbol) -> tuple[Ruling, float]:
        """Ruling and distance of a cell."""
        if symbol is Symbol.FREE:
            return Ruling.ALLOWED, 0.0
        if symbol is Symbol.SEPARATED:
            return Ruling.DISTANCE, self.separated_m
        if symbol is Symbol.FORBIDDEN:
            return Ruling.FORBIDDEN, self.worst_m
        return Ruling.DISTANCE, self.levels_m[int(symbol) - 1]


DEFAULTS = Rulebook()
_RANK = {Ruling.ALLOWED: 0, Ruling.DISTANCE: 1, Ruling.FORBIDDEN: 2}


def between(one: Load, other: Load, book: Rulebook = DEFAULTS) -> Verdict:
    """The strictest verdict over every pair of substances of two loads. The order does not matter."""
    pairs = [_pair(a, b, book) for a in one.present for b in other.present]
    return max(pairs, key=_strictness, default=_free(book))


def within(load: Load, book: Rulebook = DEFAULTS) -> Verdict:
    """The strictest verdict over the substances in one vehicle's own compartments.

    A distance cannot be kept between compartments, so anything but allowed means: not in one vehicle.
    """
    pairs = [_pair(a, b, book) for a, b in combinations(load.present, 2)]
    return max(pairs, key=_strictness, default=_free(book))


def _free(book: Rulebook) -> Verdict:
    return Verdict(Ruling.ALLOWED, 0.0, source=TABLES[book.matrix].source)


def _strictness(verdict: Verdict) -> tuple[float, int]:
    return verdict.needed_m, _RANK[verdict.ruling]


def _pair(one: Substance, other: Substance, book: Rulebook) -> Verdict:
    """Two substances: the strictest layer, unless the park has decided about this very pair."""
    verdict = max(_layers(one, other, book), key=_strictness)
    for override in book.overrides:
        if override.covers(one, other):
            return _overridden(verdict, override, one, other)
    return verdict


def _layers(one: Substance, other: Substance, book: Rulebook) -> Iterator[Verdict]:
    """The first of equals is the one that is said, so the notes come before the table."""
    if _cyanide_meets_acid(one, other):
        reason = (one.un_number or one.hazards[0], other.un_number or other.hazards[0])
        note = SegregationNote.CYANIDE_ACID
        yield Verdict(Ruling.FORBIDDEN, book.worst_m, reason, CYANIDE_ACID, Symbol.FORBIDDEN, note)
    yield _by_table(one, other, book)
    if book.fire_zoning:
        yield _by_fire(one, other, book)


def _by_table(one: Substance, other: Substance, book: Rulebook) -> Verdict:
    """What the published table asks, over every pair of hazards, subsidiary ones included.

    One and the same substance is not kept from itself by its subsidiary hazards: 49 CFR 177.848(e)(6).
    """
    if _same(one, other):
        note = SegregationNote.SAME_SUBSTANCE
        return Verdict(Ruling.ALLOWED, 0.0, source=SAME_SUBSTANCE, note=note)
    source = TABLES[book.matrix].source
    worst = Verdict(Ruling.ALLOWED, 0.0, source=source)
    for mine in one.hazards:
        for theirs in other.hazards:
            found = _cell(one, mine, other, theirs, book)
            worst = max(worst, found, key=_strictness)
    return worst


def _cell(one: Substance, mine: str, other: Substance, theirs: str, book: Rulebook) -> Verdict:
    table = TABLES[book.matrix]
    rows, cols = columns(book.matrix, one, mine), columns(book.matrix, other, theirs)
    if rows is None or cols is None:
        unknown = SegregationNote.CLASS_UNKNOWN
        return Verdict(Ruling.FORBIDDEN, book.worst_m, (mine, theirs), NOT_KNOWN, Symbol.FORBIDDEN, unknown)
    found = [Verdict(Ruling.ALLOWED, 0.0, source=table.source)]
    for row in rows:
        for column in cols:
            symbol = table.cells[row, column]
            if symbol is not Symbol.FREE:
                note = _note(row, column)
                found.append(Verdict(*book.of(symbol), (mine, theirs), table.source, symbol, note))
    return max(found, key=_strictness)


def _note(row: str, column: str) -> SegregationNote | None:
    """Liquids of class 8 may not be adjacent to class 4 or 5, whatever else separates them: (e)(3)."""
    pair = {row, column}
    if "8" in pair and pair & {"4.1", "4.2", "4.3", "5.1", "5.2"}:
        return SegregationNote.CORROSIVE_ADJACENT
    return None


def _same(one: Substance, other: Substance) -> bool:
    named = one.specific and other.specific and one.un_number is not None
    return named and one.un_number == other.un_number and one.hazards == other.hazards


def _cyanide_meets_acid(one: Substance, other: Substance) -> bool:
    def has(s: Substance, *traits: GoodsTrait) -> bool:
        return bool(s.traits & set(traits))

    acids = (
        GoodsTrait.ACID,
        GoodsTrait.NITRIC_ACID,
        GoodsTrait.SULFURIC_ACID,
        GoodsTrait.HYDROFLUORIC_ACID,
    )
    return (has(one, GoodsTrait.CYANIDE) and has(other, *acids)) or (
        has(other, GoodsTrait.CYANIDE) and has(one, *acids)
    )


def _by_fire(one: Substance, other: Substance, book: Rulebook) -> Verdict:
    """Goods of different fire categories stand apart; an unknown one is read as 甲, the most dangerous."""
    mine, theirs = one.fire_category or FireCategory.A, other.fire_category or FireCategory.A
    source = "甲/乙/丙"
    if mine is theirs:
        return Verdict(Ruling.ALLOWED, 0.0, source=source)
    note = SegregationNote.FIRE_CATEGORY
    return Verdict(Ruling.DISTANCE, book.fire_m, (mine, theirs), source, note=note)


def _overridden(verdict: Verdict, override: Override, one: Substance, other: Substance) -> Verdict:
    """The park's own word: always when stricter; laxer only where the law of chemistry leaves room."""
    ruling = Ruling(override.ruling)
    metres = 0.0 if ruling is Ruling.ALLOWED else override.distance_m
    reason = (one.un_number or one.hazards[0], other.un_number or other.hazards[0])
    own = Verdict(
        ruling, metres, None if ruling is Ruling.ALLOWED else reason, override.document, verdict.symbol,
        SegregationNote.PARK_OVERRIDE, override.remark,
    )  # fmt: skip
    if _strictness(own) >= _strictness(verdict):
        return own
    fixed = verdict.note in (SegregationNote.CYANIDE_ACID, SegregationNote.CLASS_UNKNOWN)
    return verdict if fixed or not override.may_relax else own
