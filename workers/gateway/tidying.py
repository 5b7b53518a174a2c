"""No pauses: Python's cycle collector looks at what is new, never at a whole fleet's remembered states.

A gateway remembers hundreds of thousands of vehicles; a full collection would walk over all of them, several
times a minute, while everybody waits. Every so often the new objects are searched for cycles, and what lives
is set aside for good (``gc.freeze``): it is still freed as soon as nobody refers to it. Only a cycle that
outlives a search and is dropped later stays; connections, batches and states form none.
"""

from __future__ import annotations

import asyncio
import gc

EVERY_S = 0.2


async def run() -> None:
    """For ever. To be begun once per process."""
    gc.disable()
    while True:
        await asyncio.sleep(EVERY_S)
        gc.collect(1)
        gc.freeze()
