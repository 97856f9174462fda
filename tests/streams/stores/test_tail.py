"""The tail in front of a store: what it reads, how often, and when it lets the store behind answer."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from streams.errors import StoreUnavailable
from streams.points import Kind, Point, Touched, kind_of
from streams.queries import Query, parse_query
from streams.stores.base import Answer, Room
from streams.stores.duckdb import DuckDBStore
from streams.stores.influxdb_read import RawPoints
from streams.stores.tail import Tail
from streams.stores.tail_tables import Points
from tests.contract import reference
from tests.contract.asking import write

pytestmark = pytest.mark.anyio

SECOND = 1_000


class Clock:
    """Stands where it is put, milliseconds."""

    def __init__(self, now: int) -> None:
        self.time = now

    def now(self) -> int:
        return self.time

    async def sleep_until(self, time: int) -> None:
        self.time = max(self.time, time)


class Source:
    """Points to read, as a database would give them; it remembers what was read of it, in milliseconds."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.reads: list[tuple[int, int]] = []
        self.down = False

    def add(self, at: int, value: float | int, site: str = "a", field: str = "temp", **tags: str) -> Touched:
        self.points.append(Point("weather", {"site": site, **tags}, {field: value}, at * 1_000_000))
        return Touched("weather", at * 1_000_000, at * 1_000_000)

    async def read_points(self, measurement: str, fields: Sequence[str], start_ns: int, stop_ns: int) -> RawPoints:
        self.reads.append((start_ns // 1_000_000, stop_ns // 1_000_000))
        await anyio.lowlevel.checkpoint()
        if self.down:
            raise StoreUnavailable("the source is down")
        points = [p for p in reference.merged(self.points) if p.fields.keys() & set(fields)]
        inside = [p for p in points if start_ns <= p.time < stop_ns]
        kinds = {field: kind_of(p.fields[field]) for p in points for field in fields if field in p.fields}
        tags = tuple(sorted({tag for p in points for tag in p.tags}))
        rows = [[p.time, *map(p.fields.get, kinds), *map(p.tags.get, tags)] for p in inside]
        return RawPoints(measurement, tuple(kinds.items()), tags, rows, "SELECT …")


def query(select: str = "temp", **settings: str) -> Query:
    settings = {"every": "1s", "window": "3s", **settings}
    return parse_query(measurement="weather", select={select: ["sum", "count"]}, group_by=["site"], **settings)


@asynccontextmanager
async def tail(source: Source, clock: Clock, most_points: int = 1_000) -> AsyncIterator[Tail]:
    tail = Tail(DuckDBStore(None), source, clock, room=Room(most_points))
    await tail.open()
    yield tail
    await tail.close()


async def test_twenty_plans_cost_one_read_a_slice_and_one_more_for_grace() -> None:
    source, clock = Source(), Clock(100 * SECOND)
    plans = [query(window=f"{n}s") for n in range(1, 21)]
    async with tail(source, clock) as store:
        for plan in plans:
            store.watch(plan)
        async with anyio.create_task_group() as tasks:
            for plan in plans:
                tasks.start_soon(store.answer, plan, 100 * SECOND, 100 * SECOND)
        assert sum(stop - start for start, stop in source.reads) == 20 * SECOND

        source.reads.clear()
        for clock.time in range(101 * SECOND, 111 * SECOND, SECOND):
            for plan in plans:
                await store.answer(plan, clock.time, clock.time)
                await store.answer(plan, clock.time - SECOND, clock.time - SECOND)
        newest = [(now - SECOND, now) for now in range(101 * SECOND, 111 * SECOND, SECOND)]
        assert source.reads[::2] == newest, "a window that has just stopped waits for no slice that is read again"
        assert source.reads[1::2] == [(start - SECOND, start) for start, _ in newest]


async def test_plans_that_are_answered_together_are_each_what_the_points_say() -> None:
    source, clock = Source(), Clock(10 * SECOND)
    selects: list[dict[str, list[str]]] = [
        {"temp": ["mean", "last"]},
        {"temp": ["mean"], "hum": ["max", "count"]},
        {"hum": ["first"]},
        {"temp": ["p50"]},
        {"nobody": ["sum"]},
        {"temp": ["increase"]},
    ]
    plans = [
        parse_query(measurement="weather", select=select, every="1s", window=window, group_by=group, where=where)
        for select in selects
        for window in ("1s", "3s")
        for group in ([], ["site", "dev"])
        for where in ({}, {"site": ["a", "c"], "dev": None})
    ]
    for at in range(0, 9 * SECOND, 300):
        site, tags = "abc"[at % 7 % 3], {"dev": f"d{at % 5}"} if at % 2 else {}
        source.add(at, float(at % 11), site, **tags)
        if at % 900 == 0:
            source.add(at + 1, at % 13, site, "hum", **tags)
    async with tail(source, clock) as store:
        for plan in plans:
            store.watch(plan)
        for clock.time in range(10 * SECOND, 13 * SECOND, 500):
            answers = dict.fromkeys(plans, Answer([], "", "", 0))

            async def ask(plan: Query, answers: dict[Query, Answer] = answers) -> None:
                stop = clock.time - clock.time % SECOND
                answers[plan] = await store.answer(plan, stop - SECOND, stop)

            async with anyio.create_task_group() as tasks:
                for plan in plans:
                    tasks.start_soon(ask, plan)
            for plan, answer in answers.items():
                stops = answer.windows[0].stop, answer.windows[-1].stop
                assert answer.windows == reference.windows(source.points, plan, *stops), plan
            source.add(clock.time - 1_200, 3.0, "a")
            store.touched([source.add(clock.time - 1_300, 3.0, "c", dev=f"new{clock.time}")])


async def test_a_slice_that_is_as_it_was_is_not_loaded_again_and_its_windows_not_computed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, clock, plan = Source(), Clock(10 * SECOND), query()
    source.add(9_500, 1.0)
    work: list[str] = []
    for name in ("replace", "answer"):
        monkeypatch.setattr(Points, name, _noting(work, name, getattr(Points, name)))
    async with tail(source, clock) as store:
        store.watch(plan)
        first = await store.answer(plan, clock.time, clock.time)
        work.clear()
        clock.time += 1_000
        assert (await store.answer(plan, 10 * SECOND, 10 * SECOND)).windows == first.windows
        assert (work, len(source.reads)) == ([], 2)
        store.touched([source.add(9_600, 2.0)])
        again = await store.answer(plan, 10 * SECOND, 10 * SECOND)
        assert again.windows[0].rows == (("a", 3.0, 2),)
        assert work == ["replace", "answer"]


def _noting(work: list[str], name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    def noted(*arguments: Any) -> Any:
        work.append(name)
        return method(*arguments)

    return noted


async def test_windows_are_what_the_points_say_late_ones_and_overwrites_too() -> None:
    source, clock, plan = Source(), Clock(10 * SECOND), query()
    async with tail(source, clock) as store:
        store.watch(plan)
        for at in range(0, 10 * SECOND, 400):
            source.add(at, float(at), "a" if at % 800 else "b")
        late: list[Touched] = []
        for clock.time in range(10 * SECOND, 14 * SECOND, 500):
            store.touched(late)
            stop = clock.time - clock.time % SECOND
            answer = await store.answer(plan, stop - 3 * SECOND, stop)
            expected = reference.windows(source.points, plan, stop - 3 * SECOND, stop)
            assert answer.way == "tail"
            assert [window.rows for window in answer.windows] == [window.rows for window in expected]
            late = [source.add(stop - 2_400, 7.0, "c"), source.add(stop - 1_600, 8.0, "a", room="new")]


async def test_what_is_older_than_the_tail_is_asked_of_the_store_behind() -> None:
    source, clock, plan = Source(), Clock(1_000 * SECOND), query()
    async with tail(source, clock) as store:
        store.watch(plan)
        await write(store, Point("weather", {"site": "old"}, {"temp": 1.0}, 10 * 10**9))
        answer = await store.answer(plan, 11 * SECOND, 11 * SECOND)
        assert (answer.way, answer.windows[0].rows) == ("duckdb", (("old", 1.0, 1),))
        assert source.reads == []


async def test_a_measurement_that_nobody_watches_is_not_read() -> None:
    source, clock, plan = Source(), Clock(100 * SECOND), query()
    async with tail(source, clock) as store:
        assert (await store.answer(plan, clock.time, clock.time)).way == "duckdb"
        store.watch(plan)
        assert (await store.answer(plan, clock.time, clock.time)).way == "tail"
        store.unwatch(plan)
        source.reads.clear()
        assert (await store.answer(plan, clock.time, clock.time)).way == "duckdb"
        assert source.reads == []


async def test_a_last_query_that_goes_while_it_is_answered_does_not_take_the_points_from_under_the_answer() -> None:
    source, clock, plan = Source(), Clock(100 * SECOND), query()
    source.add(98_500, 1)
    async with tail(source, clock) as store:
        store.watch(plan)
        answers: list[Answer] = []

        async def ask() -> None:
            answers.append(await store.answer(plan, clock.time, clock.time))

        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            while not source.reads:
                await anyio.lowlevel.checkpoint()
            store.unwatch(plan)
        assert [row[1:] for row in answers[0].windows[0].rows] == [(1.0, 1)]
        assert (await store.answer(plan, clock.time, clock.time)).way == "duckdb"


async def test_a_new_plans_field_is_read_back() -> None:
    source, clock = Source(), Clock(100 * SECOND)
    source.add(99_500, 1.0)
    source.add(99_500, 5.0, field="hum")
    async with tail(source, clock) as store:
        store.watch(query())
        await store.answer(query(), clock.time, clock.time)
        store.watch(query("hum"))
        answer = await store.answer(query("hum"), clock.time, clock.time)
        assert answer.windows[0].rows == (("a", 5.0, 1),)


async def test_a_field_that_changes_its_kind_is_read_anew() -> None:
    source, clock, plan = Source(), Clock(100 * SECOND), query()
    late = source.add(99_500, 1.0)
    async with tail(source, clock) as store:
        store.watch(plan)
        await store.answer(plan, clock.time, clock.time)
        source.points.clear()
        source.add(99_500, 2)
        source.add(98_500, 3)
        store.touched([late])
        answer = await store.answer(plan, clock.time, clock.time)
        assert answer.windows[0].rows == (("a", 5, 2),)
        assert kind_of(answer.windows[0].rows[0][1] or 0) is Kind.INTEGER


async def test_more_points_than_may_be_kept_are_left_to_the_store_behind() -> None:
    source, clock, plan = Source(), Clock(100 * SECOND), query()
    for at in range(97_000, 100_000, 10):
        source.add(at, 1.0)
    async with tail(source, clock, most_points=200) as store:
        store.watch(plan)
        assert (await store.answer(plan, clock.time, clock.time)).way == "duckdb"
        reads = len(source.reads)
        assert (await store.answer(plan, clock.time, clock.time)).way == "duckdb"
        assert len(source.reads) == reads

        del source.points[100:]
        clock.time += 60 * SECOND
        assert (await store.answer(plan, clock.time, clock.time)).way == "tail"


async def test_one_plan_over_dense_points_asks_the_database_and_a_second_plan_brings_the_tail_back() -> None:
    source, clock = Source(), Clock(100 * SECOND)
    seconds = 0.0

    def timer() -> float:
        """Each reading takes 100 ms."""
        nonlocal seconds
        seconds += 0.05
        return seconds

    plan = parse_query(measurement="weather", select={"temp": ["mean"]}, every="1s")
    only_points_can = parse_query(measurement="weather", select={"temp": ["mode"]}, every="1s")
    source.points += [Point("weather", {"site": "a"}, {"temp": 1.0}, at * 10**8) for at in range(900, 1_400)]
    store = Tail(DuckDBStore(None), source, clock, timer=timer)
    await store.open()
    store.watch(plan)
    ways = []
    for clock.time in range(100 * SECOND, 130 * SECOND, SECOND):
        ways.append((await store.answer(plan, clock.time, clock.time)).way)
        assert store.is_dense(plan) == (ways[-1] == "duckdb")
    assert ways == ["tail"] * ways.count("tail") + ["duckdb"] * ways.count("duckdb")
    assert 10 <= ways.count("tail") <= 21
    store.watch(only_points_can)
    answer = await store.answer(plan, clock.time, clock.time)
    assert (answer.way, answer.windows[0].rows) == ("tail", ((1.0,),))
    await store.close()


class Slow(DuckDBStore):
    """Says that each answer took a minute."""

    async def answer(self, query: Query, first_stop: int, last_stop: int) -> Answer:
        return (await super().answer(query, first_stop, last_stop))._replace(query_ms=60_000)


async def test_what_the_past_cost_does_not_turn_a_plan_away_from_the_tail() -> None:
    source, clock = Source(), Clock(100 * SECOND)
    source.points += [Point("weather", {}, {"temp": 1.0}, at * 10**9) for at in range(90, 190)]
    plan = parse_query(measurement="weather", select={"temp": ["mean"]}, every="1s")
    store = Tail(Slow(None), source, clock)
    await store.open()
    store.watch(plan)
    assert (await store.answer(plan, SECOND, 10 * SECOND)).way == "duckdb"
    for clock.time in range(101 * SECOND, 190 * SECOND, SECOND):
        assert (await store.answer(plan, clock.time, clock.time)).way == "tail"
    await store.close()


async def test_a_read_that_fails_is_an_error_and_not_a_wrong_window() -> None:
    source, clock, plan = Source(), Clock(100 * SECOND), query()
    source.add(99_500, 1.0)
    async with tail(source, clock) as store:
        store.watch(plan)
        source.down = True
        with pytest.raises(StoreUnavailable):
            await store.answer(plan, clock.time, clock.time)
        source.down = False
        answer = await store.answer(plan, clock.time, clock.time)
        assert answer.windows[0].rows == (("a", 1.0, 1),)
