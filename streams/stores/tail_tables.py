# ruff: noqa: S608 (names in the SQL are numbers of our own)
"""The tail's points: for each measurement a table in a DuckDB in memory, whose slices are replaced as they are read."""

import itertools
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from duckdb import DuckDBPyConnection

from streams.points import NANOSECONDS
from streams.queries import Query
from streams.stores.base import Window
from streams.stores.duckdb_answers import statement, windows
from streams.stores.duckdb_catalogue import TYPES, FieldColumn, Table, append
from streams.stores.duckdb_files import open_memory
from streams.stores.family_sql import family_statement
from streams.stores.influxdb_read import RawPoints
from streams.stores.tail_families import Members, Tags, joint
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
        return Points(self, measurement, next(self._numbers))


class Points:
    """One measurement's points; `rows` is how many there are, `users` how many are reading them.

    Of the changing methods one is called at a time.
    """

    def __init__(self, tables: Tables, measurement: str, number: int) -> None:
        self.measurement = measurement
        self.rows = 0
        self.users = 0
        self._retired = False
        self._tables = tables
        self._table = Table(measurement, number)
        self._series: dict[Tags, int] = {}
        self._members: dict[str, Members] = {}
        self._plan_numbers = itertools.count()
        self._members_table = f"members_{number}"
        with tables.cursor() as cursor:
            cursor.execute(f"CREATE TABLE {self._table.points} (time BIGINT, series INTEGER)")
            cursor.execute(f"CREATE TABLE {self._table.keys} (number INTEGER)")
            cursor.execute(f"CREATE TABLE {self._members_table} (plan INTEGER, series INTEGER, grouped INTEGER)")

    @property
    def series(self) -> int:
        """How many there are."""
        return len(self._series)

    def replace(self, span: Span, points: RawPoints) -> None:
        """Put these points in the place of all in `[start, stop)` milliseconds. Mismatch: nothing was changed."""
        for name, kind in points.fields:
            known = self._table.fields.get(name)
            if known and known.kind is not kind:
                raise Mismatch(name)
        start, stop = span[0] * NANOSECONDS, span[1] * NANOSECONDS
        with self._tables.cursor() as cursor:
            cursor.begin()
            table = self._grown(cursor, points)
            fresh: dict[Tags, int] = {}
            rows = list(self._numbered(points, fresh))
            gone = cursor.execute(f"DELETE FROM {table.points} WHERE time >= {start} AND time < {stop}").fetchall()
            columns = [table.fields[name].column for name, _ in points.fields]
            append(cursor, table.points, ["time", "series", *columns], rows)
            keys = [(number, *map(dict(tags).get, table.tags)) for tags, number in fresh.items()]
            append(cursor, table.keys, ["number", *table.tags.values()], keys)
            if fresh:
                self._append_members(cursor, self._members.values(), fresh)
            cursor.commit()
        self._series |= fresh
        self._table = table
        self.rows += len(rows) - int(gone[0][0])

    def drop_before(self, time: int) -> None:
        """Forget the points before this time, milliseconds."""
        with self._tables.cursor() as cursor:
            gone = cursor.execute(f"DELETE FROM {self._table.points} WHERE time < {time * NANOSECONDS}").fetchall()
        self.rows -= int(gone[0][0])

    def retire(self) -> None:
        """Forget them all, when nobody reads them any more."""
        self._retired = True
        self.leave()

    def leave(self) -> None:
        """Somebody has stopped reading."""
        if not self._retired or self.users:
            return
        self._retired = False
        with self._tables.cursor() as cursor:
            cursor.execute(f"DROP TABLE {self._table.points}")
            cursor.execute(f"DROP TABLE {self._table.keys}")
            cursor.execute(f"DROP TABLE {self._members_table}")

    def lacks(self, query: Query) -> bool:
        """Whether a query of a family has no members yet."""
        return query.key not in self._members

    def enlist(self, query: Query) -> None:
        """Find the members of a query of a family."""
        members = Members(next(self._plan_numbers), query)
        with self._tables.cursor() as cursor:
            self._append_members(cursor, [members], self._series)
        self._members[query.key] = members

    def dismiss(self, but: Container[str]) -> None:
        """Forget the members of all queries but those with these keys."""
        gone = [key for key in self._members if key not in but]
        numbers = ", ".join(str(self._members.pop(key).number) for key in gone)
        if gone:
            with self._tables.cursor() as cursor:
                cursor.execute(f"DELETE FROM {self._members_table} WHERE plan IN ({numbers})")

    def answer(self, query: Query, first_stop: int, last_stop: int) -> tuple[list[Window], str]:
        """The windows that stop in this range, and the SQL that found them."""
        asked = statement(query, self._table, first_stop, last_stop)
        if asked is None:
            return windows(query, first_stop, last_stop, []), ""
        with self._tables.cursor() as cursor:
            rows = cursor.execute(asked.sql, asked.values).fetchall()
        return windows(query, first_stop, last_stop, rows), asked.sql

    def answer_family(self, queries: Sequence[Query], stops: range) -> list[tuple[list[Window], str]]:
        """The windows of these stops for each of these queries, which are of one family and enlisted."""
        joined = joint(queries)
        members = [self._members[query.key] for query in queries]
        found: dict[int, list[Sequence[Any]]] = {each.number: [] for each in members}
        plans = f"SELECT * FROM {self._members_table} WHERE plan IN ({', '.join(map(str, found))})"
        sql = family_statement(joined, self._table, plans, stops) or ""
        if sql:
            with self._tables.cursor() as cursor:
                for row in cursor.execute(sql).fetchall():
                    found[row[0]].append(row)
        return [
            (each.windows(query, joined, stops, found[each.number]), sql)
            for query, each in zip(queries, members, strict=True)
        ]

    def _append_members(
        self, cursor: DuckDBPyConnection, members: Iterable[Members], series: Mapping[Tags, int]
    ) -> None:
        rows = (row for each in members for row in each.add(series.items()))
        append(cursor, self._members_table, ["plan", "series", "grouped"], rows)

    def _grown(self, cursor: DuckDBPyConnection, points: RawPoints) -> Table:
        """The table with columns for these points' fields and tags."""
        table = self._table
        fields, tags = dict(table.fields), dict(table.tags)
        for name, kind in points.fields:
            if name not in fields:
                fields[name] = FieldColumn(f"f{len(fields)}", kind)
                cursor.execute(f"ALTER TABLE {table.points} ADD COLUMN {fields[name].column} {TYPES[kind]}")
        for name in points.tags:
            if name not in tags:
                tags[name] = f"t{len(tags)}"
                cursor.execute(f"ALTER TABLE {table.keys} ADD COLUMN {tags[name]} VARCHAR")
        return Table(table.measurement, table.number, fields, tags)

    def _numbered(self, points: RawPoints, fresh: dict[Tags, int]) -> Iterator[Sequence[Any]]:
        """Each row with its series' number in place of its tags; the new series are put into `fresh`."""
        end = len(points.fields) + 1
        seen: dict[tuple[str | None, ...], int] = {}
        for row in points.rows:
            values = tuple(row[end:])
            number = seen.get(values)
            if number is None:
                tags = tuple((tag, value) for tag, value in zip(points.tags, values, strict=True) if value is not None)
                number = self._series.get(tags)
                if number is None:
                    number = fresh.setdefault(tags, len(self._series) + len(fresh))
                seen[values] = number
            yield (row[0], number, *row[1:end])
