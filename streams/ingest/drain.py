"""From the spool into the store, in order of arrival: the work of one worker of each host."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple

from streams.errors import StreamsError
from streams.formats import line
from streams.host import Host
from streams.ingest.commit import MOST_POINTS
from streams.ingest.dead_letters import DeadLetter, DeadLetters
from streams.ingest.spool import Spool, SpoolEntry
from streams.ingest.writing import write_good
from streams.points import Batch, Reject, Touched
from streams.stores.base import Store

log = logging.getLogger(__name__)

POLL_SECONDS = 0.05
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 2.0
READ_ENTRIES = 2_000
PROBE_ENTRIES = 20
"""Read while the store is away: whether it is back can be seen by few, and they are read again at each attempt."""
STEP_POINTS = 500
"""Points that are scanned before others have a turn."""
ROLE = "drain"


class _Portion(NamedTuple):
    """Entries that are written at once; `owners` are the entries of the batch's points."""

    entries: list[SpoolEntry]
    batch: Batch
    owners: list[SpoolEntry]


class Drain:
    """Empties the spool while the store takes it.

    `after_commit` hears of every range that has become readable, `on_drained` how many points have left the spool.

    An entry leaves the spool when its points are in the store, or among the dead letters, and all who have to know of
    its times do; a crash before that does the same again, which changes nothing.
    """

    def __init__(self, spool: Spool, store: Store, host: Host, dead_letters: DeadLetters) -> None:
        self.after_commit: Callable[[Sequence[Touched]], None] = lambda _touched: None
        self.on_drained: Callable[[int], None] = lambda _points: None
        self.trouble: str | None = None
        self._spool = spool
        self._store = store
        self._host = host
        self._dead_letters = dead_letters

    async def run(self) -> None:
        """Drain until cancelled."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            if self._spool.empty() or not self._host.lead(ROLE) or self._host.late_writes():
                await asyncio.sleep(POLL_SECONDS)
                continue
            try:
                await self._round()
            except StreamsError as error:
                if self.trouble is None:
                    log.warning("points wait in the spool: %s", error)
                self.trouble = str(error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            else:
                self.trouble, pause = None, FIRST_PAUSE_SECONDS

    async def _round(self) -> None:
        entries = await self._spool.read(READ_ENTRIES if self.trouble is None else PROBE_ENTRIES)
        async for portion in _portions(entries):
            refused = await write_good(self._store.write, portion.batch)
            if refused:
                await asyncio.to_thread(self._dead_letters.refuse, _letters(portion, refused))
            touched = [touched for entry in portion.entries for touched in entry.touched]
            self._host.announce(touched)
            self.after_commit(touched)
            await self._spool.remove([entry.id for entry in portion.entries])
            self.on_drained(len(portion.batch))


async def _portions(entries: Sequence[SpoolEntry]) -> AsyncIterator[_Portion]:
    """Entries in order, as few portions as stay within the size of a commit, each made when it is asked for."""
    gathered: list[tuple[SpoolEntry, Batch]] = []
    points = scanned = 0
    for entry in entries:
        batch = line.scan(entry.payload, precision="ns", now=0).batch
        if gathered and points + len(batch) > MOST_POINTS:
            yield _portion(gathered)
            gathered, points = [], 0
        gathered.append((entry, batch))
        points += len(batch)
        scanned += len(batch)
        if scanned >= STEP_POINTS:
            scanned = 0
            await asyncio.sleep(0)
    if gathered:
        yield _portion(gathered)


def _portion(gathered: list[tuple[SpoolEntry, Batch]]) -> _Portion:
    owners = [entry for entry, batch in gathered for _ in range(len(batch))]
    return _Portion([entry for entry, _ in gathered], Batch.concat([batch for _, batch in gathered]), owners)


def _letters(portion: _Portion, refused: dict[int, Reject]) -> list[DeadLetter]:
    now = time.time_ns() // 1_000_000
    return [
        DeadLetter(now, portion.owners[i].source, reject.code, reject.message, portion.batch.lines[i])
        for i, reject in sorted(refused.items())
    ]
