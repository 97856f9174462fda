"""What a DuckDB file must become to take a batch: new tables, columns and series, wide where there is room."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, NamedTuple

from duckdb import DuckDBPyConnection

from streams.errors import BatchRefused
from streams.points import Kind, Series, Shape
from streams.stores.duckdb_catalogue import TYPES, FieldColumn, Room, Table, append, narrow_number


class Growth(NamedTuple):
    """A table as a batch needs it, and what is new in it; nothing of it is stored yet."""

    table: Table
    created: bool
    fields: dict[str, FieldColumn]
    tags: dict[str, str]
    series: list[Series]
    numbers: dict[bytes, int]
    """The numbers of the new series, by their keys."""


def grow(
    measurement: str, table: Table | None, shapes: Iterable[Shape], series: Mapping[bytes, Series], room: Room
) -> Growth:
    """What the table must become to take points of these shapes and series, by their keys, and takes of the room.

    `table` is None for a new measurement. BatchRefused where a field would need two types.
    """
    known_fields, known_tags, known_series = (table.fields, table.tags, table.series) if table else ({}, {}, {})
    kinds: dict[str, Kind] = {}
    for name, kind in chain.from_iterable(shapes):
        known = known_fields[name].kind if name in known_fields else kinds.setdefault(name, kind)
        if known is not kind:
            raise BatchRefused(
                f"field {name!r} of measurement {measurement!r} is {known}, and a point has {kind}: "
                "a field keeps the type it was first written with"
            )
    unknown = [one for key, one in series.items() if key not in known_series]
    names = {name: None for one in unknown for name, _ in one.tags if name not in known_tags}
    base = table or room.measurement(measurement, len(kinds) + len(names))
    fields = {
        name: FieldColumn(room.column(f"f{position}" if base.wide else None), kind)
        for position, (name, kind) in enumerate(kinds.items(), len(known_fields))
    }
    tags = {
        name: room.column(f"t{position}" if base.wide else None) for position, name in enumerate(names, len(known_tags))
    }
    grown = replace(base, fields=base.fields | fields, tags=base.tags | tags) if fields or tags else base
    numbers = {one.key: position for position, one in enumerate(unknown, len(known_series))}
    return Growth(grown, table is None, fields, tags, unknown, numbers)


def store_growths(connection: DuckDBPyConnection, growths: Sequence[Growth]) -> None:
    """Create and alter what they need, inside the caller's transaction."""
    news: defaultdict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for growth in growths:
        number = growth.table.number
        if growth.created:
            news["hub_measurements"].append((number, growth.table.measurement))
        news["hub_fields"] += [(number, name, str(kind), column) for name, (column, kind) in growth.fields.items()]
        news["hub_tags"] += [(number, name, column) for name, column in growth.tags.items()]
        news["hub_tag_values"] += _narrow_tags(growth)
        if growth.table.wide:
            _store_wide(connection, growth)
        else:
            news["hub_series"] += [(number, of_series, key) for key, of_series in growth.numbers.items()]
    for table, rows in news.items():
        _insert(connection, table, rows)


def _store_wide(connection: DuckDBPyConnection, growth: Growth) -> None:
    table = growth.table
    fields = [f"{column} {TYPES[kind]}" for column, kind in growth.fields.values() if narrow_number(column) is None]
    tags = [f"{column} VARCHAR" for column in growth.tags.values() if narrow_number(column) is None]
    if growth.created:
        _create(connection, table.points, ["time BIGINT NOT NULL", "series INTEGER NOT NULL", *fields])
        _create(connection, table.keys, ["number INTEGER NOT NULL", "key BLOB NOT NULL", *tags])
    else:
        _widen(connection, table.points, fields)
        _widen(connection, table.keys, tags)
    if growth.series:
        columns = {name: column for name, column in table.tags.items() if narrow_number(column) is None}
        rows = [(growth.numbers[one.key], one.key, *map(dict(one.tags).get, columns)) for one in growth.series]
        append(connection, table.keys, ["number", "key", *columns.values()], rows)


def _narrow_tags(growth: Growth) -> Iterable[tuple[int, int, int, str]]:
    """The rows of `hub_tag_values` for the new series."""
    table = growth.table
    for one in growth.series:
        for name, value in one.tags:
            tag = narrow_number(table.tags[name])
            if tag is not None:
                yield table.number, tag, growth.numbers[one.key], value


def _create(connection: DuckDBPyConnection, table: str, columns: Sequence[str]) -> None:
    connection.execute(f"CREATE TABLE {table} ({', '.join(columns)})")


def _widen(connection: DuckDBPyConnection, table: str, columns: Sequence[str]) -> None:
    for column in columns:
        connection.execute(f"ALTER TABLE {table} ADD COLUMN {column}")


def _insert(connection: DuckDBPyConnection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """All in one statement: to plan one takes longer than to add its rows."""
    if rows:
        row = f"({', '.join('?' * len(rows[0]))})"
        values = ", ".join([row] * len(rows))
        connection.execute(f"INSERT INTO {table} VALUES {values}", list(chain.from_iterable(rows)))  # noqa: S608
