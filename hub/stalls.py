"""Who keeps whom waiting: the event loop everybody, or a reader that has stopped itself."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

LOOK_S = 0.01
"""Between two looks. A stall that is longer is never missed, and is told as up to this much shorter."""


async def watch_stalls(tell: Callable[[float], None]) -> None:
    """Tell at each look by how many seconds it came late; never returns."""
    clock = asyncio.get_running_loop().time
    while True:
        due = clock() + LOOK_S
        await asyncio.sleep(LOOK_S)
        tell(max(0.0, clock() - due))


class Reader(Protocol):
    """A socket's way out, which knows whether anything is taken."""

    def look(self) -> None:
        """Judge it."""


READERS_LOOKED_AT_S = 2.0
READERS_AT_ONCE = 500
"""In one turn of the loop, of about a millisecond."""


async def watch_readers(readers: Collection[Reader]) -> None:
    """Look at all of them every few seconds; never returns."""
    while True:
        await asyncio.sleep(READERS_LOOKED_AT_S)
        await _look_at(tuple(readers))


async def _look_at(readers: Sequence[Reader]) -> None:
    for number, reader in enumerate(readers, 1):
        reader.look()
        if number % READERS_AT_ONCE == 0:
            await asyncio.sleep(0)
