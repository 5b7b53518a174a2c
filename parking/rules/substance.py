"""What a vehicle carries, as far as danger cares: its substances and whether they are still in it."""

from __future__ import annotations

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


def specific(name_en: str | None) -> bool:
    """Whether a proper shipping name stands for one substance."""
    return name_en is not None and "n.o.s" not in name_en.lower()
