# ruff: noqa: S608 (names in the SQL are the catalogue's own numbers, users' texts are bound)
"""The SQL that answers the plans of a family. Pure.

All of them are over the same points. Where a window has many of each series, each series is looked at once, and the
plans are put together from what was found of it; else, and for a median, each plan looks at its points itself.
"""

from collections.abc import Iterator, Mapping, Sequence

from streams.aggregates import Aggregate
from streams.partials import Parts, states_of
from streams.points import NANOSECONDS, Kind
from streams.stores.duckdb_answers import chosen, legend, numbered, results
from streams.stores.duckdb_catalogue import FieldColumn, Table
from streams.stores.partial_sql import Layout, cells, joined, prepared
from streams.stores.tail_families import Joint

_OF_SERIES = {
    "first": "arg_min({v}, time)",
    "last": "arg_max({v}, time)",
}
"""Of one series, which has one value at a time."""


def family_statement(family: Joint, table: Table, members: str, stops: range) -> str | None:
    """What to ask for these windows of all plans of a family; `members` are rows of plan, series and group.

    A row of the result has the plan, the window's number and the group, then for each of the family's sets of fields
    the points with any of them and the first and last time of those, nanoseconds, and then the cells. None where no
    point can be in them.
    """
    query = family.query
    columns = {f"v{n}": table.fields[field] for n, field in enumerate(query.fields) if field in table.fields}
    if not columns:
        return None
    counted = [part for some in family.fields for part in _counted([query.fields.index(one) for one in some], columns)]
    tests = [f"p.time >= {(stops[0] - query.window_ms) * NANOSECONDS}", f"p.time < {stops[-1] * NANOSECONDS}"]
    tests.append(f"({' OR '.join(f'p.{column} IS NOT NULL' for column, _ in columns.values())})")
    values = ", ".join(["p.series", "p.time", *chosen(query, table, columns, numbered(query, stops[0], stops[-1]))])
    points = f"(SELECT {values} FROM {table.points} AS p\nWHERE {' AND '.join(tests)})"
    make = _from_series if family.from_series else _from_values
    return legend(query, table) + make(family, table, members, points, counted)


def _from_values(family: Joint, table: Table, members: str, points: str, counted: Sequence[tuple[str, str]]) -> str:
    found = list(results(family.query, table, ""))
    names = [*(f"c{n}" for n in range(len(counted))), *(final for _, final in found)]
    inner = [*(f"{sql} AS c{n}" for n, (sql, _) in enumerate(counted)), *(sql for sql, _ in found)]
    by = "plan, number, grouped"
    return (
        f"SELECT {', '.join([by, *names])}\nFROM (SELECT {', '.join([by, *inner])}\n"
        f"FROM {points} AS p JOIN ({members}) AS m ON m.series = p.series\nGROUP BY {by})"
    )


def _from_series(family: Joint, table: Table, members: str, points: str, counted: Sequence[tuple[str, str]]) -> str:
    query = family.query
    kinds = {field: table.fields[field].kind for field in query.fields if field in table.fields}
    states = tuple(states_of(aggregates, by_series=True) for _, aggregates in query.select)
    layout = Layout(0, query, Parts(query, states, by_series=True), kinds)
    of_series = [f"{sql} AS c{n}" for n, (sql, _) in enumerate(counted)]
    of_series += [f"{_of_series(state, position, kind)} AS {name}" for name, state, position, kind in layout.columns()]
    series = f"(SELECT series AS start, number, {', '.join(of_series)} FROM {points} GROUP BY series, number)"
    by = "plan, number, grouped"
    source = f"(SELECT m.plan, m.grouped, s.* FROM {series} AS s\nJOIN ({members}) AS m ON m.series = s.start)"
    totals = [f"{joint.format(f'c{n}')} AS c{n}" for n, (_, joint) in enumerate(counted)]
    found = f"SELECT {', '.join([by, *totals, *joined(layout)])} FROM {prepared(layout, source, by)} GROUP BY {by}"
    return f"SELECT {', '.join([by, *(f'c{n}' for n in range(len(counted))), *cells(layout)])}\nFROM ({found})"


def _of_series(state: str, position: int, kind: Kind) -> str:
    if state in _OF_SERIES:
        return _OF_SERIES[state].format(v=f"v{position}")
    return Aggregate(state).duckdb(f"v{position}", kind, "", 0)


def _counted(positions: Sequence[int], columns: Mapping[str, FieldColumn]) -> Iterator[tuple[str, str]]:
    """The number of points with any of these values and the first and last time of those; and how they are joined."""
    there = [f"v{position}" for position in positions if f"v{position}" in columns]
    everything = len(there) == len(columns)
    only = "" if everything else f" FILTER ({' OR '.join(f'{name} IS NOT NULL' for name in there) or 'false'})"
    yield f"count(*){only}", "sum({})::BIGINT"
    yield f"min(time){only}", "min({})"
    yield f"max(time){only}", "max({})"
