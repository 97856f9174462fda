"""The group commit, end to end over a shelf: what each frame is told, and when."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import anyio
import pytest

from streams.host import LocalHost
from streams.ingest import commit
from streams.ingest.commit import Ingest
from streams.ingest.outcome import STORED, Outcome
from streams.ingest.turns import WORTH_A_COMMIT
from streams.points import Batch, Kind, Touched
from tests.streams.ingest.shelf import Shelf, batch

pytestmark = pytest.mark.anyio


class Ledger(LocalHost):
    """A host of one worker that remembers what was announced."""

    def __init__(self) -> None:
        super().__init__()
        self.announced: list[Touched] = []

    def announce(self, touched: Sequence[Touched]) -> None:
        self.announced += touched


class Device:
    """Submits frames and keeps their outcomes in the order they came."""

    def __init__(self, ingest: Ingest) -> None:
        self.lane = ingest.lane("device")
        self.outcomes: list[Outcome] = []
        self._heard = anyio.Event()

    def send(self, points: Batch) -> None:
        self.lane.submit(points, self._settled)

    async def heard(self, count: int) -> list[Outcome]:
        with anyio.fail_after(10):
            while len(self.outcomes) < count:
                self._heard = anyio.Event()
                await self._heard.wait()
        return self.outcomes

    def _settled(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self._heard.set()


@asynccontextmanager
async def running(shelf: Shelf, ledger: Ledger | None = None) -> AsyncIterator[Ingest]:
    ingest = Ingest(shelf, ledger or Ledger())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ingest.run)
        yield ingest
        tasks.cancel_scope.cancel()


async def test_a_frame_is_stored_before_it_is_acknowledged() -> None:
    shelf = Shelf()
    shelf.gate = anyio.Event()
    async with running(shelf) as ingest:
        device = Device(ingest)
        device.send(batch(("a", 1.0)))
        await anyio.wait_all_tasks_blocked()
        while not shelf.writes:
            await anyio.wait_all_tasks_blocked()
        assert device.outcomes == []

        shelf.gate.set()
        assert await device.heard(1) == [STORED]
        assert shelf.lines == [b"weather,site=a temp=1.0 0"]


async def test_frames_of_many_devices_share_a_write() -> None:
    shelf = Shelf()
    async with running(shelf) as ingest:
        devices = [Device(ingest) for _ in range(20)]
        for device in devices:
            device.send(batch(("a", 1.0)))
        for device in devices:
            assert await device.heard(1) == [STORED]
    assert shelf.writes == [20]


async def test_a_busy_device_has_two_writes_at_once_but_never_the_same_points() -> None:
    shelf = Shelf(concurrent_writes=4)
    async with running(shelf) as ingest:
        device = Device(ingest)
        device.send(batch(("a", 1.0)))  # now its field is known
        await device.heard(1)
        shelf.gate = anyio.Event()
        for value, at in enumerate((1_000, 2_000, 1_000)):
            device.send(batch(*[("a", float(value))] * WORTH_A_COMMIT, at=at))
            with anyio.fail_after(10):
                while len(shelf.writes) < min(value + 2, 3):
                    await anyio.sleep(0)
        await anyio.wait_all_tasks_blocked()
        assert shelf.writes == [1, WORTH_A_COMMIT, WORTH_A_COMMIT]

        shelf.gate.set()
        assert await device.heard(4) == [STORED] * 4
    assert shelf.lines[-1].startswith(b"weather,site=a temp=2.0 ")


async def test_an_empty_frame_is_acknowledged() -> None:
    async with running(Shelf()) as ingest:
        device = Device(ingest)
        device.send(batch())
        assert await device.heard(1) == [STORED]


async def test_one_devices_bad_line_is_told_to_it_alone() -> None:
    shelf = Shelf()
    shelf.refuses = {"bad"}
    async with running(shelf) as ingest:
        good, guilty = Device(ingest), Device(ingest)
        good.send(batch(("a", 1.0)))
        guilty.send(batch(("b", 1.0), ("bad", 2.0)))

        assert await good.heard(1) == [STORED]
        [outcome] = await guilty.heard(1)

    assert outcome.stored == "store"
    assert [reject.line for reject in outcome.rejects] == [2]
    assert set(shelf.lines) == {b"weather,site=a temp=1.0 0", b"weather,site=b temp=1.0 0"}


async def test_a_field_of_another_type_is_rejected_before_the_store_sees_it() -> None:
    shelf = Shelf()
    shelf.kinds = {"weather": {"temp": frozenset({Kind.STRING})}}
    async with running(shelf) as ingest:
        device = Device(ingest)
        device.send(batch(("a", 1.0)))
        [outcome] = await device.heard(1)

    assert [reject.code for reject in outcome.rejects] == ["field_type"]
    assert "'temp' of measurement 'weather' is string, not float" in outcome.rejects[0].message
    assert shelf.writes == []


async def test_a_measurement_that_was_dropped_in_the_database_may_change_its_types() -> None:
    shelf = Shelf()
    shelf.kinds = {"weather": {"temp": frozenset({Kind.STRING})}}
    async with running(shelf) as ingest:
        ingest.schema.load("weather", await shelf.schema("weather"))
        shelf.kinds = {}
        device = Device(ingest)
        device.send(batch(("a", 1.0)))
        assert await device.heard(1) == [STORED]


async def test_a_store_that_is_away_means_retry_and_is_forgiven() -> None:
    shelf = Shelf()
    shelf.shut = True
    async with running(shelf) as ingest:
        device = Device(ingest)
        device.send(batch(("a", 1.0)))
        [outcome] = await device.heard(1)
        assert (outcome.stored, outcome.retry_after_ms) == (None, commit.RETRY_MS)
        assert ingest.trouble == "the shelf is shut"

        shelf.shut = False
        device.send(batch(("a", 1.0)))
        assert (await device.heard(2))[1] == STORED
        assert ingest.trouble is None


async def test_a_range_is_held_until_it_is_readable_and_then_announced() -> None:
    shelf, ledger = Shelf(), Ledger()
    shelf.gate = anyio.Event()
    async with running(shelf, ledger) as ingest:
        committed: list[Touched] = []
        ingest.after_commit = committed.extend
        device = Device(ingest)
        device.send(batch(("a", 1.0), ("a", 2.0), at=5))
        assert ledger.holds("weather", 6 * 10**9, 7 * 10**9)
        assert not ledger.holds("weather", 7 * 10**9, 8 * 10**9)
        assert ledger.announced == []

        shelf.gate.set()
        await device.heard(1)
        assert not ledger.holds("weather", 0, 10**12)
        assert ledger.announced == committed == [Touched("weather", 5 * 10**9, 6 * 10**9)]


async def test_too_much_waiting_is_answered_with_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit, "MOST_WAITING_BYTES", 60)
    shelf = Shelf()
    shelf.gate = anyio.Event()
    async with running(shelf) as ingest:
        device = Device(ingest)
        for _ in range(3):
            device.send(batch(("a", 1.0)))
        [outcome] = await device.heard(1)
        assert outcome.stored is None

        shelf.gate.set()
        assert (await device.heard(3))[1:] == [STORED, STORED]
    assert ingest.waiting_bytes == 0


async def test_what_was_not_begun_when_the_hub_stops_is_to_be_sent_again() -> None:
    shelf = Shelf(concurrent_writes=1)
    shelf.gate = anyio.Event()
    async with running(shelf) as ingest:
        device = Device(ingest)
        device.send(batch(("a", 1.0)))
        while not shelf.writes:
            await anyio.wait_all_tasks_blocked()
        device.send(batch(("b", 1.0)))
        shelf.gate.set()
    assert device.outcomes == [STORED, Outcome(None, retry_after_ms=commit.RETRY_MS)]
