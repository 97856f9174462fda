"""Dashboards' sessions without sockets, with a real engine in simulated time."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from hub.consumer import Consumer
from hub.encodings import Encoding
from hub.outbound import Outbound
from hub.shared import Shared
from hub.topics import Topics
from streams.engine import Engine
from streams.host import LocalHost
from streams.points import NANOSECONDS, Kind, Point, Touched
from streams.queries import parse_query
from tests.streams.engine.memory_store import MemoryStore
from tests.streams.simulation import BEGIN, SimulatedClock, simulate

Message = dict[str, Any]
T = TypeVar("T")

QUERY = {"measurement": "m", "select": {"v": ["sum"]}, "every": "1s", "grace": "500ms"}
STREAMS = {
    "weather": parse_query(**QUERY),
    "by_site": parse_query(**QUERY, group_by=["site"], where={"site": ["a", "b"]}),
}


class World:
    """One worker's engine and store, and the dashboards that watch it."""

    def __init__(self, max_history: int = 1_000) -> None:
        self.clock = SimulatedClock()
        self.slow_ms, self.fails = 5, False
        self.store = MemoryStore(lambda: self.slow_ms, lambda: self.fails)
        self.engine = Engine(self.store, self.clock, LocalHost(), history_windows=max_history)
        self.running = asyncio.create_task(self.engine.run())
        self.subscriptions = 0
        self.shared = Shared(
            STREAMS,
            self.engine,
            Topics(self.engine),
            self.clock,
            self._kinds,
            max_frame_bytes=10_000,
            max_subscriptions=3,
        )

    async def _kinds(self, _: str) -> Mapping[str, Kind]:
        return {} if self.fails else {"v": Kind.INTEGER}

    def put(self, value: int, at: int, site: str = "a") -> None:
        """A point that is stored at once; `at` in milliseconds after the beginning."""
        time = (BEGIN + at) * NANOSECONDS
        self.store.put([Point("m", {"site": site}, {"v": value}, time)])
        self.engine.touched([Touched("m", time, time)])


class Dashboard:
    """A session without a socket: what it was told, as a client would read it."""

    def __init__(self, world: World, budget_bytes: int = 2**20) -> None:
        self.world = world
        self.told: list[Message] = []
        self.reads = asyncio.Event()
        self.reads.set()
        self.outbound = Outbound(self._hear, encoding=Encoding.JSON, budget_bytes=budget_bytes)
        self.consumer = Consumer(world.shared, self.outbound, self._count)

    async def _hear(self, data: str | bytes) -> None:
        await self.reads.wait()
        self.told.append(json.loads(data))

    def _count(self, change: int) -> None:
        self.world.subscriptions += change

    def says(self, **message: Any) -> None:
        self.consumer.receive(json.dumps(message))

    async def hears(self, after_ms: int = 100) -> list[Message]:
        """What it was told until so much later, since the last time."""
        await self.world.clock.sleep(after_ms)
        told, self.told = self.told, []
        return told


def play(scenario: Callable[[World], Awaitable[T]], **options: Any) -> T:
    async def run() -> T:
        world = World(**options)
        try:
            return await scenario(world)
        finally:
            world.running.cancel()

    return simulate(run)


def kinds_of(messages: list[Message]) -> list[str]:
    return [message["type"] for message in messages]
