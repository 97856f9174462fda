"""The past, read from the store in chunks, and brought into line with what a running plan has sent."""

from collections.abc import AsyncIterator, Callable
from typing import Protocol

from streams.clock import Clock
from streams.engine.attempts import retry_delay
from streams.engine.ledger import Stale
from streams.engine.plan import HELD_POLL_MS, Plan, Stride
from streams.engine.reader import Reader
from streams.errors import StoreUnavailable
from streams.queries import Query
from streams.stores.base import Window
from streams.windows import WindowUpdate, span_ns

LEAST_WINDOWS = 8
CHUNK_ROWS = 2_000
"""A chunk has at most so many rows, unless one window alone has more."""


class Holds(Protocol):
    """What history needs of the host."""

    def holds(self, measurement: str, start_ns: int, stop_ns: int) -> bool:
        """Whether points in `[start_ns, stop_ns)` were received and cannot be read yet."""


class History:
    """Reads final windows, oldest first. `sent` is told of each that turned out to need a correction."""

    def __init__(self, reader: Reader, clock: Clock, host: Holds, sent: Callable[[Plan, WindowUpdate], None]) -> None:
        self._reader = reader
        self._clock = clock
        self._host = host
        self._sent = sent

    async def read(
        self, query: Query, plan: Plan | None, first_stop: int, last_stop: int, patience_ms: int | None
    ) -> AsyncIterator[list[WindowUpdate]]:
        """Chunks of the windows that stop in `[first_stop, last_stop]`; as `Engine.history`."""
        stride = Stride(least=LEAST_WINDOWS)
        while first_stop <= last_stop:
            last = min(last_stop, first_stop + (stride.windows - 1) * query.every_ms)
            updates = await self._settled(query, plan, first_stop, last, patience_ms)
            stride.learn(len(updates), sum(len(update.rows) for update in updates), updates[0].queried_ms)
            for chunk in _chunks(updates):
                yield chunk
            first_stop = last + query.every_ms

    async def _settled(
        self, query: Query, plan: Plan | None, first: int, last: int, patience_ms: int | None
    ) -> list[WindowUpdate]:
        """These windows, read until the store answers and nothing changes while it does."""
        deadline = None if patience_ms is None else self._clock.now() + patience_ms
        failures = 0
        problem = StoreUnavailable("points of these windows are on their way, and cannot be read yet")
        while True:
            delay = HELD_POLL_MS
            if not self._host.holds(query.measurement, *span_ns(query, first, last)):
                since = plan.ledger.change if plan else 0
                try:
                    answer = await self._reader.read(query, first, last)
                    return [self._recall(plan, window, since, answer.query_ms) for window in answer.windows]
                except Stale:
                    continue
                except StoreUnavailable as error:
                    problem = error
                    failures += 1
                    delay = retry_delay(failures)
            if deadline is not None and self._clock.now() >= deadline:
                raise problem
            await self._clock.sleep_until(self._clock.now() + delay)

    def _recall(self, plan: Plan | None, window: Window, since: int, query_ms: float) -> WindowUpdate:
        if plan is None:
            start, stop, rows, points = window.start, window.stop, window.rows, window.points
            return WindowUpdate(start, stop, 0, True, rows, points, 0, query_ms, self._clock.now())
        update, correction = plan.ledger.recalled(window, since, query_ms, self._clock.now())
        if correction:
            self._sent(plan, update)
        return update


def _chunks(updates: list[WindowUpdate]) -> list[list[WindowUpdate]]:
    chunks: list[list[WindowUpdate]] = [[]]
    rows = 0
    for update in updates:
        if chunks[-1] and rows + len(update.rows) > CHUNK_ROWS:
            chunks.append([])
            rows = 0
        chunks[-1].append(update)
        rows += len(update.rows)
    return chunks
