"""The embedded store: one DuckDB, in a file or in memory, written by one thread and read by several."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import duckdb
from duckdb import DuckDBPyConnection

from streams.errors import StoreUnavailable
from streams.points import Batch
from streams.queries import Conditions, Query
from streams.stores.base import Answer, AskedAnew, MeasurementSchema
from streams.stores.duckdb_answers import statement, windows
from streams.stores.duckdb_catalogue import Catalogue, Room, Table, load_catalogue
from streams.stores.duckdb_files import open_file, open_memory
from streams.stores.duckdb_relations import Statement
from streams.stores.duckdb_schema import present_fields, present_tags, tag_values
from streams.stores.duckdb_writes import write
from streams.stores.interpreter import give_up_soon

T = TypeVar("T")

_READERS = 4
MOST_COLUMNS = 1_000
"""Of wide tables, all together; see `duckdb_catalogue`."""


class DuckDBStore(AskedAnew):
    """A `Store` in this process. `path` is a file, made where there is none; None keeps everything in memory.

    `most_columns` says how many columns may have room of their own in it; the values of others share a table.

    A call that is cancelled may still be under way in its thread: a write may have been stored then.
    """

    concurrent_writes = 1
    points_for_measurement = 200  # some statements of a millisecond each

    def __init__(self, path: str | None, most_columns: int = MOST_COLUMNS) -> None:
        self._path = None if path is None else Path(os.path.abspath(path))
        self.name = f"duckdb:{self._path or ':memory:'}"
        self._most_columns = most_columns
        self._tables: dict[str, Table] = {}
        self._room = Room(0)
        self._connection: DuckDBPyConnection | None = None
        self._idle: list[DuckDBPyConnection] = []
        self._writer = ThreadPoolExecutor(1, "duckdb-writer")
        self._readers = ThreadPoolExecutor(_READERS, "duckdb-reader")

    async def open(self) -> None:
        """Open or make the database; what is damaged is set aside. StoreMisconfigured."""
        give_up_soon()
        await self._in(self._writer, self._open)

    async def close(self) -> None:
        """Let go of the file once the calls under way have ended; the store cannot be opened again."""
        await asyncio.to_thread(self._close)

    async def check(self) -> None:
        """StoreUnavailable when DuckDB has failed in a way that only a restart mends."""
        await self._in(self._readers, self._ask, "SELECT 1", [])

    async def write(self, batch: Batch) -> None:
        """As the contract says, and after an error nothing of the batch is stored."""
        await self._in(self._writer, self._write, batch)

    async def answer(self, query: Query, first_stop: int, last_stop: int) -> Answer:
        """As the contract says."""
        return await self._in(self._readers, self._answer, query, first_stop, last_stop)

    async def schema(self, measurement: str, where: Conditions = ()) -> MeasurementSchema:
        """As the contract says."""
        table = self._tables.get(measurement)
        if table is None:
            return MeasurementSchema({}, frozenset())
        fields, tags = tuple(table.fields), tuple(table.tags)
        if where:
            columns = await self._columns(present_fields(table, where))
            fields = tuple(name for name in fields if table.fields[name].column in columns)
            columns = await self._columns(present_tags(table, where))
            tags = tuple(name for name in tags if table.tags[name] in columns)
        return MeasurementSchema({name: frozenset({table.fields[name].kind}) for name in fields}, frozenset(tags))

    async def measurements(self) -> Sequence[str]:
        """As the contract says."""
        return sorted(self._tables)

    async def tag_values(self, measurement: str, tag: str, limit: int, where: Conditions = ()) -> Sequence[str]:
        """As the contract says."""
        table = self._tables.get(measurement)
        asked = None if table is None or tag not in table.tags else tag_values(table, tag, limit, where)
        if asked is None:
            return []
        return [str(value) for (value,) in await self._in(self._readers, self._ask, *asked)]

    async def _columns(self, asked: Statement | None) -> set[object]:
        """What a statement for the columns that are present finds."""
        rows = await self._in(self._readers, self._ask, *asked) if asked else []
        return {column for (column,) in rows}

    async def expire(self, before_ns: int) -> int:
        """Delete the points of all measurements before this time, nanoseconds; how many rows they were.

        One measurement after the other, so that writes wait for no more than one. The file does not shrink: new
        points take the place.
        """
        gone = 0
        wide = [table.points for table in tuple(self._tables.values()) if table.wide]
        for table in (*wide, "hub_values"):
            gone += await self._in(self._writer, self._expire, table, before_ns)
        return gone

    async def _in(self, threads: ThreadPoolExecutor, call: Callable[..., T], *arguments: object) -> T:
        try:
            future = asyncio.get_running_loop().run_in_executor(threads, call, *arguments)
        except RuntimeError:
            raise StoreUnavailable(f"{self.name} is closed") from None
        with self._unavailable():
            return await future

    @contextmanager
    def _unavailable(self) -> Iterator[None]:
        """The one place where DuckDB's errors become ours."""
        try:
            yield
        except duckdb.Error as error:
            raise StoreUnavailable(f"{self.name}: {str(error).splitlines()[0]}") from error

    def _open(self) -> None:
        if self._connection is None:
            load = partial(load_catalogue, most_columns=self._most_columns)
            opened = open_memory(load) if self._path is None else open_file(self._path, load)
            self._connection, (self._tables, self._room) = opened

    def _close(self) -> None:
        self._writer.shutdown()
        self._readers.shutdown()
        for connection in (*self._idle, self._connection):
            if connection is not None:
                connection.close()
        self._idle.clear()
        self._connection = None

    def _write(self, batch: Batch) -> None:
        changed = write(self._opened(), batch, Catalogue(self._tables, self._room))
        self._tables.update(changed.tables)
        self._room = changed.room

    def _expire(self, table: str, before_ns: int) -> int:
        sql = f"DELETE FROM {table} WHERE time < {before_ns}"  # noqa: S608 - a name of the catalogue's own
        ((gone,),) = self._opened().execute(sql).fetchall()
        return int(gone)

    def _answer(self, query: Query, first_stop: int, last_stop: int) -> Answer:
        table = self._tables.get(query.measurement)
        asked = None if table is None else statement(query, table, first_stop, last_stop)
        if asked is None:
            return Answer(windows(query, first_stop, last_stop, []), "duckdb", "-- nothing of this is stored", 0.0)
        began = time.perf_counter()
        rows = self._ask(asked.sql, asked.values)
        took = (time.perf_counter() - began) * 1_000
        text = f"{asked.sql}\n-- ? = {asked.values!r}" if asked.values else asked.sql
        return Answer(windows(query, first_stop, last_stop, rows), "duckdb", text, took)

    def _ask(self, sql: str, values: Sequence[str]) -> list[tuple[object, ...]]:
        opened = self._opened()
        try:
            cursor = self._idle.pop()
        except IndexError:
            cursor = opened.cursor()
        try:
            return cursor.execute(sql, values).fetchall()
        finally:
            self._idle.append(cursor)

    def _opened(self) -> DuckDBPyConnection:
        if self._connection is None:
            raise StoreUnavailable(f"{self.name} is not open")
        return self._connection
