"""The group commit: what all devices bring within milliseconds becomes one write; its receipt settles each frame."""

import asyncio
import logging
from collections.abc import Callable, Sequence

import anyio

from streams.errors import Remedy, StoreUnavailable, StreamsError
from streams.host.base import Host
from streams.ingest.dead_letters import DeadLetters
from streams.ingest.groups import Group, batch_of, dead_letters, points_of, spool_entries, without
from streams.ingest.known import Known
from streams.ingest.outcome import SPOOLED, STORED, Committed, Outcome
from streams.ingest.patience import PatientWrites, behind_seconds
from streams.ingest.ranges import touched_by
from streams.ingest.spool import Spool, SpoolFull
from streams.ingest.turns import Announce, Entry, Queue, Turns
from streams.ingest.writing import write_good
from streams.lines import size_of
from streams.points import Batch, Reject, Touched
from streams.stores.base import Store

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.002
"""How long a commit waits for more after its first frame."""
MOST_POINTS = 5_000
"""Points of one commit. More is no faster, and the answer to the first of them would come later."""
MOST_WAITING_BYTES = 64 * 2**20
"""Line protocol that may wait for the store; beyond it the hub is overloaded and says `retry`."""
RETRY_MS = 500


class Lane:
    """One device's way into the group commit. Of each point the value that was submitted last stays."""

    def __init__(self, ingest: "Ingest", source: str, announce: Announce | None) -> None:
        self._ingest = ingest
        self._queue = Queue(source, announce)

    @property
    def idle(self) -> bool:
        """Everything submitted has its outcome."""
        return not self._queue.waiting and not self._queue.under_way

    def submit(self, batch: Batch, settled: Callable[[Outcome], None], frames: int = 1) -> None:
        """Put the points of a frame, or of so many, on their way.

        `settled` is called once, from the event loop, never from in here. A closed connection need not withdraw
        anything: what it sent is stored all the same.
        """
        self._ingest.submit(self._queue, batch, settled, frames)


class Ingest:
    """Takes batches from all devices, writes them in groups, and gives each frame its outcome.

    Without a spool, what the store does not take is answered with `retry`; with one, it is kept there, and whatever
    comes while anything is in it queues behind. `after_commit` hears of every range that has become readable;
    `on_commit` of each commit that has ended.
    """

    def __init__(
        self, store: Store, host: Host, spool: Spool | None = None, dead_letters: DeadLetters | None = None
    ) -> None:
        self._known = Known(store)
        self.know = self._known.know
        self.schema = self._known.schema
        self.after_commit: Callable[[Sequence[Touched]], None] = lambda _touched: None
        self.on_commit: Callable[[Committed], None] = lambda _committed: None
        self.trouble: str | None = None
        self.spool_trouble: str | None = None
        self.waiting_bytes = 0
        self._host = host
        self._spool = spool
        self._dead_letters = dead_letters
        self._patient = PatientWrites(store, host)
        self._write = self._patient.write if spool else store.write
        self._turns = Turns(self.schema.agrees)
        self._slots = asyncio.Semaphore(store.concurrent_writes)
        self._points_for_measurement = store.points_for_measurement
        self._sync_slot = asyncio.Semaphore(1)
        self._points_under_way = 0
        self._wake = asyncio.Event()
        self._commits: set[asyncio.Task[None]] = set()

    def lane(self, source: str, announce: Announce | None = None) -> Lane:
        """A new device's lane; `source` names it in dead letters and logs.

        `announce` is called with what has become readable, and has to see to it that it is announced some day.
        """
        return Lane(self, source, announce)

    def announce(self, touched: Sequence[Touched]) -> None:
        """These ranges can be read from the store: tell the workers of this host. AnnouncementFailed."""
        self._host.announce(touched)
        self.after_commit(touched)

    def submit(self, queue: Queue, batch: Batch, settled: Callable[[Outcome], None], frames: int) -> None:
        """As `Lane.submit`."""
        loop = asyncio.get_running_loop()
        if not len(batch):
            loop.call_soon(settled, STORED)
            return
        size = size_of(batch.lines)
        if self.waiting_bytes and self.waiting_bytes + size > MOST_WAITING_BYTES:
            loop.call_soon(settled, Outcome(None, retry_after_ms=RETRY_MS))
            return
        self.waiting_bytes += size
        touched = touched_by(batch)
        cost = len(batch) + self._points_for_measurement * (len(touched) - 1)
        entry = Entry(batch, settled, touched, self._host.hold(touched), loop.time(), size, frames, cost)
        self._turns.add(queue, entry)
        self._wake.set()

    async def run(self) -> None:
        """Commit until cancelled; then let the commits under way end, and answer `retry` to what has not begun."""
        try:
            while True:
                await self._gather()
                spool = await self._spool_or_slot()
                if spool:
                    # Whatever comes during a sync shares the next one.
                    await self._sync_slot.acquire()
                group = self._turns.take(MOST_POINTS)
                if not spool:
                    self._points_under_way += points_of(group)
                task = asyncio.create_task(self._commit_to_spool(spool, group) if spool else self._commit(group))
                self._commits.add(task)
                task.add_done_callback(self._commits.discard)
                del group, task  # nothing of them is kept until the next
        finally:
            with anyio.CancelScope(shield=True):
                if self._commits:
                    await asyncio.wait(self._commits)
                await self._patient.ended()
            while self._turns:
                for queue, entries in self._turns.take(MOST_POINTS).items():
                    self._settle(entries, Outcome(None, retry_after_ms=RETRY_MS))
                    self._turns.done(queue, entries)

    async def _gather(self) -> None:
        while not self._turns:
            self._wake.clear()
            await self._wake.wait()
        delay = self._turns.oldest + GATHER_SECONDS - asyncio.get_running_loop().time()
        if delay > 0 and self._turns.points < MOST_POINTS:
            await asyncio.sleep(delay)

    async def _spool_or_slot(self) -> Spool | None:
        """Wait for a place among the writes to the store; the spool, when what waits has to go there."""
        spool = self._spool
        if spool is None:
            await self._slots.acquire()
            return None
        if not spool.empty():
            return spool
        try:
            async with asyncio.timeout(behind_seconds(self._points_under_way)):
                await self._slots.acquire()
        except TimeoutError:
            return spool
        if spool.empty():
            return None
        self._slots.release()
        return spool

    async def _commit(self, group: Group) -> None:
        started = asyncio.get_running_loop().time()
        try:
            # One device's refused points are searched for apart from the others, who need not wait for it.
            if not await self._attempt(group, whole=True):
                for queue, entries in group.items():
                    await self._attempt({queue: entries}, whole=False)
        finally:
            self._points_under_way -= points_of(group)
            self._slots.release()
            self._done(group, started, spooled=False)

    async def _commit_to_spool(self, spool: Spool, group: Group) -> None:
        started = asyncio.get_running_loop().time()
        try:
            batch = batch_of(group)
            await self._keep(spool, group, batch, self.schema.conflicts(batch))
        finally:
            self._sync_slot.release()
            self._done(group, started, spooled=True)

    def _done(self, group: Group, started: float, *, spooled: bool) -> None:
        for queue, own in group.items():
            self._turns.done(queue, own)
        self._wake.set()
        entries = [entry for own in group.values() for entry in own]
        self.on_commit(
            Committed(
                points=points_of(group),
                frames=sum(entry.frames for entry in entries),
                devices=len(group),
                waited=started - min((entry.arrived for entry in entries), default=started),
                seconds=asyncio.get_running_loop().time() - started,
                spooled=spooled,
            )
        )

    async def _attempt(self, group: Group, *, whole: bool) -> bool:
        """Write these entries and settle them; False when they are `whole`, and have to be tried apart."""
        batch = batch_of(group)
        rejects: dict[int, Reject] = {}
        try:
            is_news = not self.schema.agrees(batch)
            rejects = await self._known.conflicts(batch) if is_news else {}
            good, rest = without(batch, rejects)
            if whole and good:
                await self._write(rest)
            elif good:
                rejects.update({good[i]: reject for i, reject in (await write_good(self._write, rest)).items()})
            self._announce(group)
        except StreamsError as error:
            if whole and error.remedy is Remedy.SPLIT:
                return False
            await self._away(group, batch, rejects, error)
        except Exception as error:
            # A fault of ours must end in an answer, not in silence.
            log.exception("a commit of %d points failed", len(batch))
            self._failed(group, StreamsError(f"internal error: {error!r}"))
        else:
            self.trouble = None
            if is_news:
                self.schema.learn(without(batch, rejects)[1])
            await self._kept(group, batch, rejects, STORED)
        return True

    def _announce(self, group: Group) -> None:
        plain = []
        for queue, entries in group.items():
            touched = [touched for entry in entries for touched in entry.touched]
            if queue.announce:
                queue.announce(touched)
            else:
                plain += touched
        self.announce(plain)

    async def _away(self, group: Group, batch: Batch, rejects: dict[int, Reject], error: StreamsError) -> None:
        if self.trouble is None:
            log.warning("%s: %s", "points go to the spool" if self._spool else "points are not stored", error)
        self.trouble = str(error)
        if self._spool and error.remedy in (Remedy.WAIT, Remedy.KEEP):
            await self._keep(self._spool, group, batch, rejects)
        else:
            self._failed(group, error)

    async def _keep(self, spool: Spool, group: Group, batch: Batch, rejects: dict[int, Reject]) -> None:
        """Put what is not rejected into the spool, and settle it."""
        try:
            await spool.append(spool_entries(group, batch, rejects))
        except StreamsError as error:
            self.spool_trouble = None if isinstance(error, SpoolFull) else str(error)
            self._failed(group, error)
        else:
            self.spool_trouble = None
            await self._kept(group, batch, rejects, SPOOLED)

    async def _kept(self, group: Group, batch: Batch, rejects: dict[int, Reject], outcome: Outcome) -> None:
        """Everything but the rejected points is durable: tell each entry its part."""
        if rejects and self._dead_letters:
            await asyncio.to_thread(self._dead_letters.reject, dead_letters(group, batch, rejects))
        offset = 0
        for entries in group.values():
            if not rejects:
                self._settle(entries, outcome)
                continue
            for entry in entries:
                own = tuple(rejects[i] for i in range(offset, offset + len(entry.batch)) if i in rejects)
                offset += len(entry.batch)
                self._settle([entry], Outcome(outcome.stored, own))

    def _failed(self, group: Group, error: StreamsError) -> None:
        wish = error.retry_after if isinstance(error, StoreUnavailable) else None
        outcome = Outcome(None, retry_after_ms=round(wish * 1_000) if wish else RETRY_MS)
        for entries in group.values():
            self._settle(entries, outcome)

    def _settle(self, entries: list[Entry], outcome: Outcome) -> None:
        for entry in entries:
            self._host.release(entry.hold)
            self.waiting_bytes -= entry.size
            entry.settled(outcome)
