"""The store is away, or slow: what the ingest keeps in the spool meanwhile, and how it comes out again."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from streams.host import LocalHost
from streams.ingest import commit, drain, patience
from streams.ingest.commit import Ingest
from streams.ingest.dead_letters import DeadLetters
from streams.ingest.drain import Drain
from streams.ingest.outcome import SPOOLED, STORED
from streams.ingest.spool import Spool, SpoolEntry
from streams.points import Kind, Touched
from tests.streams.ingest.shelf import Shelf, batch
from tests.streams.ingest.test_commit import Device

pytestmark = pytest.mark.anyio

FIRST, SECOND = b"weather,site=a temp=1.0 0", b"weather,site=a temp=2.0 0"


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path, "shelf", 2**20)
    yield spool
    spool.close()


@pytest.fixture
def letters(tmp_path: Path) -> Iterator[DeadLetters]:
    letters = DeadLetters(tmp_path / "dead", 2**20)
    yield letters
    letters.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store has this long to answer before what waits goes to the spool."""
    monkeypatch.setattr(patience, "BEHIND_SECONDS", 0.02)
    monkeypatch.setattr(patience, "ALONE_SECONDS", 0.04)


class Station:
    """An ingest over a shelf, and the drain of its spool, of which a test says when it runs."""

    def __init__(self, shelf: Shelf, spool: Spool, letters: DeadLetters) -> None:
        self.host = LocalHost()
        self.host.held_elsewhere = spool.holds
        self.spool = spool
        self.ingest = Ingest(shelf, self.host, spool, letters)
        self.drain = Drain(spool, shelf, self.host, letters)
        self.readable: list[Touched] = []
        self.ingest.after_commit = self.drain.after_commit = self.readable.extend

    async def drained(self) -> None:
        """Let the drain run until nothing waits."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.drain.run)
            with anyio.fail_after(10):
                while not self.spool.empty():
                    await anyio.sleep(0)
            tasks.cancel_scope.cancel()


@asynccontextmanager
async def running(shelf: Shelf, spool: Spool, letters: DeadLetters) -> AsyncIterator[Station]:
    station = Station(shelf, spool, letters)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(station.ingest.run)
        yield station
        shelf.gate.set()
        tasks.cancel_scope.cancel()


async def test_what_an_absent_store_cannot_take_is_spooled_and_drained(spool: Spool, letters: DeadLetters) -> None:
    shelf = Shelf()
    shelf.shut = True
    async with running(shelf, spool, letters) as station:
        device = Device(station.ingest)
        device.send(batch(("a", 1.0)))
        assert await device.heard(1) == [SPOOLED]
        assert station.host.holds("weather", 0, 1)
        assert station.readable == []

        shelf.shut = False
        await station.drained()
        assert shelf.lines == [FIRST]
        assert station.readable == [Touched("weather", 0, 0)]
        assert not station.host.holds("weather", 0, 1)


async def test_a_newer_value_queues_behind_the_spooled_older_one(spool: Spool, letters: DeadLetters) -> None:
    shelf = Shelf()
    shelf.shut = True
    async with running(shelf, spool, letters) as station:
        device = Device(station.ingest)
        device.send(batch(("a", 1.0)))
        await device.heard(1)
        shelf.shut = False
        device.send(batch(("a", 2.0)))
        assert await device.heard(2) == [SPOOLED, SPOOLED]
        assert shelf.lines == []

        await station.drained()
        assert shelf.lines == [FIRST, SECOND]
        device.send(batch(("b", 3.0)))
        assert (await device.heard(3))[2] == STORED


@pytest.mark.usefixtures("impatient")
async def test_a_slow_store_counts_as_away_and_is_not_drained_into_while_it_may_still_do_the_old_write(
    spool: Spool, letters: DeadLetters
) -> None:
    shelf = Shelf()
    shelf.gate = anyio.Event()
    async with running(shelf, spool, letters) as station:
        device = Device(station.ingest)
        device.send(batch(("a", 1.0)))
        assert await device.heard(1) == [SPOOLED]
        device.send(batch(("a", 2.0)))
        assert (await device.heard(2))[1] == SPOOLED
        assert station.host.late_writes()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(station.drain.run)
            await anyio.wait_all_tasks_blocked()
            assert shelf.writes == [1]
            shelf.gate.set()
            with anyio.fail_after(10):
                while not spool.empty():
                    await anyio.sleep(0)
            tasks.cancel_scope.cancel()
    assert shelf.lines == [FIRST, FIRST, SECOND]


@pytest.mark.usefixtures("impatient")
async def test_what_waits_for_a_place_behind_slow_writes_is_spooled(spool: Spool, letters: DeadLetters) -> None:
    shelf = Shelf(concurrent_writes=1)
    shelf.gate = anyio.Event()
    async with running(shelf, spool, letters) as station:
        devices = [Device(station.ingest) for _ in range(5)]
        for device in devices:
            device.send(batch(("a", 1.0)))
            await anyio.sleep(0)
        for device in devices:
            assert await device.heard(1) == [SPOOLED]


async def test_a_store_that_is_given_much_is_not_slow(
    spool: Spool, letters: DeadLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "BEHIND_SECONDS", 0)
    monkeypatch.setattr(patience, "SECONDS_PER_POINT", 10)
    shelf = Shelf(concurrent_writes=1)
    shelf.gate = anyio.Event()
    async with running(shelf, spool, letters) as station:
        devices = [Device(station.ingest) for _ in range(3)]
        for device in devices:
            device.send(batch(("a", 1.0)))
            await anyio.wait_all_tasks_blocked()
        shelf.gate.set()
        for device in devices:
            assert await device.heard(1) == [STORED]


async def test_what_comes_during_a_sync_shares_the_next_one(
    spool: Spool, letters: DeadLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf, disk, syncs, append = Shelf(), anyio.Event(), [], spool.append

    async def slow_append(entries: Sequence[SpoolEntry]) -> None:
        syncs.append(len(entries))
        await disk.wait()
        await append(entries)

    monkeypatch.setattr(spool, "append", slow_append)
    monkeypatch.setattr(commit, "GATHER_SECONDS", 0)
    shelf.shut = True
    async with running(shelf, spool, letters) as station:
        first, *others = (Device(station.ingest) for _ in range(10))
        disk.set()
        first.send(batch(("a", 1.0)))
        assert await first.heard(1) == [SPOOLED]
        disk = anyio.Event()
        first.send(batch(("a", 2.0)))
        while len(syncs) < 2:
            await anyio.sleep(0)
        for device in others:
            device.send(batch(("a", 3.0)))
            await anyio.wait_all_tasks_blocked()
        disk.set()
        for device in others:
            assert await device.heard(1) == [SPOOLED]
    assert syncs == [1, 1, len(others)]


async def test_a_store_that_is_away_is_tried_with_little_of_the_spool(
    spool: Spool, letters: DeadLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "FIRST_PAUSE_SECONDS", 0)
    read, limits = spool.read, []

    async def counted_read(limit: int, after: int = 0) -> list[SpoolEntry]:
        limits.append(limit)
        shelf.shut = len(limits) < 3
        return await read(limit, after)

    monkeypatch.setattr(spool, "read", counted_read)
    shelf = Shelf()
    shelf.shut = True
    async with running(shelf, spool, letters) as station:
        device = Device(station.ingest)
        device.send(batch(("a", 1.0)))
        await device.heard(1)
        await station.drained()
    assert limits[:3] == [drain.READ_ENTRIES, drain.PROBE_ENTRIES, drain.PROBE_ENTRIES]
    assert len(shelf.lines) == 1


async def test_a_full_spool_means_retry(tmp_path: Path, letters: DeadLetters) -> None:
    shelf, spool = Shelf(), Spool(tmp_path, "small", 300)
    shelf.shut = True
    async with running(shelf, spool, letters) as station:
        device = Device(station.ingest)
        for number in range(1, 9):
            device.send(batch(("a", 1.0)))
            await device.heard(number)
        places = [outcome.stored for outcome in device.outcomes]
        assert places[0] == "spool"
        assert places[-1] is None
        shelf.shut = False
        await station.drained()
        assert len(shelf.lines) == places.count("spool")
    spool.close()


async def test_points_refused_out_of_the_spool_are_dead_letters(spool: Spool, letters: DeadLetters) -> None:
    shelf = Shelf()
    shelf.shut = True
    async with running(shelf, spool, letters) as station:
        device = Device(station.ingest)
        device.send(batch(("a", 1.0), ("bad", 2.0)))
        assert await device.heard(1) == [SPOOLED]
        shelf.shut, shelf.refuses = False, {"bad"}
        await station.drained()

    [letter] = letters.letters()
    assert (letter.source, letter.code, letter.acknowledged) == ("device", "refused_by_store", True)
    assert letter.line == b"weather,site=bad temp=2.0 1000000000"
    assert set(shelf.lines) == {FIRST}


async def test_rejected_points_are_dead_letters_too(spool: Spool, letters: DeadLetters) -> None:
    shelf = Shelf()
    shelf.kinds = {"weather": {"temp": frozenset({Kind.STRING})}}
    async with running(shelf, spool, letters) as station:
        device = Device(station.ingest)
        device.send(batch(("a", 1.0)))
        [outcome] = await device.heard(1)
        assert [reject.code for reject in outcome.rejects] == ["field_type"]
    assert [(letter.code, letter.acknowledged) for letter in letters.letters()] == [("field_type", False)]
