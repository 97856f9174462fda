"""The spool as the ingest and the drain use it: its files, behind one thread of its own."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple, TypeVar

from streams.ingest.spool.appending import Appender
from streams.ingest.spool.draining import Drain
from streams.ingest.spool.errors import SpoolFailed
from streams.ingest.spool.files import Files
from streams.ingest.spool.ranges import Ranges
from streams.ingest.spool.records import SpoolEntry

T = TypeVar("T")


class SpoolStatistics(NamedTuple):
    """How much waits, over all workers; `oldest` is its time of receipt in ms. `damaged` is what this worker found."""

    entries: int
    bytes: int
    oldest: int | None
    damaged: int


class Spool:
    """What one host keeps for one store while the store is away.

    `store` names the store with its organisation and bucket: each has a spool of its own, as what was meant for one
    must never go to another. Several workers may have the same spool open; one of them drains it. Everything waits
    behind what is in it: who has something to write asks `empty()` first, and appends when it is not.
    """

    def __init__(self, directory: Path, store: str, most_bytes: int) -> None:
        """Open what is there, damaged or not. SpoolFailed when the disk does not answer or forbids it."""
        self.directory = directory / f"spool-{blake2b(store.encode(), digest_size=8).hexdigest()}"
        try:
            self._files = Files(self.directory)
            self._ranges = Ranges(self._files)
            self._ranges.refresh()
        except OSError as error:
            raise SpoolFailed(f"cannot open the spool {self.directory}: {error.strerror}") from error
        self.most_bytes = most_bytes
        self._appender = Appender(self._files, most_bytes)
        self._drain = Drain(self._files)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="spool")

    async def append(self, entries: Sequence[SpoolEntry]) -> None:
        """Return when all entries are synced, at the cost of one sync. SpoolFull, SpoolFailed: acknowledge none."""
        await self._run(lambda: self._appender.append(entries))

    async def read(self, limit: int, after: int = 0) -> list[SpoolEntry]:
        """The oldest entries behind the id `after`, at most `limit` and about 8 MiB of them, in order of arrival."""
        return await self._run(lambda: self._drain.read(limit, after))

    async def remove(self, ids: Sequence[int]) -> None:
        """Forget entries that `read` gave: they are in the store, announced, or in the dead letters.

        After a crash, everything behind the first entry that was not removed is read again, in order.
        """
        await self._run(lambda: self._drain.remove(ids))

    def empty(self) -> bool:
        """Whether nothing waits, of any worker. It takes a microsecond."""
        return self._files.empty()

    def full(self) -> bool:
        """Whether there is no room for what this worker could not append last; it ends as the spool is drained."""
        return self._appender.full()

    def holds(self, measurement: str, start: int, stop: int) -> bool:
        """Whether a point in `[start, stop)` ns waits; see `streams.host.Host.held_elsewhere`."""
        return self._ranges.holds(measurement, start, stop)

    def statistics(self) -> SpoolStatistics:
        """For metrics and `/readyz`."""
        self._ranges.refresh()
        drained, _ = self._files.bounds()
        damaged = len(self._files.damaged)
        return SpoolStatistics(self._ranges.entries, self._files.size(drained), self._ranges.oldest, damaged)

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        """Wait for what is under way and let go of the files; nothing is lost by not calling it."""
        self._thread.shutdown()
        self._files.close()
