"""An engine over a store in memory, in simulated time: what its listeners hear, and when."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from streams.engine import Engine
from streams.errors import StoreMisconfigured, StoreUnavailable
from streams.host import LocalHost
from streams.queries import Query, parse_query
from streams.stores.base import Answer
from tests.streams.engine.memory_store import MemoryStore
from tests.streams.engine.transcript import Transcript, at, touched
from tests.streams.simulation import BEGIN, SimulatedClock

pytestmark = pytest.mark.anyio

SECOND = parse_query(measurement="m", select={"v": ["sum"]}, every="1s", grace="500ms")
AT_ONCE = parse_query(measurement="m", select={"v": ["sum"]}, every="1s", grace="0s")
LONG_GRACE = parse_query(measurement="m", select={"v": ["sum"]}, every="1s", grace="3s")


class Bench:
    """An engine, what it stands on, and a listener."""

    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.store = MemoryStore()
        self.host = LocalHost()
        self.engine = Engine(self.store, self.clock, self.host, correct_for_ms=60_000)
        self.heard = Transcript(self.clock)

    async def until(self, time_ms: int) -> list[tuple[object, ...]]:
        """Let time pass, and say what was heard since the last time."""
        await self.clock.sleep_until(BEGIN + time_ms)
        return self.heard.take()

    def answers(self) -> list[tuple[int, int]]:
        """The stops asked of the store since the last time."""
        asked, self.store.asked = self.store.asked, []
        return [(first - BEGIN, last - BEGIN) for _, first, last in asked]


@asynccontextmanager
async def running() -> AsyncIterator[Bench]:
    bench = Bench()
    task = asyncio.create_task(bench.engine.run())
    try:
        yield bench
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_window_is_sent_when_it_stops_and_progress_says_that_it_is_final() -> None:
    async with running() as bench:
        bench.engine.join(SECOND, bench.heard)
        bench.store.put([at(100, 1), at(900, 2)])
        assert await bench.until(999) == [(0, "window", 0, 0, None), (500, "progress", 0)]
        assert await bench.until(1_499) == [(1_000, "window", 1_000, 0, 3)]
        assert await bench.until(1_999) == [(1_500, "progress", 1_000)]


async def test_a_window_that_changes_within_grace_is_sent_again_as_final() -> None:
    async with running() as bench:
        bench.engine.join(SECOND, bench.heard)
        await bench.until(1_100)
        bench.store.put([at(100, 5)])
        assert await bench.until(1_999) == [(1_500, "final", 1_000, 1, 5), (1_500, "progress", 1_000)]


async def test_without_grace_a_window_is_sent_once_and_final() -> None:
    async with running() as bench:
        bench.engine.join(AT_ONCE, bench.heard)
        bench.store.put([at(100, 5)])
        assert await bench.until(1_999) == [(1_000, "final", 1_000, 0, 5), (1_000, "progress", 1_000)]


async def test_a_plan_begins_with_the_windows_still_within_grace() -> None:
    async with running() as bench:
        await bench.until(5_200)
        bench.store.put([at(3_500, 1), at(4_500, 2)])
        plan = bench.engine.join(LONG_GRACE, bench.heard)
        assert (plan.final_until - BEGIN, plan.last_stop - BEGIN) == (2_000, 2_000)
        await plan.started()
        assert (plan.final_until - BEGIN, plan.last_stop - BEGIN) == (2_000, 5_000)
        assert [update.stop - BEGIN for update in plan.recent()] == [3_000, 4_000, 5_000]
        assert bench.answers() == [(3_000, 5_000)]


async def test_a_window_that_has_just_stopped_is_asked_for_before_the_one_that_becomes_final() -> None:
    query = parse_query(measurement="m", select={"v": ["sum"]}, every="1s", grace="1s")
    async with running() as bench:
        bench.engine.join(query, bench.heard)
        await bench.until(2_500)
        bench.answers()
        await bench.until(3_500)
        assert bench.answers() == [(3_000, 3_000), (2_000, 2_000)]


async def test_equal_queries_share_a_plan_that_lives_as_long_as_somebody_listens() -> None:
    async with running() as bench:
        other = Transcript(bench.clock)
        plan = bench.engine.join(AT_ONCE, bench.heard)
        assert (
            bench.engine.join(parse_query(measurement="m", select={"v": "sum"}, every="1s", grace="0s"), other) is plan
        )
        await bench.until(1_500)
        assert bench.answers() == [(1_000, 1_000)]
        bench.engine.leave(plan, bench.heard)
        assert await bench.until(2_500) == []
        assert [line[1] for line in other.take()] == ["final", "progress", "final", "progress"]
        bench.engine.leave(plan, other)
        assert bench.engine.plans == {}
        bench.answers()
        await bench.until(9_500)
        assert bench.answers() == []


async def test_a_plan_that_is_left_while_the_store_is_asked_sends_nothing_more() -> None:
    async with running() as bench:
        bench.store.delay = lambda: 200
        plan = bench.engine.join(AT_ONCE, bench.heard)
        await bench.until(1_100)
        bench.engine.leave(plan, bench.heard)
        assert await bench.until(3_000) == []


async def test_no_window_is_final_while_the_host_holds_a_point_in_it() -> None:
    async with running() as bench:
        bench.engine.join(SECOND, bench.heard)
        await bench.until(1_100)
        hold = bench.host.hold([touched(300)])
        assert await bench.until(2_599) == [(2_000, "window", 2_000, 0, None)]
        bench.store.put([at(300, 7)])
        bench.host.release(hold)
        assert await bench.until(2_700) == [
            (2_600, "final", 1_000, 1, 7),
            (2_600, "progress", 2_000),
        ]


async def test_windows_before_the_held_one_become_final() -> None:
    async with running() as bench:
        bench.engine.join(LONG_GRACE, bench.heard)
        await bench.until(4_900)
        bench.host.hold([touched(2_300)])
        assert [line for line in await bench.until(9_000) if line[1] == "progress"] == [(5_000, "progress", 2_000)]


async def test_a_point_that_comes_late_corrects_its_window_alone() -> None:
    async with running() as bench:
        bench.engine.join(AT_ONCE, bench.heard)
        await bench.until(4_100)
        bench.answers()
        bench.store.put([at(1_500, 5)])
        bench.engine.touched([touched(1_500)])
        assert await bench.until(4_500) == [(4_350, "final", 2_000, 1, 5)]
        assert bench.answers() == [(2_000, 2_000)]


async def test_late_points_are_gathered_and_what_did_not_change_is_not_sent() -> None:
    async with running() as bench:
        bench.engine.join(AT_ONCE, bench.heard)
        await bench.until(4_100)
        bench.answers()
        bench.store.put([at(1_500, 5)])
        for time in (200, 1_500, 2_500):
            bench.engine.touched([touched(time)])
        assert await bench.until(4_500) == [(4_350, "final", 2_000, 1, 5)]
        assert bench.answers() == [(1_000, 3_000)]


async def test_points_that_are_not_late_or_not_of_a_plan_read_nothing() -> None:
    async with running() as bench:
        bench.engine.join(SECOND, bench.heard)
        await bench.until(2_100)
        bench.answers()
        bench.engine.touched([touched(1_500), touched(2_100), touched(100, measurement="other")])
        await bench.until(2_499)
        assert bench.answers() == []


async def test_a_point_that_comes_while_the_final_reading_is_under_way_corrects_it() -> None:
    async with running() as bench:
        bench.engine.join(AT_ONCE, bench.heard)
        await bench.until(900)
        delays = [0, 600]
        bench.store.delay = lambda: delays.pop(0) if delays else 0
        await bench.until(1_100)
        bench.store.put([at(500, 5)])
        bench.engine.touched([touched(500)])
        assert await bench.until(1_999) == [
            (1_600, "final", 1_000, 0, None),
            (1_600, "progress", 1_000),
            (1_600, "final", 1_000, 1, 5),
        ]


async def test_a_window_from_before_the_plan_is_not_sent_as_final_while_points_of_it_are_held() -> None:
    async with running() as bench:
        await bench.until(5_000)
        bench.engine.join(AT_ONCE, bench.heard)
        hold = bench.host.hold([touched(1_700)])
        bench.store.put([at(1_500, 5)])
        bench.engine.touched([touched(1_500)])
        assert await bench.until(5_590) == []
        bench.store.put([at(1_700, 2)])
        bench.host.release(hold)
        assert await bench.until(5_900) == [(5_600, "final", 2_000, 1, 7)]


async def test_windows_older_than_corrections_go_are_left_as_they_are() -> None:
    async with running() as bench:
        bench.engine.join(AT_ONCE, bench.heard)
        await bench.until(70_100)
        bench.answers()
        bench.engine.touched([touched(5_500)])
        await bench.until(70_900)
        assert bench.answers() == []


async def test_a_correction_that_fails_is_tried_again_and_keeps_no_live_window_waiting() -> None:
    async with running() as bench:
        bench.engine.join(AT_ONCE, bench.heard)
        await bench.until(4_100)
        bench.store.put([at(1_500, 5)])
        bench.engine.touched([touched(1_500)])
        bench.store.fails = lambda: BEGIN + 4_200 < bench.clock.now() < BEGIN + 4_900
        assert await bench.until(6_500) == [
            (5_000, "final", 5_000, 0, None),
            (5_000, "progress", 5_000),
            (5_050, "final", 2_000, 1, 5),
            (6_000, "final", 6_000, 0, None),
            (6_000, "progress", 6_000),
        ]


async def test_a_store_that_fails_delays_windows_and_loses_none() -> None:
    async with running() as bench:
        bench.engine.join(AT_ONCE, bench.heard)
        bench.store.put([at(500, 1), at(1_500, 2)])
        bench.store.fails = lambda: bench.clock.now() < BEGIN + 2_200
        assert await bench.until(2_600) == [
            (2_500, "final", 1_000, 0, 1),
            (2_500, "final", 2_000, 0, 2),
            (2_500, "progress", 2_000),
        ]


async def test_listeners_hear_of_a_store_that_fails_for_ten_seconds() -> None:
    async with running() as bench:
        bench.engine.join(AT_ONCE, bench.heard)
        bench.store.fails = lambda: True
        message = "the store has not answered for {} s: the store was told to fail; windows come late, none is lost"
        assert await bench.until(30_999) == [
            (11_000, "trouble", message.format(10), 1_300),
            (21_000, "trouble", message.format(20), 1_300),
        ]


async def test_listeners_hear_of_a_store_that_hangs() -> None:
    async with running() as bench:
        bench.engine.join(AT_ONCE, bench.heard)
        bench.store.delay = lambda: 30_000
        message = "the store has not answered for 10 s; windows come late, none is lost"
        assert await bench.until(12_000) == [(11_000, "trouble", message, None)]


async def test_a_slow_plan_does_not_delay_the_others() -> None:
    class OneIsSlow(MemoryStore):
        async def answer(self, query: Query, first_stop: int, last_stop: int) -> Answer:
            if query.measurement == "slow":
                await asyncio.sleep(5)
            return await super().answer(query, first_stop, last_stop)

    async with running() as bench:
        bench.engine = Engine(OneIsSlow(), bench.clock, bench.host, readings=1)
        task = asyncio.create_task(bench.engine.run())
        slow = parse_query(measurement="slow", select={"v": ["sum"]}, every="1s", grace="0s")
        bench.engine.join(slow, Transcript(bench.clock))
        bench.engine.join(AT_ONCE, bench.heard)
        await bench.until(2_500)
        assert await bench.until(4_500) == [
            (3_000, "final", 3_000, 0, None),
            (3_000, "progress", 3_000),
            (4_000, "final", 4_000, 0, None),
            (4_000, "progress", 4_000),
        ]
        task.cancel()


@pytest.mark.parametrize("error", [StoreMisconfigured("no such bucket"), ValueError("a defect")])
async def test_an_error_of_one_plan_stops_neither_it_nor_the_others(error: Exception) -> None:
    class BreaksOnce(MemoryStore):
        async def answer(self, query: Query, first_stop: int, last_stop: int) -> Answer:
            self.asked.append((query.key, first_stop, last_stop))
            if len(self.asked) == 1:
                raise error
            return await super().answer(query, first_stop, last_stop)

    async with running() as bench:
        bench.engine = Engine(BreaksOnce(), bench.clock, bench.host)
        task = asyncio.create_task(bench.engine.run())
        bench.engine.join(AT_ONCE, bench.heard)
        assert await bench.until(1_500) == [(1_100, "final", 1_000, 0, None), (1_100, "progress", 1_000)]
        task.cancel()


async def test_the_store_names_when_to_ask_again() -> None:
    class Busy(MemoryStore):
        async def answer(self, query: Query, first_stop: int, last_stop: int) -> Answer:
            if asyncio.get_running_loop().time() < 2:
                raise StoreUnavailable("too busy", retry_after=1.5)
            return await super().answer(query, first_stop, last_stop)

    async with running() as bench:
        bench.engine = Engine(Busy(), bench.clock, bench.host)
        task = asyncio.create_task(bench.engine.run())
        bench.engine.join(AT_ONCE, bench.heard)
        assert (await bench.until(3_000))[0] == (2_500, "final", 1_000, 0, None)
        task.cancel()


async def test_a_listener_that_raises_keeps_nothing_from_the_others() -> None:
    class Broken(Transcript):
        def window(self, *_: object) -> None:
            raise ValueError("a defect")

    async with running() as bench:
        bench.engine.join(AT_ONCE, Broken(bench.clock))
        bench.engine.join(AT_ONCE, bench.heard)
        assert await bench.until(1_500) == [(1_000, "final", 1_000, 0, None), (1_000, "progress", 1_000)]


async def test_an_engine_that_lagged_catches_up_with_few_answers_and_skips_nothing() -> None:
    async with running() as bench:
        bench.engine.join(AT_ONCE, bench.heard)
        bench.store.fails = lambda: bench.clock.now() < BEGIN + 100_000
        await bench.until(100_000)
        bench.answers()
        assert [line[2] for line in await bench.until(104_500) if line[1] == "final"] == [*range(1_000, 105_000, 1_000)]
        assert bench.answers()[:3] == [(1_000, 16_000), (17_000, 48_000), (49_000, 102_000)]


async def test_plans_may_be_joined_before_the_engine_runs() -> None:
    bench = Bench()
    bench.engine.join(AT_ONCE, bench.heard)
    task = asyncio.create_task(bench.engine.run())
    assert await bench.until(1_500) == [(1_000, "final", 1_000, 0, None), (1_000, "progress", 1_000)]
    task.cancel()


async def test_a_thousand_plans_are_answered_each_second() -> None:
    async with running() as bench:
        for number in range(1_000):
            query = parse_query(measurement=f"m{number}", select={"v": ["sum"]}, every="1s", grace="0s")
            bench.engine.join(query, bench.heard)
        lines = await bench.until(3_500)
        assert len([line for line in lines if line[1] == "final"]) == 3_000
        assert {line[0] for line in lines} == {1_000, 2_000, 3_000}
