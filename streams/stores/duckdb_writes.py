# ruff: noqa: S608 (names in the SQL are the catalogue's own numbers, users' texts are bound)
"""A batch of points into DuckDB's tables: rows that exist already take on the new values, the others are added.

A primary key would cost more than it saves: the batch goes to a staging table, which is joined with the rows of its
own range of times, so a merge takes as long in a large table as in a small one.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import duckdb
from duckdb import DuckDBPyConnection

from streams.formats.line import decode_fields
from streams.points import Batch, Value
from streams.stores.duckdb_catalogue import Growth, Table, append, grow, store_growth


class Part(NamedTuple):
    """The points of a batch that belong to one measurement, and what its table must become for them."""

    growth: Growth
    indexes: Sequence[int]
    fields: Sequence[str]


def plan_write(batch: Batch, tables: dict[str, Table]) -> list[Part]:
    """What a write has to do, for each measurement; pure. BatchRefused where a field would need two types."""
    indexes: dict[str, list[int]] = {}
    for index, one in enumerate(batch.series):
        indexes.setdefault(one.measurement, []).append(index)
    number = len(tables)
    parts = []
    for measurement, chosen in indexes.items():
        shapes = dict.fromkeys(batch.shapes[index] for index in chosen)
        series = {batch.series[index].key: batch.series[index] for index in chosen}
        growth = grow(measurement, tables.get(measurement), number, shapes, series)
        number += growth.created
        fields = dict.fromkeys(name for shape in shapes for name, _ in shape)
        parts.append(Part(growth, chosen, tuple(fields)))
    return parts


def write(connection: DuckDBPyConnection, batch: Batch, tables: dict[str, Table]) -> dict[str, Table]:
    """Store a batch in one transaction, synced when this returns; the tables that it changed, by measurement.

    BatchRefused as `plan_write`; after any error nothing is stored.
    """
    parts = plan_write(batch, tables)
    connection.begin()
    try:
        changed = [_store(connection, part, batch) for part in parts]
        connection.commit()
    except BaseException:
        with suppress(duckdb.Error):
            connection.rollback()
        raise
    for part in parts:
        part.growth.table.series.update(part.growth.numbers)
    return {table.measurement: table for table in changed}


def _store(connection: DuckDBPyConnection, part: Part, batch: Batch) -> Table:
    growth = part.growth
    table = growth.table
    store_growth(connection, growth)
    rows = _rows(part, batch)
    columns = ["time", "series", *(table.fields[name].column for name in part.fields)]
    earliest, latest = min(rows)[0], max(rows)[0]
    if table.latest is None or earliest > table.latest:
        append(connection, table.points, columns, rows.values())
        return replace(table, latest=latest)
    connection.execute(f"CREATE TEMP TABLE staging AS SELECT {', '.join(columns)} FROM {table.points} LIMIT 0")
    append(connection, "staging", columns, rows.values())
    _merge(connection, table.points, columns, f"time BETWEEN {earliest} AND {latest}")
    connection.execute("DROP TABLE staging")
    return replace(table, latest=max(table.latest, latest))


def _rows(part: Part, batch: Batch) -> dict[tuple[int, int], list[Value | None]]:
    """The rows of a part by time and number of their series; points that share both are one row."""
    known, new = part.growth.table.series, part.growth.numbers
    series, times, lines, fields = batch.series, batch.times, list(batch.lines), part.fields
    rows: dict[tuple[int, int], list[Value | None]] = {}
    for index in part.indexes:
        key, time = series[index].key, times[index]
        number = known[key] if key in known else new[key]
        row = [time, number, *map(decode_fields(lines[index]).get, fields)]
        earlier = rows.setdefault((time, number), row)
        if earlier is not row:
            earlier[:] = [old if value is None else value for old, value in zip(earlier, row, strict=True)]
    return rows


def _merge(connection: DuckDBPyConnection, points: str, columns: Sequence[str], within: str) -> None:
    matched = "p.time = staging.time AND p.series = staging.series"
    ((rewrites,),) = connection.execute(
        f"SELECT count(*) FROM staging SEMI JOIN (SELECT time, series FROM {points} WHERE {within}) AS p ON {matched}"
    ).fetchall()
    added = "FROM staging"
    if rewrites:
        merged = ", ".join(f"{column} = coalesce(staging.{column}, p.{column})" for column in columns[2:])
        connection.execute(f"UPDATE {points} AS p SET {merged} FROM staging WHERE {matched} AND p.{within}")
        added += f" ANTI JOIN (SELECT time, series FROM {points} WHERE {within}) AS p ON {matched}"
    connection.execute(f"INSERT INTO {points} ({', '.join(columns)}) SELECT staging.* {added}")
