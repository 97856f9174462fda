"""Backfills over real files: who tells what they have touched, and what happens when a worker dies before."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from streams.host import LocalHost
from streams.ingest.backfill import PAUSE_MS
from streams.ingest.backfills import Backfills
from streams.ingest.commit import Ingest
from streams.ingest.outcome import STORED, Outcome
from streams.points import Touched
from tests.streams.ingest.shelf import Shelf, batch

pytestmark = pytest.mark.anyio

MINUTE_NS = 60_000_000_000
FIRST_MINUTE = Touched("weather", 0, MINUTE_NS - 1)
HOUR = 3_600_000


class HandClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = 100 * HOUR

    def now(self) -> int:
        return self.time

    async def sleep_until(self, time_ms: int) -> None:
        raise NotImplementedError


class Worker:
    """A worker's ingest and backfills, and what its engine is told."""

    def __init__(self, directory: Path) -> None:
        self.shelf = Shelf()
        self.ingest = Ingest(self.shelf, LocalHost())
        self.clock = HandClock()
        self.backfills = Backfills(self.ingest, directory, self.clock, HOUR)
        self.told: list[Touched] = []
        self.ingest.after_commit = self._tell

    def _tell(self, touched: Sequence[Touched]) -> None:
        self.told += touched


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[Worker]:
    worker = Worker(directory)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(worker.ingest.run)
        yield worker
        tasks.cancel_scope.cancel()


async def stored(lane: object, at: int = 0) -> None:
    """Send a point of this second, and wait for its ack."""
    heard = anyio.Event()
    outcomes: list[Outcome] = []

    def settled(outcome: Outcome) -> None:
        outcomes.append(outcome)
        heard.set()

    lane.submit(batch(("a", 1.0), at=at), settled)  # type: ignore[attr-defined]
    with anyio.fail_after(10):
        await heard.wait()
    assert outcomes == [STORED]
    await anyio.wait_all_tasks_blocked()


def left(directory: Path) -> list[Path]:
    return list(directory.iterdir())


async def test_a_backfill_is_told_once_when_it_is_closed(tmp_path: Path) -> None:
    async with running(tmp_path) as worker:
        lane = worker.backfills.lane("device")
        for second in range(5):
            await stored(lane, second)
            worker.backfills.poll()
        assert worker.told == []
        lane.close()
        worker.backfills.poll()
        assert worker.told == [FIRST_MINUTE]
        worker.backfills.poll()
        assert worker.told == [FIRST_MINUTE]
        assert left(tmp_path) == []


async def test_a_backfill_is_told_when_it_pauses_and_again_when_it_has_gone_on(tmp_path: Path) -> None:
    async with running(tmp_path) as worker:
        lane = worker.backfills.lane("device")
        await stored(lane)
        worker.clock.time += PAUSE_MS
        worker.backfills.poll()
        assert worker.told == [FIRST_MINUTE]
        await stored(lane)
        lane.close()
        worker.backfills.poll()
        assert worker.told == [FIRST_MINUTE, FIRST_MINUTE]


async def test_what_is_on_its_way_when_it_closes_is_waited_for(tmp_path: Path) -> None:
    async with running(tmp_path) as worker:
        worker.shelf.gate = anyio.Event()
        lane = worker.backfills.lane("device")
        lane.submit(batch(("a", 1.0)), lambda _outcome: None)
        lane.close()
        worker.backfills.poll()
        assert worker.told == []
        worker.shelf.gate.set()
        while not worker.shelf.lines:
            await anyio.sleep(0)
        await anyio.wait_all_tasks_blocked()
        worker.backfills.poll()
        assert worker.told == [FIRST_MINUTE]


async def test_other_devices_are_told_of_at_once(tmp_path: Path) -> None:
    async with running(tmp_path) as worker:
        await stored(worker.ingest.lane("device"))
        assert worker.told == [Touched("weather", 0, 0)]


async def test_what_a_dead_worker_has_left_is_told_by_another_and_once(tmp_path: Path) -> None:
    async with running(tmp_path) as dead, running(tmp_path) as survivor:
        await stored(dead.backfills.lane("device"))
        survivor.backfills.poll()
        assert survivor.told == []
        dead.backfills.close()
        survivor.backfills.poll()
        survivor.backfills.poll()
        assert survivor.told == [FIRST_MINUTE]
        assert dead.told == []
        assert left(tmp_path) == []


async def test_half_a_line_of_a_dead_worker_hides_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as survivor:
        (tmp_path / "dead.ranges").write_bytes(b'\n["weather",0,59]\n["wea')
        survivor.backfills.poll()
        assert survivor.told == [Touched("weather", 0, 59)]


async def test_a_disk_that_takes_nothing_costs_corrections_and_loses_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory = tmp_path / "backfills"
    async with running(directory) as worker:
        directory.rmdir()
        lane = worker.backfills.lane("device")
        await stored(lane)
        assert worker.told == [FIRST_MINUTE]
        assert "corrected now" in caplog.text
