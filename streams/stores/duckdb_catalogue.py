# ruff: noqa: S608 (names in the SQL are the catalogue's own numbers, users' texts are bound)
"""What a DuckDB file holds: a table of points and a table of series for each measurement, and who is who in them.

DuckDB takes `Dev` and `dev` for one identifier, so tables and columns have numbers for names, and the catalogue,
itself three tables, says what each stands for. A `Table` never changes once it is published, save for its series,
which only the writer uses: readers need no lock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, NamedTuple

from duckdb import DuckDBPyConnection

from streams.errors import BatchRefused, StoreMisconfigured
from streams.points import Kind, Series, Shape

TYPES = {
    Kind.FLOAT: "DOUBLE",
    Kind.INTEGER: "BIGINT",
    Kind.UNSIGNED: "UBIGINT",
    Kind.STRING: "VARCHAR",
    Kind.BOOLEAN: "BOOLEAN",
}


class FieldColumn(NamedTuple):
    """Where a field's values are."""

    column: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Table:
    """One measurement. `series` maps a series' key to its number, `latest` is the greatest time stored."""

    measurement: str
    number: int
    fields: dict[str, FieldColumn] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    series: dict[bytes, int] = field(default_factory=dict)
    latest: int | None = None

    @property
    def points(self) -> str:
        """The table of points: `time`, `series` and a column for each field; NULL where a point has no value."""
        return f"points_{self.number}"

    @property
    def keys(self) -> str:
        """The table of series: `number`, `key` and a column for each tag; NULL where a series has no such tag."""
        return f"series_{self.number}"


class Growth(NamedTuple):
    """A table as a batch needs it, and what is new in it; nothing of it is stored yet."""

    table: Table
    created: bool
    fields: dict[str, FieldColumn]
    tags: dict[str, str]
    series: list[Series]
    numbers: dict[bytes, int]
    """The numbers of the new series, by their keys."""


_SETUP = """
CREATE TABLE IF NOT EXISTS hub_measurements (number INTEGER, name VARCHAR);
CREATE TABLE IF NOT EXISTS hub_fields (measurement INTEGER, name VARCHAR, kind VARCHAR, "column" VARCHAR);
CREATE TABLE IF NOT EXISTS hub_tags (measurement INTEGER, name VARCHAR, "column" VARCHAR);
"""


def load_catalogue(connection: DuckDBPyConnection) -> dict[str, Table]:
    """Every table by its measurement; an empty database becomes one of ours. StoreMisconfigured for another's."""
    existing = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if existing and "hub_measurements" not in existing:
        raise StoreMisconfigured("it is a DuckDB database of something else; name another file, or a new one")
    connection.execute(_SETUP)
    named = connection.execute("SELECT name, number FROM hub_measurements").fetchall()
    return {name: _load_table(connection, name, number) for name, number in named}


def _load_table(connection: DuckDBPyConnection, name: str, number: int) -> Table:
    table = Table(name, number)
    for named, kind, column in connection.execute(
        'SELECT name, kind, "column" FROM hub_fields WHERE measurement = ?', [number]
    ).fetchall():
        table.fields[named] = FieldColumn(column, Kind(kind))
    table.tags.update(
        connection.execute('SELECT name, "column" FROM hub_tags WHERE measurement = ?', [number]).fetchall()
    )
    table.series.update(connection.execute(f"SELECT key, number FROM {table.keys}").fetchall())
    ((latest,),) = connection.execute(f"SELECT max(time) FROM {table.points}").fetchall()
    return replace(table, latest=latest)


def grow(
    measurement: str, table: Table | None, number: int, shapes: Iterable[Shape], series: Mapping[bytes, Series]
) -> Growth:
    """What the table must become to take points of these shapes and series, by their keys; pure.

    `table` is None for a new measurement, which gets `number`. BatchRefused where a field would need two types.
    """
    base = Table(measurement, number) if table is None else table
    fields: dict[str, FieldColumn] = {}
    for shape in shapes:
        for name, kind in shape:
            known = base.fields.get(name) or fields.get(name)
            if known is None:
                fields[name] = FieldColumn(f"f{len(base.fields) + len(fields)}", kind)
            elif known.kind is not kind:
                raise BatchRefused(
                    f"field {name!r} of measurement {measurement!r} is {known.kind}, and a point has {kind}: "
                    "a field keeps the type it was first written with"
                )
    unknown = [one for key, one in series.items() if key not in base.series]
    names = {name: None for one in unknown for name, _ in one.tags if name not in base.tags}
    tags = {name: f"t{len(base.tags) + position}" for position, name in enumerate(names)}
    grown = replace(base, fields=base.fields | fields, tags=base.tags | tags)
    numbers = {one.key: len(base.series) + position for position, one in enumerate(unknown)}
    return Growth(grown, table is None, fields, tags, unknown, numbers)


def store_growth(connection: DuckDBPyConnection, growth: Growth) -> None:
    """Create and alter what the growth needs, inside the caller's transaction."""
    table = growth.table
    fields = [f"{column} {TYPES[kind]}" for column, kind in growth.fields.values()]
    tags = [f"{column} VARCHAR" for column in growth.tags.values()]
    if growth.created:
        _create(connection, table.points, ["time BIGINT NOT NULL", "series INTEGER NOT NULL", *fields])
        _create(connection, table.keys, ["number INTEGER NOT NULL", "key BLOB NOT NULL", *tags])
        connection.execute("INSERT INTO hub_measurements VALUES (?, ?)", [table.number, table.measurement])
    else:
        _widen(connection, table.points, fields)
        _widen(connection, table.keys, tags)
    _insert(
        connection,
        "hub_fields",
        [(table.number, name, str(kind), column) for name, (column, kind) in growth.fields.items()],
    )
    _insert(connection, "hub_tags", [(table.number, name, column) for name, column in growth.tags.items()])
    if growth.series:
        rows = [(growth.numbers[one.key], one.key, *map(dict(one.tags).get, table.tags)) for one in growth.series]
        append(connection, table.keys, ["number", "key", *table.tags.values()], rows)


def _create(connection: DuckDBPyConnection, table: str, columns: Sequence[str]) -> None:
    connection.execute(f"CREATE TABLE {table} ({', '.join(columns)})")


def _widen(connection: DuckDBPyConnection, table: str, columns: Sequence[str]) -> None:
    for column in columns:
        connection.execute(f"ALTER TABLE {table} ADD COLUMN {column}")


def _insert(connection: DuckDBPyConnection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """All in one statement: to plan one takes longer than to add its rows."""
    if rows:
        row = f"({', '.join('?' * len(rows[0]))})"
        connection.execute(
            f"INSERT INTO {table} VALUES {', '.join([row] * len(rows))}", list(chain.from_iterable(rows))
        )


def append(connection: DuckDBPyConnection, table: str, columns: list[str], rows: Iterable[Sequence[Any]]) -> None:
    """Add rows whose values have the columns' types; the appender would convert others silently."""
    appender = connection.appender(table, columns=columns)
    appender.append_rows(rows)
    appender.flush()
