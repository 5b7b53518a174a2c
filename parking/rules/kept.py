"""What was worked out for the very same things in memory is not worked out again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """The last few answers, found by the identity of what they were worked out from.

    The things stay alive with their answer, so that no identity is used twice; they must not change.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._answers: dict[tuple[object, ...], tuple[tuple[object, ...], T]] = {}

    def of(self, things: Sequence[object], also: tuple[object, ...], make: Callable[[], T]) -> T:
        """The answer for these things and the values ``also``; ``make`` works it out the first time."""
        key = (*also, *map(id, things))
        known = self._answers.get(key)
        if known is None:
            known = tuple(things), make()
            if len(self._answers) >= self._most:
                self._answers.clear()
            self._answers[key] = known
        return known[1]
