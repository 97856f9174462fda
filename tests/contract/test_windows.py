"""The windows that every store must answer, known ones and random ones."""

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.points import NANOSECONDS, Point, Unsigned, Value
from streams.stores.base import Store, Window
from tests.contract.asking import SECOND, T0, ask, compare, point, query, rows, write

pytestmark = pytest.mark.anyio

NAMES = "count sum mean min max first last spread stddev median mode distinct rate increase integral"
EVERY = [*NAMES.split(), "p0.5", "p10", "p50", "p90", "p99.9"]


async def test_a_window_has_its_start_and_not_its_stop_to_the_nanosecond(store: Store) -> None:
    start, stop = T0 * SECOND, (T0 + 1) * SECOND
    await write(
        store, *(Point("weather", {}, {"temp": float(at)}, at) for at in (start - 1, start, stop - 1, stop, stop + 1))
    )
    asked = query({"temp": ["count", "first", "last"]})
    assert await rows(store, asked, 1) == ((2, float(start), float(stop - 1)),)
    assert await rows(store, asked, 0) == ((1, float(start - 1), float(start - 1)),)


async def test_windows_without_points_are_there_and_empty(store: Store) -> None:
    await write(store, point(1.5, temp=1.0))
    first = T0 * 1_000
    answered = await ask(store, query({"temp": ["count"]}), 1, 4)
    assert [(window.start, window.stop) for window in answered] == [
        (first + 1_000 * n, first + 1_000 * (n + 1)) for n in range(4)
    ]
    assert [window.rows for window in answered] == [(), ((1,),), (), ()]
    assert answered[0] == Window(first, first + 1_000, (), 0)
    assert [window.points for window in answered] == [0, 1, 0, 0]


async def test_hopping_windows_overlap(store: Store) -> None:
    await write(store, *(point(at, temp=float(at)) for at in range(10)))
    asked = query({"temp": ["count", "sum"]}, window="3s", every="1s")
    answered = await ask(store, asked, 1, 12)
    sums = [sum(range(max(0, stop - 3), min(10, stop))) for stop in range(1, 13)]
    assert [window.rows[0][1] for window in answered] == sums
    assert [window.stop - window.start for window in answered] == [3_000] * 12


async def test_one_hopping_window_is_the_same_alone_and_among_others(store: Store) -> None:
    await write(store, *(point(at / 4, {"dev": "ab"[at % 2]}, temp=at % 7) for at in range(20)))
    asked = query({"temp": EVERY}, window="2s", every="500ms", group_by=["dev"])
    together = await ask(store, asked, 1, 6)
    alone = [(await ask(store, asked, 1 + step / 2))[0] for step in range(11)]
    assert together == alone


async def test_windows_of_a_tenth_of_a_second(store: Store) -> None:
    await write(store, *(point(at / 20, temp=at) for at in range(8)))
    answered = await ask(store, query({"temp": ["first", "last"]}, every="100ms"), 0.1, 0.4)
    assert [window.rows for window in answered] == [((0, 1),), ((2, 3),), ((4, 5),), ((6, 7),)]


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ({}, "abcn"),
        ({"dev": "a"}, "a"),
        ({"dev": ["a", "b"]}, "ab"),
        ({"dev": None}, "n"),
        ({"dev": [None, "c"]}, "cn"),
        ({"dev": "nobody"}, ""),
        ({"dev": ["a", "b"], "site": "s1"}, "a"),
        ({"dev": "it's"}, ""),
        ({"unknown": None}, "abcn"),
        ({"unknown": [None, "x"], "dev": "b"}, "b"),
        ({"unknown": "x"}, ""),
    ],
    ids=str,
)
async def test_where_keeps_the_series_with_these_values(store: Store, where: dict[str, Any], kept: str) -> None:
    series = {"a": {"dev": "a", "site": "s1"}, "b": {"dev": "b", "site": "s2"}, "c": {"dev": "c"}, "n": {"site": "s1"}}
    await write(store, *(point(0.5, tags, temp=float(ord(name))) for name, tags in series.items()))
    answered = await rows(store, query({"temp": ["count", "sum"]}, where=where), 1)
    assert answered == (((len(kept), float(sum(map(ord, kept)))),) if kept else ())


async def test_rows_are_sorted_by_their_tags_with_missing_ones_first(store: Store) -> None:
    tags = [{"dev": "b", "site": "s1"}, {"dev": "a", "site": "s2"}, {"dev": "a"}, {"site": "s1"}, {}, {"dev": "B"}]
    await write(store, *(point(0.5, chosen, temp=float(number)) for number, chosen in enumerate(tags)))
    assert await rows(store, query({"temp": ["last"]}, group_by=["dev", "site"]), 1) == (
        (None, None, 4.0),
        (None, "s1", 3.0),
        ("B", None, 5.0),
        ("a", None, 2.0),
        ("a", "s2", 1.0),
        ("b", "s1", 0.0),
    )


async def test_columns_come_in_the_order_asked_for(store: Store) -> None:
    await write(store, point(0.5, {"dev": "a", "site": "s"}, b=1, a=2.0))
    asked = query({"b": ["max", "count"], "a": ["last"]}, group_by=["site", "dev"])
    assert await rows(store, asked, 1) == (("s", "a", 1, 1, 2.0),)


async def test_a_field_without_points_in_a_row_counts_0_and_is_null_otherwise(store: Store) -> None:
    await write(store, point(0.5, {"dev": "a"}, temp=1.0), point(1.5, {"dev": "a"}, hum=1))
    (row,) = await rows(store, query({"temp": ["last"], "hum": EVERY, "unknown": EVERY}), 1)
    assert row == (1.0, 0, *[None] * (len(EVERY) - 1), 0, *[None] * (len(EVERY) - 1))


async def test_a_group_with_points_of_other_fields_alone_has_no_row(store: Store) -> None:
    await write(store, point(0.5, {"dev": "a"}, temp=1.0), point(0.5, {"dev": "b"}, hum=1))
    (window,) = await ask(store, query({"temp": ["count"]}, group_by=["dev"]), 1)
    assert (window.rows, window.points) == ((("a", 1),), 1)


async def test_what_nobody_has_written_is_empty_and_no_error(store: Store) -> None:
    await write(store, point(0.5, temp=1.0))
    for asked in (query({"v": ["count"]}, "unknown"), query({"unknown": ["count"]})):
        assert [window.rows for window in await ask(store, asked, 0, 2)] == [(), (), ()]
    assert await rows(store, query({"temp": ["count"]}, group_by=["unknown"]), 1) == ((None, 1),)


async def test_an_answer_says_how_it_was_found_and_of_which_points(store: Store) -> None:
    await write(store, point(0.25, {"dev": "a"}, temp=1.0), point(0.5, hum=1), point(0.75, {"dev": "b"}, temp=2.0))
    answer = await store.answer(query({"temp": ["count"]}, group_by=["dev"]), (T0 + 1) * 1_000, (T0 + 1) * 1_000)
    assert answer.way in {"tail", "influxql", "partials", "duckdb"}
    assert "SELECT" in answer.query
    assert answer.query_ms >= 0
    assert answer.windows[0].points == 2
    assert answer.windows[0].first in (None, T0 * 1_000 + 250)
    assert answer.windows[0].last in (None, T0 * 1_000 + 750)


async def test_at_equal_times_first_and_last_take_the_greatest(store: Store) -> None:
    values = {"a": (1.0, 5, "x", True), "b": (2.0, -7, "y", False), "c": (1.5, 3, "xa", True)}
    points = [point(0.5, {"dev": dev}, f=f, i=i, s=s, b=b) for dev, (f, i, s, b) in values.items()]
    await write(store, *points)
    ends = ["first", "last"]
    answered = await rows(store, query({"f": ends, "i": ends, "s": ends, "b": ends}), 1)
    assert answered == ((2.0, 2.0, 5, 5, "y", "y", False, True),)


async def test_a_counter_rises_by_series_and_a_reset_adds_nothing(store: Store) -> None:
    counts = {"a": [10, 15, 2, 4], "b": [100, 100, 130, 131]}
    points = [point(at / 4, {"dev": dev}, n=n) for dev, ns in counts.items() for at, n in enumerate(ns)]
    await write(store, *points, point(-0.5, {"dev": "a"}, n=1), point(1, {"dev": "a"}, n=50))
    asked = query({"n": ["increase", "rate"]}, group_by=["dev"])
    assert await rows(store, asked, 1) == (("a", 7, 7.0), ("b", 31, 31.0))
    assert await rows(store, query({"n": ["increase"]}), 1) == ((38,),)
    assert await rows(store, query({"n": ["rate"]}, every="2s"), 2) == (((38 + 46) / 2,),)


async def test_a_rank_of_0_is_null_and_the_other_groups_stay(store: Store) -> None:
    await write(store, point(0.1, {"dev": "a"}, v=1), *(point(at / 10, {"dev": "b"}, v=at) for at in range(10)))
    assert await rows(store, query({"v": ["p10", "p49", "p50"]}, group_by=["dev"]), 1) == (
        ("a", None, None, 1),
        ("b", 0, 4, 4),
    )


async def test_sums_and_spreads_that_overflow_a_double_are_null(store: Store) -> None:
    points = [point(at / 10, v=value) for at, value in enumerate((1.7e308, 1.7e308, -1.7e308))]
    await write(store, *points)
    asked = query({"v": ["count", "sum", "mean", "spread", "max", "median"]})
    assert await rows(store, asked, 1) == ((3, None, None, None, 1.7e308, 1.7e308),)


numbers = itertools.count()

EVENT_TIMES = st.builds(
    lambda quarter, off: T0 * SECOND + quarter * 250 * NANOSECONDS + off,
    st.integers(-4, 24),
    st.sampled_from([0, 0, 0, -1, 1, 123_456_789]),
)
TAGS = st.fixed_dictionaries(
    {}, optional={"dev": st.sampled_from(["a", "b", "it's"]), "site": st.sampled_from(["s1", "ü"])}
)
FIELDS = {
    "f": st.integers(-8_000, 8_000).map(lambda eighths: eighths / 8) | st.sampled_from([0.0, 1.5]),
    "i": st.integers(-(10**12), 10**12) | st.integers(-2, 2),
    "s": st.text('aZé\n" ', max_size=2),
    "b": st.booleans(),
    "u": st.integers(0, 2**60).map(Unsigned) | st.sampled_from([Unsigned(3), Unsigned(4)]),
}
SOME_FIELDS = st.fixed_dictionaries({}, optional=FIELDS).filter(bool)
BATCHES = st.lists(st.lists(st.tuples(TAGS, SOME_FIELDS, EVENT_TIMES), min_size=1, max_size=25), min_size=1, max_size=3)
QUERIES = st.fixed_dictionaries(
    {
        "windows": st.sampled_from([("1s", "1s"), ("2s", "1s"), ("500ms", "500ms"), ("5s", "500ms")]),
        "aggregates": st.lists(st.sampled_from(EVERY), min_size=1, max_size=4, unique=True),
    },
    optional={
        "group_by": st.sampled_from([["dev"], ["site", "dev"], ["unknown"]]),
        "where": st.sampled_from([{"dev": "a"}, {"dev": ["a", None]}, {"site": ["s1", "ü"], "dev": ["b", "it's"]}]),
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=BATCHES, asked=QUERIES)
async def test_random_points_give_the_windows_of_the_reference(
    store: Store, unsigned: bool, batches: list[list[tuple[Any, ...]]], asked: dict[str, Any]
) -> None:
    measurement = f"random-{next(numbers)}"
    fields = [name for name in FIELDS if unsigned or name != "u"]
    written = [
        [Point(measurement, tags, _of(values, fields) or {"b": True}, at) for tags, values, at in batch]
        for batch in batches
    ]
    for points in written:
        await write(store, *points)
    select = dict.fromkeys(fields, asked["aggregates"])
    window, every = asked["windows"]
    conditions = {name: asked[name] for name in ("group_by", "where") if name in asked}
    settled = query(select, measurement, window=window, every=every, **conditions)
    await compare(store, itertools.chain(*written), settled, -1, 7)


def _of(values: dict[str, Value], fields: list[str]) -> dict[str, Value]:
    return {name: value for name, value in values.items() if name in fields}
