"""Whose turn it is to be heard for the first time: one connection in each turn of the event loop.

To open a socket takes the better part of a millisecond. Of five thousand that asked for it at once, all were opened
before anybody else was served: an ack had to wait for more than four seconds.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

ONE_MORE_S = 0.002
"""Of the loop's turn for everybody else: for each, one more is heard. Or a busy hub would let in a hundred a second."""


class Newcomers:
    """Those of one server that wait, in the order in which they came; `clock` tells seconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Callable[[], float] = time.perf_counter) -> None:
        self._loop = loop
        self._clock = clock
        self._waiting: deque[Callable[[], None]] = deque()
        self._has_begun = False
        self._heard_at = 0.0

    def has_turn(self) -> bool:
        """Whether somebody may be heard at once: the first in a turn of the loop, and only when nobody waits."""
        if self._has_begun:
            return False
        self._has_begun = True
        self._heard_at = self._clock()
        self._loop.call_soon(self._hear)
        return True

    def wait(self, hear: Callable[[], None]) -> None:
        """Have it called in its turn, after `has_turn` said no. What it raises is the event loop's to handle."""
        self._waiting.append(hear)

    def _hear(self) -> None:
        if not self._waiting:
            self._has_begun = False
            return
        self._loop.call_soon(self._hear)
        of_others = self._clock() - self._heard_at
        try:
            for _ in range(min(len(self._waiting), 1 + int(of_others / ONE_MORE_S))):
                self._waiting.popleft()()
        finally:
            self._heard_at = self._clock()
