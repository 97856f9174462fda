"""Fair turns in the group commit. Pure: who may put how much into the next commit."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from streams.host.base import Hold
from streams.ingest.outcome import Outcome
from streams.points import Batch, Touched

QUANTUM = 1_000
"""Points that one lane may put into a commit before the next lane has its turn; at least one frame."""
QUANTUM_FRAMES = 32
"""Frames of one lane in a commit: half of those a device may have under way, so that the others are read meanwhile."""

Announce = Callable[[Sequence[Touched]], None]
"""Told of the ranges that have become readable."""


@dataclass(slots=True, eq=False)
class Entry:
    """The points of a frame, or of several, on their way: who wants to know their outcome, the times they touch and
    the hold on them, when they arrived (seconds of the event loop), the bytes of their lines and how many frames."""

    batch: Batch
    settled: Callable[[Outcome], None]
    touched: Sequence[Touched]
    hold: Hold
    arrived: float
    size: int
    frames: int = 1


@dataclass(slots=True, eq=False)
class Queue:
    """What one device has waiting. While a commit of it is under way it has no turn, so its order holds."""

    source: str
    announce: Announce | None = None
    waiting: deque[Entry] = field(default_factory=deque)
    committing: bool = False


class Turns:
    """The devices with something waiting, in the order of their next turn."""

    def __init__(self) -> None:
        self._ready: deque[Queue] = deque()
        self.points = 0

    def __bool__(self) -> bool:
        return bool(self._ready)

    @property
    def oldest(self) -> float:
        """When the first entry that has a turn arrived; only while there is one."""
        return self._ready[0].waiting[0].arrived

    def add(self, queue: Queue, entry: Entry) -> None:
        """Put an entry at the end of its device's queue."""
        queue.waiting.append(entry)
        self.points += len(entry.batch)
        if len(queue.waiting) == 1 and not queue.committing:
            self._ready.append(queue)

    def take(self, most: int) -> dict[Queue, list[Entry]]:
        """The next commit: about `most` points, a quantum of each device in turn until it is full."""
        taken: dict[Queue, list[Entry]] = {}
        points = 0
        while self._ready and points < most:
            queue = self._ready.popleft()
            entries = taken.setdefault(queue, [])
            points += self._quantum(queue, entries, min(QUANTUM, most - points))
            if queue.waiting and len(entries) < QUANTUM_FRAMES:
                self._ready.append(queue)
        self._ready = deque(queue for queue in self._ready if queue not in taken)
        for queue in taken:
            queue.committing = True
        return taken

    def done(self, queue: Queue) -> None:
        """The commit with this device's entries has ended: it may have another turn."""
        queue.committing = False
        if queue.waiting:
            self._ready.append(queue)

    def _quantum(self, queue: Queue, entries: list[Entry], most: int) -> int:
        """Move some of the queue to `entries`, a lane's part of the commit; how many points they are."""
        points = 0
        while len(entries) < QUANTUM_FRAMES and _fits(queue, points, most):
            entry = queue.waiting.popleft()
            points += len(entry.batch)
            entries.append(entry)
        self.points -= points
        return points


def _fits(queue: Queue, points: int, most: int) -> bool:
    return bool(queue.waiting) and (not points or points + len(queue.waiting[0].batch) <= most)
