"""When a command without an answer is sent again: T(N+1) = T(N) × (N+1) (JT/T 808-2013 and -2019, 5.3)."""

from __future__ import annotations

from datetime import timedelta
from math import factorial

#: Wait after the first sending, and how often one connection hears a command. Assumed: the standard leaves
#: both to parameters 0x0002 and 0x0003 of the terminal.
FIRST = timedelta(seconds=10)
MOST_ATTEMPTS = 4

#: Sendings over all connections: a terminal that dies of a command is not killed by it for ever.
MOST_SENDINGS = 12


def wait(attempts: int) -> timedelta:
    """After the ``attempts``-th sending (from 1): 10 s, 20 s, 60 s, 240 s."""
    return FIRST * factorial(min(attempts, MOST_ATTEMPTS))


def given_up(attempts: int, sendings: int) -> bool:
    return attempts >= MOST_ATTEMPTS or sendings >= MOST_SENDINGS
