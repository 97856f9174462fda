"""A plan: one query, who listens to it, and what is to be done for it next. Decides; the engine acts."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from streams.engine.attempts import Attempts, Trouble
from streams.engine.corrections import Late
from streams.engine.ledger import Ledger, Memory, Read
from streams.points import Touched
from streams.queries import Query
from streams.windows import Stops, WindowUpdate, boundary, touched_stops

HELD_POLL_MS = 50
"""How soon to ask again whether a window that should be final still waits for points under way."""


class Listener(Protocol):
    """Who wants a plan's windows. Called from the event loop; must return at once and not raise."""

    def window(self, plan: "Plan", update: WindowUpdate) -> None:
        """A window is sent for the first time, or again because its rows have changed."""

    def progress(self, plan: "Plan", final_until: int) -> None:
        """Every window that stopped by then, milliseconds, is final as last sent."""

    def trouble(self, plan: "Plan", message: str, retry_after_ms: int | None) -> None:
        """The store has not answered for a while: windows are late. It is asked again after that time by itself."""


@dataclass(slots=True)
class Stride:
    """How many windows to ask for at once, so that an answer is neither long in coming nor many rows."""

    windows: int = 16
    most: int = 512
    answer_ms: float = 200
    rows: int = 5_000
    least: int = 1
    """However slow the store is: what an answer takes at any rate is not saved by asking more often."""

    def learn(self, windows: int, rows: int, took_ms: float) -> None:
        """Choose the next number of windows from an answer: fewer if it was too big, else up to twice as many."""
        size = max(rows / self.rows, took_ms / self.answer_ms, 0.5)
        least = self.least if rows <= self.rows else 1
        wanted = max(least, min(self.most, int(windows / size)))
        self.windows = wanted if size > 1 else max(self.windows, wanted)


class Plan:
    """What is answered once for all who asked the same. Made by `Engine.join`; times in milliseconds."""

    def __init__(self, query: Query, now: int, memory: Memory) -> None:
        self.query = query
        self.key = query.key
        self.listeners: list[Listener] = []
        self.ledger = Ledger(query, now, memory)
        self.late = Late(query.every_ms)
        self.stride = Stride()
        self._begin(now)

    def resume(self, now: int) -> None:
        """Somebody listens again; while nobody did, `touch` was called all the same."""
        self.ledger.resume(now)
        self._begin(now)

    def _begin(self, now: int) -> None:
        self.live = Attempts()
        self.corrections = Attempts()
        self.held_until = 0
        self._present = boundary(now, self.query.every_ms) if self.query.grace_ms else self.last_stop
        self._started = asyncio.Event()
        self.advanced()

    @property
    def final_until(self) -> int:
        """Every window that stopped by then is final as last sent, or is history."""
        return self.ledger.final_until

    @property
    def last_stop(self) -> int:
        """The stop of the latest window sent, or where history ends if none was yet."""
        return self.ledger.last_stop

    def recent(self) -> list[WindowUpdate]:
        """The windows that were sent and are not final yet, as last sent, ascending."""
        return self.ledger.recent()

    async def started(self) -> None:
        """Return when the windows that had stopped at the beginning, but are not history, have been sent."""
        await self._started.wait()

    def advanced(self) -> None:
        """Windows that were due have been sent."""
        if self.last_stop >= self._present:
            self._started.set()

    def next_read(self, now: int, final_until: int) -> Read | None:
        """The windows that are due, where they may be made final until then."""
        return self.ledger.due(now, final_until, self.stride.windows)

    def next_late(self, now: int) -> Stops | None:
        """Final windows to read again now."""
        return self.late.take(self.ledger, now, self.stride.windows)

    def touch(self, touched: Touched, now: int) -> bool:
        """Points came into this range: the windows that are final, or about to be, have to be read again.

        False where none are, or where that was known.
        """
        first, last = touched_stops(self.query, touched.start, touched.stop)
        last = min(last, self.ledger.claimed_until)
        return first <= last and self.late.touch((first, last), now)

    def live_due(self) -> int:
        """When the next window is due."""
        return self.ledger.next_due(self.held_until)

    def late_due(self) -> int:
        """When the next correction is due."""
        return self.late.due_at(self.final_until)

    def trouble(self, now: int) -> Trouble | None:
        """What to tell listeners now of a store that does not answer."""
        return self.live.trouble(now) or self.corrections.trouble(now)

    def wake_at(self) -> int:
        """When there is something to do for this plan."""
        return min(self.live.wake_at(self.live_due()), self.corrections.wake_at(self.late_due()))
