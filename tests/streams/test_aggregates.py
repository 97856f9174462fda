"""The table of aggregates: names, kinds, and what each store is asked."""

import pytest

from streams.aggregates import TABLE, Aggregate, parse_aggregate
from streams.points import Kind

NUMBERS = {Kind.FLOAT, Kind.INTEGER, Kind.UNSIGNED}
FIELDS = [*NUMBERS, Kind.STRING, Kind.BOOLEAN]
NAMES = [name if name != "percentile" else "p95" for name in TABLE]


@pytest.mark.parametrize(
    ("text", "name", "percent"),
    [("p95", "p95", 95), ("p5", "p5", 5), ("p05", "p5", 5), ("p99.9", "p99.9", 99.9), ("p50.0", "p50", 50)],
)
def test_a_percentile_has_one_name(text: str, name: str, percent: float) -> None:
    assert parse_aggregate(text) == Aggregate(name, percent)


def test_the_least_percentile_reads_back() -> None:
    least = parse_aggregate("p0.0001")
    assert parse_aggregate(least.name) == least


@pytest.mark.parametrize(
    "text", ["", "avg", "Mean", "percentile", "p", "p0", "p00.0", "p100", "p-1", "p1e1", "p٣", "p95 ", "p0.00001"]
)
def test_an_unknown_name_is_answered_with_the_known_ones(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no aggregate; there are count sum mean .* integral and p1 to p99\.9"):
        parse_aggregate(text)


@pytest.mark.parametrize(
    ("names", "kinds"),
    [
        (["count", "distinct"], dict.fromkeys([None, *FIELDS], Kind.INTEGER)),
        (["mean", "stddev", "median", "rate", "integral"], dict.fromkeys([None, *FIELDS], Kind.FLOAT)),
        (
            ["sum", "min", "max", "first", "last", "spread", "mode", "increase", "p50"],
            {None: None} | {kind: kind for kind in FIELDS},
        ),
    ],
)
def test_a_column_has_a_kind_of_its_own_or_that_of_its_field(
    names: list[str], kinds: dict[Kind | None, Kind | None]
) -> None:
    for name in names:
        assert {field: parse_aggregate(name).kind(field) for field in kinds} == kinds


def test_every_aggregate_is_defined_for_numbers_and_some_for_more() -> None:
    defined = {name: {field for field in FIELDS if parse_aggregate(name).defined_for(field)} for name in NAMES}
    for name in ("count", "first", "last", "mode", "distinct"):
        assert defined.pop(name) == set(FIELDS)
    for name in ("min", "max"):
        assert defined.pop(name) == NUMBERS | {Kind.BOOLEAN}
    assert all(kinds == NUMBERS for kinds in defined.values())


def test_steps_within_a_series_make_three_of_them() -> None:
    assert {name for name in NAMES if parse_aggregate(name).by_series} == {"rate", "increase", "integral"}


def test_influxql_is_asked_only_for_what_it_answers_alike() -> None:
    asked = {name: parse_aggregate(name).influxql('"temp"::field') for name in [*NAMES, "p50", "p49.9", "p99.9"]}
    assert {name for name, text in asked.items() if text is None} == {"mode", "rate", "increase", "integral", "p49.9"}
    assert asked["mean"] == 'mean("temp"::field)'
    assert asked["distinct"] == 'count(distinct("temp"::field))'
    assert asked["p99.9"] == 'percentile("temp"::field, 99.9)'


def test_an_aggregate_without_meaning_for_a_kind_is_null_in_sql() -> None:
    mean = parse_aggregate("mean")
    assert mean.duckdb("v0", Kind.STRING, "0", 1_000) == "NULL"
    assert mean.fitted("a0", Kind.STRING) == "a0"
