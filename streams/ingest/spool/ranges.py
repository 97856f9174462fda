"""Which times the spool holds points of, as each worker learns it from the heads of the records."""

from collections import deque
from typing import NamedTuple

from streams.ingest.spool.files import Files
from streams.ingest.spool.segments import Stretch, walk

BLOCK = 64
"""Consecutive ranges of a measurement that are kept as one: it is too wide, until they are drained."""


class Block(NamedTuple):
    """A run of entries up to the position `last`; times in ns, both inclusive."""

    last: int
    start: int
    stop: int
    ranges: int


class Ranges:
    """The ranges waiting in the spool. For one thread; it reads heads alone, and only those it has not seen."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._seen = 0
        self._blocks: dict[str, deque[Block]] = {}
        self._received: deque[tuple[int, int]] = deque()

    def holds(self, measurement: str, start: int, stop: int) -> bool:
        """Whether the spool has a point of this measurement in `[start, stop)` ns. May err on the side of yes."""
        if self._files.empty():
            return False
        self.refresh()
        blocks = self._blocks.get(measurement, ())
        return any(block.start < stop and block.stop >= start for block in blocks)

    def refresh(self) -> None:
        """Learn what any worker appended, and forget what is drained."""
        drained, end = self._files.bounds()
        self._seen = max(self._seen, drained)
        if self._seen < end:
            for stretch in walk(self._files.directory, self._seen, end, certain=False):
                self._add(stretch)
                self._seen = stretch.stop
        while self._received and self._received[0][0] < drained:
            self._received.popleft()
        for measurement, blocks in list(self._blocks.items()):
            while blocks and blocks[0].last < drained:
                blocks.popleft()
            if not blocks:
                del self._blocks[measurement]

    def _add(self, stretch: Stretch) -> None:
        if stretch.head is None:
            return
        self._received.append((stretch.start, stretch.head.received))
        for measurement, start, stop in stretch.head.touched:
            blocks = self._blocks.setdefault(measurement, deque())
            if blocks and blocks[-1].ranges < BLOCK:
                before = blocks.pop()
                block = Block(stretch.start, min(before.start, start), max(before.stop, stop), before.ranges + 1)
            else:
                block = Block(stretch.start, start, stop, 1)
            blocks.append(block)

    @property
    def entries(self) -> int:
        """How many entries wait, as of the last refresh."""
        return len(self._received)

    @property
    def oldest(self) -> int | None:
        """When the first of them was received, ms; None when there is none."""
        return self._received[0][1] if self._received else None
