"""The group commit: what all devices bring within milliseconds becomes one write; its receipt settles each frame."""

import asyncio
import logging
from collections.abc import Callable, Sequence

import anyio

from streams.errors import Remedy, StreamsError
from streams.host.base import Host
from streams.ingest.outcome import STORED, Outcome
from streams.ingest.ranges import touched_by
from streams.ingest.turns import Entry, Queue, Turns
from streams.ingest.writing import write_good
from streams.points import Batch, Reject, Touched
from streams.schema import Schema
from streams.stores.base import Store

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.002
"""How long a commit waits for more after its first frame."""
MOST_POINTS = 10_000
"""Points of one commit. More is no faster, and the answer to the first of them would come later."""
MOST_WAITING_BYTES = 64 * 2**20
"""Line protocol that may wait for the store; beyond it the hub is overloaded and says `retry`."""
RETRY_MS = 500
RELOAD_SECONDS = 1.0
"""A measurement that points contradict is asked of the store again, but not more often than this."""


class Lane:
    """One device's way into the group commit. Its frames are stored in the order submitted."""

    def __init__(self, ingest: "Ingest", source: str) -> None:
        self._ingest = ingest
        self._queue = Queue(source)

    def submit(self, batch: Batch, settled: Callable[[Outcome], None]) -> None:
        """Put a frame's points on their way; `settled` is called once, from the event loop, never from in here.

        A closed connection need not withdraw anything: what it sent is stored all the same.
        """
        self._ingest.submit(self._queue, batch, settled)


class Ingest:
    """Takes batches from all devices, writes them in groups, and gives each frame its outcome.

    `after_commit` hears of every range that has become readable; `on_commit` of each commit's points and seconds.
    """

    def __init__(self, store: Store, host: Host, schema: Schema | None = None) -> None:
        self.schema = schema or Schema()
        self.after_commit: Callable[[Sequence[Touched]], None] = lambda _touched: None
        self.on_commit: Callable[[int, float], None] = lambda _points, _seconds: None
        self.trouble: str | None = None
        self.waiting_bytes = 0
        self._store = store
        self._host = host
        self._turns = Turns()
        self._slots = asyncio.Semaphore(store.concurrent_writes)
        self._wake = asyncio.Event()
        self._loaded: dict[str, float] = {}
        self._commits: set[asyncio.Task[None]] = set()

    def lane(self, source: str) -> Lane:
        """A new device's lane; `source` names it in dead letters and logs."""
        return Lane(self, source)

    def submit(self, queue: Queue, batch: Batch, settled: Callable[[Outcome], None]) -> None:
        """As `Lane.submit`."""
        loop = asyncio.get_running_loop()
        if not len(batch):
            loop.call_soon(settled, STORED)
            return
        size = _size(batch)
        if self.waiting_bytes and self.waiting_bytes + size > MOST_WAITING_BYTES:
            loop.call_soon(settled, Outcome(None, retry_after_ms=RETRY_MS))
            return
        self.waiting_bytes += size
        touched = touched_by(batch)
        entry = Entry(batch, settled, touched, self._host.hold(touched), loop.time(), size)
        self._turns.add(queue, entry)
        self._wake.set()

    async def run(self) -> None:
        """Commit until cancelled; then let the commits under way end, and answer `retry` to what has not begun."""
        try:
            while True:
                await self._slots.acquire()
                await self._gather()
                task = asyncio.create_task(self._commit(self._turns.take(MOST_POINTS)))
                self._commits.add(task)
                task.add_done_callback(self._commits.discard)
        finally:
            if self._commits:
                with anyio.CancelScope(shield=True):
                    await asyncio.wait(self._commits)
            while self._turns:
                for queue, entries in self._turns.take(MOST_POINTS).items():
                    self._settle(entries, Outcome(None, retry_after_ms=RETRY_MS))
                    self._turns.done(queue)

    async def _gather(self) -> None:
        while not self._turns:
            self._wake.clear()
            await self._wake.wait()
        delay = self._turns.oldest + GATHER_SECONDS - asyncio.get_running_loop().time()
        if delay > 0 and self._turns.points < MOST_POINTS:
            await asyncio.sleep(delay)

    async def _commit(self, taken: dict[Queue, list[Entry]]) -> None:
        started = asyncio.get_running_loop().time()
        try:
            # One device's refused points are searched for apart from the others, who need not wait for it.
            if not await self._attempt([entry for entries in taken.values() for entry in entries], whole=True):
                for entries in taken.values():
                    await self._attempt(entries, whole=False)
        finally:
            for queue in taken:
                self._turns.done(queue)
            self._slots.release()
            self._wake.set()
            points = sum(len(entry.batch) for entries in taken.values() for entry in entries)
            self.on_commit(points, asyncio.get_running_loop().time() - started)

    async def _attempt(self, entries: list[Entry], *, whole: bool) -> bool:
        """Write these entries and settle them; False when they are `whole`, and have to be tried apart."""
        batch = Batch.concat([entry.batch for entry in entries])
        try:
            rejects = await self._conflicts(batch)
            good = [i for i in range(len(batch)) if i not in rejects] if rejects else range(len(batch))
            rest = batch.select(good) if rejects else batch
            if whole and len(rest):
                await self._store.write(rest)
            elif len(rest):
                rejects.update({good[i]: reject for i, reject in (await write_good(self._store.write, rest)).items()})
            self._announce(entries)
        except StreamsError as error:
            if whole and error.remedy is Remedy.SPLIT:
                return False
            self._failed(entries, error)
        except Exception as error:  # A fault of ours must end in an answer, not in silence.
            log.exception("a commit of %d points failed", len(batch))
            self._failed(entries, StreamsError(f"internal error: {error!r}"))
        else:
            self._stored(entries, batch, rejects)
        return True

    async def _conflicts(self, batch: Batch) -> dict[int, Reject]:
        for measurement in self.schema.unknown(batch):
            self.schema.load(measurement, await self._store.schema(measurement))
        conflicts = self.schema.conflicts(batch)
        stale = [m for m in {batch.series[i].measurement for i in conflicts} if self._is_stale(m)]
        # Somebody may have dropped the measurement in the database since: the store has the last word.
        for measurement in stale:
            self.schema.load(measurement, await self._store.schema(measurement))
        return self.schema.conflicts(batch) if stale else conflicts

    def _is_stale(self, measurement: str) -> bool:
        now = asyncio.get_running_loop().time()
        if now - self._loaded.get(measurement, -RELOAD_SECONDS) < RELOAD_SECONDS:
            return False
        self._loaded[measurement] = now
        return True

    def _stored(self, entries: list[Entry], batch: Batch, rejects: dict[int, Reject]) -> None:
        self.trouble = None
        self.schema.learn(batch if not rejects else batch.select([i for i in range(len(batch)) if i not in rejects]))
        if not rejects:
            self._settle(entries, STORED)
            return
        offset = 0
        for entry in entries:
            own = tuple(rejects[i] for i in range(offset, offset + len(entry.batch)) if i in rejects)
            offset += len(entry.batch)
            self._settle([entry], Outcome("store", own))

    def _announce(self, entries: list[Entry]) -> None:
        touched = [touched for entry in entries for touched in entry.touched]
        self._host.announce(touched)
        self.after_commit(touched)

    def _failed(self, entries: list[Entry], error: StreamsError) -> None:
        if self.trouble is None:
            log.warning("points are not stored: %s", error)
        self.trouble = str(error)
        retry_after = getattr(error, "retry_after", None)
        self._settle(entries, Outcome(None, retry_after_ms=round(retry_after * 1000) if retry_after else RETRY_MS))

    def _settle(self, entries: list[Entry], outcome: Outcome) -> None:
        for entry in entries:
            self._host.release(entry.hold)
            self.waiting_bytes -= entry.size
            entry.settled(outcome)


def _size(batch: Batch) -> int:
    return sum(map(len, batch.lines))
