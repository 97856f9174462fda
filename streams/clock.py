"""Where times come from. Everything that waits for a time asks a clock, so that tests can bring their own."""

import asyncio
import time
from typing import Protocol

NEVER = 2**62
"""A time that does not come."""

_NAP_MS = 1_000
"""The longest sleep at a stretch: a wall clock that is set forward is noticed after at most this."""


class Clock(Protocol):
    """A wall clock. Times are integer milliseconds since the Unix epoch."""

    def now(self) -> int:
        """The time now. It may step back when the machine's clock is set."""

    async def sleep_until(self, time_ms: int) -> None:
        """Return when `now()` is this time or later; at once if it is already."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """The time now, milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    async def sleep_until(self, time_ms: int) -> None:
        """Return when the machine's clock shows this time or later, never earlier, even if the clock is set."""
        while (left := time_ms - self.now()) > 0:  # noqa: ASYNC110 - time passes by itself; nothing could set an event
            await asyncio.sleep(min(left, _NAP_MS) / 1_000)
