"""Rollups in simulated time: one row for each window and group, whatever dies or does not answer."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.engine import Engine
from streams.engine import rollup as rollups
from streams.engine.positions import Position, PositionFile
from streams.engine.rollup import Follower, roll_up
from streams.errors import StoreUnavailable
from streams.formats.line import decode_fields
from streams.host import SharedHost
from streams.points import NANOSECONDS, Batch, Kind, Point, Value
from streams.queries import parse_query
from streams.rollups import Rollup
from streams.stores.base import MeasurementSchema
from tests.streams.engine.memory_store import MemoryStore, windows_of
from tests.streams.engine.transcript import at, touched
from tests.streams.simulation import BEGIN, SimulatedClock, simulate

pytestmark = pytest.mark.anyio

QUERY = parse_query(measurement="m", select={"v": ["sum", "count"]}, every="1s", grace="500ms", group_by=["dev"])
ROLLUP = Rollup("s", QUERY, "m_1s")
CORRECT_MS = 20_000
Rows = dict[tuple[int, str], dict[str, Value]]


@dataclass
class Table:
    """A target: fields by window start, milliseconds after the beginning, and device. Each write asks `fails`."""

    rows: Rows = field(default_factory=dict)
    writes: int = 0
    fails: Callable[[], bool] = lambda: False

    async def write(self, batch: Batch) -> None:
        await asyncio.sleep(0.005)
        if self.fails():
            raise StoreUnavailable("the target was told to fail")
        self.writes += 1
        for series, time, line in zip(batch.series, batch.times, batch.lines, strict=True):
            assert series.measurement == "m_1s"
            key = time // NANOSECONDS - BEGIN, dict(series.tags)["dev"]
            self.rows.setdefault(key, {}).update(decode_fields(line))


async def schema(_measurement: str) -> MeasurementSchema:
    return MeasurementSchema({"v": frozenset({Kind.INTEGER})}, frozenset({"dev"}))


class Worker:
    """A worker of a host: an engine, and the host's rollup if it leads."""

    def __init__(self, bench: "Bench") -> None:
        self.host = SharedHost(bench.folder)
        self.engine = Engine(bench.store, bench.clock, self.host, correct_for_ms=CORRECT_MS)
        self.host.on_touched = self.engine.touched
        self.position = PositionFile(bench.folder / "rollups", ROLLUP)
        follower = Follower(
            ROLLUP,
            self.engine,
            bench.table,
            self.position,
            schema=schema,
            clock=bench.clock,
            correct_for_ms=CORRECT_MS,
        )
        parts = (self.engine.run(), self.host.run(), roll_up([follower], self.host))
        self.tasks = [asyncio.create_task(part) for part in parts]

    def write(self, bench: "Bench", *points: Point) -> None:
        ranges = [touched(point.time // NANOSECONDS - BEGIN) for point in points]
        hold = self.host.hold(ranges)
        bench.store.put(points)
        self.engine.touched(ranges)
        self.host.announce(ranges)
        self.host.release(hold)

    async def die(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.host.close()


class Bench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock, self.store, self.table = SimulatedClock(), MemoryStore(), Table()

    async def until(self, time_ms: int) -> None:
        await self.clock.sleep_until(BEGIN + time_ms)

    def for_the_next(self, duration_ms: int) -> Callable[[], bool]:
        """Something that holds from now on for so long."""
        until = self.clock.now() + duration_ms
        return lambda: self.clock.now() < until

    def expected(self, first: int, last: int) -> Rows:
        """The rows of the windows that stop from `first` to `last` after the beginning, from what is stored now."""
        return {
            (window.start - BEGIN, str(dev)): {"v_sum": value, "v_count": count}
            for window in windows_of(self.store.points, QUERY, BEGIN + first, BEGIN + last)
            for dev, value, count in window.rows
            if value is not None and not isinstance(dev, float) and count is not None
        }


@pytest.fixture(autouse=True)
def inline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads take real time, and here is none: what is done in one is done at once."""

    async def at_once(work: Callable[..., object], *arguments: object) -> object:
        return work(*arguments)

    monkeypatch.setattr(asyncio, "to_thread", at_once)


def second(number: int, value: int = 1, device: str = "a") -> Point:
    return at(number * 1_000 + 100, value, device)


async def test_final_windows_and_their_corrections_are_written(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    worker = Worker(bench)
    bench.store.put([second(0, 1), second(1, 2), second(1, 3, "b")])
    await bench.until(1_400)
    assert bench.table.rows == {}
    await bench.until(2_600)
    assert bench.table.rows == {
        (0, "a"): {"v_sum": 1, "v_count": 1},
        (1_000, "a"): {"v_sum": 2, "v_count": 1},
        (1_000, "b"): {"v_sum": 3, "v_count": 1},
    }
    worker.write(bench, at(500, 10))
    await bench.until(3_400)
    assert bench.table.rows[0, "a"] == {"v_sum": 11, "v_count": 2}
    await worker.die()


async def test_the_windows_of_a_downtime_are_filled_in(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.store.put(second(number) for number in range(200))
    worker = Worker(bench)
    await bench.until(20_000)
    await worker.die()
    await bench.until(180_000)
    worker = Worker(bench)
    await bench.until(181_600)
    assert bench.table.rows == bench.expected(1_000, 181_000)
    await worker.die()


async def test_a_new_rollup_begins_where_its_readers_will(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.store.put(second(number) for number in range(-100, 1))
    worker = Worker(bench)
    await bench.until(700)
    assert bench.table.rows == bench.expected(1_000 - CORRECT_MS, 0)
    await bench.until(SAVED_BY)
    assert worker.position.load() == Position(BEGIN + 1_000 - CORRECT_MS, BEGIN + SAVED_BY - 1_000)
    await worker.die()


SAVED_BY = 11_000


async def test_one_worker_of_a_host_writes_and_another_takes_over(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    first, other = Worker(bench), Worker(bench)
    bench.store.put(second(number) for number in range(60))
    await bench.until(30_800)
    assert other.engine.plans == {}
    writes = bench.table.writes
    assert writes <= 32
    await first.die()
    other.write(bench, at(25_500, 10))  # a correction that nobody would make but for the successor
    await bench.until(50_700)
    assert bench.table.rows == bench.expected(1_000, 50_000)
    await other.die()


async def test_a_target_that_does_not_answer_is_waited_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(tmp_path)
    bench.store.put(second(number) for number in range(60))
    bench.table.fails = bench.for_the_next(40_000)
    worker = Worker(bench)
    await bench.until(39_000)
    assert bench.table.rows == {}
    await bench.until(50_700)
    assert bench.table.rows == bench.expected(1_000, 50_000)
    assert caplog.text.count("waits: the target was told to fail") == 1
    await worker.die()


async def test_rows_that_wait_are_bounded_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollups, "MOST_ROWS", 10)
    bench = Bench(tmp_path)
    bench.store.put(second(number) for number in range(90))
    bench.table.fails = bench.for_the_next(40_000)
    worker = Worker(bench)
    await bench.until(70_700)
    assert bench.table.rows == bench.expected(1_000, 70_000)
    await worker.die()


async def test_a_row_that_line_protocol_cannot_say_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(tmp_path)
    bench.store.put([second(0), second(0, 2, "no end\\")])
    worker = Worker(bench)
    await bench.until(1_800)
    assert bench.table.rows == {(0, "a"): {"v_sum": 1, "v_count": 1}}
    assert "leaves out rows" in caplog.text
    await worker.die()


def test_a_damaged_position_is_none(tmp_path: Path) -> None:
    file = PositionFile(tmp_path, ROLLUP)
    assert file.load() is None
    file.save(Position(1, 2))
    file.save(Position(1, 3))
    assert file.load() == Position(1, 3)
    [path] = tmp_path.iterdir()
    path.write_bytes(b"[1,")
    assert file.load() is None


def test_another_query_or_target_has_another_position(tmp_path: Path) -> None:
    PositionFile(tmp_path, ROLLUP).save(Position(1, 2))
    for other in (
        Rollup("s", QUERY, "m_1s", "bucket"),
        Rollup("s", parse_query(measurement="m", select={"v": ["sum"]}, every="2s"), "m_1s"),
    ):
        assert PositionFile(tmp_path, other).load() is None


Step = tuple[str, int, int]
steps = st.lists(
    st.tuples(
        st.sampled_from(["write", "late", "restart", "fail", "store"]), st.integers(0, 1), st.integers(100, 4_000)
    ),
    max_size=25,
)


@settings(max_examples=25)
@given(steps)
def test_whatever_happens_the_target_has_what_is_stored(
    tmp_path_factory: pytest.TempPathFactory, schedule: list[Step]
) -> None:
    folder = tmp_path_factory.mktemp("schedule")

    async def play() -> None:
        bench = Bench(folder)
        workers = [Worker(bench), Worker(bench)]
        for number, (action, which, pause) in enumerate(schedule):
            now = bench.clock.now() - BEGIN
            match action:
                case "write":
                    workers[which].write(bench, at(now - 10, 1 << number, "ab"[which]))
                case "late":
                    workers[which].write(bench, at(max(0, now - 2 * pause) + number, 1 << number))
                case "restart":
                    await workers[which].die()
                    await bench.clock.sleep(pause)
                    workers[which] = Worker(bench)
                case "fail":
                    bench.table.fails = bench.for_the_next(2 * pause)
                case "store":
                    bench.store.fails = bench.for_the_next(pause)
            await bench.clock.sleep(pause)
        await bench.clock.sleep(15_000)
        stop = (bench.clock.now() - BEGIN) // 1_000 * 1_000 - 1_000
        for worker in workers:
            await worker.die()
        rows = {key: row for key, row in bench.table.rows.items() if 0 <= key[0] < stop}
        assert rows == bench.expected(1_000, stop)

    simulate(play)
