"""One table of aggregates: what each means, which kind its column has, and how each store is asked for it.

An aggregate is of the values that one field has inside one window, over all series of a group. It is null where
the field has no values there, where its kind gives the aggregate no meaning (the mean of a string), and where the
result does not fit the column: a float beyond the largest double, an integer beyond int64, an unsigned beyond uint64.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from streams.points import Kind

_PERCENTILE = re.compile(r"p([0-9]{1,2}(?:\.[0-9]{1,4})?)")

_NUMBERS = frozenset({Kind.FLOAT, Kind.INTEGER, Kind.UNSIGNED})
_ORDERED = _NUMBERS | {Kind.BOOLEAN}
_EVERYTHING = _ORDERED | {Kind.STRING}


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One aggregate of one field: `mean`, `p95`. Equal by its canonical name."""

    name: str
    percent: float | None = None

    @property
    def definition(self) -> "Definition":
        """Its row of the table."""
        name = "percentile" if self.percent is not None else self.name
        return TABLE[name] if name in TABLE else STATES[name]

    @property
    def by_series(self) -> bool:
        """Whether it is made of the steps from one point of a series to the next, and not of values alone."""
        return "{before}" in self.definition.duckdb

    def kind(self, field: Kind | None) -> Kind | None:
        """The kind of the column, for a field of this kind; None while the field's kind is not known."""
        return self.definition.kind(field)

    def defined_for(self, field: Kind) -> bool:
        """Whether it has values for fields of this kind; where not, its column is null."""
        return field in self.definition.fields

    def duckdb(self, column: str, field: Kind, start: str, window_ms: int) -> str:
        """The SQL expression over a column of that kind, for one group of one window; `fitted` makes a cell of it.

        The rows have their `time`, in nanoseconds as is `start`, and where it is `by_series` `{column}_before` and
        `{column}_since`: value and time of the series' previous point that has the field.
        """
        if not self.defined_for(field):
            return "NULL"
        return self.definition.duckdb.format(
            v=column,
            n=f"{column}::HUGEINT" if field is not Kind.FLOAT else column,
            before=f"{column}_before",
            inside=f"{column}_since >= {start}",
            elapsed=f"((time - {column}_since) / 1e9)",
            f="f" if field is Kind.FLOAT else "",
            first_order=f"NOT {column}" if field is Kind.BOOLEAN else column,
            mode_order="NOT e.key" if field is Kind.BOOLEAN else "e.key",
            percent=f"{self.percent!r}::DOUBLE",
            seconds=f"{window_ms / 1_000!r}::DOUBLE",
        )

    def fitted(self, result: str, field: Kind) -> str:
        """The SQL of a cell: the result of `duckdb`, NULL where the column's kind cannot hold it."""
        if self.definition.fits or not self.defined_for(field):
            return result
        match self.definition.kind(field):
            case Kind.FLOAT:
                return f"CASE WHEN isfinite({result}) THEN {result} END"
            case Kind.UNSIGNED:
                return f"TRY_CAST({result} AS UBIGINT)"
            case _:
                return f"TRY_CAST({result} AS BIGINT)"

    def influxql(self, field: str) -> str | None:
        """The InfluxQL expression over a quoted field reference such as `"temp"::field`.

        None where InfluxQL gives another answer; it has to be computed from the points then. The others hold under
        GROUP BY time(…), without which first and last choose among equal times by series, and for kinds of fields
        that are `defined_for` the aggregate. One difference remains: InfluxQL wraps an integer that does not fit.
        """
        if self.percent is not None and self.percent < _LEAST_INFLUXQL_PERCENT:
            return None
        text = self.definition.influxql
        return None if text is None else text.format(field=field, percent=self.percent)


_LEAST_INFLUXQL_PERCENT = 50
"""From here on no group has a rank of 0, at which InfluxQL leaves out every group that follows."""


def parse_aggregate(text: str) -> Aggregate:
    """The aggregate of this name; ValueError names those that exist."""
    match = _PERCENTILE.fullmatch(text)
    if match is not None and float(match[1]) > 0:
        percent = float(match[1])
        return Aggregate(f"p{percent:.10g}", percent)
    if text in TABLE and text != "percentile":
        return Aggregate(text)
    names = " ".join(name for name in TABLE if name != "percentile")
    raise ValueError(f"{text!r} is no aggregate; there are {names} and p1 to p99.9")


def _same(field: Kind | None) -> Kind | None:
    return field


def _integer(_field: Kind | None) -> Kind | None:
    return Kind.INTEGER


def _float(_field: Kind | None) -> Kind | None:
    return Kind.FLOAT


class Definition(NamedTuple):
    """A row of the table."""

    meaning: str
    kind: Callable[[Kind | None], Kind | None]
    """From the field's kind to the column's."""

    fields: frozenset[Kind]
    """The kinds of fields for which it has a value."""

    duckdb: str
    """A template, see `Aggregate.duckdb`. `{n}` is the value where differences of integers cannot overflow."""

    fits: bool
    """Whether the SQL gives the column's type as it stands and never a value outside it."""

    influxql: str | None


_RISES = "{f}sum({n} - {before}) FILTER ({inside} AND {v} >= {before})"
_TIME = "{}(time) FILTER ({{v}} IS NOT NULL)"
_AREA = (
    "CASE WHEN count({v}) > 0 THEN coalesce("
    "fsum(({v}::DOUBLE + {before}::DOUBLE) / 2 * {elapsed}) FILTER ({inside}), 0) END"
)

TABLE: dict[str, Definition] = {
    "count": Definition("how many values there are", _integer, _EVERYTHING, "count({v})", True, "count({field})"),
    "sum": Definition("their sum", _same, _NUMBERS, "{f}sum({v})", False, "sum({field})"),
    "mean": Definition("their sum, divided by their count", _float, _NUMBERS, "{f}avg({v})", False, "mean({field})"),
    "min": Definition("the least; false before true", _same, _ORDERED, "min({v})", True, "min({field})"),
    "max": Definition("the greatest; false before true", _same, _ORDERED, "max({v})", True, "max({field})"),
    "first": Definition(
        "the earliest; of several at that time the greatest, of booleans false",
        _same,
        _EVERYTHING,
        "arg_max({v}, (-time, {first_order}))",
        True,
        "first({field})",
    ),
    "last": Definition(
        "the latest; of several at that time the greatest, of booleans true",
        _same,
        _EVERYTHING,
        "arg_max({v}, (time, {v}))",
        True,
        "last({field})",
    ),
    "spread": Definition(
        "the greatest minus the least", _same, _NUMBERS, "max({n}) - min({n})", False, "spread({field})"
    ),
    "stddev": Definition(
        "the standard deviation of the sample; null for a single value",
        _float,
        _NUMBERS,
        "stddev_samp({v})",
        False,
        "stddev({field})",
    ),
    "median": Definition(
        "the middle one, or the mean of the middle two",
        _float,
        _NUMBERS,
        "median({v}::DOUBLE)",
        False,
        "median({field})",
    ),
    "mode": Definition(
        "the most frequent; of several equally frequent the least, of booleans true. InfluxQL chooses by time",
        _same,
        _EVERYTHING,
        "list_sort(list_transform(map_entries(histogram({v})),"
        " lambda e: {{'rarity': -e.value::BIGINT, 'order': {mode_order}, 'value': e.key}}))[1].value",
        True,
        None,
    ),
    "distinct": Definition(
        "how many different values there are",
        _integer,
        _EVERYTHING,
        "nullif(count(DISTINCT {v}), 0)",
        True,
        "count(distinct({field}))",
    ),
    "rate": Definition(
        "`increase` for each second of the window",
        _float,
        _NUMBERS,
        _RISES + " / {seconds}",
        False,
        None,
    ),
    "increase": Definition(
        "the sum of the rises from each point of a series to its next inside the window. A fall adds nothing, and"
        " neither does the value that a counter has after its reset; null where nothing but falls is known",
        _same,
        _NUMBERS,
        _RISES,
        False,
        None,
    ),
    "integral": Definition(
        "the area under each series, in value times seconds: trapezoids between its points inside the window",
        _float,
        _NUMBERS,
        _AREA,
        False,
        None,
    ),
    "percentile": Definition(
        "the value at rank floor(n·NN/100 + 0.5) of the sorted ones, counted from 1; null at rank 0",
        _same,
        _NUMBERS,
        "list_sort(list({v}) FILTER ({v} IS NOT NULL))"
        "[floor(count({v}) * {percent} / 100::DOUBLE + 0.5::DOUBLE)::BIGINT]",
        True,
        "percentile({field}, {percent})",
    ),
}
"""Every aggregate; `percentile` is the one behind `pNN`."""

STATES: dict[str, Definition] = {
    "total": Definition("`sum`, however large", _same, _NUMBERS, "{f}sum({n})", True, "sum({field})"),
    "rises": Definition("`increase`, however large", _same, _NUMBERS, _RISES, True, None),
    "area": Definition("`integral`, however large", _float, _NUMBERS, _AREA, True, None),
    "first_time": Definition("when the first was, nanoseconds", _integer, _EVERYTHING, _TIME.format("min"), True, None),
    "last_time": Definition("when the last was, nanoseconds", _integer, _EVERYTHING, _TIME.format("max"), True, None),
    "values": Definition("how many there are of each value, a map", _same, _EVERYTHING, "histogram({v})", True, None),
}
"""What nobody can ask for, and long windows are put together from (`streams.partials`)."""
