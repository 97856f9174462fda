"""The past: in chunks, never before it is complete, and in line with what a running plan has sent."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from streams.engine import Engine, WindowUpdate
from streams.engine.history import CHUNK_ROWS
from streams.errors import QueryInvalid, StoreUnavailable
from streams.host import LocalHost
from streams.points import Point
from streams.queries import parse_query
from tests.streams.engine.memory_store import MemoryStore
from tests.streams.engine.transcript import Transcript, at, total, touched
from tests.streams.simulation import BEGIN, SimulatedClock

pytestmark = pytest.mark.anyio

QUERY = parse_query(measurement="m", select={"v": ["sum"]}, every="1s", grace="500ms")
BY_DEVICE = parse_query(measurement="m", select={"v": ["sum"]}, every="1s", grace="500ms", group_by=["dev"])


class Past:
    """An engine whose store has a hundred seconds of points: one each second, of the value of its number."""

    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.store = MemoryStore()
        self.host = LocalHost()
        self.engine = Engine(self.store, self.clock, self.host, history_windows=1_000)
        self.store.put(at(-1_000 * number + 1, number) for number in range(1, 101))

    async def read(self, first: int, last: int) -> list[WindowUpdate]:
        """The windows that stop in a range of times after the beginning."""
        chunks = [chunk async for chunk in self.engine.history(QUERY, BEGIN + first, BEGIN + last)]
        return [update for chunk in chunks for update in chunk]


async def first_of(chunks: AsyncIterator[list[WindowUpdate]]) -> list[WindowUpdate]:
    return await anext(chunks)


async def test_the_past_is_given_oldest_first_and_final() -> None:
    past = Past()
    await past.clock.sleep_until(BEGIN + 600)
    updates = await past.read(-2_500, 0)
    assert [(one.stop - BEGIN, total(one), one.revision, one.final) for one in updates] == [
        (-2_000, 3, 0, True),
        (-1_000, 2, 0, True),
        (0, 1, 0, True),
    ]


async def test_what_is_not_final_yet_is_not_history() -> None:
    past = Past()
    await past.clock.sleep_until(BEGIN + 1_400)
    assert past.engine.final_until(QUERY) == BEGIN
    assert [update.stop - BEGIN for update in await past.read(-1_000, 9_000)] == [-1_000, 0]
    assert await past.read(1_000, 9_000) == []


async def test_the_past_comes_in_chunks_that_grow() -> None:
    past = Past()
    chunks = [chunk async for chunk in past.engine.history(QUERY, BEGIN - 99_000, BEGIN)]
    assert [len(chunk) for chunk in chunks] == [16, 32, 51]


async def test_a_chunk_has_a_bounded_number_of_rows() -> None:
    past = Past()
    past.store.put(at(-1_500, 1, f"device {number}") for number in range(CHUNK_ROWS))
    past.store.put(at(-2_500, 1, f"device {number}") for number in range(10))
    chunks = [chunk async for chunk in past.engine.history(BY_DEVICE, BEGIN - 3_000, BEGIN - 1_000)]
    assert [[update.stop - BEGIN for update in chunk] for chunk in chunks] == [[-3_000, -2_000], [-1_000]]


async def test_more_than_one_request_may_have_is_refused_at_once() -> None:
    with pytest.raises(QueryInvalid, match=r"history: 1002 windows are asked for, and one request may have 1000; ask"):
        Past().engine.history(QUERY, BEGIN - 1_002_000, BEGIN)


async def test_reading_can_be_given_up_at_any_time() -> None:
    past = Past()
    past.store.delay = lambda: 1_000
    reading = asyncio.create_task(past.read(-99_000, 0))
    await past.clock.sleep(2_500)
    reading.cancel()
    await asyncio.wait([reading])
    asked = len(past.store.asked)
    await past.clock.sleep(10_000)
    assert len(past.store.asked) == asked


async def test_points_under_way_are_waited_for() -> None:
    past = Past()
    hold = past.host.hold([touched(-1_500)])
    await past.clock.sleep(600)
    reading = asyncio.create_task(past.read(-1_000, -1_000))
    await past.clock.sleep(400)
    assert not reading.done()
    past.store.put([at(-1_500, 40)])
    past.host.release(hold)
    assert [total(update) for update in await reading] == [42]


async def test_a_store_that_fails_is_asked_again() -> None:
    past = Past()
    past.store.fails = lambda: past.clock.now() < BEGIN + 2_000
    await past.clock.sleep(600)
    assert [total(update) for update in await past.read(-1_000, 0)] == [2, 1]


async def test_patience_may_end() -> None:
    past = Past()
    past.store.fails = lambda: True
    chunks = past.engine.history(QUERY, BEGIN - 5_000, BEGIN - 2_000, patience_ms=2_000)
    with pytest.raises(StoreUnavailable, match="the store was told to fail"):
        await first_of(chunks)
    assert 2_000 <= past.clock.now() - BEGIN < 4_000


async def test_patience_with_points_under_way_may_end() -> None:
    past = Past()
    past.host.hold([touched(-2_500)])
    chunks = past.engine.history(QUERY, BEGIN - 5_000, BEGIN - 2_000, patience_ms=2_000)
    with pytest.raises(StoreUnavailable, match="on their way, and cannot be read yet"):
        await first_of(chunks)


async def test_windows_have_the_revision_that_the_running_plan_has_sent() -> None:
    past = Past()
    task = asyncio.create_task(past.engine.run())
    past.engine.join(QUERY, Transcript(past.clock))
    await past.clock.sleep_until(BEGIN + 1_600)
    past.store.put([at(500, 7)])
    past.engine.touched([touched(500)])
    await past.clock.sleep_until(BEGIN + 1_900)
    updates = await past.read(-1_000, 1_000)
    assert [(one.stop - BEGIN, one.revision, total(one), one.late) for one in updates] == [
        (-1_000, 0, 2, 0),
        (0, 0, 1, 0),
        (1_000, 1, 7, 1),
    ]
    task.cancel()


async def test_history_that_is_read_before_the_correction_tells_all_others_of_it() -> None:
    past = Past()
    task = asyncio.create_task(past.engine.run())
    heard = Transcript(past.clock)
    past.engine.join(QUERY, heard)
    await past.clock.sleep_until(BEGIN + 1_600)
    heard.take()
    past.store.put([at(500, 7)])
    past.engine.touched([touched(500)])
    assert [(one.revision, total(one)) for one in await past.read(1_000, 1_000)] == [(1, 7)]
    await past.clock.sleep_until(BEGIN + 1_950)
    assert heard.take() == [(1_600, "final", 1_000, 1, 7)]
    task.cancel()


async def test_history_that_is_overtaken_by_a_correction_is_read_again() -> None:
    past = Past()
    task = asyncio.create_task(past.engine.run())
    heard = Transcript(past.clock)
    past.engine.join(QUERY, heard)
    await past.clock.sleep_until(BEGIN + 1_600)
    heard.take()
    delays = [0, 500]
    past.store.delay = lambda: delays.pop(0) if delays else 0
    reading = asyncio.create_task(past.read(1_000, 1_000))
    await past.clock.sleep(10)
    past.store.put([at(500, 7)])
    past.engine.touched([touched(500)])
    assert [(one.revision, total(one)) for one in await reading] == [(1, 7)]
    assert [line for line in heard.take() if line[1] == "final"] == [(1_860, "final", 1_000, 1, 7)]
    task.cancel()


async def test_points_of_other_measurements_and_tags_make_no_row() -> None:
    past = Past()
    past.store.put([Point("other", {}, {"v": 1}, (BEGIN - 5_000) * 1_000_000)])
    other = parse_query(measurement="nothing", select={"v": ["sum"]}, every="1s")
    assert [update.rows for update in await first_of(past.engine.history(other, BEGIN - 2_000, BEGIN - 1_000))] == [
        (),
        (),
    ]
