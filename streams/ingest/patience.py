"""Writes to a store that may be slow: one that waits too long behind others is given up, for the spool."""

import asyncio
import logging

from streams.errors import StoreUnavailable
from streams.host import Host
from streams.points import Batch
from streams.stores.base import Store

log = logging.getLogger(__name__)

BEHIND_SECONDS = 0.15
"""How long a write may be unanswered while earlier ones are unanswered too."""
ALONE_SECONDS = 1.0
"""How long a write may be unanswered that is behind nobody."""
SECONDS_PER_POINT = 50e-6
"""What each point under way adds to both: a store is not slow because it is given much at once. Busy devices would
otherwise have the same points written twice, once late and once out of the spool, which makes a busy store slower."""


def behind_seconds(points_under_way: int) -> float:
    """How long something may wait behind so much that is unanswered."""
    return BEHIND_SECONDS + SECONDS_PER_POINT * points_under_way


class StoreSlow(StoreUnavailable):
    """The store has not answered in time. It may still do the write: keep the points in the spool behind it."""

    code = "store_slow"


class PatientWrites:
    """Hands writes to the store, and remembers those that were given up until the store has answered them too."""

    def __init__(self, store: Store, host: Host) -> None:
        self._store = store
        self._host = host
        self._unanswered: dict[asyncio.Task[None], int] = {}  # their points, in the order in which they began
        self._late: set[asyncio.Task[None]] = set()

    async def write(self, batch: Batch) -> None:
        """As `Store.write`; also StoreSlow."""
        task = asyncio.create_task(self._store.write(batch))
        self._unanswered[task] = len(batch)
        task.add_done_callback(self._answered)
        await asyncio.wait([task], timeout=behind_seconds(sum(self._unanswered.values())))
        if not task.done() and next(iter(self._unanswered)) is task:
            await asyncio.wait([task], timeout=ALONE_SECONDS - BEHIND_SECONDS)
        if not task.done():
            self._give_up(task)
            raise StoreSlow(f"{self._store.name} has not answered in time")
        task.result()

    async def ended(self) -> None:
        """Return when the store has answered everything, or its own time-outs have passed."""
        while self._unanswered:
            await asyncio.wait(self._unanswered)

    def _give_up(self, task: asyncio.Task[None]) -> None:
        if not self._late:
            self._host.write_late(under_way=True)
        self._late.add(task)

    def _answered(self, task: asyncio.Task[None]) -> None:
        del self._unanswered[task]
        if task not in self._late:
            return
        self._late.remove(task)
        if not self._late:
            self._host.write_late(under_way=False)
        if not task.cancelled() and (error := task.exception()):
            log.debug("a late write ended: %s", error)
