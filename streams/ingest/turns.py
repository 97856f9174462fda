"""Fair turns in the group commit. Pure: who may put how much into the next commit."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from streams.host.base import Hold
from streams.ingest.outcome import Outcome
from streams.points import Batch, Touched

QUANTUM = 1_000
"""Points, or what costs as many, that one lane may put into a commit before the next has its turn; at least a frame."""
QUANTUM_FRAMES = 32
"""Frames of one lane in a commit: half of those a device may have under way, so that the others are read meanwhile."""

Announce = Callable[[Sequence[Touched]], None]
"""Told of the ranges that have become readable."""


@dataclass(slots=True, eq=False)
class Entry:
    """The points of a frame, or of several, on their way: who wants to know their outcome, the times they touch and
    the hold on them, when they arrived (seconds of the event loop), the bytes of their lines, how many frames, and what
    it costs to store them, as so many points of one measurement."""

    batch: Batch
    settled: Callable[[Outcome], None]
    touched: Sequence[Touched]
    hold: Hold
    arrived: float
    size: int
    frames: int
    cost: int


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
        self._put_off = False
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
        """The next commit: what costs as about `most` points, a quantum of each device in turn until it is full.

        A frame that fills a commit is put off once, until those that are small have had one: they need not wait for it.
        """
        taken: dict[Queue, list[Entry]] = {}
        cost = 0
        large = [queue for queue in self._ready if queue.waiting[0].cost >= most]
        self._put_off = not self._put_off and 0 < len(large) < len(self._ready)
        if self._put_off:
            self._ready = deque(queue for queue in self._ready if queue.waiting[0].cost < most)
        while self._ready and cost < most:
            queue = self._ready.popleft()
            entries = taken.setdefault(queue, [])
            cost += self._quantum(queue, entries, min(QUANTUM, most - cost))
            if queue.waiting and len(entries) < QUANTUM_FRAMES:
                self._ready.append(queue)
        if self._put_off:
            self._ready.extendleft(reversed(large))
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
        """Move some of the queue to `entries`, a lane's part of the commit; what they cost."""
        cost = 0
        while len(entries) < QUANTUM_FRAMES and _fits(queue, cost, most):
            entry = queue.waiting.popleft()
            cost += entry.cost
            self.points -= len(entry.batch)
            entries.append(entry)
        return cost


def _fits(queue: Queue, cost: int, most: int) -> bool:
    return bool(queue.waiting) and (not cost or cost + queue.waiting[0].cost <= most)
