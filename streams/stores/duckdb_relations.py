# ruff: noqa: S608 (names in the SQL are the catalogue's own numbers, users' texts are bound)
"""A measurement's points and series as one relation each, whichever tables they are in. Pure.

Where all that is asked for is in a wide table, it is that table, and costs what it costs.
"""

from collections.abc import Iterable
from typing import NamedTuple

from streams.points import Kind
from streams.queries import Conditions
from streams.stores.duckdb_catalogue import TYPES, FieldColumn, Table, narrow_number


class Statement(NamedTuple):
    """SQL, and the values of its `?` in order."""

    sql: str
    values: list[str]


def points_of(table: Table, columns: Iterable[FieldColumn]) -> str:
    """What has `time`, `series` and these columns of fields, and a row for each point with one of them, or for more."""
    columns = dict.fromkeys(columns)
    numbers = {column: narrow_number(column) for column, _ in columns}
    narrow = [number for number in numbers.values() if number is not None]
    if table.wide and not narrow:
        return table.points
    wide = [column if numbers[column] is None else f"NULL::{TYPES[kind]} AS {column}" for column, kind in columns]
    parts = [f"SELECT {', '.join(['time', 'series', *wide])} FROM {table.points}"] if table.wide else []
    if narrow:
        values = ", ".join(_value(numbers[column], kind) for column, kind in columns)
        fields = ", ".join(map(str, narrow))
        parts.append(f"SELECT time, series, {values} FROM hub_values WHERE field IN ({fields})")
    merged = ", ".join(f"any_value({column}) AS {column}" for column, _ in columns)
    return f"(SELECT time, series, {merged} FROM ({' UNION ALL '.join(parts)}) GROUP BY time, series)"


def _value(number: int | None, kind: Kind) -> str:
    return f"NULL::{TYPES[kind]}" if number is None else f"CASE field WHEN {number} THEN {kind}s END AS n{number}"


def keys_of(table: Table, tags: Iterable[str]) -> str:
    """What has `number` and these columns of tags, and a row for each series."""
    numbers = [number for tag in dict.fromkeys(tags) if (number := narrow_number(tag)) is not None]
    if table.wide and not numbers:
        return table.keys
    keys = table.keys if table.wide else f"(SELECT number FROM hub_series WHERE measurement = {table.number})"
    if not numbers:
        return keys
    values = ", ".join(f"any_value(value) FILTER (tag = {number}) AS n{number}" for number in numbers)
    narrow = (
        f"SELECT series, {values} FROM hub_tag_values WHERE tag IN ({', '.join(map(str, numbers))}) GROUP BY series"
    )
    return f"(SELECT k.*, v.* EXCLUDE (series) FROM {keys} AS k LEFT JOIN ({narrow}) AS v ON v.series = k.number)"


def conditions(where: Conditions, table: Table) -> tuple[list[str], list[str]] | None:
    """The tests of `where`, of series called `s`, and the values of their `?`; None where no series can meet them."""
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
