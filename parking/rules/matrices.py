"""Two published segregation tables, typed in: what each asks of two hazards. Data, with their source.

Written for loads on one vehicle (49 CFR) or one ship (IMDG); a lot reads them for vehicles side by side.
Cells not known to say less are read as the strictest of those they may be. Every cell was compared by
program with the published text of 49 CFR 177.848(d) and 176.83(b), which prints the table of the IMDG Code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from parking.rules.substance import Substance
from parking.vocabulary import GoodsTrait


class Matrix(StrEnum):
    """Which published table a park reads."""

    HIGHWAY = "49cfr"
    SEA = "imdg"


class Symbol(StrEnum):
    """What a cell says."""

    FREE = ""
    SEPARATED = "O"
    FORBIDDEN = "X"
    AWAY_FROM = "1"
    SEPARATED_FROM = "2"
    COMPARTMENT = "3"
    LONGITUDINAL = "4"


_HIGHWAY_COLUMNS = (
    "1.1", "1.3", "1.4", "1.5", "1.6", "2.1", "2.2", "2.3A", "2.3B", "3",
    "4.1", "4.2", "4.3", "5.1", "5.2", "6.1", "7", "8",
)  # fmt: skip

#: 49 CFR 177.848(d). 1.1 stands for 1.1 and 1.2; ``*`` is the compatibility groups of class 1 (no public
#: lot takes class 1; read as X); 6.1 is "liquids, packing group I, zone A"; 8 is "liquids only"; ``.`` blank.
_HIGHWAY_ROWS = """
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

_SEA_COLUMNS = (
    "1.1", "1.3", "1.4", "2.1", "2.2", "2.3", "3", "4.1", "4.2", "4.3",
    "5.1", "5.2", "6.1", "6.2", "7", "8", "9",
)  # fmt: skip

#: IMDG Code 7.2.4. 1.1 stands for 1.1, 1.2 and 1.5; 1.3 for 1.3 and 1.6 (49 CFR 176.83(b) reads 1.6 as 1.4,
#: which is less); ``x`` is the code's X: the table asks nothing in general. Where editions differ (older
#: ones: 4.3 with 2.1 blank, with 3 “1”) the newer and stricter number stands.
_SEA_ROWS = """
* * * 4 2 2 4 4 4 4 4 4 2 4 2 4 x
* * * 4 2 2 4 3 3 4 4 4 2 4 2 2 x
* * * 2 1 1 2 2 2 2 2 2 x 4 2 2 x
4 4 2 x x x 2 1 2 2 2 2 x 4 2 1 x
2 2 1 x x x 1 x 1 x x 1 x 2 1 x x
2 2 1 x x x 2 x 2 x x 2 x 2 1 x x
4 4 2 2 1 2 x x 2 2 2 2 x 3 2 x x
4 3 2 1 x x x x 1 x 1 2 x 3 2 1 x
4 3 2 2 1 2 2 1 x 1 2 2 1 3 2 1 x
4 4 2 2 x x 2 x 1 x 2 2 x 2 2 1 x
4 4 2 2 x x 2 1 2 2 x 2 1 3 1 2 x
4 4 2 2 1 2 2 2 2 2 2 x 1 3 2 2 x
2 2 x x x x x x 1 x 1 1 x 1 x x x
4 4 4 4 2 2 3 3 3 2 3 3 1 x 3 3 x
2 2 2 2 1 1 2 2 2 2 1 2 x 3 x 2 x
4 2 2 1 x x x 1 1 1 2 2 x 3 2 x x
x x x x x x x x x x x x x x x x x
"""

_CELLS: dict[str, Symbol] = {
    ".": Symbol.FREE,
    "x": Symbol.FREE,
    "O": Symbol.SEPARATED,
    "X": Symbol.FORBIDDEN,
    "*": Symbol.FORBIDDEN,
    "1": Symbol.AWAY_FROM,
    "2": Symbol.SEPARATED_FROM,
    "3": Symbol.COMPARTMENT,
    "4": Symbol.LONGITUDINAL,
}


@dataclass(frozen=True, slots=True)
class Table:
    """A published table: its cells and what it is called."""

    source: str
    columns: tuple[str, ...]
    cells: Mapping[tuple[str, str], Symbol] = field(repr=False)
    #: Classes the table leaves out because it asks nothing of them.
    unrestricted: frozenset[str] = frozenset()


def _table(source: str, columns: tuple[str, ...], rows: str, unrestricted: frozenset[str]) -> Table:
    cells = {
        (row, column): _CELLS[cell]
        for row, line in zip(columns, rows.strip().split("\n"), strict=True)
        for column, cell in zip(columns, line.split(), strict=True)
    }
    return Table(source, columns, cells, unrestricted)


TABLES: Mapping[Matrix, Table] = {
    Matrix.HIGHWAY: _table("49 CFR 177.848(d)", _HIGHWAY_COLUMNS, _HIGHWAY_ROWS, frozenset({"6.2", "9"})),
    Matrix.SEA: _table("IMDG Code 7.2.4", _SEA_COLUMNS, _SEA_ROWS, frozenset()),
}
#: The rows of class 1 that share a column.
_SHARED = {
    Matrix.HIGHWAY: {"1.2": "1.1"},
    Matrix.SEA: {"1.2": "1.1", "1.5": "1.1", "1.6": "1.3"},
}


def columns(matrix: Matrix, substance: Substance, hazard: str) -> tuple[str, ...] | None:
    """The columns one hazard of a substance falls into; empty: the table asks nothing; None: not known.

    2 stands for all of 2.1 to 2.3; 1.4S is 1.4. On the highway a 2.3 not known to be of zone B to D is read
    as zone A and B (C and D as B, stricter than the table), a 6.1 not known to be solid, of another zone or
    of packing group II or III as the table's 6.1, an 8 not known to be solid as a liquid.
    """
    table = TABLES[matrix]
    name = hazard[:3] if hazard.startswith("1.") else hazard
    name = _SHARED[matrix].get(name, name)
    if name in table.unrestricted:
        return ()
    mine = (name, name + "A", name + "B")
    found = tuple(c for c in table.columns if c in mine or c.startswith(name + "."))
    if not found:
        return None
    return tuple(c for c in found if _counts(c, substance)) if matrix is Matrix.HIGHWAY else found


def _counts(column: str, substance: Substance) -> bool:
    """Whether what is known of the substance leaves it in a column that holds only part of a class."""
    traits = substance.traits
    zone_a = GoodsTrait.TIH_ZONE_A in traits
    zoned = bool(traits & {GoodsTrait.TIH_ZONE_B, GoodsTrait.TIH_ZONE_C, GoodsTrait.TIH_ZONE_D})
    if column == "2.3A":
        return zone_a or not zoned
    solid = GoodsTrait.SOLID in traits and GoodsTrait.LIQUID not in traits
    if column == "6.1":
        return zone_a or not (solid or zoned or substance.packing_group in ("II", "III"))
    return column != "8" or not solid
