"""From the past into the present: no hole, no contradiction, however long it takes."""

import asyncio

import pytest

from streams.engine import Engine, Seam, WindowUpdate
from streams.engine.plans import REST_MS
from streams.host import LocalHost
from streams.queries import parse_query
from tests.streams.engine.memory_store import MemoryStore
from tests.streams.engine.transcript import Transcript, at, total, touched
from tests.streams.simulation import BEGIN, SimulatedClock

pytestmark = pytest.mark.anyio

QUERY = parse_query(measurement="m", select={"v": ["sum"]}, every="1s", grace="500ms")

Line = tuple[int, int, bool, object]


def line(update: WindowUpdate) -> Line:
    return update.stop - BEGIN, update.revision, update.final, total(update)


class Entrance:
    """A plan that runs since the beginning, and a subscriber who comes in."""

    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.store = MemoryStore()
        self.engine = Engine(self.store, self.clock, LocalHost(), lag_ms=500)
        self.task = asyncio.create_task(self.engine.run())
        self.others = Transcript(self.clock)

    def correct(self, time_ms: int, value: int) -> None:
        self.store.put([at(time_ms, value)])
        self.engine.touched([touched(time_ms)])

    async def past(self, seam: Seam, first: int, pause_ms: int = 0, seen: int | None = None) -> list[Line]:
        """Everything of the past, taken slowly."""
        lines = []
        async for chunk in seam.past(BEGIN + first, seen):
            lines += [line(update) for update in chunk]
            await self.clock.sleep(pause_ms)
        return lines


async def test_the_past_and_then_the_windows_that_are_not_final() -> None:
    entrance = Entrance()
    entrance.engine.join(QUERY, entrance.others)
    await entrance.clock.sleep_until(BEGIN + 3_200)
    with Seam(entrance.engine, QUERY) as seam:
        assert await entrance.past(seam, 1_000) == [(1_000, 0, True, None), (2_000, 0, True, None)]
        assert [line(update) for update in seam.present()] == [(3_000, 0, False, None)]
        assert seam.plan.last_stop == BEGIN + 3_000
    entrance.task.cancel()


async def test_the_first_subscriber_waits_for_the_windows_still_within_grace() -> None:
    entrance = Entrance()
    await entrance.clock.sleep_until(BEGIN + 3_200)
    entrance.store.delay = lambda: 100
    with Seam(entrance.engine, QUERY) as seam:
        assert await entrance.past(seam, 1_000) == [(1_000, 0, True, None), (2_000, 0, True, None)]
        assert [line(update) for update in seam.present()] == [(3_000, 0, False, None)]
    assert entrance.engine.plans == {}
    entrance.task.cancel()


async def test_windows_that_become_final_meanwhile_belong_to_the_present() -> None:
    entrance = Entrance()
    entrance.engine.join(QUERY, entrance.others)
    await entrance.clock.sleep_until(BEGIN + 3_200)
    with Seam(entrance.engine, QUERY) as seam:
        assert [stop for stop, *_ in await entrance.past(seam, 1_000, pause_ms=2_000)] == [1_000, 2_000]
        assert [line(update)[0] for update in seam.present()] == [3_000, 4_000, 5_000]
    entrance.task.cancel()


async def test_of_a_past_that_takes_long_most_of_the_rest_is_past_too() -> None:
    entrance = Entrance()
    entrance.engine.join(QUERY, entrance.others)
    await entrance.clock.sleep_until(BEGIN + 3_200)
    with Seam(entrance.engine, QUERY) as seam:
        past = [stop for stop, *_ in await entrance.past(seam, -200_000, pause_ms=20_000)]
        present = [line(update)[0] for update in seam.present()]
        assert past[-1] == 82_000
        assert past + present == [*range(-200_000, entrance.clock.now() - BEGIN, 1_000)]
    entrance.task.cancel()


async def test_corrections_of_what_was_sent_already_belong_to_the_present() -> None:
    entrance = Entrance()
    entrance.engine.join(QUERY, entrance.others)
    await entrance.clock.sleep_until(BEGIN + 3_600)
    with Seam(entrance.engine, QUERY) as seam:
        reading = asyncio.create_task(entrance.past(seam, 1_000, pause_ms=300))
        await entrance.clock.sleep(10)
        entrance.correct(1_500, 7)
        assert await reading == [(1_000, 0, True, None), (2_000, 0, True, None), (3_000, 0, True, None)]
        assert [line(update) for update in seam.present()] == [(2_000, 1, True, 7)]
    entrance.task.cancel()


async def test_what_the_past_had_already_is_not_said_again() -> None:
    entrance = Entrance()
    entrance.engine.join(QUERY, entrance.others)
    await entrance.clock.sleep_until(BEGIN + 3_600)
    entrance.others.take()
    entrance.correct(1_500, 7)
    with Seam(entrance.engine, QUERY) as seam:
        assert (2_000, 1, True, 7) in await entrance.past(seam, 1_000)
        assert seam.present() == []
    assert [one for one in entrance.others.take() if one[1] == "final"] == [(3_600, "final", 2_000, 1, 7)]
    entrance.task.cancel()


async def test_a_window_that_becomes_final_after_the_past_has_ended_is_not_lost() -> None:
    entrance = Entrance()
    entrance.engine.join(QUERY, entrance.others)
    await entrance.clock.sleep_until(BEGIN + 3_200)
    with Seam(entrance.engine, QUERY) as seam:
        await entrance.past(seam, 1_000)
        await entrance.clock.sleep_until(BEGIN + 4_200)
        assert [line(update)[0] for update in seam.present()] == [3_000, 4_000]
    entrance.task.cancel()


async def test_who_comes_back_gets_what_was_corrected_meanwhile_first() -> None:
    entrance = Entrance()
    entrance.engine.join(QUERY, entrance.others)
    await entrance.clock.sleep_until(BEGIN + 3_600)
    seen = entrance.clock.now()
    entrance.correct(1_500, 7)
    await entrance.clock.sleep_until(BEGIN + 5_600)
    with Seam(entrance.engine, QUERY) as seam:
        assert await entrance.past(seam, 4_000, seen=seen) == [
            (2_000, 1, True, 7),
            (4_000, 0, True, None),
            (5_000, 0, True, None),
        ]
    entrance.task.cancel()


async def test_who_comes_from_another_worker_may_lack_what_this_one_has_corrected_a_little_earlier() -> None:
    entrance = Entrance()
    entrance.engine.join(QUERY, entrance.others)
    await entrance.clock.sleep_until(BEGIN + 3_600)
    entrance.correct(500, 7)
    await entrance.clock.sleep_until(BEGIN + 4_300)
    seen = entrance.clock.now()
    with Seam(entrance.engine, QUERY) as seam:
        assert (1_000, 1, True, 7) in await entrance.past(seam, 4_000, seen=seen)
    entrance.task.cancel()


async def test_who_comes_back_alone_gets_what_was_corrected_meanwhile_and_what_nobody_watched() -> None:
    entrance = Entrance()
    plan = entrance.engine.join(QUERY, entrance.others)
    await entrance.clock.sleep_until(BEGIN + 4_600)
    entrance.engine.leave(plan, entrance.others)
    seen = entrance.clock.now()
    entrance.correct(1_500, 7)
    await entrance.clock.sleep_until(BEGIN + 7_600)
    entrance.correct(5_500, 9)
    with Seam(entrance.engine, QUERY) as seam:
        assert seam.plan is plan
        past = await entrance.past(seam, 7_000, seen=seen + 500)
        assert past == [(5_000, 0, True, None), (6_000, 0, True, 9), (7_000, 0, True, None)]
        await entrance.clock.sleep(300)
        assert [line(update) for update in seam.present()] == [(2_000, 1, True, 7)]
    entrance.task.cancel()


async def test_windows_that_were_not_final_when_the_last_one_left_are_sent_again_to_who_comes_back() -> None:
    entrance = Entrance()
    plan = entrance.engine.join(QUERY, entrance.others)
    await entrance.clock.sleep_until(BEGIN + 3_200)
    entrance.engine.leave(plan, entrance.others)
    entrance.store.put([at(2_500, 7)])
    await entrance.clock.sleep_until(BEGIN + 3_400)
    with Seam(entrance.engine, QUERY) as seam:
        assert await entrance.past(seam, 2_000) == [(2_000, 0, True, None)]
        await entrance.clock.sleep_until(BEGIN + 3_600)
        assert [line(update) for update in seam.present()] == [(3_000, 1, True, 7)]
    entrance.task.cancel()


async def test_a_plan_that_nobody_comes_back_to_is_forgotten() -> None:
    entrance = Entrance()
    plan = entrance.engine.join(QUERY, entrance.others)
    entrance.engine.leave(plan, entrance.others)
    await entrance.clock.sleep(REST_MS)
    assert entrance.engine.join(QUERY, entrance.others) is not plan
    entrance.task.cancel()


async def test_who_comes_back_to_another_hub_gets_all_that_may_have_been_corrected() -> None:
    entrance = Entrance()
    entrance.engine = Engine(entrance.store, entrance.clock, LocalHost(), correct_for_ms=3_000, history_windows=2)
    await entrance.clock.sleep_until(BEGIN + 5_600)
    with Seam(entrance.engine, QUERY) as seam:
        assert [stop for stop, *_ in await entrance.past(seam, 5_000, seen=BEGIN)] == [3_000, 4_000, 5_000]
    entrance.task.cancel()
