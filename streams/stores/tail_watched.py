"""One measurement that somebody watches: what is to be read of it, how much at once, and what was."""

import asyncio
from dataclasses import replace

from streams.points import Kind
from streams.queries import Query
from streams.stores.base import MeasurementSchema
from streams.stores.influxdb_queries import has_influxql
from streams.stores.influxdb_read import RawPoints
from streams.stores.tail_asked import Asked
from streams.stores.tail_choice import Choice, reckoned
from streams.stores.tail_recent import Recent
from streams.stores.tail_slices import Slices, Span
from streams.stores.tail_tables import Points

KEPT_LONGER_MS = 30_000
"""Points are kept for this much longer than the longest window, for corrections."""
READ_ROWS = 50_000
"""About as many points are read at once: more would hold up the loop while they are decoded."""
FIRST_PIECE_MS = 10_000


class Watched:
    """One measurement that somebody watches."""

    def __init__(self, points: Points) -> None:
        self.queries: dict[str, Query] = {}
        self.fields: tuple[str, ...] = ()
        self.longest_ms = 0
        self.keep_ms = 0
        self.slices = Slices()
        self.points = points
        self.lock = asyncio.Lock()
        self._piece_ms = FIRST_PIECE_MS
        self.pruned_at = 0
        self.dense_until = 0
        self.text = ""
        self.recent = Recent()
        self.choice = Choice()
        self.kinds: dict[str, frozenset[Kind]] = {}
        self.points_per_ms = 0.0
        self.waiting = 0
        self.users = 0
        self.asked: list[Asked] = []

    def fit(self) -> None:
        """The queries have changed."""
        fields = {field: None for query in self.queries.values() for field in query.fields}
        step = self.slices.step
        if not fields.keys() <= set(self.fields):
            self.slices.forget()
        self.fields = tuple(fields)
        self.longest_ms = max(query.window_ms for query in self.queries.values())
        self.keep_ms = KEPT_LONGER_MS + self.longest_ms + max(query.grace_ms for query in self.queries.values())
        self.slices.fit(self.queries.values())
        if self.slices.step != step:
            self.recent.forget()

    @property
    def piece(self) -> int:
        """How much to read at once, milliseconds: whole slices."""
        return max(self.slices.step, self._piece_ms - self._piece_ms % self.slices.step)

    def learn(self, span: Span, raw: RawPoints) -> None:
        """A span was read: the next may be as long as its points allow, and at most twice as long."""
        self._piece_ms = min(2 * self.piece, (span[1] - span[0]) * READ_ROWS // max(1, len(raw.rows)))
        self.text = raw.query or self.text
        self.kinds = {name: frozenset({kind}) for name, kind in raw.fields}
        self.points_per_ms = len(raw.rows) / (span[1] - span[0])

    def database_cost(self) -> float | None:
        """What the database would cost if each plan asked it; None where it cannot answer one of them."""
        schema = MeasurementSchema(self.kinds, frozenset())
        if not all(has_influxql(replace(query, window_ms=query.every_ms), schema) for query in self.queries.values()):
            return None
        return reckoned(self.queries.values(), self.points.series, self.points_per_ms)

    def covers(self, query: Query, start: int, now: int) -> bool:
        """Whether the tail is the way for windows of this query that begin at that time."""
        return query.key in self.queries and self.is_recent(start, now) and not self.is_dense(now)

    def is_recent(self, start: int, now: int) -> bool:
        """Whether windows that begin at that time are of those that live plans ask for."""
        return start >= now - self.keep_ms

    def is_dense(self, now: int) -> bool:
        """Whether it has too many points for the tail, or for so few plans."""
        return now < self.dense_until or self.choice.direct
