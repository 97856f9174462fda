# ruff: noqa: S608 (names in the SQL are numbers of our own, users' texts are in no statement)
"""The panes of one query in a DuckDB in memory, and the stretches joined from them. Blocking, for threads."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from duckdb import DuckDBPyConnection

from streams.aggregates import Aggregate
from streams.partials import Parts, Stretch, stretches, stretches_of
from streams.points import Kind
from streams.queries import Query
from streams.stores.base import Row, Window
from streams.stores.duckdb_catalogue import TYPES, append
from streams.stores.partial_sql import Layout, join_stretches, windows_statement

MOST_ROWS = 300_000
"""Rows that one statement joins: more would take memory, and only windows of the past are so many."""
MOST_MEMBERS = 4_000

_PYTHON = {Kind.FLOAT: float, Kind.INTEGER: int, Kind.UNSIGNED: int, Kind.STRING: str, Kind.BOOLEAN: bool}


class KindsUnknown(Exception):
    """A field has values and no known kind, or values of another kind than is known: nothing was loaded."""


class Panes:
    """What is kept of one query. Of its methods one is called at a time; `rows` is how many rows there are in all."""

    def __init__(self, cursor: Callable[[], DuckDBPyConnection], number: int, query: Query, parts: Parts) -> None:
        self.rows = 0
        self._cursor = cursor
        self._layout = Layout(number, query, parts, {})
        self._query = query
        self._pane_ms = parts.query.every_ms
        self._keys: dict[Row, int] = {}
        self._groups: dict[Row, int] = {}
        self._group_rows: list[Row] = []
        self._order: list[int] = []
        self._panes: dict[int, tuple[int, int | None, int | None]] = {}
        self._built: set[Stretch] = set()
        with self._cursor() as connection:
            connection.execute(f"CREATE TABLE {self._layout.states} (node BIGINT, start BIGINT, key INTEGER)")
            connection.execute(f"CREATE TABLE groups_{number} (key INTEGER, grouped INTEGER)")

    def learn(self, kinds: Mapping[str, Kind]) -> bool:
        """The fields have these kinds. False where that contradicts what is kept: it is of no use then."""
        known = self._layout.kinds
        new = {field: kinds[field] for field in self._query.fields if field in kinds and field not in known}
        if any(kinds.get(field, kind) is not kind for field, kind in known.items()):
            return False
        grown = self._layout._replace(kinds={**known, **new})
        with self._cursor() as connection:
            for name, state, _, kind in grown.columns():
                column = f"{name} {grown.type_of(state, kind)}"
                connection.execute(f"ALTER TABLE {grown.states} ADD COLUMN IF NOT EXISTS {column}")
            for position, table in grown.counted():
                kind = grown.kinds[self._query.fields[position]]
                columns = f"node BIGINT, key INTEGER, value {TYPES[kind]}, n BIGINT"
                connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")
        self._layout = grown
        return True

    def close(self) -> None:
        """Forget everything."""
        with self._cursor() as connection:
            tables = [self._layout.states, f"groups_{self._layout.number}", *self._counted_tables()]
            for table in tables:
                connection.execute(f"DROP TABLE {table}")
        self.rows = 0

    def replace(self, windows: Sequence[Window]) -> None:
        """Put these panes, windows of `Parts.query`, in the place of what was kept of them. KindsUnknown."""
        loaded = _Loaded(self._layout)
        keys, groups = dict(self._keys), dict(self._groups)
        tags = len(self._layout.parts.query.group_by)
        for window in windows:
            for row in window.rows:
                key = keys.setdefault(row[:tags], len(keys))
                if self._layout.parts.by_series and key >= len(self._keys):
                    groups.setdefault(row[: len(self._query.group_by)], len(groups))
                loaded.add(window.start // self._pane_ms, key, row[tags:])
        with self._cursor() as connection:
            connection.begin()
            self._drop(connection, [window.start // self._pane_ms for window in windows])
            self.rows += loaded.store(connection)
            if self._layout.parts.by_series:
                fresh = list(keys.items())[len(self._keys) :]
                rows = [(key, groups[row[: len(self._query.group_by)]]) for row, key in fresh]
                append(connection, f"groups_{self._layout.number}", ["key", "grouped"], rows)
            connection.commit()
        for window in windows:
            self._panes[window.start // self._pane_ms] = (window.points, window.first, window.last)
            self._built.add(Stretch(0, window.start // self._pane_ms))
        self._keys, self._groups = keys, groups
        found = groups if self._layout.parts.by_series else keys
        if len(found) > len(self._group_rows):
            self._group_rows = list(found)
            ranked = sorted(range(len(found)), key=lambda number: _order(self._group_rows[number]))
            self._order = sorted(range(len(found)), key=ranked.__getitem__)

    def drop_before(self, time: int) -> None:
        """Forget the panes that start before this time, milliseconds, and the stretches that have nothing else."""
        oldest = -(-time // self._pane_ms)
        gone = [stretch for stretch in self._built if stretch.stop <= oldest]
        with self._cursor() as connection:
            self._delete(connection, gone)
        for pane in [pane for pane in self._panes if pane < oldest]:
            del self._panes[pane]

    def answer(self, first_stop: int, last_stop: int) -> tuple[list[Window], str]:
        """The windows that stop in this range, all of whose panes are kept, and the SQL of the last of them."""
        stops = range(first_stop, last_stop + 1, self._query.every_ms)
        covers = [stretches(*(time // self._pane_ms for time in self._query.span(stop))) for stop in stops]
        self._join({stretch for cover in covers for stretch in cover})
        found: list[list[tuple[int, Sequence[Any]]]] = [[] for _ in stops]
        sql = ""
        with self._cursor() as connection:
            for numbers in self._portions(covers):
                members = [(number, stretch.number) for number in numbers for stretch in covers[number]]
                sql = windows_statement(self._layout, members)
                for number, group, *cells in connection.execute(sql).fetchall():
                    found[number].append((group, cells))
        return [self._window(stop, rows) for stop, rows in zip(stops, found, strict=True)], sql

    def _window(self, stop: int, found: list[tuple[int, Sequence[Any]]]) -> Window:
        start, stop = self._query.span(stop)
        found.sort(key=lambda row: self._order[row[0]])
        rows = tuple((*self._group_rows[group], *cells) for group, cells in found)
        panes = [self._panes[pane] for pane in range(start // self._pane_ms, stop // self._pane_ms)]
        full = [pane for pane in panes if pane[0]]
        points = sum(pane[0] for pane in full)
        return Window(start, stop, rows, points, full[0][1], full[-1][2]) if full else Window(start, stop, rows, 0)

    def _portions(self, covers: Sequence[Sequence[Stretch]]) -> Iterator[range]:
        """The numbers of windows that one statement answers."""
        most = max(map(len, covers), default=1)
        size = max(1, min(MOST_MEMBERS, MOST_ROWS // max(1, len(self._keys))) // most)
        for first in range(0, len(covers), size):
            yield range(first, min(first + size, len(covers)))

    def _join(self, wanted: set[Stretch]) -> None:
        """Join the stretches that are wanted and not there."""
        missing: list[set[Stretch]] = []
        wanted = wanted - self._built
        while wanted:
            missing.append(wanted)
            wanted = {part for stretch in wanted if stretch.level for part in stretch.parts()} - self._built
        todo = {stretch for some in missing for stretch in some}
        with self._cursor() as connection:
            for level in sorted({stretch.level for stretch in todo}):
                self._join_level(connection, [stretch for stretch in todo if stretch.level == level])

    def _join_level(self, connection: DuckDBPyConnection, longer: Sequence[Stretch]) -> None:
        size = MOST_MEMBERS // 4
        for first in range(0, len(longer), size):
            some = longer[first : first + size]
            members = [(one.number, one.first, part.number) for one in some for part in one.parts()]
            connection.begin()
            for statement in join_stretches(self._layout, members):
                ((added,),) = connection.execute(statement).fetchall()
                self.rows += added
            connection.commit()
            self._built |= set(some)

    def _drop(self, connection: DuckDBPyConnection, panes: Iterable[int]) -> None:
        """Forget panes, and every stretch that they are in."""
        top = max((stretch.level for stretch in self._built), default=0)
        gone = {stretch for pane in panes for stretch, _ in zip(stretches_of(pane), range(top + 1), strict=False)}
        self._delete(connection, gone & self._built)

    def _delete(self, connection: DuckDBPyConnection, gone: Iterable[Stretch]) -> None:
        numbers = [str(stretch.number) for stretch in gone]
        if not numbers:
            return
        for table in (self._layout.states, *self._counted_tables()):
            ((deleted,),) = connection.execute(f"DELETE FROM {table} WHERE node IN ({', '.join(numbers)})").fetchall()
            self.rows -= deleted
        self._built.difference_update(gone)

    def _counted_tables(self) -> Iterator[str]:
        return (table for _, table in self._layout.counted())


class _Loaded:
    """Rows of panes on their way into the tables."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._rows: list[tuple[Any, ...]] = []
        self._values: dict[str, list[tuple[Any, ...]]] = {table: [] for _, table in layout.counted()}
        self._counted = dict(layout.counted())

    def add(self, pane: int, key: int, cells: Sequence[Any]) -> None:
        """The states of one key in one pane, in the order in which the parts have them."""
        node = Stretch(0, pane).number
        row: list[Any] = [node, pane, key]
        at = 0
        for position, (field, states) in enumerate(
            zip(self._layout.query.fields, self._layout.parts.states, strict=True)
        ):
            of_field = dict(zip(states, cells[at : at + len(states)], strict=True))
            at += len(states)
            kind = self._layout.kinds.get(field)
            if kind is None:
                if any(value is not None and (state, value) != ("count", 0) for state, value in of_field.items()):
                    raise KindsUnknown(field)
                continue
            values = of_field.pop("values", None)
            if values:
                _check(values, kind)
                self._values[self._counted[position]] += [(node, key, value, n) for value, n in values.items()]
            if "stddev" in of_field:
                of_field["stddev"] = _squares(of_field["count"], of_field["stddev"])
            _check((of_field[state] for state in _TYPED if state in of_field), kind)
            row += (value for state, value in of_field.items() if Aggregate(state).defined_for(kind))
        self._rows.append(tuple(row))

    def store(self, connection: DuckDBPyConnection) -> int:
        """How many rows there are now more."""
        names = [name for name, *_ in self._layout.columns()]
        append(connection, self._layout.states, ["node", "start", "key", *names], self._rows)
        for table, rows in self._values.items():
            append(connection, table, ["node", "key", "value", "n"], rows)
        return len(self._rows) + sum(map(len, self._values.values()))


_TYPED = ("total", "min", "max", "first", "last", "rises")


def _check(values: Iterable[Any], kind: Kind) -> None:
    wanted = _PYTHON[kind]
    for value in values:
        if value is not None and type(value) is not wanted:
            raise KindsUnknown


def _squares(count: int, deviation: float | None) -> float | None:
    """The sum of the squared deviations, of which InfluxQL has only the root of the mean."""
    if count < 2:
        return 0.0 if count else None
    return math.inf if deviation is None else deviation * deviation * (count - 1)


def _order(tags: Row) -> list[tuple[bool, str]]:
    return [(tag is not None, str(tag or "")) for tag in tags]
