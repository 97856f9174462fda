"""The audit: what was changed behind the hub's back is found, counted, and corrected; nothing else is."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from streams.engine import Engine
from streams.engine.audit import LATEST_MS, MOST_SAMPLES, SETTLE_MS, Audit, same
from streams.host import LocalHost
from streams.points import Point, Touched
from streams.queries import parse_query
from tests.streams.engine.memory_store import MemoryStore
from tests.streams.engine.transcript import Transcript, at, touched
from tests.streams.simulation import BEGIN, SimulatedClock

pytestmark = pytest.mark.anyio

QUERY = parse_query(measurement="m", select={"v": ["sum"]}, every="1s", grace="500ms")
ALL_AUDITED_MS = 30_000 + LATEST_MS + 3 * SETTLE_MS


class Tail(MemoryStore):
    """What was read of a store, and reads a range of it again when it is told to."""

    def __init__(self, behind: MemoryStore) -> None:
        super().__init__()
        self.behind = behind

    def touched(self, ranges: Sequence[Touched]) -> None:
        for one in ranges:
            for store in (self.points, self.behind.points):
                for key in [key for key in store if key[0] == one.measurement and one.start <= key[2] <= one.stop]:
                    self.points.pop(key, None)
                    if store is self.behind.points:
                        self.points[key] = store[key]


class Bench:
    def __init__(self, every_ms: int) -> None:
        self.clock, self.host, self.store = SimulatedClock(), LocalHost(), MemoryStore()
        self.tail = Tail(self.store)
        self.engine = Engine(self.tail, self.clock, self.host)
        self.audit = Audit(self.engine, self.store, self.host, self.clock, every_ms=every_ms, chance=random.Random(1))
        self.results: list[bool] = []
        self.audit.on_audit = self.results.append
        self.heard = Transcript(self.clock)

    def write(self, *points: Point) -> None:
        """Through the hub: the tail gets it too."""
        self.store.put(points)
        self.tail.put(points)

    async def until(self, time_ms: int) -> list[tuple[object, ...]]:
        await self.clock.sleep_until(BEGIN + time_ms)
        return self.heard.take()


@asynccontextmanager
async def running(every_ms: int = 500) -> AsyncIterator[Bench]:
    bench = Bench(every_ms)
    tasks = [asyncio.create_task(bench.engine.run()), asyncio.create_task(bench.audit.run())]
    try:
        yield bench
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def test_windows_that_are_right_are_left_alone() -> None:
    async with running() as bench:
        bench.engine.join(QUERY, bench.heard)
        bench.write(*(at(1_000 * second, second) for second in range(90)))
        lines = await bench.until(90_000)
        assert len(bench.results) > 20
        assert all(bench.results)
        assert {line[3] for line in lines if line[1] == "final"} <= {0}


async def test_a_window_that_was_altered_behind_the_hubs_back_is_found_and_corrected(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running() as bench:
        plan = bench.engine.join(QUERY, bench.heard)
        bench.write(*(at(1_000 * second + 10, 1) for second in range(30)))
        await bench.until(29_000)
        bench.store.put(at(1_000 * second + 20, 1_000) for second in range(28))
        lines = await bench.until(ALL_AUDITED_MS)
        corrected = [line for line in lines if line[1] == "final"]
        assert corrected
        assert all((line[3], line[4]) == (1, 1_001) for line in corrected)
        assert bench.results.count(False) == len(corrected)
        assert caplog.text.count("is not what the store has") == len(corrected)
        assert f"plan {plan.key}" in caplog.text


async def test_points_that_were_deleted_are_found() -> None:
    async with running() as bench:
        bench.engine.join(QUERY, bench.heard)
        bench.write(*(at(1_000 * second + 10, 1) for second in range(30)))
        await bench.until(29_000)
        bench.store.points.clear()
        lines = await bench.until(ALL_AUDITED_MS)
        assert {(line[3], line[4]) for line in lines if line[1] == "final"} == {(1, None)}


async def test_points_under_way_are_no_fault() -> None:
    async with running() as bench:
        bench.engine.join(QUERY, bench.heard)
        bench.write(*(at(1_000 * second + 10, 1) for second in range(20)))
        await bench.until(20_000)
        bench.host.hold([touched(0, 30_000)])
        bench.store.put(at(1_000 * second + 20, 1_000) for second in range(20))
        await bench.until(ALL_AUDITED_MS)
        assert False not in bench.results


async def test_a_correction_between_two_looks_is_no_fault() -> None:
    async with running() as bench:
        bench.engine.join(QUERY, bench.heard)
        for second in range(20):
            await bench.until(1_000 * second)
            bench.store.put(at(1_000 * past + 500 + second, 1) for past in range(second))
            bench.engine.touched([touched(0, 1_000 * second)])
        await bench.until(20_000 + LATEST_MS)
        assert len(bench.results) > 5
        assert all(bench.results)


async def test_a_plan_that_has_ended_is_forgotten() -> None:
    async with running() as bench:
        plan = bench.engine.join(QUERY, bench.heard)
        await bench.until(10_000)
        bench.engine.leave(plan, bench.heard)
        audited = len(bench.results)
        await bench.until(ALL_AUDITED_MS)
        assert len(bench.results) == audited
        assert not bench.audit._samples


async def test_a_store_that_fails_is_not_accused() -> None:
    async with running() as bench:
        bench.engine.join(QUERY, bench.heard)
        bench.store.fails = lambda: True
        await bench.until(ALL_AUDITED_MS)
        assert bench.results == []


async def test_few_windows_are_kept_however_many_are_sent() -> None:
    async with running(every_ms=100) as bench:
        fast = parse_query(measurement="m", select={"v": ["sum"]}, every="100ms", grace="0s")
        bench.engine.join(fast, bench.heard)
        await bench.until(10_000)
        assert len(bench.audit._samples) <= MOST_SAMPLES


def test_what_counts_as_the_same() -> None:
    assert same([("a", 1.0, 2, None)], [("a", 1.0 + 1e-12, 2, None)])
    assert not same([("a", 1.0)], [("a", 1.0 + 1e-8)])
    assert not same([("a", 1.0)], [("a", None)])
    assert not same([("a", 1)], [("a", True)])
    assert not same([("a", 1)], [("b", 1)])
    assert not same([("a", 1)], [])
