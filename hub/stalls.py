"""How long the event loop keeps everybody waiting: the first thing to look at when a hub is slow."""

import asyncio
from collections.abc import Callable

LOOK_S = 0.01
"""Between two looks. A stall that is longer is never missed, and is told as up to this much shorter."""


async def watch_stalls(tell: Callable[[float], None]) -> None:
    """Tell at each look by how many seconds it came late; never returns."""
    clock = asyncio.get_running_loop().time
    while True:
        due = clock() + LOOK_S
        await asyncio.sleep(LOOK_S)
        tell(max(0.0, clock() - due))
