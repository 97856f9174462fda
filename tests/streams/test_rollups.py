"""Rollups: rows become points, and points rows again, with nothing lost."""

import dataclasses
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.aggregates import parse_aggregate
from streams.points import NANOSECONDS, Kind, Point, Unsigned
from streams.queries import Query, parse_query, refine
from streams.rollups import NO_VALUE, Rollup, field_name, field_names, read_back_stop, windows_back
from streams.stores.base import Answer, Row, Window

STREAM = parse_query(
    measurement="weather",
    select={"temp": ["mean", "p99.9"], "rain": ["sum"]},
    where={"site": ["s1", "s2"]},
    group_by=["site", "dev"],
    every="10s",
    window="1m",
)
ROLLUP = Rollup("w", STREAM, "weather_1m", after_ms=0)
COLUMNS = STREAM.columns({"temp": Kind.FLOAT, "rain": Kind.UNSIGNED})


def points(*rows: Row) -> list[Point]:
    return ROLLUP.points(60_000, rows, COLUMNS)


def test_a_row_is_a_point_at_the_start_of_its_window() -> None:
    [point] = points(("s1", "a", 21.5, 30.0, 7))
    assert point == Point(
        "weather_1m",
        {"site": "s1", "dev": "a"},
        {"temp_mean": 21.5, "temp_p99_9": 30.0, "rain_sum": 7},
        60_000 * NANOSECONDS,
    )
    assert type(point.fields["rain_sum"]) is Unsigned


def test_what_is_null_is_no_tag_and_no_field() -> None:
    [point] = points((None, "a", None, 30.0, None))
    assert (point.tags, point.fields) == ({"dev": "a"}, {"temp_p99_9": 30.0})


def test_a_row_of_nulls_is_a_point_all_the_same() -> None:
    assert [point.fields for point in points(("s1", "a", None, None, None))] == [{NO_VALUE: True}]


def test_a_window_without_rows_has_no_points() -> None:
    assert points() == []


def test_every_field_has_a_name_of_its_own() -> None:
    fields, aggregates = ["x", "x_p99", "x_mean", "x_p99_9", "no"], ["mean", "p99", "p99.9", "p9", "count"]
    names = [field_name(field, parse_aggregate(name)) for field in fields for name in aggregates]
    assert len({*names, NO_VALUE}) == len(names) + 1


@pytest.mark.parametrize(
    "query",
    [
        STREAM,
        refine(STREAM, {"site": "s1"}),
        refine(STREAM, {"dev": ["a", None]}),
        dataclasses.replace(STREAM, grace_ms=0),
        dataclasses.replace(STREAM, select=STREAM.select[::-1]),
    ],
)
def test_these_are_read_back(query: Query) -> None:
    back = ROLLUP.read_back(query)
    assert back is not None
    assert (back.measurement, back.group_by) == ("weather_1m", ("site", "dev"))
    assert list(back.fields) == [*field_names(query), NO_VALUE]
    assert (back.window_ms, back.every_ms) == (10_000, 10_000)
    assert back.where == query.where


@pytest.mark.parametrize(
    "query",
    [
        dataclasses.replace(STREAM, where=()),
        refine(STREAM, {"room": "r1"}),
        dataclasses.replace(STREAM, where=(("site", ("s1", "s3")),)),
        dataclasses.replace(STREAM, select=STREAM.select[1:]),
        dataclasses.replace(STREAM, group_by=("site",)),
        dataclasses.replace(STREAM, group_by=("dev", "site")),
        dataclasses.replace(STREAM, window_ms=10_000),
        dataclasses.replace(STREAM, every_ms=60_000),
        dataclasses.replace(STREAM, measurement="other"),
        dataclasses.replace(STREAM, select=(("temp", (parse_aggregate("max"),)),)),
    ],
)
def test_these_are_not(query: Query) -> None:
    assert ROLLUP.read_back(query) is None


def test_a_condition_on_a_tag_that_no_row_has_was_met_when_it_was_written() -> None:
    stream = dataclasses.replace(STREAM, group_by=("dev",))
    back = Rollup("w", stream, "target").read_back(stream)
    assert back is not None
    assert back.where == ()


cells = st.tuples(
    st.sampled_from([None, "s1", "s2"]),
    st.sampled_from([None, "a", "b"]),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.none() | st.integers(0, 2**64 - 1),
)


@given(st.lists(cells, unique_by=lambda row: row[:2]))
def test_rows_come_back_as_they_were(rows: list[Row]) -> None:
    back = ROLLUP.read_back(STREAM)
    assert back is not None
    stop = 120_000
    written = ROLLUP.points(stop - STREAM.window_ms, rows, COLUMNS)
    window = _as_stored(back, read_back_stop(STREAM, stop), written)
    [read] = windows_back(STREAM, Answer([window], "", "", 0))
    assert (read.start, read.stop) == STREAM.span(stop)
    assert list(read.rows) == rows


def _as_stored(query: Query, stop: int, written: Sequence[Point]) -> Window:
    """A store's answer: of these points, each the only one of its series."""
    start = stop - query.window_ms
    inside = [point for point in written if start * NANOSECONDS <= point.time < stop * NANOSECONDS]
    rows = [
        (*(point.tags.get(tag) for tag in query.group_by), *(point.fields.get(name) for name in query.fields))
        for point in inside
    ]
    return Window(start, stop, tuple(rows), len(inside))
