"""The tail's points: of each measurement, in memory by column, and in a DuckDB for plans that only SQL can answer."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from threading import Lock
from typing import Any

from duckdb import DuckDBPyConnection

from streams.points import Kind
from streams.queries import Query
from streams.stores.base import Window
from streams.stores.duckdb_answers import statement, windows
from streams.stores.duckdb_catalogue import Table
from streams.stores.duckdb_files import open_memory
from streams.stores.influxdb_read import RawPoints
from streams.stores.made import described
from streams.stores.tail_chunks import Chunks, chunks_of
from streams.stores.tail_loaded import Loaded
from streams.stores.tail_panes import Grouping, Tags, is_put_together
from streams.stores.tail_slices import Span


class Mismatch(Exception):
    """A field has another kind than in the slices that are kept: they have to be read again."""


class Tables:
    """All blocking, for threads. One at a time writes, others read at once: they see whole slices, old or new."""

    def __init__(self) -> None:
        self._connection, _ = open_memory(lambda _: None)
        self._numbers = itertools.count()

    def close(self) -> None:
        """Let go of the memory."""
        self._connection.close()

    def cursor(self) -> DuckDBPyConnection:
        """For one thread."""
        return self._connection.cursor()

    def create(self, measurement: str) -> "Points":
        """An empty table."""
        return Points(self.cursor, measurement, next(self._numbers))


CELLS = 4
"""So many cells of panes take as much memory as a point."""


class Points:
    """One measurement's points; `rows` is how many there are, `users` how many are reading them."""

    def __init__(self, cursor: Callable[[], DuckDBPyConnection], measurement: str, number: int) -> None:
        self.measurement = measurement
        self.rows = 0
        self.users = 0
        self._retired = False
        self._cursor = cursor
        self._lock = Lock()
        self._kinds: dict[str, Kind] = {}
        self._series: dict[Tags, int] = {}
        self._numbered: tuple[tuple[Sequence[str], list[list[Any]]], Sequence[int]] = ((), []), ()
        self._chunks = Chunks()
        self._groupings: dict[tuple[Any, ...], Grouping] = {}
        self._loaded = Loaded(cursor, Table(measurement, number))

    @property
    def series(self) -> int:
        """How many there are."""
        return len(self._series)

    @property
    def size(self) -> int:
        """How many points the memory would hold that they and what is known of them take."""
        return self.rows + sum(grouping.cells for grouping in tuple(self._groupings.values())) // CELLS

    def replace(self, span: Span, points: RawPoints, step: int) -> None:
        """Put these points in the place of all in `[start, stop)` milliseconds. Mismatch: nothing was changed.

        They are kept in chunks of `step` milliseconds.
        """
        kinds = dict(points.fields)
        for name, kind in kinds.items():
            if self._kinds.get(name, kind) is not kind:
                raise Mismatch(name)
        with self._lock:
            self._kinds |= kinds
            width = len(points.rows[0]) if points.rows else 0
            columns = [[*map(itemgetter(place), points.rows)] for place in range(width)]
            numbers = self._numbers(points.tags, columns[1 + len(kinds) :], len(points.rows))
            chunks = list(chunks_of(points.fields, columns, numbers, span, step))
            self.rows += self._chunks.put(span, chunks)
            for grouping in self._groupings.values():
                grouping.forget(*span)
            self._loaded.changed(span)

    def drop_before(self, time: int) -> None:
        """Forget the points before this time, milliseconds."""
        with self._lock:
            self.rows -= self._chunks.drop_before(time)
            for grouping in self._groupings.values():
                grouping.drop_before(time)
            self._loaded.drop_before(time)

    def retire(self) -> None:
        """Forget them all, when nobody reads them any more."""
        self._retired = True
        self.leave()

    def leave(self) -> None:
        """Somebody has stopped reading."""
        if self._retired and not self.users:
            self._retired = False
            self._loaded.close()

    def dismiss(self, but: Iterable[Query]) -> None:
        """Forget what only other queries than these need."""
        kept = {_grouped(query) for query in but if is_put_together(query)}
        with self._lock:
            self._groupings = {key: grouping for key, grouping in self._groupings.items() if key in kept}
            if all(map(is_put_together, but)):
                self._loaded.forget()

    def prepare(self, queries: Iterable[Query], stop: int, read: Callable[[], bool]) -> None:
        """Until the last points of the windows that stop then have been read, do what can be done without them."""
        for query in queries:
            if stop % query.every_ms == 0 and query.window_ms > query.every_ms and is_put_together(query):
                with self._lock:
                    if read():
                        return
                    self._grouping(query).prepare(query, stop, self._kinds)

    def answer(self, query: Query, stops: range) -> tuple[list[Window], str]:
        """The windows that stop then, and how they were found: in SQL, or in words like it."""
        if is_put_together(query):
            with self._lock:
                grouping = self._grouping(query)
                return grouping.windows(query, stops, self._kinds), described(query, query.every_ms, self._kinds)
        with self._lock:
            table = self._loaded.load(self._chunks, self._kinds, self._series)
        asked = statement(query, table, stops[0], stops[-1])
        if asked is None:
            return windows(query, stops[0], stops[-1], []), ""
        with self._cursor() as cursor:
            rows = cursor.execute(asked.sql, asked.values).fetchall()
        return windows(query, stops[0], stops[-1], rows), asked.sql

    def _grouping(self, query: Query) -> Grouping:
        key = _grouped(query)
        grouping = self._groupings.get(key)
        if grouping is None:
            grouping = self._groupings[key] = Grouping(query, self._chunks)
            grouping.add(self._series.items())
        return grouping

    def _numbers(self, names: Sequence[str], tags: list[list[Any]], points: int) -> Sequence[int]:
        """The number of each point's series, from the columns of its tags; as the last time where they are the same."""
        if tags and (names, tags) == self._numbered[0]:
            return self._numbered[1]
        fresh: dict[Tags, int] = {}
        known: dict[tuple[str | None, ...], int] = {}
        found = []
        for values in zip(*tags, strict=True) if tags else itertools.repeat((), points):
            number = known.get(values)
            if number is None:
                key = tuple((tag, value) for tag, value in zip(names, values, strict=True) if value is not None)
                number = self._series.get(key)
                if number is None:
                    number = fresh.setdefault(key, len(self._series) + len(fresh))
                known[values] = number
            found.append(number)
        self._series |= fresh
        for grouping in self._groupings.values():
            grouping.add(fresh.items())
        self._numbered = (names, tags), found
        return found


def _grouped(query: Query) -> tuple[Any, ...]:
    return query.where, query.group_by, query.every_ms
