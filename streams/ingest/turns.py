"""Fair turns in the group commit. Pure: who may put how much into the next commit."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from streams.host.base import Hold
from streams.ingest.apart import apart
from streams.ingest.outcome import Outcome
from streams.points import Batch, Touched

QUANTUM = 1_000
"""Points, or what costs as many, that one lane may put into a commit before the next has its turn; at least a frame."""
QUANTUM_FRAMES = 32
"""Frames of one lane in a commit: half of those a device may have under way, so that the others are read meanwhile."""

MOST_UNDER_WAY = 2
"""Commits of one lane at a time: while one is written, what is acknowledged out of the other is read."""
WORTH_A_COMMIT = 200
"""Points of a lane that is in a commit already which are worth another; fewer wait, and become one commit with more."""

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
    """What one device has waiting, and its parts of the commits under way."""

    source: str
    announce: Announce | None = None
    waiting: deque[Entry] = field(default_factory=deque)
    under_way: list[list[Entry]] = field(default_factory=list)
    points: int = 0
    ready: bool = False
    held: bool = False
    """What waits has to follow what is under way."""


class Turns:
    """The devices with something waiting, in the order of their next turn.

    A device's points are stored in the order in which they came, but for those of which it does not matter: which are
    not the same points, and whose fields are known by `agrees`, so that none can decide what type another has to be of.
    """

    def __init__(self, agrees: Callable[[Batch], bool]) -> None:
        self._agrees = agrees
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
        queue.points += len(entry.batch)
        self.points += len(entry.batch)
        self._offer(queue)

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
            if queue.waiting and _has_room(entries, queue.waiting[0]) and not queue.held:
                self._ready.append(queue)
        if self._put_off:
            self._ready.extendleft(reversed(large))
        self._ready = deque(queue for queue in self._ready if queue not in taken)
        for queue, entries in taken.items():
            queue.under_way.append(entries)
            queue.ready = False
            self._offer(queue)
        return taken

    def done(self, queue: Queue, entries: list[Entry]) -> None:
        """The commit with these entries of a device has ended: it may have another turn."""
        queue.under_way.remove(entries)
        queue.held = False
        self._offer(queue)

    def _offer(self, queue: Queue) -> None:
        """Give a device its turn, if it may have one."""
        if not queue.ready and self._may_be_taken(queue):
            queue.ready = True
            self._ready.append(queue)

    def _may_be_taken(self, queue: Queue) -> bool:
        if not queue.waiting or not queue.under_way:
            return bool(queue.waiting)
        enough = queue.points >= WORTH_A_COMMIT and len(queue.under_way) < MOST_UNDER_WAY
        return enough and not queue.held and self._may_overtake(queue)

    def _may_overtake(self, queue: Queue) -> bool:
        """Whether the next entry need not follow what is under way; if it has to, that is not asked again."""
        batch = queue.waiting[0].batch
        others = (entry.batch for entries in queue.under_way for entry in entries)
        queue.held = not (self._agrees(batch) and all(apart(batch, other) for other in others))
        return not queue.held

    def _quantum(self, queue: Queue, entries: list[Entry], most: int) -> int:
        """Move some of the queue to `entries`, a lane's part of the commit; what they cost."""
        cost = 0
        while _fits(queue, cost, most) and _has_room(entries, queue.waiting[0]):
            if entries and queue.under_way and not self._may_overtake(queue):
                break
            entry = queue.waiting.popleft()
            cost += entry.cost
            queue.points -= len(entry.batch)
            self.points -= len(entry.batch)
            entries.append(entry)
        return cost


def _fits(queue: Queue, cost: int, most: int) -> bool:
    return bool(queue.waiting) and (not cost or cost + queue.waiting[0].cost <= most)


def _has_room(entries: Sequence[Entry], entry: Entry) -> bool:
    """Whether another entry may go into a lane's part of a commit."""
    return not entries or sum(each.frames for each in entries) + entry.frames <= QUANTUM_FRAMES
