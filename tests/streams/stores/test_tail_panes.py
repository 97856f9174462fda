"""Windows put together from panes, beside the plainest computation of the same points, however these came."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.points import INT64_MAX, INT64_MIN, Kind, Point, Unsigned
from streams.queries import Query, parse_query
from streams.stores.base import Window
from streams.stores.influxdb_read import RawPoints
from streams.stores.tail_tables import Points, Tables
from tests.contract import reference

STEP = 500
NUMBERS = ["count", "sum", "mean", "min", "max", "first", "last", "spread", "stddev", "median", "p5", "p50", "p99.9"]
SELECTS = [
    {"f": NUMBERS, "i": ["sum", "mean", "last"]},
    {"i": NUMBERS},
    {"u": NUMBERS, "f": ["first"]},
    {"b": ["min", "max", "first", "last", "count", "sum"], "s": ["first", "last", "count", "max", "sum", "p50"]},
    {"nobody": ["count", "mean"], "f": ["count"]},
    {"f": ["mode", "distinct"], "i": ["distinct"], "s": ["mode", "distinct"], "b": ["mode", "distinct"]},
    {"f": ["mode", "increase"]},  # these are asked of the points
]
QUERIES = [
    parse_query(measurement="m", select=select, every=every, window=window, group_by=group, where=where)
    for select in SELECTS
    for every, window in (("500ms", "500ms"), ("500ms", "4s"), ("1s", "3s"), ("2s", "2s"))
    for group, where in (([], {}), (["dev"], {}), (["site"], {"dev": ["a", "b"]}), (["site", "dev"], {"site": None}))
]
KINDS = {"f": Kind.FLOAT, "i": Kind.INTEGER, "u": Kind.UNSIGNED, "s": Kind.STRING, "b": Kind.BOOLEAN}
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "f": st.integers(-80, 80).map(lambda eighths: eighths / 8),
    "i": st.integers(-9, 9) | st.sampled_from([INT64_MAX, INT64_MIN]),
    "u": st.integers(0, 9).map(Unsigned) | st.just(Unsigned(2**64 - 1)),
    "s": st.sampled_from(["", "a", "b"]),
    "b": st.booleans(),
}
POINT = st.builds(
    lambda tags, at, fields: Point("m", tags, fields, at * 100_000_000),
    st.fixed_dictionaries({}, optional={"dev": st.sampled_from("abc"), "site": st.sampled_from("xy")}),
    st.integers(0, 79),
    st.fixed_dictionaries({}, optional=FIELDS).filter(bool),
)


def raw(points: Iterable[Point], start: int, stop: int) -> RawPoints:
    """What a database gives of these points."""
    inside = [point for point in reference.merged(points) if start * 10**6 <= point.time < stop * 10**6]
    fields = [field for field in KINDS if any(field in point.fields for point in inside)]
    tags = ("dev", "site")
    rows = [[p.time, *map(_plain, map(p.fields.get, fields)), *map(p.tags.get, tags)] for p in inside]
    return RawPoints("m", tuple((field, KINDS[field]) for field in fields), tags, rows, "")


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, Unsigned) else value


def check(points: Points, written: Iterable[Point], query: Query, stops: range) -> None:
    """What is answered is what the points say."""
    found, _ = points.answer(query, stops)
    expected = reference.windows(written, query, stops[0], stops[-1])
    for answered, right in zip(found, expected, strict=True):
        assert_same(answered, right, query)


def assert_same(found: Window, right: Window, query: Query) -> None:
    """A window of the query is the right one."""
    assert _without_rows(found) == _without_rows(right)
    assert len(found.rows) == len(right.rows)
    for row, wanted in zip(found.rows, right.rows, strict=True):
        assert list(map(type, row)) == list(map(type, wanted)), query
        assert all(map(_same, row, wanted)), (row, wanted, query)


def _without_rows(window: Window) -> tuple[Any, ...]:
    return window.start, window.stop, window.points, window.first, window.last


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return bool(one == other)


@given(
    st.lists(POINT, max_size=40),
    st.lists(st.tuples(POINT, st.sampled_from(QUERIES)), max_size=4),
    st.lists(st.sampled_from(QUERIES), min_size=1, max_size=6),
    st.sampled_from([STEP, 2 * STEP]),
)
def test_windows_are_what_the_points_say_before_and_after_late_ones(
    written: Sequence[Point], late: Sequence[tuple[Point, Query]], queries: Sequence[Query], step: int
) -> None:
    tables, so_far = Tables(), list(written)
    points = tables.create("m")
    points.replace((0, 8_000), raw(so_far, 0, 8_000), 4 * STEP)
    for query in queries:
        check(points, so_far, query, range(4_000, 8_001, query.every_ms))
    for point, query in late:
        so_far.append(point)
        points.prepare(queries, 8_000, lambda: False)
        start = point.time // 10**6 // step * step
        points.replace((start, start + step), raw(so_far, start, start + step), step)
        check(points, so_far, query, range(4_000, 8_001, query.every_ms))
        check(points, so_far, queries[0], range(8_000, 8_001, queries[0].every_ms))
    assert points.rows == len(reference.merged(so_far))
    points.drop_before(2_000)
    for query in queries:
        check(points, so_far, query, range(6_000, 8_001, query.every_ms))
    points.dismiss(queries[:1])
    check(points, so_far, queries[-1], range(6_000, 8_001, queries[-1].every_ms))
    points.retire()
    tables.close()


def test_one_window_is_the_same_whatever_else_was_asked() -> None:
    query = parse_query(measurement="m", select={"f": ["sum", "mean", "stddev"]}, every="500ms", window="4s")
    others = [parse_query(measurement="m", select={"f": ["sum"]}, every="500ms", window=f"{n}s") for n in range(1, 8)]
    written = [Point("m", {"dev": "a"}, {"f": 0.1 * at}, at * 100_000_000) for at in range(80)]
    answers = set()
    for some, prepared in (([], False), (others, False), (others[::-1], True), ([], True)):
        tables = Tables()
        points = tables.create("m")
        points.replace((0, 7_500), raw(written, 0, 7_500), STEP)
        if prepared:
            points.prepare([query], 8_000, lambda: False)
        points.replace((7_500, 8_000), raw(written, 7_500, 8_000), STEP)
        for other in some:
            points.answer(other, range(8_000, 8_001, STEP))
        answers.add(points.answer(query, range(8_000, 8_001, STEP))[0][0].rows)
        tables.close()
    assert len(answers) == 1
