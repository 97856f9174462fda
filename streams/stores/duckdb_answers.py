# ruff: noqa: S608 (names in the SQL are the catalogue's own numbers, users' texts are bound)
"""A query's windows out of DuckDB: one SQL statement for all of them, and its rows made into windows. Pure.

Windows are numbered from 0, the one that stops first; panes, each as long as `every`, are numbered from the start of
that window. Window n covers the panes from n to n + panes - 1.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from streams.points import NANOSECONDS
from streams.queries import Query
from streams.stores.base import Row, Window
from streams.stores.duckdb_catalogue import FieldColumn, Table
from streams.stores.duckdb_relations import Statement, conditions, keys_of, points_of


def statement(query: Query, table: Table, first_stop: int, last_stop: int) -> Statement | None:
    """What to ask for the windows that stop in this range; None where no point can be in them.

    A row of the result has the window's number, its points, its first and last time in nanoseconds, and the cells;
    the rows of a window are in the order of their tags.
    """
    columns = {f"v{n}": table.fields[field] for n, field in enumerate(query.fields) if field in table.fields}
    met = conditions(query.where, table)
    if not columns or met is None:
        return None
    tests, values = met
    start, stop = (first_stop - query.window_ms) * NANOSECONDS, last_stop * NANOSECONDS
    valued = " OR ".join(f"p.{column} IS NOT NULL" for column, _ in columns.values())
    where = " AND ".join([f"p.time >= {start}", f"p.time < {stop}", f"({valued})", *tests])
    tags = [f"g{n}" for n in range(len(query.group_by))]
    points = points_of(table, columns.values())
    keys = keys_of(table, [table.tags[tag] for tag in (*query.group_by, *dict(query.where)) if tag in table.tags])
    joined = f" JOIN {keys} AS s ON s.number = p.series" if tests or tags else ""
    values_of = ", ".join(chosen(query, table, columns, numbered(query, first_stop, last_stop)))
    window_start = f"({start} + number * {query.every_ms * NANOSECONDS})"
    aggregates = list(results(query, table, window_start))
    sql = (
        f"{legend(query, table)}"
        f"SELECT {', '.join(['number', 'points', 'earliest', 'latest', *tags, *(final for _, final in aggregates)])}\n"
        f"FROM (SELECT {', '.join(['number', *tags, *(sql for sql, _ in aggregates)])},"
        " count(*) AS points, min(time) AS earliest, max(time) AS latest\n"
        f"FROM (SELECT p.time, {values_of} FROM {points} AS p{joined}\nWHERE {where})\n"
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
    names = {table.points if table.wide else f"measurement {table.number}": query.measurement}
    names |= {f"v{position}": field for position, field in enumerate(query.fields)}
    names |= {f"g{position}": tag for position, tag in enumerate(query.group_by)}
    return f"-- {', '.join(f'{name} = {json.dumps(named)}' for name, named in names.items())}\n"
