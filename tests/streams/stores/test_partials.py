"""Long windows put together from panes: which are asked for, how often, and what happens where they do not fit."""

import asyncio
import math
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from streams.aggregates import TABLE
from streams.errors import StoreUnavailable
from streams.partials import parts_of
from streams.points import Kind, Point, Touched
from streams.queries import Query, parse_query
from streams.stores.base import Answer, Room, Row, Window
from streams.stores.duckdb import DuckDBStore
from streams.stores.partial_kept import IDLE_MS
from streams.stores.partial_panes import Panes
from streams.stores.partials import Partials
from tests.contract.asking import write
from tests.streams.stores.test_tail import Clock

pytestmark = pytest.mark.anyio

MINUTE = 60_000
HOUR, DAY = 60 * MINUTE, 24 * 60 * MINUTE
NOW = 20_000 * DAY


class Behind(DuckDBStore):
    """An embedded store that remembers what it was asked, in panes of a minute, and fails when told to."""

    def __init__(self) -> None:
        super().__init__(None)
        self.asked: list[int] = []
        self.watching: list[Query] = []
        self.fails = False

    async def answer(self, query: Query, first_stop: int, last_stop: int) -> Answer:
        if self.fails:
            raise StoreUnavailable("the store was told to fail")
        self.asked.append((last_stop - first_stop) // query.every_ms + 1)
        return await super().answer(query, first_stop, last_stop)

    def watch(self, query: Query) -> None:
        self.watching.append(query)

    def unwatch(self, query: Query) -> None:
        self.watching.remove(query)


EVERY = [name for name in TABLE if name != "percentile"] + ["p10", "p95"]


def query(*aggregates: str, window: str = "2h", every: str = "1m", grace: str = "1s") -> Query:
    select = {"temp": list(aggregates) or ["mean", "max", "p95"]}
    return parse_query(measurement="m", select=select, group_by=["site"], window=window, every=every, grace=grace)


def points(since: int, until: int, step: int = 10_000, **tags: str) -> list[Point]:
    """Points of two sites in this range, milliseconds."""
    return [
        Point("m", {"site": site, **tags}, {"temp": math.sin(at / 7) * 20 + len(site)}, at * 1_000_000)
        for at in range(since, until, step)
        for site in ("a", "bb")
    ]


@asynccontextmanager
async def partials(clock: Clock, most: int = 1_000_000) -> AsyncIterator[tuple[Partials, Behind]]:
    behind = Behind()
    store = Partials(behind, clock, room=Room(most))
    await store.open()
    yield store, behind
    await store.close()


async def check(store: Partials, behind: Behind, asked: Query, first: int, last: int | None = None) -> None:
    """The windows are those that the store behind computes from all points."""
    answer = await store.answer(asked, first, last or first)
    direct = await DuckDBStore.answer(behind, asked, first, last or first)
    assert answer.way == "partials"
    for window, right in zip(answer.windows, direct.windows, strict=True):
        assert_same(window.rows, right.rows)
        assert (window.points, window.first, window.last) == (right.points, right.first, right.last)


def assert_same(rows: Sequence[Row], others: Sequence[Row]) -> None:
    assert len(rows) == len(others)
    for row, other in zip(rows, others, strict=True):
        for cell, wanted in zip(row, other, strict=True):
            assert cell == (pytest.approx(wanted, rel=1e-9) if isinstance(wanted, float) else wanted)


async def test_a_day_every_minute_asks_for_its_newest_panes_alone() -> None:
    clock = Clock(NOW + 50)
    async with partials(clock) as (store, behind):
        await write(store, *points(NOW - DAY, NOW + 5 * MINUTE, 30_000))
        asked = query("mean", "max", "last", window="24h")
        store.watch(asked)
        await check(store, behind, asked, NOW)
        assert sum(behind.asked) == 24 * 60
        for minute in range(1, 5):
            behind.asked.clear()
            clock.time = NOW + minute * MINUTE + 50
            await check(store, behind, asked, NOW + minute * MINUTE)
            assert behind.asked == [2 if minute == 1 else 1]  # the one before was read within its grace alone
            behind.asked.clear()
            clock.time += 1_000
            await check(store, behind, asked, NOW + minute * MINUTE)
            assert behind.asked == [1]


async def test_a_window_prepared_before_its_newest_pane_comes_has_what_came_late_meanwhile() -> None:
    clock, asked = Clock(NOW), query(*EVERY)
    async with partials(clock) as (store, behind):
        await write(store, *points(NOW - 2 * HOUR, NOW + 12 * MINUTE, 20_000))
        store.watch(asked)
        for minute in range(12):
            stop = NOW + minute * MINUTE
            clock.time = stop
            if minute > 2:  # one pane alone, one beside the newest, and one of a new group
                at = [stop - HOUR + 1, stop - 90_000][minute % 2]
                late = Point("m", {"site": "abc"[minute % 3]}, {"temp": float(minute)}, at * 1_000_000)
                await write(store, late)
                store.touched([Touched("m", late.time, late.time)])
            await check(store, behind, asked, stop)
            clock.time = stop + 1_000
            await check(store, behind, asked, stop)
        await check(store, behind, asked, NOW, NOW + 11 * MINUTE)


async def test_a_window_is_put_together_but_for_its_newest_pane_while_that_is_awaited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepared = threading.Event()
    answer, prepare = Behind.answer, Panes.prepare

    async def late(self: Behind, query: Query, first_stop: int, last_stop: int) -> Answer:
        assert await asyncio.to_thread(prepared.wait, 10)
        return await answer(self, query, first_stop, last_stop)

    def early(self: Panes, stop: int) -> None:
        prepare(self, stop)
        prepared.set()

    clock, asked = Clock(NOW), query(*EVERY)
    async with partials(clock) as (store, behind):
        await write(store, *points(NOW - 2 * HOUR, NOW + MINUTE))
        store.watch(asked)
        await check(store, behind, asked, NOW)
        monkeypatch.setattr(Panes, "prepare", early)
        monkeypatch.setattr(Behind, "answer", late)
        clock.time += MINUTE
        await check(store, behind, asked, NOW + MINUTE)


async def test_panes_that_a_store_read_again_unchanged_are_not_looked_at() -> None:
    asked = query("mean", "p95", window="30m")
    panes = Panes(asked, parts_of(asked, ()))
    panes.learn({"temp": Kind.FLOAT})
    values: Any = {1.0: 1, 2.0: 1}
    newest = Window(NOW - MINUTE, NOW, (("a", 2, 3.0, values),), 2, NOW - MINUTE, NOW - 1)
    panes.prepare(NOW)
    assert not panes.has([newest])
    panes.replace([newest], NOW)
    assert panes.has([newest])
    windows, how = panes.known(NOW, NOW) or ([], "")
    assert [window.rows for window in windows] == [(("a", 1.5, 2.0),)]
    assert (windows, how) == panes.answer(NOW, NOW)
    assert panes.known(NOW - MINUTE, NOW) is None
    panes.drop_before(NOW)
    assert not panes.has([newest])


async def test_every_aggregate_is_what_all_points_give_in_windows_before_and_now() -> None:
    clock, asked = Clock(NOW + HOUR), query(*EVERY)
    async with partials(clock) as (store, behind):
        await write(store, *points(NOW - 3 * HOUR, NOW, 17_000))
        store.watch(asked)
        await check(store, behind, asked, NOW - 30 * MINUTE, NOW)
        await check(store, behind, asked, NOW - HOUR, NOW - 40 * MINUTE)


async def test_panes_are_shorter_than_the_steps_of_long_windows() -> None:
    clock, asked = Clock(NOW + HOUR), query("mean", "increase", every="1h")
    async with partials(clock) as (store, behind):
        await write(store, *points(NOW - 3 * HOUR, NOW))
        store.watch(asked)
        await check(store, behind, asked, NOW - HOUR, NOW)
        assert max(behind.asked) <= 64  # never more at once, however much there is


async def test_a_late_point_costs_the_pane_that_it_is_in() -> None:
    clock, asked = Clock(NOW + HOUR), query(*EVERY)
    async with partials(clock) as (store, behind):
        await write(store, *points(NOW - 2 * HOUR, NOW))
        store.watch(asked)
        await check(store, behind, asked, NOW)
        late = Point("m", {"site": "a"}, {"temp": 99.5}, (NOW - HOUR + 1) * 1_000_000)
        await write(store, late)
        store.touched([Touched("m", late.time, late.time)])
        behind.asked.clear()
        await check(store, behind, asked, NOW)
        assert behind.asked == [1]


async def test_a_new_group_tag_or_field_of_another_kind_is_noticed() -> None:
    clock, asked = Clock(NOW + HOUR), query("increase", "mean")
    async with partials(clock) as (store, behind):
        await write(store, *points(NOW - HOUR, NOW - 30 * MINUTE))
        store.watch(asked)
        await check(store, behind, asked, NOW)
        more = points(NOW - MINUTE, NOW, dev="new") + points(NOW - MINUTE, NOW, dev="newer")
        await write(store, *more)
        store.touched([Touched("m", more[0].time, more[-1].time)])
        await check(store, behind, asked, NOW)


async def test_a_field_that_nobody_has_written_yet_appears() -> None:
    clock, asked = Clock(NOW + HOUR), parse_query(
        measurement="m", select={"temp": ["mean"], "hum": ["last", "p50"]}, window="2h", every="1m"
    )  # fmt: skip
    async with partials(clock) as (store, behind):
        await check(store, behind, asked, NOW)
        await write(store, *points(NOW - HOUR, NOW - 30 * MINUTE))
        store.touched([Touched("m", (NOW - HOUR) * 1_000_000, NOW * 1_000_000)])
        await check(store, behind, asked, NOW)
        await write(store, Point("m", {}, {"hum": 5}, (NOW - 1) * 1_000_000))
        store.touched([Touched("m", (NOW - 1) * 1_000_000, NOW * 1_000_000)])
        await check(store, behind, asked, NOW)


async def test_where_there_is_no_room_the_store_behind_answers_for_a_minute() -> None:
    clock, asked = Clock(NOW), query()
    async with partials(clock, most=500) as (store, behind):
        await write(store, *points(NOW - 2 * HOUR, NOW))
        store.watch(asked)
        answer = await store.answer(asked, NOW, NOW)
        assert answer.way == "duckdb"
        assert store._room.has(500)  # nothing is kept
        behind.asked.clear()
        assert (await store.answer(asked, NOW, NOW)).way == "duckdb"
        assert behind.asked == [1]
        clock.time += MINUTE
        small = query("count", window="30m")
        await check(store, behind, small, NOW)


async def test_what_was_asked_before_a_failure_is_kept() -> None:
    clock, asked = Clock(NOW + HOUR), query("mean", window="4h")
    async with partials(clock) as (store, behind):
        await write(store, *points(NOW - 4 * HOUR, NOW))
        store.watch(asked)
        await check(store, behind, asked, NOW - 2 * HOUR)
        behind.fails = True
        with pytest.raises(StoreUnavailable):
            await store.answer(asked, NOW, NOW)
        behind.fails = False
        behind.asked.clear()
        await check(store, behind, asked, NOW)
        assert sum(behind.asked) == 2 * 60


async def test_the_store_behind_is_told_of_the_panes_and_of_short_windows() -> None:
    short = parse_query(measurement="m", select={"temp": ["mean"]}, every="1m")
    async with partials(Clock(NOW)) as (store, behind):
        store.watch(short)
        store.watch(query())
        assert behind.watching == [short]
        await store.answer(query(), NOW, NOW)
        assert [watched.window_ms for watched in behind.watching] == [MINUTE, MINUTE]
        assert (await store.answer(short, NOW, NOW)).way == "duckdb"
        store.unwatch(short)
        store.unwatch(query())
        assert behind.watching == []


async def test_panes_that_nobody_watches_are_forgotten_after_a_minute() -> None:
    clock = Clock(NOW)
    async with partials(clock) as (store, behind):
        await write(store, *points(NOW - 2 * HOUR, NOW))
        await check(store, behind, query(), NOW)
        behind.asked.clear()
        await check(store, behind, query(), NOW)
        assert behind.asked == []
        clock.time += IDLE_MS + 1
        await store.answer(query("count", window="1m"), NOW, NOW)
        assert store._room.has(1_000_000)


async def test_panes_are_dropped_when_no_window_and_no_correction_needs_them() -> None:
    clock, asked = Clock(NOW), query("mean")
    async with partials(clock) as (store, behind):
        await write(store, *points(NOW - 2 * HOUR, NOW + 4 * HOUR))
        store.watch(asked)
        for clock.time in range(NOW, NOW + 4 * HOUR, 10 * MINUTE):
            await check(store, behind, asked, clock.time)
        assert not store._room.has(1_000_000 - 2 * 3 * 60)
        assert store._room.has(1_000_000 - 2 * 3 * 60 * 2)


async def test_an_answer_that_nobody_waits_for_any_more_leaves_nothing_half_done() -> None:
    clock, asked = Clock(NOW + HOUR), query(*EVERY)
    async with partials(clock) as (store, behind):
        await write(store, *points(NOW - 2 * HOUR, NOW))
        store.watch(asked)
        for _ in range(10):
            with anyio.move_on_after(0.02):
                await store.answer(asked, NOW, NOW)
        await check(store, behind, asked, NOW)


async def test_dense_hopping_windows_are_put_together_too() -> None:
    behind = DuckDBStore(None)
    store = Partials(behind, Clock(NOW), is_dense=lambda asked: asked.measurement == "m")
    await store.open()
    hopping = parse_query(measurement="m", select={"temp": ["mean"]}, window="10s", every="1s")
    assert (await store.answer(hopping, NOW, NOW)).way == "partials"
    tumbling = parse_query(measurement="m", select={"temp": ["mean"]}, every="1s")
    assert (await store.answer(tumbling, NOW, NOW)).way == "duckdb"
    await store.close()


async def test_a_store_that_has_its_points_at_hand_answers_small_windows_itself() -> None:
    behind = DuckDBStore(None)
    store = Partials(behind, Clock(NOW), few_points=2 * 120)
    await store.open()
    await write(store, *points(NOW - 2 * HOUR, NOW, MINUTE))
    assert (await store.answer(query(), NOW, NOW)).way == "duckdb"
    assert (await store.answer(query(), NOW, NOW)).way == "duckdb"
    late = Point("m", {}, {"temp": 1.0}, (NOW - 1) * 1_000_000)
    await write(store, late)
    store.touched([Touched("m", late.time, late.time)])
    assert (await store.answer(query(), NOW, NOW)).way == "duckdb"
    assert (await store.answer(query(), NOW, NOW)).way == "partials"
    assert (await store.answer(query(every="2h"), NOW, NOW)).way == "duckdb"
    await store.close()
