"""A stream's windows, written to a target and read back there: the same windows, on each store."""

import dataclasses

import pytest

from streams.formats.line import batch_of
from streams.points import UINT64_MAX, Point, Unsigned
from streams.queries import Query, refine
from streams.rollups import Rollup, read_back_stop, windows_back
from streams.stores.base import Store, Window
from tests.contract.asking import T0, point, query, write

pytestmark = pytest.mark.anyio

EVERYTHING = ["count", "sum", "mean", "min", "max", "first", "last", "spread", "stddev", "median", "mode", "distinct"]
STREAM = query(
    {"temp": [*EVERYTHING, "rate", "increase", "integral", "p50", "p99.9"], "on": ["last"], "text": ["first", "count"]},
    group_by=["site", "dev"],
    window="2s",
    every="1s",
)
ROLLUP = Rollup("s", STREAM, "weather, rolled up")
POINTS = [
    point(0.5, {"site": "s1", "dev": "a"}, temp=20.5, on=True, text="é\n"),
    point(1.5, {"site": "s1", "dev": "a"}, temp=21.0),
    point(1.7, {"site": "s1"}, temp=-3.0, text=""),
    point(2.5, {"dev": "b c"}, on=False),
    point(3.5, {"dev": "b c"}, other=1.0),
    point(4.5, temp=1e300),
]


async def windows(store: Store, asked: Query, first: float, last: float) -> list[Window]:
    return (await store.answer(asked, round((T0 + first) * 1_000), round((T0 + last) * 1_000))).windows


async def roll_up(store: Store, rollup: Rollup, first: float, last: float) -> None:
    schema = await store.schema(rollup.query.measurement)
    columns = rollup.query.columns({name: next(iter(kinds)) for name, kinds in schema.fields.items()})
    points: list[Point] = []
    for window in await windows(store, rollup.query, first, last):
        points += rollup.points(window.start, window.rows, columns)
    if points:
        await store.write(batch_of(points, range(len(points))))


async def read_back(store: Store, rollup: Rollup, asked: Query, first: float, last: float) -> list[Window]:
    back = rollup.read_back(asked)
    assert back is not None
    stops = [read_back_stop(asked, round((T0 + stop) * 1_000)) for stop in (first, last)]
    return windows_back(asked, await store.answer(back, *stops))


def told(found: list[Window]) -> list[tuple[object, ...]]:
    return [(window.start, window.stop, window.rows) for window in found]


async def test_what_is_read_back_is_what_was_written(store: Store) -> None:
    await write(store, *POINTS)
    await roll_up(store, ROLLUP, 1, 7)
    assert told(await read_back(store, ROLLUP, STREAM, 1, 7)) == told(await windows(store, STREAM, 1, 7))


async def test_a_part_of_a_stream_is_read_back(store: Store) -> None:
    await write(store, *POINTS)
    await roll_up(store, ROLLUP, 1, 7)
    for asked in (
        refine(STREAM, {"site": None}),
        refine(STREAM, {"site": "s1", "dev": ["a", None]}),
        dataclasses.replace(STREAM, select=STREAM.select[::-1]),
    ):
        assert told(await read_back(store, ROLLUP, asked, 1, 7)) == told(await windows(store, asked, 1, 7))


async def test_rolling_up_again_changes_nothing_and_a_correction_replaces(store: Store) -> None:
    await write(store, *POINTS)
    await roll_up(store, ROLLUP, 1, 7)
    before = told(await read_back(store, ROLLUP, STREAM, 1, 7))
    await roll_up(store, ROLLUP, 2, 5)
    assert told(await read_back(store, ROLLUP, STREAM, 1, 7)) == before
    await write(store, point(2.6, {"dev": "b c"}, temp=7.0, on=True))
    await roll_up(store, ROLLUP, 3, 4)
    corrected = told(await read_back(store, ROLLUP, STREAM, 1, 7))
    assert corrected != before
    assert corrected == told(await windows(store, STREAM, 1, 7))


async def test_an_unsigned_sum_stays_unsigned(store: Store, unsigned: bool) -> None:
    if not unsigned:
        pytest.skip("this store has no unsigned integers")
    stream = query({"n": ["max"]})
    rollup = Rollup("s", stream, "rolled")
    await write(store, point(0.5, n=Unsigned(UINT64_MAX)))
    await roll_up(store, rollup, 1, 1)
    assert told(await read_back(store, rollup, stream, 1, 1)) == told(await windows(store, stream, 1, 1))


async def test_a_target_without_rows_has_empty_windows(store: Store) -> None:
    assert [window.rows for window in await read_back(store, ROLLUP, STREAM, 1, 3)] == [(), (), ()]
