# ruff: noqa: S608 (names in the SQL are the catalogue's own numbers, users' texts are bound)
"""A query's windows out of DuckDB: one SQL statement for all of them, and its rows made into windows. Pure.

Windows are numbered from 0, the one that stops first; panes, each as long as `every`, are numbered from the start of
that window. Window n covers the panes from n to n + panes - 1.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from streams.points import NANOSECONDS
from streams.queries import Query
from streams.stores.base import Row, Window
from streams.stores.duckdb_catalogue import Table


class Statement(NamedTuple):
    """SQL, and the values of its `?` in order."""

    sql: str
    values: list[str]


def statement(query: Query, table: Table, first_stop: int, last_stop: int) -> Statement | None:
    """What to ask for the windows that stop in this range; None where no point can be in them.

    A row of the result has the window's number, its points, its first and last time in nanoseconds, and the cells.
    """
    columns = {
        f"v{position}": table.fields[field] for position, field in enumerate(query.fields) if field in table.fields
    }
    conditions = _conditions(query, table)
    if not columns or conditions is None:
        return None
    start, every = (first_stop - query.window_ms) * NANOSECONDS, query.every_ms * NANOSECONDS
    chosen = [f"p.{column} AS {name}" for name, (column, _) in columns.items()]
    for name in _by_series(query):
        if name in columns:
            value, order = f"p.{columns[name].column}", "IGNORE NULLS) OVER (PARTITION BY p.series ORDER BY p.time)"
            chosen.append(f"lag({value} {order} AS {name}_before")
            chosen.append(f"lag(CASE WHEN {value} IS NOT NULL THEN p.time END {order} AS {name}_since")
    tags = [f"s.{table.tags[tag]}" if tag in table.tags else "NULL::VARCHAR" for tag in query.group_by]
    chosen += [f"{tag} AS g{position}" for position, tag in enumerate(tags)]
    valued = " OR ".join(f"p.{column} IS NOT NULL" for column, _ in columns.values())
    tests, values = conditions
    where = [f"p.time >= {start}", f"p.time < {last_stop * NANOSECONDS}", f"({valued})", *tests]
    source = f"{table.points} AS p"
    if tests or query.group_by:
        source += f" JOIN {table.keys} AS s ON s.number = p.series"
    groups = ["number", *(f"g{position}" for position in range(len(tags)))]
    cells = [*groups[1:], *_aggregates(query, table)]
    sql = (
        f"{_legend(query, table)}"
        f"WITH chosen AS (SELECT p.time, (p.time - {start}) // {every} AS pane, {', '.join(chosen)}"
        f" FROM {source} WHERE {' AND '.join(where)}),\n"
        f"numbered AS (SELECT *, {_number(query, first_stop, last_stop)} AS number FROM chosen),\n"
        f"windowed AS (SELECT *, {start} + number * {every} AS start FROM numbered)\n"
        f"SELECT number, count(*), min(time), max(time), {', '.join(cells)}"
        f" FROM windowed GROUP BY {', '.join(groups)} ORDER BY {', '.join(f'{name} NULLS FIRST' for name in groups)}"
    )
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


def _number(query: Query, first_stop: int, last_stop: int) -> str:
    """The number of a pane's window, or of each of its windows."""
    panes, last = query.window_ms // query.every_ms, (last_stop - first_stop) // query.every_ms
    if last == 0:
        return "0"
    return "pane" if panes == 1 else f"unnest(range(greatest(pane - {panes - 1}, 0), least(pane, {last}) + 1))"


def _conditions(query: Query, table: Table) -> tuple[list[str], list[str]] | None:
    """The tests of `where` and the values of their `?`; None where no series can meet them."""
    tests: list[str] = []
    values: list[str] = []
    for tag, wanted in query.where:
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


def _by_series(query: Query) -> Iterator[str]:
    for position, (_, aggregates) in enumerate(query.select):
        if any(aggregate.by_series for aggregate in aggregates):
            yield f"v{position}"


def _aggregates(query: Query, table: Table) -> Iterator[str]:
    for position, (field, aggregates) in enumerate(query.select):
        column = table.fields.get(field)
        for aggregate in aggregates:
            if column is not None:
                yield aggregate.duckdb(f"v{position}", column.kind, query.window_ms)
            else:
                yield "0" if aggregate.name == "count" else "NULL"


def _legend(query: Query, table: Table) -> str:
    """Comments that say what the names stand for."""
    names = {table.points: query.measurement}
    names |= {f"v{position}": field for position, field in enumerate(query.fields)}
    names |= {f"g{position}": tag for position, tag in enumerate(query.group_by)}
    return f"-- {', '.join(f'{name} = {json.dumps(named)}' for name, named in names.items())}\n"
