"""May these two loads stand near each other, and how near? A verdict with its reason and its source.

Layers, and the stricter wins: a published table (``matrices``), the notes beside it, the park's fire
categories, the park's own overrides; only an override with an approval for two named goods is laxer, and
never where cyanide could meet acid or something is not known. The distances are design defaults of this
product (设计默认值): the tables say "together" or "apart" of one vehicle or one ship, and no metres of a lot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from itertools import combinations

from parking.rules.matrices import TABLES, Matrix, Symbol, columns
from parking.rules.policy import Policy
from parking.rules.segregation_overrides import Override
from parking.rules.substance import Load, Substance, is_acid, is_cyanide, single
from parking.vocabulary import SegregationNote

__all__ = ["Load", "Matrix", "Rulebook", "Ruling", "Substance", "Verdict", "between", "single", "within"]

CLASSES_4_5 = ("4.1", "4.2", "4.3", "5.1", "5.2")
SAME_SUBSTANCE = {Matrix.HIGHWAY: "49 CFR 177.848(e)(6)", Matrix.SEA: "49 CFR 176.83(a)(8)"}
CYANIDE_ACID = "49 CFR 177.848(c)"
#: Pairs forbidden twice: by the table and by 177.848(c).
_SAID_TWICE = {frozenset({"4.2", "8"}), *(frozenset({"6.1", c}) for c in ("3", "8", *CLASSES_4_5))}
FIRE = "甲/乙/丙"
NOT_KNOWN = "unknown"
#: What note A names: ammonium nitrate and ammonium nitrate fertiliser.
AMMONIUM_NITRATE = frozenset({"1942", "2067", "2071"})


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
    return _worst([_pair(a, b, book) for a in one.present for b in other.present], book)


def within(load: Load, book: Rulebook = DEFAULTS) -> Verdict:
    """The strictest verdict over the substances in one vehicle's own compartments.

    A distance cannot be kept between compartments, so anything but allowed means: not in one vehicle. Fire
    categories speak of bays, and a park's approval for two bays allows nothing inside a vehicle.
    """
    stern = tuple(replace(o, approved_on=None) for o in book.overrides)
    inside = replace(book, fire_zoning=False, overrides=stern)
    return _worst([_pair(a, b, inside) for a, b in combinations(load.present, 2)], book)


def _worst(verdicts: Sequence[Verdict], book: Rulebook) -> Verdict:
    """The one that asks for most metres, forbidding if any forbids; of equals the first."""
    if not verdicts:
        return _free(book)
    most = max(verdicts, key=lambda v: (v.needed_m, _RANK[v.ruling]))
    return replace(most, ruling=max((v.ruling for v in verdicts), key=_RANK.__getitem__))


def _free(book: Rulebook) -> Verdict:
    return Verdict(Ruling.ALLOWED, 0.0, source=TABLES[book.matrix].source)


@lru_cache(maxsize=1 << 16)
def _pair(one: Substance, other: Substance, book: Rulebook) -> Verdict:
    """Two substances: the strictest layer, unless the park has an approval for this very pair."""
    fixed = list(_fixed(one, other, book))
    rulings = [(o, _own(o, one, other)) for o in book.overrides if o.covers(one, other)]
    layers = [*fixed, *(own for _, own in rulings), _by_table(one, other, book)]
    if book.fire_zoning:
        layers.append(_by_fire(one, other, book))
    eased = [own for override, own in rulings if override.may_relax]
    return _worst([*fixed, *eased] if eased else layers, book)


def _fixed(one: Substance, other: Substance, book: Rulebook) -> Iterator[Verdict]:
    """What no park may relax: something not known, and cyanide with acid."""
    unknown = [h for s in (one, other) for h in s.hazards if columns(book.matrix, s, h) is None]
    if unknown:
        note = SegregationNote.CLASS_UNKNOWN
        reason = (_of(one, unknown), _of(other, unknown))
        yield Verdict(Ruling.FORBIDDEN, book.worst_m, reason, NOT_KNOWN, Symbol.FORBIDDEN, note)
    meet = (is_cyanide(one) and is_acid(other)) or (is_cyanide(other) and is_acid(one))
    if meet and not _same(one, other):
        note = SegregationNote.CYANIDE_ACID
        yield Verdict(
            Ruling.FORBIDDEN, book.worst_m, _named(one, other), CYANIDE_ACID, Symbol.FORBIDDEN, note
        )


def _of(substance: Substance, unknown: Sequence[str]) -> str:
    return next((h for h in substance.hazards if h in unknown), substance.hazards[0])


def _named(one: Substance, other: Substance) -> tuple[str, str]:
    return one.un_number or one.hazards[0], other.un_number or other.hazards[0]


def _by_table(one: Substance, other: Substance, book: Rulebook) -> Verdict:
    """What the published table asks, over every pair of hazards, subsidiary ones included.

    One and the same substance is not kept from itself by its subsidiary hazards: 49 CFR 177.848(e)(6).
    """
    if _same(one, other):
        note = SegregationNote.SAME_SUBSTANCE
        return Verdict(Ruling.ALLOWED, 0.0, source=SAME_SUBSTANCE[book.matrix], note=note)
    cells = [_cell(one, mine, other, theirs, book) for mine in one.hazards for theirs in other.hazards]
    return _worst(cells, book)


def _cell(one: Substance, mine: str, other: Substance, theirs: str, book: Rulebook) -> Verdict:
    table = TABLES[book.matrix]
    found = []
    for row in columns(book.matrix, one, mine) or ():
        for column in columns(book.matrix, other, theirs) or ():
            symbol = table.cells[row, column]
            if symbol is not Symbol.FREE:
                note = _note(row, column, one, other) if book.matrix is Matrix.HIGHWAY else None
                source = _source(row, column, book.matrix)
                found.append(Verdict(*book.of(symbol), (mine, theirs), source, symbol, note))
    return _worst(found, book)


def _source(row: str, column: str, matrix: Matrix) -> str:
    twice = matrix is Matrix.HIGHWAY and frozenset({row, column}) in _SAID_TWICE
    return "49 CFR 177.848(c), (d)" if twice else TABLES[matrix].source


def _note(row: str, column: str, one: Substance, other: Substance) -> SegregationNote | None:
    """Of 177.848(e): liquids of class 8 may not be adjacent to class 4 or 5, whatever separates them (3);
    note A would let ammonium nitrate travel with 1.1 and 1.5 (5): it is said, and in a lot not applied.
    """
    pair = {row, column}
    if "8" in pair and pair & set(CLASSES_4_5):
        return SegregationNote.CORROSIVE_ADJACENT
    nitrate = AMMONIUM_NITRATE & {one.un_number, other.un_number}
    return SegregationNote.NITRATE_EXPLOSIVE if nitrate and pair & {"1.1", "1.5"} and "5.1" in pair else None


def _same(one: Substance, other: Substance) -> bool:
    named = one.specific and other.specific and one.un_number is not None
    return named and one.un_number == other.un_number and one.hazards == other.hazards


def _by_fire(one: Substance, other: Substance, book: Rulebook) -> Verdict:
    """Goods of different fire categories stand apart, one of unknown category from every other."""
    mine, theirs = one.fire_category, other.fire_category
    if _same(one, other) or (mine is not None and mine is theirs):
        return Verdict(Ruling.ALLOWED, 0.0, source=FIRE)
    note = SegregationNote.FIRE_CATEGORY
    return Verdict(Ruling.DISTANCE, book.fire_m, (mine or "?", theirs or "?"), FIRE, note=note)


def _own(override: Override, one: Substance, other: Substance) -> Verdict:
    """The park's own word as a verdict."""
    ruling, note = Ruling(override.ruling), SegregationNote.PARK_OVERRIDE
    free = ruling is Ruling.ALLOWED
    return Verdict(
        ruling,
        0.0 if free else override.distance_m,
        None if free else _named(one, other),
        override.document,
        note=note,
        remark=override.remark,
    )
