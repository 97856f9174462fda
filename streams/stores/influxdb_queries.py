"""InfluxQL: the texts that a store sends, and what their answers mean. Pure.

Every name is quoted and says whether it is a tag or a field, since both may have one name; every value is quoted.
What a quoted text cannot spell is bound as a parameter: the parser takes a carriage return for a line's end and a
NUL for the text's.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from streams.points import NANOSECONDS, TIME_MAX, TIME_MIN, Kind
from streams.queries import Column, Conditions, Query
from streams.stores.base import Cell, MeasurementSchema, Row, Window

_PRECEDENCE = (Kind.FLOAT, Kind.INTEGER, Kind.UNSIGNED, Kind.STRING, Kind.BOOLEAN)

_EXACT = {"count", "min", "max", "first", "last"}
_EXACT_OF_FLOATS = _EXACT | {"sum", "total", "mean", "spread", "stddev", "median"}


class Script:
    """Statements that go to the server in one request, with the parameters they share."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.parameters: dict[str, str | dict[str, str]] = {}

    def __str__(self) -> str:
        return ";\n".join(self.statements)

    def explained(self) -> str:
        """The text, and what its parameters stand for, for people."""
        return f"{self}\n-- {json.dumps(self.parameters)}" if self.parameters else str(self)

    def select_points(
        self,
        measurement: str,
        fields: Mapping[str, str],
        tags: Iterable[str],
        span: tuple[int, int],
        *,
        where: Query | None,
        limit: int | None,
    ) -> None:
        """Points as they are, in order of time: each `[time, fields…, tags…]`.

        `fields` maps names to the kind to read them as, `field` for their own; `span` is half-open, nanoseconds;
        `where` is a query whose conditions the points meet.
        """
        columns = [f"{self._name(name)}::{kind}" for name, kind in fields.items()]
        columns += [f"{self._name(tag)}::tag" for tag in tags]
        bound = "" if limit is None else f" LIMIT {limit}"
        self.statements.append(
            f"SELECT {', '.join(columns)}{self._source(measurement, span, where.where if where else ())}{bound}"
        )

    def select_windows(self, query: Query, first_stop: int, last_stop: int) -> None:
        """The windows of a query that `has_influxql`: rows of `[time, count, aggregates…]` for each group."""
        ((field, aggregates),) = query.select
        reference = f"{self._name(field)}::field"
        columns = [f"count({reference})", *(str(aggregate.influxql(reference)) for aggregate in aggregates)]
        span = ((first_stop - query.window_ms) * NANOSECONDS, last_stop * NANOSECONDS)
        groups = [f"time({query.every_ms}ms)", *(f"{self._name(tag)}::tag" for tag in query.group_by)]
        source = self._source(query.measurement, span, query.where)
        self.statements.append(f"SELECT {', '.join(columns)}{source} GROUP BY {', '.join(groups)} fill(none)")

    def probe(self) -> None:
        """A read of nothing, which only somebody who may read is allowed."""
        self.statements.append('SELECT "x"::field FROM "x" WHERE time = 0 LIMIT 1')

    def show_schema(self, measurement: str, where: Conditions = ()) -> None:
        """Two statements, see `schema_of`; only the tags are those of series that meet the conditions."""
        name = self._name(measurement)
        kept = f" WHERE {' AND '.join(self._tests(where))}" if where else ""
        self.statements += [f"SHOW FIELD KEYS FROM {name}", f"SHOW TAG KEYS FROM {name}{kept}"]

    def select_last(self, measurement: str, fields: Iterable[str], where: Conditions) -> None:
        """One row of `[time, last…]`, null for a field that no series has that meets the conditions; or none."""
        columns = ", ".join(f"last({self._name(name)}::field)" for name in fields)
        self.statements.append(f"SELECT {columns}{self._source(measurement, (TIME_MIN, TIME_MAX), where)}")

    def show_measurements(self) -> None:
        """Rows of `[name]`."""
        self.statements.append("SHOW MEASUREMENTS")

    def show_tag_values(self, measurement: str, tag: str, limit: int, where: Conditions = ()) -> None:
        """Rows of `[tag, value]`, sorted."""
        names = f"FROM {self._name(measurement)} WITH KEY = {self._name(tag)}"
        if where:
            names += f" WHERE {' AND '.join(self._tests(where))}"
        self.statements.append(f"SHOW TAG VALUES {names} LIMIT {limit}")

    def show_policies(self, database: str) -> None:
        """The retention policies of a database of InfluxDB 1.x: rows of `[name, duration, …, whether by default]`."""
        self.statements.append(f"SHOW RETENTION POLICIES ON {self._name(database)}")

    def alter_policy(self, database: str, policy: str, seconds: int, shard_seconds: int) -> None:
        """Have a retention policy keep points for so long; 0 is for ever."""
        policy, database = self._name(policy), self._name(database)
        self.statements.append(
            f"ALTER RETENTION POLICY {policy} ON {database} DURATION {seconds}s SHARD DURATION {shard_seconds}s"
        )

    def _source(self, measurement: str, span: tuple[int, int], where: Conditions) -> str:
        tests = [f"time >= {span[0]}", f"time < {span[1]}", *self._tests(where)]
        return f" FROM {self._name(measurement)} WHERE {' AND '.join(tests)}"

    def _tests(self, where: Conditions) -> list[str]:
        tests = []
        for tag, values in where:
            name = self._name(tag)
            tests.append(f"({' OR '.join(f'{name}::tag = {self._value(value or str())}' for value in values)})")
        return tests

    def _name(self, name: str) -> str:
        return self._bound({"identifier": name}) if _unquotable(name) else f'"{_escaped(name, chr(34))}"'

    def _value(self, value: str) -> str:
        return self._bound(value) if _unquotable(value) else f"'{_escaped(value, chr(39))}'"

    def _bound(self, value: str | dict[str, str]) -> str:
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f"${name}"


def _unquotable(text: str) -> bool:
    return "\r" in text or "\0" in text


def _escaped(text: str, quote: str) -> str:
    return text.replace("\\", "\\\\").replace(quote, "\\" + quote).replace("\n", "\\n")


def schema_of(fields: Sequence[Sequence[Any]], tags: Sequence[Sequence[Any]]) -> MeasurementSchema:
    """What the rows of `show_schema`'s two statements say."""
    kinds: dict[str, set[Kind]] = {}
    for name, kind in fields:
        kinds.setdefault(name, set()).add(Kind(kind))
    known = {name: frozenset(several) for name, several in kinds.items()}
    return MeasurementSchema(known, frozenset(name for (name,) in tags))


def read_as(kinds: frozenset[Kind]) -> Kind:
    """The one kind to read a field as that has several, each in other shards: numbers are converted to it."""
    return next(kind for kind in _PRECEDENCE if kind in kinds)


def has_influxql(query: Query, schema: MeasurementSchema) -> bool:
    """Whether InfluxQL gives exactly the windows of this query.

    It has no hopping windows, cannot count points over several fields, and wraps sums of integers.
    """
    if len(query.select) > 1 or query.window_ms != query.every_ms:
        return False
    ((field, aggregates),) = query.select
    exact = {frozenset({Kind.FLOAT}): _EXACT_OF_FLOATS, frozenset({Kind.INTEGER}): _EXACT}
    allowed = exact.get(schema.fields.get(field, frozenset()), set())
    return all(
        (aggregate.name in allowed or (aggregate.percent is not None and bool(allowed)))
        and aggregate.influxql("") is not None
        for aggregate in aggregates
    )


Group = tuple[Mapping[str, str], Sequence[Sequence[Any]]]
"""The tags of a series of an answer, and its rows."""


def windows_of(
    query: Query, columns: Sequence[Column], first_stop: int, last_stop: int, groups: Iterable[Group]
) -> list[Window]:
    """All windows of the range, ascending, from what `select_windows` found."""
    rows: dict[int, list[Row]] = {}
    points: dict[int, int] = {}
    kinds = [column.kind for column in columns[len(query.group_by) :]]
    for tags, found in groups:
        group = tuple(tags.get(tag) or None for tag in query.group_by)
        for time, count, *values in found:
            start = time // NANOSECONDS
            rows.setdefault(start, []).append((*group, *map(_cell, kinds, values)))
            points[start] = points.get(start, 0) + int(count)
    windows = []
    for stop in range(first_stop, last_stop + 1, query.every_ms):
        start, _ = query.span(stop)
        ordered = sorted(rows.get(start, ()), key=lambda row: _order(row[: len(query.group_by)]))
        windows.append(Window(start, stop, tuple(ordered), points.get(start, 0)))
    return windows


def _cell(kind: Kind | None, value: Any) -> Cell:
    if value is None or kind is not Kind.FLOAT:
        return value  # type: ignore[no-any-return]
    number = float(value)  # JSON writes 1.0 as 1
    return number if math.isfinite(number) else None


def _order(tags: Row) -> list[tuple[bool, str]]:
    return [(tag is not None, str(tag or "")) for tag in tags]
