"""Readings go through a door that is so wide, and bring what was asked for."""

import asyncio

import pytest

from streams.engine.reader import SLOW_SECONDS, Reader
from streams.errors import StoreUnavailable
from streams.queries import Query, parse_query
from streams.stores.base import Answer
from tests.streams.engine.memory_store import MemoryStore

pytestmark = pytest.mark.anyio

QUERY = parse_query(measurement="m", select={"v": ["sum"]}, every="1s")


class Counting(MemoryStore):
    """Says how many readings were under way at once."""

    under_way = most = 0

    async def answer(self, query: Query, first_stop: int, last_stop: int) -> Answer:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            return await super().answer(query, first_stop, last_stop)
        finally:
            self.under_way -= 1


async def test_no_more_readings_are_under_way_than_allowed() -> None:
    store = Counting(delay=lambda: 50)
    reader = Reader(store, at_once=3)
    await asyncio.gather(*(reader.read(QUERY, 1_000, 1_000) for _ in range(10)))
    assert store.most == 3
    assert asyncio.get_running_loop().time() == pytest.approx(0.4)


async def test_a_slow_reading_gives_up_its_place_and_no_more_than_that() -> None:
    delays = [30_000]
    store = Counting(delay=lambda: delays.pop() if delays else 100)
    reader = Reader(store, at_once=1)
    hanging = asyncio.create_task(reader.read(QUERY, 1_000, 1_000))
    await asyncio.sleep(0)
    await reader.read(QUERY, 1_000, 1_000)
    assert asyncio.get_running_loop().time() == pytest.approx(SLOW_SECONDS + 0.2)
    await hanging
    store.most = 0
    await asyncio.gather(*(reader.read(QUERY, 1_000, 1_000) for _ in range(3)))
    assert store.most == 1


async def test_a_failed_or_abandoned_reading_gives_its_place_back() -> None:
    store = MemoryStore(fails=lambda: True)
    reader = Reader(store, at_once=1)
    with pytest.raises(StoreUnavailable):
        await reader.read(QUERY, 1_000, 1_000)
    store.fails, store.delay = lambda: False, lambda: 500
    abandoned = asyncio.create_task(reader.read(QUERY, 1_000, 1_000))
    await asyncio.sleep(0.1)
    abandoned.cancel()
    answer = await asyncio.wait_for(reader.read(QUERY, 1_000, 2_000), timeout=2)
    assert [window.stop for window in answer.windows] == [1_000, 2_000]


async def test_an_answer_that_lacks_a_window_is_not_taken() -> None:
    class Forgetful(MemoryStore):
        async def answer(self, query: Query, first_stop: int, last_stop: int) -> Answer:
            return await super().answer(query, first_stop, last_stop - query.every_ms)

    with pytest.raises(RuntimeError, match="memory answered other windows than those from 1000 to 3000"):
        await Reader(Forgetful(), at_once=1).read(QUERY, 1_000, 3_000)
