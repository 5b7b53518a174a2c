"""Which loads may stand how near each other, by hazard class.

The table is 49 CFR 177.848(d), written for loads on one vehicle; a lot uses it for vehicles side by side.
It is read at class level, so it errs on the strict side: every 2.3 is taken as hazard zone A, every 6.1
as packing group I zone A, every 8 as a liquid, and a class the table does not know is kept from everything.
The distances are design defaults of this product, not taken from a standard; a park sets its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from parking.rules.policy import Policy
from parking.vocabulary import LoadState

SOURCE = "49 CFR 177.848(d)"
SAME_SUBSTANCE = "49 CFR 177.848(e)(6)"


class Symbol(StrEnum):
    """What the table says of two classes."""

    FREE = ""
    SEPARATED = "O"
    FORBIDDEN = "X"


_STRICTNESS = {Symbol.FREE: 0, Symbol.SEPARATED: 1, Symbol.FORBIDDEN: 2}

COLUMNS = (
    "1.1", "1.3", "1.4", "1.5", "1.6", "2.1", "2.2", "2.3A", "2.3B", "3",
    "4.1", "4.2", "4.3", "5.1", "5.2", "6.1", "7", "8",
)  # fmt: skip

#: Rows in the order of ``COLUMNS``; 1.1 stands for 1.1 and 1.2, ``*`` for the compatibility groups of
#: class 1 (no public lot takes class 1; read as X here), ``.`` for blank.
_ROWS = """
* * * * * X X X X X X X X X X X X X
* * * * * X . X X X . X X X X X . X
* * * * * O . O O O . O . . . O . O
* * * * * X X X X X X X X X X X X X
* * * * * . . . . . . . . . . . . .
X X O X . . . X O . . . . . . O O .
X . . X . . . . . . . . . . . . . .
X X O X . X . . . X X X X X X . . X
X X O X . O . . . O O O O O O . . O
X X O X . . . X O . . . . O . X . .
X . . X . . . X O . . . . . . X . O
X X O X . . . X O . . . . . . X . X
X X . X . . . X O . . . . . . X . O
X X . X . . . X O O . . . . . X . O
X X . X . . . X O . . . . . . X . O
X X O X . O . . . X X X X X X . . X
X . . X . O . . . . . . . . . . . .
X X O X . . . X O . O X O O O X . .
"""
_SYMBOLS = {".": Symbol.FREE, "O": Symbol.SEPARATED, "X": Symbol.FORBIDDEN, "*": Symbol.FORBIDDEN}

TABLE: Mapping[tuple[str, str], Symbol] = {
    (row, column): _SYMBOLS[cell]
    for row, line in zip(COLUMNS, _ROWS.split("\n")[1:-1], strict=True)
    for column, cell in zip(COLUMNS, line.split(), strict=True)
}

#: Classes the table leaves out because it asks nothing of them.
UNRESTRICTED = frozenset({"6.2", "9"})


@dataclass(frozen=True, slots=True)
class Distances:
    """Metres between bay outlines for each symbol. Design defaults (设计默认值), not from a standard."""

    forbidden_m: float = 25.0
    separated_m: float = 10.0

    def __post_init__(self) -> None:
        if not 0 <= self.separated_m <= self.forbidden_m:
            raise ValueError("distances: 0 ≤ separated ≤ forbidden")

    @classmethod
    def from_policy(cls, policy: Policy) -> Distances:
        """A park's own distances; what is forbidden is never nearer than what is separated."""
        separated = policy.segregation_separated_m
        return cls(max(policy.segregation_forbidden_m, separated), separated)

    def of(self, symbol: Symbol) -> float:
        return {Symbol.FREE: 0.0, Symbol.SEPARATED: self.separated_m, Symbol.FORBIDDEN: self.forbidden_m}[
            symbol
        ]


DEFAULTS = Distances()


@dataclass(frozen=True, slots=True)
class Load:
    """What a vehicle carries, as far as segregation cares.

    ``goods``: the UN number where it names one substance (see ``substance``), else None.
    """

    hazard_class: str | None
    subsidiary: tuple[str, ...] = ()
    load_state: LoadState = LoadState.LOADED
    goods: str | None = None

    @property
    def hazards(self) -> tuple[str, ...]:
        """Every hazard that counts: none when clean; an uncleaned tank keeps its last cargo's."""
        if self.load_state is LoadState.EMPTY_CLEAN:
            return ()
        return (self.hazard_class or "?", *self.subsidiary)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far apart two loads must stand, and the two hazards that ask for it."""

    symbol: Symbol
    needed_m: float
    reason: tuple[str, str] | None = field(default=None)
    source: str = SOURCE

    def allows(self, distance_m: float) -> bool:
        """Whether outlines this far apart are far enough. Only a measured distance passes."""
        return self.symbol is Symbol.FREE or distance_m >= self.needed_m


def between(one: Load, other: Load, distances: Distances = DEFAULTS) -> Verdict:
    """The strictest verdict over every pair of hazards of the two loads.

    One and the same substance is not kept from itself by its subsidiary hazards: methanol (3, 6.1) may
    stand beside methanol. 49 CFR 177.848(e)(6), for materials of one class that do not react together.
    """
    if one.goods is not None and (one.goods, one.hazards) == (other.goods, other.hazards):
        return Verdict(Symbol.FREE, 0.0, source=SAME_SUBSTANCE)
    worst = Verdict(Symbol.FREE, 0.0)
    for mine in one.hazards:
        for theirs in other.hazards:
            symbol = of_classes(mine, theirs)
            if _STRICTNESS[symbol] > _STRICTNESS[worst.symbol]:
                worst = Verdict(symbol, distances.of(symbol), (mine, theirs))
    return worst


def substance(un_number: str | None, name_en: str | None) -> str | None:
    """The UN number if it names one substance; a generic entry (“n.o.s.”) may be two different ones."""
    if un_number is None or name_en is None or "n.o.s" in name_en.lower():
        return None
    return un_number


def of_classes(one: str, other: str) -> Symbol:
    """What the table says of two classes, the strictest reading of each; unknown classes are forbidden."""
    mine, theirs = columns(one), columns(other)
    if not (mine or one in UNRESTRICTED) or not (theirs or other in UNRESTRICTED):
        return Symbol.FORBIDDEN
    return max((TABLE[a, b] for a in mine for b in theirs), key=_STRICTNESS.__getitem__, default=Symbol.FREE)


def columns(hazard_class: str) -> tuple[str, ...]:
    """The table's columns a class may fall into: 2.3 → 2.3A, 2.3B; 1.4S → 1.4; 1.2 → 1.1; 2 → all of 2."""
    name = hazard_class[:3] if hazard_class.startswith("1.") else hazard_class
    name = "1.1" if name == "1.2" else name
    return tuple(c for c in COLUMNS if c == name or c.startswith(name + ".") or c in (name + "A", name + "B"))
