# ruff: noqa: S608 (names in the SQL are numbers of our own)
"""The points of one measurement in a DuckDB in memory: loaded when SQL is to be asked of them, and then kept up."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from duckdb import DuckDBPyConnection

from streams.points import NANOSECONDS, Kind
from streams.stores.duckdb_catalogue import TYPES, FieldColumn, Table, append
from streams.stores.tail_chunks import Chunk, Chunks
from streams.stores.tail_slices import Span

Tags = tuple[tuple[str, str], ...]
EVERYTHING = (-(2**62), 2**62)


class Loaded:
    """A table of points and one of series. Call one method at a time; others may read the tables meanwhile."""

    def __init__(self, cursor: Callable[[], DuckDBPyConnection], table: Table) -> None:
        self._cursor = cursor
        self._table = table
        self._series = 0
        self._stale: list[Span] = [EVERYTHING]
        self._created = False

    def changed(self, span: Span) -> None:
        """There are other points in `[start, stop)`, milliseconds."""
        if self._stale != [EVERYTHING]:
            self._stale.append(span)

    def drop_before(self, time: int) -> None:
        """Forget the points before this time, milliseconds."""
        if self._stale != [EVERYTHING]:
            with self._cursor() as cursor:
                cursor.execute(f"DELETE FROM {self._table.points} WHERE time < {time * NANOSECONDS}")

    def forget(self) -> None:
        """Nobody asks any more."""
        if self._stale != [EVERYTHING]:
            self._stale = [EVERYTHING]
            with self._cursor() as cursor:
                cursor.execute(f"DELETE FROM {self._table.points}")

    def close(self) -> None:
        """Drop the tables."""
        if self._created:
            with self._cursor() as cursor:
                cursor.execute(f"DROP TABLE {self._table.points}")
                cursor.execute(f"DROP TABLE {self._table.keys}")

    def load(self, chunks: Chunks, kinds: Mapping[str, Kind], series: Mapping[Tags, int]) -> Table:
        """The table, with all of these points, fields and series."""
        if not self._stale:
            return self._table
        with self._cursor() as cursor:
            cursor.begin()
            if not self._created:
                cursor.execute(f"CREATE TABLE {self._table.points} (time BIGINT, series INTEGER)")
                cursor.execute(f"CREATE TABLE {self._table.keys} (number INTEGER)")
            table = self._grown(cursor, kinds, series)
            fresh = [(number, dict(tags)) for tags, number in list(series.items())[self._series :]]
            append(
                cursor,
                table.keys,
                ["number", *table.tags.values()],
                [(number, *map(tags.get, table.tags)) for number, tags in fresh],
            )
            for start, stop in self._stale:
                cursor.execute(
                    f"DELETE FROM {table.points}"
                    f" WHERE time >= {start}::HUGEINT * {NANOSECONDS} AND time < {stop}::HUGEINT * {NANOSECONDS}"
                )
                rows = (row for chunk in chunks.between(start, stop) for row in _rows(chunk, table))
                append(cursor, table.points, ["time", "series", *(one.column for one in table.fields.values())], rows)
            cursor.commit()
        self._table, self._series, self._stale, self._created = table, len(series), [], True
        return table

    def _grown(self, cursor: DuckDBPyConnection, kinds: Mapping[str, Kind], series: Mapping[Tags, int]) -> Table:
        """The table with columns for these fields, and the tags of these series."""
        table = self._table
        fields, tags = dict(table.fields), dict(table.tags)
        for name, kind in kinds.items():
            if name not in fields:
                fields[name] = FieldColumn(f"f{len(fields)}", kind)
                cursor.execute(f"ALTER TABLE {table.points} ADD COLUMN {fields[name].column} {TYPES[kind]}")
        for name in dict.fromkeys(name for one in list(series)[self._series :] for name, _ in one):
            if name not in tags:
                tags[name] = f"t{len(tags)}"
                cursor.execute(f"ALTER TABLE {table.keys} ADD COLUMN {tags[name]} VARCHAR")
        return Table(table.measurement, table.number, fields, tags)


def _rows(chunk: Chunk, table: Table) -> Iterator[tuple[Any, ...]]:
    missing = [None] * len(chunk.times)
    return zip(chunk.times, chunk.series, *(chunk.values.get(field, missing) for field in table.fields), strict=True)
