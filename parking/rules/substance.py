"""What a vehicle carries, as far as danger cares: its substances and whether they are still in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from parking.vocabulary import FireCategory, GoodsTrait, LoadState


@dataclass(frozen=True, slots=True)
class Substance:
    """One classified substance. What is not known (None, no trait) is read in the strictest way.

    ``specific``: the UN number names one substance; a generic entry (“n.o.s.”) may be two different ones.
    """

    hazard_class: str | None
    subsidiary: tuple[str, ...] = ()
    un_number: str | None = None
    specific: bool = False
    packing_group: str | None = None
    traits: frozenset[GoodsTrait] = frozenset()
    fire_category: FireCategory | None = None

    @property
    def hazards(self) -> tuple[str, ...]:
        """Its class and every subsidiary hazard; ``?`` stands for an unknown class."""
        return (self.hazard_class or "?", *self.subsidiary)


#: UN numbers that are cyanides, cyanide mixtures or solutions: segregation group 6 of IMDG Code 3.1.4.4,
#: and hydrogen cyanide itself and in solution, which the group leaves out.
CYANIDES = frozenset(
    {"1541", "1565", "1575", "1587", "1588", "1620", "1626", "1636", "1642", "1653", "1679", "1680", "1684",
     "1689", "1694", "1713", "1889", "1935", "2205", "2316", "2317", "3413", "3414", "3449",
     "1051", "1613", "1614", "3294"}
)  # fmt: skip
#: Corrosives known to be alkaline: out of segregation group 18 of IMDG Code 3.1.4.4.
ALKALIS = frozenset(
    {"1005", "1719", "1813", "1814", "1819", "1823", "1824", "1825", "1835", "2029", "2030", "2073", "2672",
     "2677", "2678", "2679", "2680", "2681", "2682", "2733", "2734", "2735", "2795", "3028", "3259", "3262",
     "3263", "3266", "3267", "3318", "3320"}
)  # fmt: skip
_ACIDS = frozenset(
    {GoodsTrait.ACID, GoodsTrait.NITRIC_ACID, GoodsTrait.SULFURIC_ACID, GoodsTrait.HYDROFLUORIC_ACID}
)


def is_cyanide(substance: Substance) -> bool:
    """Whether it is a cyanide, a cyanide mixture or solution: by number, whatever the list of goods says."""
    return GoodsTrait.CYANIDE in substance.traits or substance.un_number in CYANIDES


def is_acid(substance: Substance) -> bool:
    """Whether it is an acid. A corrosive not known to be alkaline is taken for one."""
    corrosive = "8" in substance.hazards and substance.un_number not in ALKALIS
    return corrosive or bool(substance.traits & _ACIDS)


@dataclass(frozen=True, slots=True)
class Load:
    """Everything in a vehicle's compartments. Residues count in full; only a cleaned vehicle carries none."""

    substances: tuple[Substance, ...]
    load_state: LoadState = LoadState.LOADED

    @property
    def present(self) -> tuple[Substance, ...]:
        """The substances that count: none when clean. A vehicle said to be laden with nothing is unknown."""
        if self.load_state is LoadState.EMPTY_CLEAN:
            return ()
        return self.substances or (Substance(None),)

    @property
    def hazards(self) -> tuple[str, ...]:
        """Every hazard of every substance that counts."""
        return tuple(h for s in self.present for h in s.hazards)

    @property
    def classes(self) -> tuple[str | None, ...]:
        """The main class of each substance that counts; None: unknown."""
        return tuple(s.hazard_class for s in self.present)


def single(
    hazard_class: str | None,
    subsidiary: tuple[str, ...] = (),
    load_state: LoadState = LoadState.LOADED,
    un_number: str | None = None,
) -> Load:
    """A vehicle with one substance in it, known by its class alone unless it is named."""
    return Load((Substance(hazard_class, subsidiary, un_number, un_number is not None),), load_state)


def state_of(name_en: str | None) -> frozenset[GoodsTrait]:
    """Solid or liquid, where the proper shipping name says so; nothing where it does not."""
    words = set(re.findall(r"[a-z]+", (name_en or "").lower()))
    liquid = words & {"liquid", "liquids", "solution", "solutions", "molten"}
    solid = words & {"solid", "solids", "powder"}
    return frozenset(
        trait for trait, said in ((GoodsTrait.LIQUID, liquid), (GoodsTrait.SOLID, solid)) if said
    )


def specific(name_en: str | None) -> bool:
    """Whether a proper shipping name stands for one substance."""
    return name_en is not None and "n.o.s" not in name_en.lower()
