"""What the appending and the draining of a spool share: its directory, its lock, and where it begins and ends.

**Order.** A position grows in the order in which appends took the lock, over all workers and restarts, and is never
given twice. What the drain has not removed is read again after a crash, along with all after it and in order again,
so the newest value of a point is still the last one written.
"""

import logging
import time
from pathlib import Path

from streams.disk import size_of
from streams.host.locks import FileLock
from streams.ingest.spool.control import DRAINED, END, SYNCED, Control
from streams.ingest.spool.segments import FAILED, LIVE, Stretch, number_of, offset_of, position, segments, walk

log = logging.getLogger(__name__)


class Files:
    """The directory of one spool; OSError when the disk does not answer, but never because of what is in a file."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.damaged: set[int] = set()
        """Where something unreadable was found since this process started."""
        self.lock = FileLock(directory / "lock")
        self.control = Control(directory / "control")
        with self.lock.held():
            self._recover()

    def empty(self) -> bool:
        """Whether everything that any worker appended is drained. Any thread may ask; it takes a microsecond."""
        end = self.control.get(END)
        return end is not None and end == self.control.get(DRAINED)

    def bounds(self) -> tuple[int, int]:
        """The positions of the oldest entry not removed and of the next append. Not for who has the lock."""
        drained, end = self.control.get(DRAINED), self.control.get(END)
        if drained is None or end is None:
            with self.lock.held():
                return self.locked_bounds()
        return drained, end

    def locked_bounds(self) -> tuple[int, int]:
        """As `bounds`, for who has the lock: what cannot be trusted then is damaged, and is found anew."""
        drained, end = self.control.get(DRAINED), self.control.get(END)
        if drained is None or end is None:
            return self._recover()
        return drained, end

    def size(self, drained: int) -> int:
        """Bytes on disk from this position on."""
        sizes = {n: size_of(path) for n, path in segments(self.directory).items() if n >= number_of(drained)}
        return sum(sizes.values()) - min(offset_of(drained), sizes.get(number_of(drained), 0))

    def path(self, number: int, suffix: str = LIVE) -> Path:
        return self.directory / f"{number:010}{suffix}"

    def drained(self, place: int, end: int) -> None:
        """All before `place` may be forgotten.

        That nothing is left is synced before anybody can see it: else a power cut could bring back what was drained,
        and it would be written over what went to the store directly since.
        """
        self.control.put(SYNCED, place)
        if place == end:
            self.control.sync()
        self.control.put(DRAINED, place)
        for number, path in segments(self.directory).items():
            if number >= number_of(place):
                break
            if any(number_of(damage) == number for damage in self.damaged):
                path.rename(self.path(number, f".corrupt-{int(time.time())}"))
            else:
                path.unlink()

    def report(self, stretch: Stretch) -> None:
        """Count and name, once, what cannot be read."""
        if stretch.start in self.damaged:
            return
        self.damaged.add(stretch.start)
        size = stretch.stop - stretch.start
        what = f"a batch from {stretch.head.source}" if stretch.head else "something unreadable"
        number, offset = number_of(stretch.start), offset_of(stretch.start)
        log.error("the spool has %s in segment %d at byte %d, %d bytes: it is set aside", what, number, offset, size)

    def _recover(self) -> tuple[int, int]:
        """Find both ends from the files, whatever state a crash or a bad disk left them in."""
        paths = segments(self.directory)
        known = [place for word in (DRAINED, SYNCED) if (place := self.control.get(word)) is not None]
        drained, last, meant = max(known, default=0), max(paths, default=0), self.control.get(END) or 0
        end = position(last, size_of(paths[last])) if paths else position(1, 0)
        found = list(walk(self.directory, drained, end, certain=True))
        for stretch in found:
            if not stretch.head:
                self.report(stretch)
        torn = bool(found) and not found[-1].head
        if torn or max(drained, meant) > end or (paths and paths[last].suffix == FAILED):
            end = position(max(number_of(drained), number_of(meant), last) + 1, 0)
        if not any(stretch.head for stretch in found):
            drained = end
        self.control.put(END, end)
        self.drained(drained, end)
        return drained, end

    def close(self) -> None:
        self.control.close()
        self.lock.close()
