# ruff: noqa: S608 (names in the SQL are the catalogue's own numbers, users' texts are bound)
"""A query's windows out of DuckDB: one SQL statement for all of them, and its rows made into windows. Pure.

Windows are numbered from 0, the one that stops first; panes, each as long as `every`, are numbered from the start of
that window. Window n covers the panes from n to n + panes - 1.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

from streams.points import NANOSECONDS
from streams.queries import Conditions, Query
from streams.stores.base import Row, Window
from streams.stores.duckdb_catalogue import FieldColumn, Table


class Statement(NamedTuple):
    """SQL, and the values of its `?` in order."""

    sql: str
    values: list[str]


def statement(query: Query, table: Table, first_stop: int, last_stop: int) -> Statement | None:
    """What to ask for the windows that stop in this range; None where no point can be in them.

    A row of the result has the window's number, its points, its first and last time in nanoseconds, and the cells;
    the rows of a window are in the order of their tags.
    """
    columns = {f"v{n}": table.fields[field] for n, field in enumerate(query.fields) if field in table.fields}
    conditions = _conditions(query.where, table)
    if not columns or conditions is None:
        return None
    tests, values = conditions
    start, stop = (first_stop - query.window_ms) * NANOSECONDS, last_stop * NANOSECONDS
    valued = " OR ".join(f"p.{column} IS NOT NULL" for column, _ in columns.values())
    where = " AND ".join([f"p.time >= {start}", f"p.time < {stop}", f"({valued})", *tests])
    tags = [f"g{n}" for n in range(len(query.group_by))]
    joined = f" JOIN {table.keys} AS s ON s.number = p.series" if tests or tags else ""
    values_of = ", ".join(chosen(query, table, columns, numbered(query, first_stop, last_stop)))
    window_start = f"({start} + number * {query.every_ms * NANOSECONDS})"
    aggregates = list(results(query, table, window_start))
    sql = (
        f"{legend(query, table)}"
        f"SELECT {', '.join(['number', 'points', 'earliest', 'latest', *tags, *(final for _, final in aggregates)])}\n"
        f"FROM (SELECT {', '.join(['number', *tags, *(sql for sql, _ in aggregates)])},"
        " count(*) AS points, min(time) AS earliest, max(time) AS latest\n"
        f"FROM (SELECT p.time, {values_of} FROM {table.points} AS p{joined}\nWHERE {where})\n"
        f"GROUP BY {', '.join(['number', *tags])})"
    )
    if tags:
        sql += f" ORDER BY {', '.join(f'{tag} NULLS FIRST' for tag in tags)}"
    return Statement(sql, values)


def windows(query: Query, first_stop: int, last_stop: int, rows: Iterable[Sequence[Any]]) -> list[Window]:
    """All windows of the range, ascending, from the rows that the statement found."""
    stops = range(first_stop, last_stop + 1, query.every_ms)
    found: list[list[Sequence[Any]]] = [[] for _ in stops]
    for row in rows:
        found[row[0]].append(row)
    return [_window(*query.span(stop), parts) for stop, parts in zip(stops, found, strict=True)]


def tag_values(table: Table, tag: str, limit: int, where: Conditions) -> Statement | None:
    """What to ask for the first values of a tag that the table has; None where no series meets the conditions."""
    column = table.tags[tag]
    conditions = _conditions(where, table)
    if conditions is None:
        return None
    tests, values = conditions
    kept = " AND ".join([f"{column} IS NOT NULL", *tests])
    return Statement(f"SELECT DISTINCT {column} FROM {table.keys} AS s WHERE {kept} ORDER BY 1 LIMIT {limit}", values)


def tag_counts(table: Table, where: Conditions) -> Statement | None:
    """What to ask for how many series have each tag of the table; None where none meets the conditions."""
    conditions = _conditions(where, table)
    if conditions is None:
        return None
    tests, values = conditions
    counts = ", ".join(f"count({column})" for column in table.tags.values())
    return Statement(f"SELECT {counts} FROM {table.keys} AS s{_where(tests)}", values)


def field_counts(table: Table, where: Conditions) -> Statement | None:
    """What to ask for how many points have each field of the table; None where no series meets the conditions."""
    conditions = _conditions(where, table)
    if conditions is None:
        return None
    tests, values = conditions
    counts = ", ".join(f"count(p.{column})" for column, _ in table.fields.values())
    joined = f"{table.points} AS p JOIN {table.keys} AS s ON s.number = p.series"
    return Statement(f"SELECT {counts} FROM {joined}{_where(tests)}", values)


def _window(start: int, stop: int, parts: Sequence[Sequence[Any]]) -> Window:
    if not parts:
        return Window(start, stop, (), 0)
    rows: tuple[Row, ...] = tuple(tuple(part[4:]) for part in parts)
    return Window(
        start,
        stop,
        rows,
        sum(part[1] for part in parts),
        min(part[2] for part in parts) // NANOSECONDS,
        max(part[3] for part in parts) // NANOSECONDS,
    )


def numbered(query: Query, first_stop: int, last_stop: int) -> str:
    """The number of the window that a point is in, or of each of them."""
    panes, last = query.window_ms // query.every_ms, (last_stop - first_stop) // query.every_ms
    if last == 0:
        return "0"
    start = (first_stop - query.window_ms) * NANOSECONDS
    pane = f"(p.time - {start}) // {query.every_ms * NANOSECONDS}"
    return pane if panes == 1 else f"unnest(range(greatest({pane} - {panes - 1}, 0), least({pane}, {last}) + 1))"


def chosen(query: Query, table: Table, columns: Mapping[str, FieldColumn], number: str) -> Iterator[str]:
    """What is needed of each point."""
    yield f"{number} AS number"
    for position, (_, aggregates) in enumerate(query.select):
        column = columns.get(f"v{position}")
        if column is None:
            continue
        value = f"p.{column.column}"
        yield f"{value} AS v{position}"
        if any(aggregate.by_series for aggregate in aggregates):
            previous = "IGNORE NULLS) OVER (PARTITION BY p.series ORDER BY p.time)"
            yield f"lag({value} {previous} AS v{position}_before"
            yield f"lag(CASE WHEN {value} IS NOT NULL THEN p.time END {previous} AS v{position}_since"
    for position, tag in enumerate(query.group_by):
        yield f"s.{table.tags[tag]} AS g{position}" if tag in table.tags else f"NULL::VARCHAR AS g{position}"


def _conditions(where: Conditions, table: Table) -> tuple[list[str], list[str]] | None:
    """The tests of `where` and the values of their `?`; None where no series can meet them."""
    tests: list[str] = []
    values: list[str] = []
    for tag, wanted in where:
        texts = [value for value in wanted if value is not None]
        column = table.tags.get(tag)
        if column is None and None not in wanted:
            return None
        if column is not None:
            absent = [f"s.{column} IS NULL"] if None in wanted else []
            present = [f"s.{column} IN ({', '.join('?' * len(texts))})"] if texts else []
            tests.append(f"({' OR '.join(absent + present)})")
            values += texts
    return tests, values


def _where(tests: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(tests)}" if tests else ""


def results(query: Query, table: Table, start: str) -> Iterator[tuple[str, str]]:
    """For each column its aggregate, and the cell made of it."""
    names = (f"a{number}" for number in count())
    for position, (field, aggregates) in enumerate(query.select):
        column = table.fields.get(field)
        for aggregate, name in zip(aggregates, names, strict=False):
            if column is None:
                yield f"{'0' if aggregate.name == 'count' else 'NULL'} AS {name}", name
            else:
                sql = aggregate.duckdb(f"v{position}", column.kind, start, query.window_ms)
                yield f"{sql} AS {name}", aggregate.fitted(name, column.kind)


def legend(query: Query, table: Table) -> str:
    """Comments that say what the names stand for."""
    names = {table.points: query.measurement}
    names |= {f"v{position}": field for position, field in enumerate(query.fields)}
    names |= {f"g{position}": tag for position, tag in enumerate(query.group_by)}
    return f"-- {', '.join(f'{name} = {json.dumps(named)}' for name, named in names.items())}\n"
