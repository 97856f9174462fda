# ruff: noqa: S608 (names in the SQL are the catalogue's own numbers, users' texts are bound)
"""What a DuckDB file holds: two wide tables for each measurement, three narrow ones for the rest, and who is who.

A measurement has a table of points with a column for each field, and one of series with a column for each tag. Each
column takes room of its own in the file, and its time when DuckDB brings the file up to date; thousands of them kept
everybody waiting for a second. So a file has so many columns and no more: what comes after is kept in narrow tables,
a row for each value, which anybody's noise can fill without harm.

DuckDB takes `Dev` and `dev` for one identifier, so tables and columns have numbers for names, and the catalogue,
itself three tables, says what each stands for. A `Table` never changes once it is published, save for its series,
which only the writer uses: readers need no lock.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from duckdb import DuckDBPyConnection

from streams.errors import StoreMisconfigured
from streams.points import Kind

TYPES = {
    Kind.FLOAT: "DOUBLE",
    Kind.INTEGER: "BIGINT",
    Kind.UNSIGNED: "UBIGINT",
    Kind.STRING: "VARCHAR",
    Kind.BOOLEAN: "BOOLEAN",
}
"""The kinds of fields, in the order of the columns of `hub_values`."""

COLUMNS_OF_MEASUREMENT = 4
"""Those of its wide tables that every measurement has: `time` and `series`, `number` and `key`."""
_NARROW = "n"


class FieldColumn(NamedTuple):
    """Where a field's values are."""

    column: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Table:
    """One measurement. `series` maps a series' key to its number, `latest` is the greatest time stored.

    Only a `wide` one has tables of its own; and of its columns those are narrow that came when the file was full.
    """

    measurement: str
    number: int
    fields: dict[str, FieldColumn] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    series: dict[bytes, int] = field(default_factory=dict)
    latest: int | None = None
    wide: bool = True

    @property
    def points(self) -> str:
        """The table of points: `time`, `series` and a column for each field; NULL where a point has no value."""
        return f"points_{self.number}"

    @property
    def keys(self) -> str:
        """The table of series: `number`, `key` and a column for each tag; NULL where a series has no such tag."""
        return f"series_{self.number}"


@dataclass(slots=True)
class Room:
    """How many more columns the wide tables of a file may have; how many measurements and narrow columns it has."""

    columns: int
    measurements: int = 0
    narrow: int = 0

    def measurement(self, name: str, columns: int) -> Table:
        """A new one, with wide tables if they and so many fields and tags have room."""
        wide = COLUMNS_OF_MEASUREMENT + columns <= self.columns
        self.columns -= COLUMNS_OF_MEASUREMENT * wide
        self.measurements += 1
        return Table(name, self.measurements - 1, wide=wide)

    def column(self, wide: str | None) -> str:
        """The name of a new column, which is `wide` where there may be one more."""
        if wide is not None and self.columns > 0:
            self.columns -= 1
            return wide
        self.narrow += 1
        return f"{_NARROW}{self.narrow - 1}"


class Catalogue(NamedTuple):
    """Every table by its measurement, and the room that is left."""

    tables: dict[str, Table]
    room: Room


def narrow_number(column: str) -> int | None:
    """The number of a narrow column; None of a wide one."""
    return int(column[len(_NARROW) :]) if column.startswith(_NARROW) else None


_SETUP = f"""
CREATE TABLE IF NOT EXISTS hub_measurements (number INTEGER, name VARCHAR);
CREATE TABLE IF NOT EXISTS hub_fields (measurement INTEGER, name VARCHAR, kind VARCHAR, "column" VARCHAR);
CREATE TABLE IF NOT EXISTS hub_tags (measurement INTEGER, name VARCHAR, "column" VARCHAR);
CREATE TABLE IF NOT EXISTS hub_series (measurement INTEGER, number INTEGER, key BLOB);
CREATE TABLE IF NOT EXISTS hub_tag_values (measurement INTEGER, tag INTEGER, series INTEGER, value VARCHAR);
CREATE TABLE IF NOT EXISTS hub_values (measurement INTEGER, field INTEGER, series INTEGER, time BIGINT,
    {", ".join(f"{kind}s {sql}" for kind, sql in TYPES.items())});
"""


def load_catalogue(connection: DuckDBPyConnection, most_columns: int) -> Catalogue:
    """What the file has, and room for so many columns in all; an empty database becomes one of ours.

    StoreMisconfigured for another's.
    """
    existing = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if existing and "hub_measurements" not in existing:
        raise StoreMisconfigured("it is a DuckDB database of something else; name another file, or a new one")
    connection.execute(_SETUP)
    found = _Found(connection)
    named = connection.execute("SELECT name, number FROM hub_measurements").fetchall()
    tables = {name: _load_table(connection, name, number, found, existing) for name, number in named}
    wide, narrow = 0, 0
    for table in tables.values():
        columns = [*(column for column, _ in table.fields.values()), *table.tags.values()]
        numbers = [number for column in columns if (number := narrow_number(column)) is not None]
        wide += table.wide * COLUMNS_OF_MEASUREMENT + len(columns) - len(numbers)
        narrow = max(narrow, 1 + max(numbers, default=-1))
    return Catalogue(tables, Room(max(most_columns - wide, 0), len(tables), narrow))


class _Found:
    """What the tables that all measurements share say of each of them, by its number."""

    def __init__(self, connection: DuckDBPyConnection) -> None:
        self.fields: defaultdict[int, dict[str, FieldColumn]] = defaultdict(dict)
        self.tags: defaultdict[int, dict[str, str]] = defaultdict(dict)
        self.series: defaultdict[int, dict[bytes, int]] = defaultdict(dict)
        for number, name, kind, column in connection.execute(
            'SELECT measurement, name, kind, "column" FROM hub_fields'
        ).fetchall():
            self.fields[number][name] = FieldColumn(column, Kind(kind))
        for number, name, column in connection.execute('SELECT measurement, name, "column" FROM hub_tags').fetchall():
            self.tags[number][name] = column
        for measurement, number, key in connection.execute(
            "SELECT measurement, number, key FROM hub_series"
        ).fetchall():
            self.series[measurement][key] = number
        latest = "SELECT measurement, max(time) FROM hub_values GROUP BY measurement"
        self.latest: dict[int, int] = dict(connection.execute(latest).fetchall())


def _load_table(connection: DuckDBPyConnection, name: str, number: int, found: _Found, existing: set[str]) -> Table:
    table = Table(
        name, number, found.fields[number], found.tags[number], found.series[number], found.latest.get(number)
    )
    if table.points not in existing:
        return replace(table, wide=False)
    table.series.update(connection.execute(f"SELECT key, number FROM {table.keys}").fetchall())
    ((latest,),) = connection.execute(f"SELECT max(time) FROM {table.points}").fetchall()
    times = [time for time in (latest, table.latest) if time is not None]
    return replace(table, latest=max(times, default=None))


def append(connection: DuckDBPyConnection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Add rows whose values have the columns' types; the appender would convert others silently."""
    appender = connection.appender(table, columns=list(columns))
    appender.append_rows(rows)
    appender.flush()
