"""A whole hub in simulated time: devices, two workers with an engine each, one store, and subscribers who check.

Every point has a value that is a power of two of its own, so the sum in a window says exactly which points it has.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from streams.engine import Engine, Plan, Seam, WindowUpdate
from streams.errors import StoreUnavailable
from streams.host import Hold, SharedHost
from streams.points import NANOSECONDS, Point, Touched
from streams.queries import Query, parse_query
from streams.stores.base import Row
from streams.windows import boundary, touched_stops
from tests.streams.engine.memory_store import MemoryStore, windows_of
from tests.streams.simulation import BEGIN, SimulatedClock

SELECT = {"v": ["count", "sum"]}
QUERIES = [
    parse_query(measurement="m", select=SELECT, every="1s", grace="500ms"),
    parse_query(measurement="m", select=SELECT, every="500ms", window="2s", grace="1500ms", group_by=["dev"]),
    parse_query(measurement="m", select=SELECT, every="700ms", grace="0s", where={"dev": "a"}),
]
RESEND_MS = 100


@dataclass(eq=False)
class Sent:
    """A point on its way. `came` is when `worker` took it, until which it has none."""

    point: Point
    worker: "Worker | None" = None
    came: int = 2**62
    written: bool = False

    @property
    def touched(self) -> Touched:
        return Touched(self.point.measurement, self.point.time, self.point.time)


class Worker:
    """One process of the hub: it writes what devices bring, and sends windows."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.host = SharedHost(world.directory)
        self.engine = Engine(world.store, world.clock, self.host, correct_for_ms=20_000, lag_ms=0)
        self.host.on_touched = self.engine.touched
        self.tasks = [asyncio.create_task(self.engine.run()), asyncio.create_task(self.host.run())]

    def take(self, sent: Sent) -> None:
        """A point comes in; the device hears of it when it is written, and else sends it again."""
        sent.worker, sent.came = self, self.world.clock.now()
        task = asyncio.create_task(self._write(sent, self.host.hold([sent.touched])))
        self.tasks.append(task)

    async def _write(self, sent: Sent, hold: Hold) -> None:
        while True:
            try:
                await self.world.store.write([sent.point])
                break
            except StoreUnavailable:
                await self.world.clock.sleep(50)
        self.engine.touched([sent.touched])
        self.host.announce([sent.touched])
        self.host.release(hold)
        sent.written = True

    async def die(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.host.close()


@dataclass(eq=False)
class Shown:
    revision: int
    rows: tuple[Row, ...]
    final: bool


@dataclass(eq=False)
class Subscriber:
    """A dashboard that believes what it is told, and checks it.

    It asks for windows from the stop `first` on. One that comes back has the rows of those `before`, which it replaces
    where it gets newer ones; it says the latest `sent` that it has `seen` in a live window, or else when it came.
    """

    world: "World"
    worker: Worker
    query: Query
    first: int
    seen: int | None = None
    before: dict[int, tuple[Row, ...]] = field(default_factory=dict)
    shown: dict[int, Shown] = field(default_factory=dict)
    sent: int = 0
    final_until: int = 0
    live: bool = False

    def __post_init__(self) -> None:
        self.next = self.first
        self.sent = self.world.clock.now() if self.seen is None else self.seen
        self.plan = self.worker.engine.join(self.query, self)
        self.task = asyncio.create_task(self._come_in())

    async def _come_in(self) -> None:
        with Seam(self.worker.engine, self.query) as seam:
            async for chunk in seam.past(self.first, self.seen):
                for update in chunk:
                    in_order = update.stop == self.next or update.stop < self.first
                    self.world.expect(in_order, "history has a hole or a window twice")
                    self.world.expect(update.final, "history is not final")
                    self._show(update)
                    self.next = max(self.next, update.stop + self.query.every_ms)
                await self.world.clock.sleep(self.world.chance.randrange(300))
            for update in seam.present():
                self._receive(update)
            latest = self.plan.last_stop + self.query.every_ms
            self.world.expect(self.next == max(latest, self.first), "windows between history and live are missing")
            self.live = True

    def comes_back(self, worker: Worker) -> "Subscriber":
        """The same dashboard after a reconnect."""
        rows = self.before | {stop: shown.rows for stop, shown in self.shown.items()}
        return Subscriber(self.world, worker, self.query, self.next, self.sent, rows)

    def leave(self) -> None:
        self.task.cancel()
        self.worker.engine.leave(self.plan, self)
        self.live = False

    def window(self, _plan: Plan, update: WindowUpdate) -> None:
        if self.live:
            self._receive(update)
            self.sent = max(self.sent, update.sent)

    def progress(self, plan: Plan, final_until: int) -> None:
        self.world.expect(final_until == plan.final_until, "progress says otherwise than the plan")
        if not self.live:
            return
        self.world.expect(final_until > self.final_until, "progress went back")
        before, self.final_until = self.final_until, final_until
        self.world.expect(
            final_until < self.next or final_until < self.first, "progress speaks of a window that was not sent"
        )
        for stop, shown in self.shown.items():
            if before < stop <= final_until and not shown.final:
                shown.final = True
                self._check(stop)

    def trouble(self, _plan: Plan, message: str, _retry_after_ms: int | None) -> None:
        self.world.expect("has not answered" in message, message)

    def _receive(self, update: WindowUpdate) -> None:
        if update.stop >= self.first and update.stop not in self.shown:
            self.world.expect(update.stop == self.next, "a window is missing")
            self.next += self.query.every_ms
        self._show(update)

    def _show(self, update: WindowUpdate) -> None:
        shown = self.shown.get(update.stop)
        if shown:
            self.world.expect(
                update.revision > shown.revision, "a window was sent twice, or an older one after a newer one"
            )
            self.world.expect(update.rows != shown.rows, "a window that did not change was sent again")
            self.world.expect(update.final or not shown.final, "a final window became provisional")
        self.before.pop(update.stop, None)
        self.shown[update.stop] = Shown(update.revision, update.rows, update.final)
        if update.final:
            self._check(update.stop)

    def _check(self, stop: int) -> None:
        """A final window has every point that came until it had to be final, and none that never came."""
        has, deadline = _bits(self.shown[stop].rows), stop + self.query.grace_ms
        mine = [sent for sent in self.world.sent if self.world.concerns(sent, self.query, stop)]
        must = sum(_value(sent) for sent in mine if sent.came <= deadline)
        may = sum(_value(sent) for sent in mine)
        self.world.expect(
            must & ~has == 0, f"a point that came in time is missing from the window that stops at {stop}"
        )
        self.world.expect(has & ~may == 0, "a window has a point that never came")

    def check_all(self) -> None:
        """Now that everything has come to rest: what is shown is what is stored, to the latest window."""
        self.world.expect(self.live, "the history never ended")
        due = self.world.clock.now() - 100
        self.world.expect(self.next > boundary(due, self.query.every_ms), "the latest windows are missing")
        for stop, rows in self.before.items():
            [window] = windows_of(self.world.store.points, self.query, stop, stop)
            self.world.expect(rows == window.rows, f"nothing was said of the correction of {stop}")
        for stop, shown in self.shown.items():
            [window] = windows_of(self.world.store.points, self.query, stop, stop)
            if stop <= self.final_until:
                self.world.expect(shown.final, "progress made a window final, and it is not")
            self.world.expect(shown.rows == window.rows, f"the window that stopped at {stop} is not as stored")


class World:
    """Everything, and how it goes wrong. `chance` decides what a schedule leaves open."""

    def __init__(self, seed: int, directory: Path) -> None:
        self.directory = directory
        self.clock = SimulatedClock()
        self.chance = random.Random(seed)
        self.slow_ms, self.failing = 5, 0.0
        self.store = MemoryStore(
            lambda: self.chance.randrange(self.slow_ms), lambda: self.chance.random() < self.failing
        )
        self.workers = [Worker(self), Worker(self)]
        self.waiting: dict[int, list[Callable[[Worker], object]]] = {}
        self.sent: list[Sent] = []
        self.problems: list[str] = []
        self.subscribers: list[Subscriber] = []

    def concerns(self, sent: Sent, query: Query, stop: int) -> bool:
        """Whether a point belongs into a window."""
        first, last = touched_stops(query, sent.point.time, sent.point.time)
        wanted = dict(query.where).get("dev", (sent.point.tags["dev"],))
        return first <= stop <= last and sent.point.tags["dev"] in wanted

    def send(self, worker: int, device: str, age_ms: int) -> None:
        """A device sends a new point that is so old."""
        number = len(self.sent)
        time = (self.clock.now() - age_ms) * NANOSECONDS + number
        sent = Sent(Point("m", {"dev": device}, {"v": 1 << number}, time))
        self.sent.append(sent)
        self.workers[worker].take(sent)

    def subscribe(self, worker: int, query: int, history_ms: int) -> None:
        """A dashboard asks for windows, from so long ago on."""
        first = boundary(self.clock.now() - history_ms, QUERIES[query].every_ms) + QUERIES[query].every_ms
        self.subscribers.append(Subscriber(self, self.workers[worker], QUERIES[query], first))

    def leave(self, number: int) -> None:
        """One of the dashboards goes."""
        if self.subscribers:
            self.subscribers.pop(number % len(self.subscribers)).leave()

    def away(self, number: int, duration_ms: int) -> None:
        """One of the dashboards loses its connection, and comes back."""
        if self.subscribers:
            gone = self.subscribers.pop(number % len(self.subscribers))
            gone.leave()
            worker = self.workers.index(gone.worker)
            asyncio.get_running_loop().call_later(duration_ms / 1_000, self._comes_back, gone, worker)

    def _comes_back(self, gone: Subscriber, worker: int) -> None:
        self._reach(worker, lambda worker: self.subscribers.append(gone.comes_back(worker)))

    def _reach(self, number: int, come: Callable[[Worker], object]) -> None:
        """Somebody comes to a worker, and while that dies to its successor: a process that ends accepts nobody."""
        if number in self.waiting:
            self.waiting[number].append(come)
        else:
            come(self.workers[number])

    async def restart(self, number: int) -> None:
        """A worker dies at once; devices and dashboards come back to its successor."""
        old, self.waiting[number] = self.workers[number], []
        gone = [subscriber for subscriber in self.subscribers if subscriber.worker is old]
        for subscriber in gone:
            subscriber.task.cancel()
            subscriber.live = False
            self.subscribers.remove(subscriber)
        await old.die()
        self.workers[number] = Worker(self)
        for sent in self.sent:
            if sent.worker is old and not sent.written:
                sent.worker, sent.came = None, 2**62
                asyncio.get_running_loop().call_later(RESEND_MS / 1_000, self._resend, number, sent)
        for subscriber in gone:
            self.subscribers.append(subscriber.comes_back(self.workers[number]))
        for come in self.waiting.pop(number):
            come(self.workers[number])

    def _resend(self, number: int, sent: Sent) -> None:
        self._reach(number, lambda worker: worker.take(sent))

    async def act(self, name: str, *arguments: Any) -> None:
        """One step of a schedule."""
        match name:
            case "send":
                self.send(*arguments)
            case "subscribe":
                self.subscribe(*arguments)
            case "leave":
                self.leave(*arguments)
            case "away":
                self.away(*arguments)
            case "restart":
                await self.restart(*arguments)
            case "store":
                self.slow_ms, self.failing = arguments

    def expect(self, holds: bool, otherwise: str) -> None:
        """Note what is wrong: the engine keeps a listener's errors from each other."""
        if not holds:
            self.problems.append(f"{self.clock.now() - BEGIN}: {otherwise}")

    async def rest(self) -> None:
        """Let the store recover and everything come to rest, look at everything, and end."""
        self.slow_ms, self.failing = 1, 0.0
        await self.clock.sleep(10_000)
        for subscriber in self.subscribers:
            subscriber.check_all()
        for worker in self.workers:
            await worker.die()
        assert not self.problems, self.problems


def _value(sent: Sent) -> int:
    value = sent.point.fields["v"]
    assert isinstance(value, int)
    return value


def _bits(rows: Sequence[Row]) -> int:
    """Which points are in these rows; the sum is their last column."""
    return sum(row[-1] for row in rows if isinstance(row[-1], int))
