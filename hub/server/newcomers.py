"""Whose turn it is to be heard for the first time: one connection in each turn of the event loop.

To open a socket takes the better part of a millisecond. Of five thousand that asked for it at once, all were opened
before anybody else was served: an ack had to wait for more than four seconds.
"""

import asyncio
from collections import deque
from collections.abc import Callable


class Newcomers:
    """Those of one server that wait, in the order in which they came."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[Callable[[], None]] = deque()
        self._had = False

    def has_turn(self) -> bool:
        """Whether somebody may be heard at once: once in a turn of the loop, and only when nobody waits."""
        if self._had:
            return False
        self._had = True
        self._loop.call_soon(self._next)
        return True

    def wait(self, hear: Callable[[], None]) -> None:
        """Have it called in its turn, after `has_turn` said no. What it raises is the event loop's to handle."""
        self._waiting.append(hear)

    def _next(self) -> None:
        if not self._waiting:
            self._had = False
            return
        self._loop.call_soon(self._next)
        self._waiting.popleft()()
