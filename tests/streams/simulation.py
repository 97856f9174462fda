"""Simulated time: an event loop whose clock advances only when every task is blocked, and then at once."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

BEGIN = 1_700_000_000_000
"""When a simulation begins, milliseconds since the epoch; a multiple of most windows."""

T = TypeVar("T")


class Deadlock(Exception):
    """Every task waits for something that no passing of time will bring."""


class _Time(selectors.SelectSelector):
    """The loop selects with a timeout only when nothing is ready to run: that is when time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise Deadlock
            self.seconds += max(timeout, 0)
        return ready


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop in simulated time. Sleeps and timeouts take none; the order of events is that of their times."""

    def __init__(self) -> None:
        self._passing = _Time()
        super().__init__(self._passing)

    def time(self) -> float:
        return self._passing.seconds


class SimulatedClock:
    """The clock of a simulated loop: `BEGIN` when the loop begins."""

    def now(self) -> int:
        return BEGIN + round(asyncio.get_running_loop().time() * 1_000)

    async def sleep_until(self, time_ms: int) -> None:
        await asyncio.sleep(max(0, time_ms - self.now()) / 1_000)

    async def sleep(self, duration_ms: int) -> None:
        await self.sleep_until(self.now() + duration_ms)


def simulate(scenario: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a scenario in simulated time, and return its result."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(scenario())
