"""What is kept of one query's panes, and for how long."""

import asyncio

from streams.partials import Parts
from streams.queries import Query
from streams.stores.partial_panes import Panes
from streams.stores.tail_slices import Slices

IDLE_MS = 60_000
"""For how long the panes of a query are kept that nobody watches, once they were asked for."""


class Kept:
    """The panes of one query, once there are any, and which of them have to be asked for."""

    def __init__(self, query: Query) -> None:
        self.query = query
        self.lock = asyncio.Lock()
        self.parts: Parts | None = None
        self.panes: Panes | None = None
        self.slices = Slices()
        self.direct_until = 0
        self.points = 0
        self.asked_at = 0
        self.past_from = 0
        self.past_until = 0
        self.pruned_to = 0
        self.text = ""
        self.watched_behind = False

    @property
    def rows(self) -> int:
        """How many there are in memory."""
        return self.panes.rows if self.panes else 0

    def oldest(self, start: int, now: int, longer_ms: int) -> int:
        """From when on panes are kept; those of the past that somebody asks for now are kept for a while."""
        oldest = now - self.query.window_ms - self.query.grace_ms - longer_ms
        if start < oldest:
            self.past_from = start if now > self.past_until else min(start, self.past_from)
            self.past_until = now + IDLE_MS
        return min(oldest, self.past_from) if now <= self.past_until else oldest
