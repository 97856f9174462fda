"""Rollups: a stream's final windows as points of a target measurement, and back again. Pure.

A window's row becomes one point: its time is the window's start, its tags the row's, and each cell is a field named
after column and aggregate, `temp_mean`; of `p99.9` the point becomes an underscore, `temp_p99_9`. A null cell is no
field, as no point can hold one. A row of nulls alone has the field `no_value` instead, so that it is not lost.

Writing a window again changes nothing, and writing its correction replaces its fields. What a correction cannot do is
to take a field or a row away. Points that arrive never ask for it but where a sum outgrows its type, and then the last
value that fitted stays; a row whose points were deleted from the database, or have expired there, stays too, which is
what a rollup is for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from streams.aggregates import Aggregate, parse_aggregate
from streams.errors import QueryInvalid
from streams.points import NANOSECONDS, Kind, Point, Unsigned, Value
from streams.queries import Column, Query
from streams.stores.base import Answer, Row, Window

NO_VALUE = "no_value"
"""The field of a row that has no value: no aggregate is called `value`, so no cell's field has this name."""

_LAST = (parse_aggregate("last"),)


@dataclass(frozen=True, slots=True)
class Rollup:
    """What becomes of a stream's final windows.

    They are written to `measurement`, in another bucket where one is named. History older than `after_ms`
    milliseconds is read from there; without it, never.
    """

    stream: str
    query: Query
    measurement: str
    bucket: str | None = None
    after_ms: int | None = None

    @property
    def into(self) -> str:
        """The target as the definition spells it."""
        return self.measurement if self.bucket is None else f"{self.bucket}/{self.measurement}"

    def points(self, start: int, rows: Sequence[Row], columns: Sequence[Column]) -> list[Point]:
        """The points of a window that starts then, milliseconds; `columns` are the query's, with their kinds."""
        return [self._point(start, row, columns) for row in rows]

    def read_back(self, query: Query) -> Query | None:
        """The query whose windows at the target are the given one's; None where the target has not exactly those.

        It may have conditions of its own on the tags that the rows have. With fewer columns it might have fewer rows.
        """
        if not self._has_columns(query) or not self._has_conditions(query):
            return None
        return Query(
            self.measurement,
            (*((name, _LAST) for name in field_names(query)), (NO_VALUE, _LAST)),
            tuple((tag, values) for tag, values in query.where if tag in query.group_by),
            query.group_by,
            query.every_ms,
            query.every_ms,
            query.grace_ms,
        )

    def _point(self, start: int, row: Row, columns: Sequence[Column]) -> Point:
        tags: dict[str, str] = {}
        fields: dict[str, Value] = {}
        for column, cell in zip(columns, row, strict=True):
            if cell is None:
                continue
            if column.aggregate is None:
                tags[column.field] = str(cell)
            else:
                fields[field_name(column.field, column.aggregate)] = _value(column.kind, cell)
        return Point(self.measurement, tags, fields or {NO_VALUE: True}, start * NANOSECONDS)

    def _has_columns(self, query: Query) -> bool:
        mine = self.query
        return (
            (query.measurement, query.group_by) == (mine.measurement, mine.group_by)
            and (query.window_ms, query.every_ms) == (mine.window_ms, mine.every_ms)
            and set(field_names(query)) == set(field_names(mine))
        )

    def _has_conditions(self, query: Query) -> bool:
        wanted, written = dict(query.where), dict(self.query.where)
        for tag in wanted.keys() | written.keys():
            if wanted.get(tag) == written.get(tag):
                continue
            narrower = tag in wanted and set(wanted[tag]) <= set(written.get(tag, wanted[tag]))
            if not narrower or tag not in query.group_by:
                return False
        return True


def field_name(field: str, aggregate: Aggregate) -> str:
    """What a cell's field is called at the target."""
    return f"{field}_{aggregate.name.replace('.', '_')}"


def field_names(query: Query) -> list[str]:
    """The target's fields for each column of a query that is no tag, in order."""
    return [field_name(field, aggregate) for field, aggregates in query.select for aggregate in aggregates]


def read_back_stop(query: Query, stop: int) -> int:
    """Where the window of the target stops that has the row of the query's window that stops then."""
    return stop - query.window_ms + query.every_ms


def windows_back(query: Query, answer: Answer) -> list[Window]:
    """The query's windows, from the target's answer to `read_back`; their `points` are how many rows were read."""
    return [_window_back(query, window) for window in answer.windows]


def parse_into(text: object, measurement: str) -> tuple[str | None, str]:
    """The bucket, if one is named, and the measurement of an `into`; QueryInvalid.

    The measurement is what follows the last `/`: a bucket of InfluxDB 1.x may be `DATABASE/POLICY`.
    """
    if not isinstance(text, str):
        raise QueryInvalid(f"into: expected MEASUREMENT or BUCKET/MEASUREMENT, not {text!r}")
    bucket, slash, target = text.rpartition("/")
    if not target or (slash and not bucket.strip("/")):
        raise QueryInvalid(f"into: expected MEASUREMENT or BUCKET/MEASUREMENT, not {text!r}")
    if not bucket and target == measurement:
        raise QueryInvalid(f"into: {target!r} is what the stream reads; name another measurement")
    return bucket or None, target


def _window_back(query: Query, window: Window) -> Window:
    rows = tuple(row[:-1] for row in window.rows)
    return Window(window.start, window.start + query.window_ms, rows, window.points)


def _value(kind: Kind | None, cell: Value) -> Value:
    return Unsigned(cell) if kind is Kind.UNSIGNED else cell
