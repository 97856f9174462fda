"""Windows out of points that were just read: they go into an in-memory DuckDB, which answers as it does everywhere."""

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from duckdb import DuckDBPyConnection

from streams.partials import PanesQuery
from streams.points import NANOSECONDS
from streams.queries import Query
from streams.stores.base import Window
from streams.stores.duckdb_answers import statement, windows
from streams.stores.duckdb_catalogue import TYPES, FieldColumn, Table, append
from streams.stores.duckdb_files import open_memory
from streams.stores.influxdb_read import RawPoints
from streams.stores.tail_panes import is_put_together
from streams.stores.tail_tables import Points

_THREADS = 2
MOST_ANSWERS = 256
"""Of one database: until it is closed DuckDB keeps 1 to 10 kB of the tables that an answer had. To open another takes
20 ms, a tenth of one for each answer."""


class Database:
    """One in memory, how many answers it has given or is about to, and how many of them are under way."""

    def __init__(self) -> None:
        self.connection, _ = open_memory(lambda _: None)
        self.answers = 0
        self.under_way = 0


class Scratch:
    """An in-memory DuckDB that keeps nothing: each answer has tables of its own, gone when it is there."""

    def __init__(self, most_answers: int = MOST_ANSWERS) -> None:
        self._database = Database()
        self._most_answers = most_answers
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(_THREADS, "influxdb-answers")
        self._numbers = itertools.count()

    def close(self) -> None:
        """Wait for the answers under way, and let go of everything."""
        self._threads.shutdown()
        self._database.connection.close()

    async def answer(
        self, query: Query, points: RawPoints, first_stop: int, last_stop: int
    ) -> tuple[list[Window], str]:
        """The windows that stop in this range, and the SQL that found them."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._answer, query, points, first_stop, last_stop)

    def _answer(self, query: Query, points: RawPoints, first_stop: int, last_stop: int) -> tuple[list[Window], str]:
        if isinstance(query, PanesQuery) and is_put_together(query):
            return _panes(
                query, points, self._database.connection.cursor, range(first_stop, last_stop + 1, query.every_ms)
            )
        table = Table(
            points.measurement,
            next(self._numbers),
            {name: FieldColumn(f"f{position}", kind) for position, (name, kind) in enumerate(points.fields)},
            {tag: f"t{position}" for position, tag in enumerate(points.tags)},
        )
        asked = statement(query, table, first_stop, last_stop)
        if asked is None or not points.rows:
            return windows(query, first_stop, last_stop, []), "" if asked is None else asked.sql
        with self._cursor() as cursor:
            cursor.begin()  # never committed: the tables are gone with the transaction
            _load(cursor, table, points.rows)
            rows = cursor.execute(asked.sql, asked.values).fetchall()
            cursor.rollback()
        return windows(query, first_stop, last_stop, rows), asked.sql

    @contextmanager
    def _cursor(self) -> Iterator[DuckDBPyConnection]:
        """One more answer's, of a database that has not given too many."""
        with self._lock:
            database = self._database
            if database.answers == self._most_answers:
                self._database = Database()
                self._close_unused(database)
                database = self._database
            database.answers += 1
            database.under_way += 1
            cursor = database.connection.cursor()
        try:
            with cursor:
                yield cursor
        finally:
            with self._lock:
                database.under_way -= 1
                self._close_unused(database)

    def _close_unused(self, database: Database) -> None:
        """Close one that is to answer no more; with it DuckDB would close the cursors of answers under way."""
        if database is not self._database and not database.under_way:
            database.connection.close()


def _panes(
    query: Query, points: RawPoints, cursor: Callable[[], DuckDBPyConnection], stops: range
) -> tuple[list[Window], str]:
    """The states of panes as the tail finds them, which takes a part of the time that DuckDB would."""
    columns = Points(cursor, points.measurement, 0)
    span = stops[0] - query.window_ms, stops[-1]
    columns.replace(span, points.between(span[0] * NANOSECONDS, span[1] * NANOSECONDS), query.every_ms)
    return columns.answer(query, stops)


def _load(cursor: DuckDBPyConnection, table: Table, rows: Sequence[Sequence[Any]]) -> None:
    fields = "".join(f", {column} {TYPES[kind]}" for column, kind in table.fields.values())
    tags = "".join(f", {column} VARCHAR" for column in table.tags.values())
    cursor.execute(f"CREATE TABLE {table.points} (time BIGINT, series INTEGER{fields})")
    cursor.execute(f"CREATE TABLE {table.keys} (number INTEGER{tags})")
    numbers: dict[tuple[str | None, ...], int] = {}
    append(
        cursor,
        table.points,
        ["time", "series", *(column for column, _ in table.fields.values())],
        _numbered(rows, len(table.fields) + 1, numbers),
    )
    keys = [(number, *tags) for tags, number in numbers.items()]
    append(cursor, table.keys, ["number", *table.tags.values()], keys)


def _numbered(
    rows: Sequence[Sequence[Any]], end: int, numbers: dict[tuple[str | None, ...], int]
) -> Iterator[list[Any]]:
    """Each row with its series' number in place of its tags; new series get the next number."""
    for row in rows:
        yield [row[0], numbers.setdefault(tuple(row[end:]), len(numbers)), *row[1:end]]
