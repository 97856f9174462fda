"""The backfills of a host's workers: what each has touched outlives its worker, and is told by another.

A running backfill keeps its ranges in a file of its own, locked as long as its worker lives. Whoever can lock such a
file tells what is in it. Page cache survives the death of a worker, and a power cut leaves nobody to be told, so
nothing is synced.
"""

import asyncio
import fcntl
import logging
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from streams.clock import Clock
from streams.errors import StreamsError
from streams.ingest.backfill import Backfill
from streams.ingest.commit import Ingest
from streams.ingest.outcome import Outcome
from streams.points import Batch, Touched

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5

_decode = msgspec.json.Decoder(tuple[str, int, int]).decode


class BackfillLane:
    """As `streams.ingest.commit.Lane`; it must be closed."""

    def __init__(self, ingest: Ingest, source: str, journal: "_Journal", clock: Clock, correct_for_ms: int) -> None:
        self._ingest = ingest
        self._lane = ingest.lane(source, announce=self._gather)
        self._journal = journal
        self._clock = clock
        self._backfill = Backfill(correct_for_ms)
        self._closed = False

    def submit(self, batch: Batch, settled: Callable[[Outcome], None], frames: int = 1) -> None:
        """Put points on their way, as `Lane.submit`."""
        self._lane.submit(batch, settled, frames)

    def close(self) -> None:
        """No more will be submitted: the windows are corrected when all of it is stored."""
        self._closed = True

    @property
    def over(self) -> bool:
        """It is closed, everything has its outcome, and nothing is left to tell."""
        return self._closed and self._lane.idle and not self._backfill.ranges()

    def poll(self) -> None:
        """Tell what is due. AnnouncementFailed: it is tried again with the next poll."""
        if self._backfill.due(self._clock.now(), closed=self._closed, idle=self._lane.idle):
            self._tell()

    def forget(self) -> None:
        """Let go of the file; what it holds is told by another worker, or after the restart."""
        self._journal.close()

    def _gather(self, touched: Sequence[Touched]) -> None:
        """Points were stored; their device hears of it only when their times cannot be forgotten any more."""
        added = self._backfill.add(touched, self._clock.now())
        try:
            self._journal.put(added)
        except OSError as error:
            log.warning("a backfill's windows are corrected now and not once at its end: %s", error)
            self._tell()

    def _tell(self) -> None:
        self._ingest.announce(self._backfill.ranges())
        self._backfill.told()
        self._journal.remove()


class Backfills:
    """One worker's view of the backfills of its host, whose files are in `directory`."""

    def __init__(self, ingest: Ingest, directory: Path, clock: Clock, correct_for_ms: int) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._ingest = ingest
        self._directory = directory
        self._clock = clock
        self._correct_for_ms = correct_for_ms
        self._lanes: list[BackfillLane] = []

    def lane(self, source: str) -> BackfillLane:
        """A new backfill; `source` names it in dead letters and logs."""
        lane = BackfillLane(self._ingest, source, _Journal(self._directory), self._clock, self._correct_for_ms)
        self._lanes.append(lane)
        return lane

    def poll(self) -> None:
        """Tell what is due, of this worker's backfills and of those that dead workers have left."""
        for work in (*(lane.poll for lane in self._lanes), self._adopt):
            try:
                work()
            except (StreamsError, OSError) as error:
                log.warning("windows that a backfill has touched are not corrected yet: %s", error)
        for lane in [lane for lane in self._lanes if lane.over]:
            lane.forget()
            self._lanes.remove(lane)

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            self.poll()
            await asyncio.sleep(POLL_SECONDS)

    def close(self) -> None:
        """Leave what is not told to the other workers of this host, or to those of its next start."""
        for lane in self._lanes:
            lane.forget()

    def _adopt(self) -> None:
        for path in self._directory.glob("*.ranges"):
            try:
                file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                continue  # its owner was faster
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if touched := _read(file):
                    log.info("a worker has left a backfill of %d ranges: their windows are corrected", len(touched))
                    self._ingest.announce(touched)
                path.unlink(missing_ok=True)
            except BlockingIOError:
                pass  # its owner lives
            finally:
                os.close(file)


class _Journal:
    """One backfill's ranges as a file, which is there only while it has some."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path = directory
        self._file: int | None = None

    def put(self, touched: Sequence[Touched]) -> None:
        """Add ranges. OSError when the disk does not take all of them."""
        if not touched:
            return
        file = self._file if self._file is not None else self._make()
        # The break comes first, so that what was written half spoils no line but its own.
        text = b"".join(b"\n" + msgspec.json.encode(tuple(item)) for item in touched)
        if os.write(file, text) != len(text):
            raise OSError(f"{self._path} was written only in part")

    def remove(self) -> None:
        """They have been told."""
        if self._file is not None:
            self._path.unlink(missing_ok=True)
            self.close()

    def close(self) -> None:
        """Let go of the file, so that others tell what is in it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _make(self) -> int:
        # Others look at the file only when it has its name, and then it is locked already.
        name = secrets.token_hex(8)
        made = self._directory / f"{name}.new"
        file = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            self._path = made.rename(self._directory / f"{name}.ranges")
        except OSError:
            os.close(file)
            raise
        self._file = file
        return file


def _read(file: int) -> list[Touched]:
    text = os.pread(file, os.fstat(file).st_size, 0)
    return [item for line in text.split(b"\n") if line and (item := _item(line))]


def _item(line: bytes) -> Touched | None:
    try:
        return Touched(*_decode(line))
    except msgspec.DecodeError:
        return None  # half a line: its writer died before it had acknowledged the points
