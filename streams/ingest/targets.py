"""Where rollups are written."""

import asyncio
import logging
from typing import Protocol

from streams.errors import StoreUnavailable
from streams.ingest.commit import Ingest
from streams.ingest.outcome import Outcome
from streams.ingest.writing import write_good
from streams.points import Batch, Reject

log = logging.getLogger(__name__)


class Writing(Protocol):
    """As `Store.write`."""

    async def write(self, batch: Batch) -> None: ...


class ThroughIngest:
    """The hub's own bucket: rows go the way of all points, so that whoever watches the target hears of them, and the
    spool keeps them while the database is away."""

    def __init__(self, ingest: Ingest, stream: str) -> None:
        self._lane = ingest.lane(f"rollup of {stream}")
        self._stream = stream

    async def write(self, batch: Batch) -> None:
        """Return when it is in the store or in the spool. StoreUnavailable where neither takes it."""
        settled: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def settle(outcome: Outcome) -> None:
            if not settled.done():
                settled.set_result(outcome)

        self._lane.submit(batch, settle)
        outcome = await settled
        if outcome.stored is None:
            raise StoreUnavailable("neither store nor spool takes its rows", outcome.retry_after_ms / 1_000)
        _complain(self._stream, outcome.rejects)


class OtherBucket:
    """Another bucket of the same InfluxDB, which no spool belongs to: the rollup waits for it where it is."""

    def __init__(self, store: Writing, stream: str) -> None:
        self._store = store
        self._stream = stream

    async def write(self, batch: Batch) -> None:
        """Return when it is in the store."""
        _complain(self._stream, tuple((await write_good(self._store.write, batch)).values()))


def _complain(stream: str, rejects: tuple[Reject, ...]) -> None:
    if rejects:
        log.warning("rollup of %s: %d rows will never be stored: %s", stream, len(rejects), rejects[0].message)
