"""Each aggregate out of DuckDB and out of InfluxQL, on the same random points; whatever may differ has a name here."""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.aggregates import TABLE, Aggregate, parse_aggregate
from streams.formats.line import encode_line
from streams.points import INT64_MAX, INT64_MIN, NANOSECONDS, Kind, Point, Unsigned, kind_of
from streams.stores.base import Cell
from streams.stores.duckdb import DuckDBStore
from tests.contract import reference
from tests.contract.asking import SECOND, T0, query, write
from tests.servers.influxdb import InfluxDB2

pytestmark = pytest.mark.anyio

WINDOW_S = 4
NAMES = [name for name in TABLE if name != "percentile"] + ["p5", "p50", "p90", "p99.9"]
BY_SERIES = {
    "increase": "non_negative_difference({field})",
    "rate": "non_negative_difference({field})",
    "integral": "integral({field}, 1s)",
}
"""In InfluxQL these are of one series, so they are added up."""
ONLY_HERE = {
    # These InfluxQL has too, but the hub never asks it for them, as the table says.
    "mode": "mode({field})",
    **{name: "percentile({field}, " + name[1:] + ")" for name in NAMES if name[1:2].isdigit()},
}

ADDS = {"mean", "sum", "stddev", "median", "integral", "increase", "rate", "spread"}


class Case:
    """One aggregate of one field, whose values in the window these are, of each series in order of time."""

    def __init__(self, aggregate: Aggregate, series: reference.Group) -> None:
        self.aggregate = aggregate
        self.values = [value for samples in series for _, value in samples]
        self.kind = kind_of(self.values[0])
        self.numbers = [] if self.kind in (Kind.STRING, Kind.BOOLEAN) else [float(value) for value in self.values]


def last_digits(case: Case, ours: Cell, theirs: Cell) -> bool:
    """Sums of floats depend on their order: each step may lose a last digit of the largest value there is."""
    if not (isinstance(ours, float) and isinstance(theirs, float | int)):
        return False
    scale = sum(map(abs, case.numbers)) * WINDOW_S
    return math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=min(scale, 1e308) * 1e-9)


def too_large_for_a_double(case: Case, ours: Cell, theirs: Cell) -> bool:
    """Beyond the largest double InfluxQL has an infinity, or no number, or nothing; the hub has null."""
    large = max(map(abs, case.numbers), default=0) > 1e150
    return ours is None and large and (theirs is None or not math.isfinite(float(theirs)))


def too_large_on_the_way(case: Case, ours: Cell, theirs: Cell) -> bool:
    """A sum, or a square, on the way to a result that would fit may not fit itself; there is no result then."""
    if not case.numbers or case.aggregate.name not in ADDS:
        return False
    largest = max(map(abs, case.numbers))
    added = largest * largest if case.aggregate.name == "stddev" else largest
    missing = ours is None or theirs is None or not math.isfinite(float(theirs))
    return missing and not math.isfinite(2 * added * len(case.numbers) * WINDOW_S)


def wrapped(case: Case, ours: Cell, _theirs: Cell) -> bool:
    """An integer that does not fit wraps there; the hub has null, or the right value."""
    summed = {"sum", "spread", "increase", "rate"} if ours is None else {"mean", "median", "increase", "rate"}
    integers = case.kind in (Kind.INTEGER, Kind.UNSIGNED)
    return integers and case.aggregate.name in summed and sum(map(abs, case.numbers)) > INT64_MAX


def rounded_integers(case: Case, ours: Cell, theirs: Cell) -> bool:
    """Large integers become floats before they are averaged there, and are added exactly here."""
    return (
        case.kind in (Kind.INTEGER, Kind.UNSIGNED)
        and isinstance(ours, float)
        and theirs is not None
        and math.isclose(ours, float(theirs), rel_tol=1e-9, abs_tol=max(map(abs, case.numbers)) * 1e-9)
    )


def another_of_equally_frequent(case: Case, ours: Cell, theirs: Cell) -> bool:
    """Of several equally frequent values InfluxQL chooses by time, the hub the least, of booleans true."""
    counts = Counter(case.values)
    return case.aggregate.name == "mode" and counts[ours] == counts[theirs]


def rank_of_none(case: Case, ours: Cell, theirs: Cell) -> bool:
    """At rank 0 there is no value; InfluxQL says nothing, the hub null."""
    return ours is None and theirs is None and case.aggregate.percent is not None


def single_value(case: Case, ours: Cell, theirs: Cell) -> bool:
    """Of one value the deviation is unknown, which InfluxQL says as null or, in some versions, as 0."""
    return case.aggregate.name == "stddev" and len(case.values) == 1 and ours is None and not theirs


def no_meaning(case: Case, ours: Cell, theirs: Cell) -> bool:
    """Where a kind gives an aggregate no meaning InfluxQL refuses the query or says nothing, the hub says null."""
    return ours is None and theirs is None and not case.aggregate.defined_for(case.kind)


def area_of_one_point(case: Case, ours: Cell, theirs: Cell) -> bool:
    """A series of one point has no area: 0 here, nothing there."""
    return case.aggregate.name == "integral" and ours == 0 and theirs is None


PERMITTED: list[Callable[[Case, Cell, Cell], bool]] = [
    last_digits,
    too_large_for_a_double,
    too_large_on_the_way,
    wrapped,
    rounded_integers,
    another_of_equally_frequent,
    rank_of_none,
    single_value,
    no_meaning,
    area_of_one_point,
]

TIMES = st.builds(
    lambda step, off: T0 * SECOND + step * 250 * NANOSECONDS + off, st.integers(0, 15), st.sampled_from([0, 0, 1, 7])
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "f": st.integers(-800, 800).map(lambda eighths: eighths / 8)
    | st.sampled_from([0.0, 1.5, -1.5, 1e300, -1e300, 1.7e308, 5e-324, 1e-12, 123456.789]),
    "i": st.integers(-9, 9) | st.sampled_from([INT64_MAX, INT64_MIN, 2**53 + 1, 10**12]),
    "u": st.integers(0, 9).map(Unsigned) | st.just(Unsigned(2**60)),
    "s": st.sampled_from(["", "a", "b", "é", "ab"]),
    "b": st.booleans(),
}
POINTS = st.lists(
    st.tuples(st.sampled_from("abc"), TIMES, st.fixed_dictionaries({}, optional=FIELDS).filter(bool)), max_size=30
)
numbers = itertools.count()


@pytest.mark.parametrize("field", FIELDS)
@settings(max_examples=max(10, settings().max_examples // 2))
@given(drawn=POINTS)
async def test_every_aggregate_is_the_same_out_of_both(
    influxdb2: InfluxDB2, bucket: str, field: str, drawn: Sequence[tuple[str, int, dict[str, Any]]]
) -> None:
    measurement = f"m{next(numbers)}"
    points = [Point(measurement, {"dev": dev}, fields, at) for dev, at, fields in drawn]
    values = [point for point in reference.merged(points) if field in point.fields]
    if not values:
        return
    store = DuckDBStore(None)
    await store.open()
    await write(store, *points)
    influxdb2.write(bucket, b"\n".join(map(encode_line, points)))
    aggregates = [parse_aggregate(name) for name in NAMES]
    asked = query({field: NAMES}, measurement, every=f"{WINDOW_S}s")
    stop = (T0 + WINDOW_S) * 1_000
    [window] = (await store.answer(asked, stop, stop)).windows
    await store.close()
    series = [
        [(point.time, point.fields[field]) for point in values if point.tags["dev"] == dev]
        for dev in sorted({point.tags["dev"] for point in values})
    ]
    answers = influxql(influxdb2, bucket, measurement, field, aggregates)
    for aggregate, ours, theirs in zip(aggregates, window.rows[0], answers, strict=True):
        case = Case(aggregate, series)
        same = ours == theirs and isinstance(ours, bool) == isinstance(theirs, bool)
        allowed = [permitted.__name__ for permitted in PERMITTED if permitted(case, ours, theirs)]
        assert same or allowed, (aggregate.name, field, ours, theirs, series)


def influxql(
    server: InfluxDB2, bucket: str, measurement: str, field: str, aggregates: Sequence[Aggregate]
) -> list[Any]:
    """What InfluxQL has for each aggregate of the window, None where it has nothing."""
    texts = [text_of(aggregate, measurement, field) for aggregate in aggregates]
    try:
        results = server.results(bucket, ";".join(texts))
    except AssertionError:
        results = []
    if len(results) < len(texts) or any("error" in result for result in results):
        found = [alone(server, bucket, text) for text in texts]
    else:
        found = [result.get("series", []) for result in results]
    values = [series[0]["values"][0][1] if series else None for series in found]
    return [
        value / WINDOW_S if aggregate.name == "rate" and value is not None else value
        for aggregate, value in zip(aggregates, values, strict=True)
    ]


def alone(server: InfluxDB2, bucket: str, text: str) -> list[dict[str, Any]]:
    """The series of one statement; none where it is refused."""
    try:
        return server.query(bucket, text)
    except AssertionError:
        return []


def text_of(aggregate: Aggregate, measurement: str, field: str) -> str:
    """The statement that asks for the aggregate of the window."""
    reference_to = f'"{field}"::field'
    where = f"WHERE time >= {T0}s AND time < {T0 + WINDOW_S}s"
    source = f'"{measurement}" {where}'
    if aggregate.name in BY_SERIES:
        of_series = BY_SERIES[aggregate.name].format(field=reference_to)
        return (
            f"SELECT sum(v) FROM (SELECT {of_series} AS v FROM {source} GROUP BY *) {where} GROUP BY time({WINDOW_S}s)"
        )
    template = aggregate.influxql(reference_to) or ONLY_HERE[aggregate.name].format(field=reference_to)
    return f"SELECT {template} FROM {source} GROUP BY time({WINDOW_S}s)"


@pytest.fixture(scope="module")
def bucket(influxdb2: InfluxDB2) -> str:
    return influxdb2.new_bucket()
