"""Whose turn it is to be heard for the first time: one after the other, and slowly while others are being served.

To open a socket takes the better part of a millisecond. Of five thousand that asked for it at once, all were opened
before anybody else was served, and an ack had to wait for more than four seconds; with one in each turn of the event
loop an ack still took four times as long as without them.
"""

import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

APART_S = 0.002
"""Between two while others are being served: it leaves them half of a slow core."""

WITHIN_S = 5.0
"""Who comes is to be heard by then, at whatever cost to the others: many clients give up after ten seconds."""

EACH_S = 0.0007
"""What it takes to let one in."""

SERVING_S = 1.0
"""How long after somebody was served the others count as being served."""

ONE_MORE_S = 0.002
"""Of the loop's turn for everybody else: for each, one more is heard. Or a busy hub would let in a hundred a second."""


class Loop(Protocol):
    """What is needed of an event loop."""

    def call_soon(self, callback: Callable[[], object], /) -> object:
        """Call it in the next turn."""

    def call_later(self, delay: float, callback: Callable[[], object], /) -> object:
        """Call it in so many seconds."""


class Newcomers:
    """Those of one server that wait, in the order in which they came.

    `served` is a number that is another one whenever somebody has been served since; `clock` tells seconds.
    """

    def __init__(
        self,
        loop: Loop,
        served: Callable[[], int] = int,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._loop = loop
        self._served = served
        self._clock = clock
        self._waiting: deque[Callable[[], None]] = deque()
        self._last_came_at = 0.0
        self._has_begun = False
        self._due_at = 0.0
        self._heard_at = 0.0
        self._served_before = served()
        self._serving_until = 0.0

    def has_turn(self) -> bool:
        """Whether somebody may be heard at once: the first after a while, and only when nobody waits."""
        if self._has_begun:
            return False
        self._has_begun = True
        self._go_on()
        return True

    def wait(self, hear: Callable[[], None]) -> None:
        """Have it called in its turn, after `has_turn` said no. What it raises is the event loop's to handle."""
        self._waiting.append(hear)
        self._last_came_at = self._clock()

    def _go_on(self) -> None:
        now = self._clock()
        pause = self._pause(now)
        if pause > 0:
            self._loop.call_later(pause, self._hear)
            self._due_at = now + pause
        else:
            self._loop.call_soon(self._hear)
            self._due_at = now

    def _pause(self, now: float) -> float:
        """Seconds until the next is heard; none, or less, where that is to be as soon as the loop has had its turn."""
        served = self._served()
        if served != self._served_before:
            self._served_before = served
            self._serving_until = now + SERVING_S
        if now >= self._serving_until:
            return 0.0
        if not self._waiting:
            return APART_S
        return min(APART_S, (self._last_came_at + WITHIN_S - now) / len(self._waiting) - EACH_S)

    def _hear(self) -> None:
        if not self._waiting:
            self._has_begun = False
            return
        late = self._clock() - max(self._due_at, self._heard_at)
        self._go_on()
        try:
            for _ in range(min(len(self._waiting), 1 + int(max(late, 0.0) / ONE_MORE_S))):
                self._waiting.popleft()()
        finally:
            self._heard_at = self._clock()
