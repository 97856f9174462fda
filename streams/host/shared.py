"""A host with several workers, which meet in the files of a state directory."""

import errno
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import anyio

from streams.errors import Remedy, StreamsError
from streams.host.base import AnnouncementFailed, HeldElsewhere, Hold, OnTouched, ignore
from streams.host.inbox import Inbox
from streams.host.locks import FileLock
from streams.host.slots import MAX_WORKERS, Slot, Slots
from streams.points import NANOSECONDS, Touched

POLL_SECONDS = 0.1


class TooManyWorkers(StreamsError):
    """Every slot of the host has a living owner."""

    code = "too_many_workers"
    remedy = Remedy.KEEP


class SharedHost:
    """One worker of several. Make it in the worker, after the fork: a lock taken before would belong to all."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.on_touched: OnTouched = ignore
        self.held_elsewhere: HeldElsewhere | None = None
        self._directory = directory
        self._locks: dict[int, FileLock] = {}
        self._inboxes: dict[int, Inbox] = {}
        self._roles: dict[str, FileLock] = {}
        # Two descriptions of one file: by the one this worker locks, by the other it sees whether anybody does.
        self._late_write = FileLock(directory / "late-writes.lock")
        self._late_writes = FileLock(directory / "late-writes.lock")
        self._slots = Slots(directory / "workers")
        self._number, self._slot = self._claim()

    def _claim(self) -> tuple[int, Slot]:
        with closing(FileLock(self._directory / "workers.lock")) as claims, claims.held():
            for number in range(MAX_WORKERS):
                if self._lock(number).acquire():
                    self._inbox(number).take()
                    return number, self._slots.claim(number)
        raise TooManyWorkers(f"{self._directory} has {MAX_WORKERS} workers already: start fewer of them")

    def hold(self, touched: Sequence[Touched]) -> Hold:
        hold = tuple([self._slot.hold(item) for item in touched])
        self._slots.fence()
        return hold

    def release(self, hold: Hold) -> None:
        for index in hold:
            self._slot.release(index)

    def holds(self, measurement: str, start: int, stop: int) -> bool:
        for number in self._slots.claimed():
            if self._slots.holds(number, measurement, start, stop) and self._lives(number):
                return True
        return self.held_elsewhere is not None and self.held_elsewhere(measurement, start, stop)

    def publish_final(self, until: int) -> None:
        self._slot.publish_final(until)
        self._slots.fence()

    def announce(self, touched: Sequence[Touched]) -> None:
        self._slots.fence()
        for number in self._slots.claimed():
            final = self._slots.final(number) * NANOSECONDS
            if not final or number == self._number:
                continue
            late = [item for item in touched if item.start < final]
            if late and self._lives(number):
                self._tell(number, late)

    def _tell(self, number: int, late: Sequence[Touched]) -> None:
        try:
            self._inbox(number).put(late)
        except OSError as error:
            reason = errno.errorcode.get(error.errno or 0, str(error))
            raise AnnouncementFailed(f"cannot write to {self._directory}: {reason}") from error

    def write_late(self, *, under_way: bool) -> None:
        if under_way:
            self._late_write.share()
        else:
            self._late_write.release()

    def late_writes(self) -> bool:
        if not self._late_writes.acquire():
            return True
        self._late_writes.release()
        return False

    def lead(self, role: str) -> bool:
        if role in self._roles:
            return True
        lock = FileLock(self._directory / f"{role}.lock")
        if lock.acquire():
            self._roles[role] = lock
            return True
        lock.close()
        return False

    def poll(self) -> None:
        touched = self._inbox(self._number).take()
        if touched:
            self.on_touched(touched)

    async def run(self) -> None:
        while True:
            self.poll()
            await anyio.sleep(POLL_SECONDS)

    def close(self) -> None:
        self._slot.close()
        self._slots.close()
        for lock in (self._late_write, self._late_writes, *self._locks.values(), *self._roles.values()):
            lock.close()
        for inbox in self._inboxes.values():
            inbox.close()

    def _lives(self, number: int) -> bool:
        """Whether a slot has an owner. What a dead one left is cleared under its lock: no new one loses by it."""
        if number == self._number:
            return True
        lock = self._lock(number)
        if not lock.acquire():
            return True
        self._slots.clear(number)
        lock.release()
        return False

    def _lock(self, number: int) -> FileLock:
        if number not in self._locks:
            self._locks[number] = FileLock(self._directory / f"worker-{number:02}.lock")
        return self._locks[number]

    def _inbox(self, number: int) -> Inbox:
        if number not in self._inboxes:
            self._inboxes[number] = Inbox(self._directory / f"worker-{number:02}.inbox")
        return self._inboxes[number]
