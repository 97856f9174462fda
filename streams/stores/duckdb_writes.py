# ruff: noqa: S608 (names in the SQL are the catalogue's own numbers, users' texts are bound)
"""A batch of points into DuckDB's tables: rows that exist already take on the new values, the others are added.

A primary key would cost more than it saves: the batch goes to a staging table, which is joined with the rows of its
own range of times, so a merge takes as long in a large table as in a small one.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import duckdb
from duckdb import DuckDBPyConnection

from streams.formats.line import decode_fields
from streams.points import Batch, Value
from streams.stores.duckdb_catalogue import TYPES, Catalogue, FieldColumn, Room, Table, append, narrow_number
from streams.stores.duckdb_growth import Growth, grow, store_growths

Row = list[Value | None]


class Target(NamedTuple):
    """A table with `time` and columns that rows have values for, the first few of which are its key."""

    table: str
    columns: Sequence[str]
    key: int


_VALUES = Target("hub_values", ("measurement", "field", "series", "time", *(f"{kind}s" for kind in TYPES)), 4)


class Part(NamedTuple):
    """The points of a batch that belong to one measurement, and what its table must become for them."""

    growth: Growth
    indexes: Sequence[int]
    fields: Sequence[str]


def plan_write(batch: Batch, catalogue: Catalogue) -> tuple[list[Part], Room]:
    """What a write has to do, for each measurement, and the room left after it; pure.

    BatchRefused where a field would need two types.
    """
    indexes: dict[str, list[int]] = {}
    for index, one in enumerate(batch.series):
        indexes.setdefault(one.measurement, []).append(index)
    tables, room = catalogue.tables, replace(catalogue.room)
    parts = []
    for measurement, chosen in indexes.items():
        shapes = dict.fromkeys(batch.shapes[index] for index in chosen)
        series = {batch.series[index].key: batch.series[index] for index in chosen}
        growth = grow(measurement, tables.get(measurement), shapes, series, room)
        fields = dict.fromkeys(name for shape in shapes for name, _ in shape)
        parts.append(Part(growth, chosen, tuple(fields)))
    return parts, room


def write(connection: DuckDBPyConnection, batch: Batch, catalogue: Catalogue) -> Catalogue:
    """Store a batch in one transaction, synced when this returns: of a catalogue what changed, its tables and the room.

    BatchRefused as `plan_write`; after any error nothing is stored.
    """
    parts, room = plan_write(batch, catalogue)
    connection.begin()
    try:
        changed = _store(connection, parts, batch)
        connection.commit()
    except BaseException:
        with suppress(duckdb.Error):
            connection.rollback()
        raise
    for part in parts:
        part.growth.table.series.update(part.growth.numbers)
    return Catalogue({table.measurement: table for table in changed}, room)


def _store(connection: DuckDBPyConnection, parts: Sequence[Part], batch: Batch) -> list[Table]:
    store_growths(connection, [part.growth for part in parts])
    changed: list[Table] = []
    values: dict[bool, list[Row]] = {True: [], False: []}
    for part in parts:
        table = part.growth.table
        rows = _rows(part, batch)
        earliest, latest = min(rows)[0], max(rows)[0]
        is_new = table.latest is None or earliest > table.latest
        columns = [table.fields[name] for name in part.fields]
        wide = [position for position, (column, _) in enumerate(columns) if narrow_number(column) is None]
        if wide:
            target = Target(table.points, ["time", "series", *(columns[position].column for position in wide)], 2)
            _put(connection, target, _cut(rows.values(), wide, len(columns)), is_new)
        if len(wide) < len(columns):
            values[is_new] += _narrow(table.number, columns, rows.values())
        changed.append(replace(table, latest=latest if table.latest is None else max(table.latest, latest)))
    for is_new, found in values.items():
        if found:
            _put(connection, _VALUES, found, is_new)
    return changed


def _rows(part: Part, batch: Batch) -> dict[tuple[int, int], Row]:
    """The rows of a part by time and number of their series; points that share both are one row."""
    known, new = part.growth.table.series, part.growth.numbers
    series, times, lines, fields = batch.series, batch.times, list(batch.lines), part.fields
    rows: dict[tuple[int, int], Row] = {}
    for index in part.indexes:
        key, time = series[index].key, times[index]
        number = known[key] if key in known else new[key]
        row = [time, number, *map(decode_fields(lines[index]).get, fields)]
        earlier = rows.setdefault((time, number), row)
        if earlier is not row:
            earlier[:] = [old if value is None else value for old, value in zip(earlier, row, strict=True)]
    return rows


def _cut(rows: Collection[Row], wide: Sequence[int], columns: int) -> Collection[Row]:
    """The part of rows with so many columns that a wide table gets; no row without any of its values."""
    if len(wide) == columns:
        return rows
    cut = ([row[0], row[1], *(row[2 + position] for position in wide)] for row in rows)
    return [row for row in cut if any(value is not None for value in row[2:])]


def _narrow(measurement: int, columns: Sequence[FieldColumn], rows: Collection[Row]) -> Iterator[Row]:
    """A row for each value of a narrow column: that of its kind, and NULL for the other kinds."""
    kinds = list(TYPES)
    for position, (column, kind) in enumerate(columns, 2):
        number, place = narrow_number(column), kinds.index(kind)
        if number is not None:
            before, after = [None] * place, [None] * (len(kinds) - place - 1)
            for row in rows:
                if row[position] is not None:
                    yield [measurement, number, row[1], row[0], *before, row[position], *after]


def _put(connection: DuckDBPyConnection, target: Target, rows: Collection[Row], is_new: bool) -> None:
    """Add rows; unless all are new, those that exist already take on the new values."""
    if is_new:
        append(connection, target.table, target.columns, rows)
        return
    connection.execute(f"CREATE TEMP TABLE staging AS SELECT {', '.join(target.columns)} FROM {target.table} LIMIT 0")
    append(connection, "staging", target.columns, rows)
    _merge(connection, target)
    connection.execute("DROP TABLE staging")


def _merge(connection: DuckDBPyConnection, target: Target) -> None:
    table, columns, keys = target.table, target.columns, target.columns[: target.key]
    ((earliest, latest),) = connection.execute("SELECT min(time), max(time) FROM staging").fetchall()
    within = f"time BETWEEN {earliest} AND {latest}"
    matched = " AND ".join(f"p.{column} = staging.{column}" for column in keys)
    present = f"(SELECT {', '.join(keys)} FROM {table} WHERE {within}) AS p ON {matched}"
    ((rewrites,),) = connection.execute(f"SELECT count(*) FROM staging SEMI JOIN {present}").fetchall()
    added = "FROM staging"
    if rewrites:
        merged = ", ".join(f"{column} = coalesce(staging.{column}, p.{column})" for column in columns[target.key :])
        connection.execute(f"UPDATE {table} AS p SET {merged} FROM staging WHERE {matched} AND p.{within}")
        added += f" ANTI JOIN {present}"
    connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) SELECT staging.* {added}")
