"""What was read and answered lately: which slices changed when they were read again, and windows that did not. Pure."""

import hashlib
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from streams.points import NANOSECONDS
from streams.queries import Query
from streams.stores.base import Window
from streams.stores.tail_slices import Span

MOST_CHANGES = 1_000
LINGER_MS = 2_000
"""Windows are kept until their grace has passed, and for so much longer."""


def digests(rows: Sequence[Sequence[Any]], span: Span, step: int, columns: Sequence[str]) -> dict[int, bytes]:
    """For each slice of a span, by its stop, a digest of its points, which come in order of time."""
    times = [row[0] for row in rows]
    names = msgspec.json.encode(columns)
    found = {}
    first = 0
    for stop in range(span[0] + step, span[1] + 1, step):
        last = bisect_left(times, stop * NANOSECONDS, first)
        content = msgspec.msgpack.encode(rows[first:last])
        found[stop] = hashlib.blake2b(names + content, digest_size=8).digest() if last > first else b""
        first = last
    return found


class Recent:
    """Of one measurement. A version is told at each change; windows answered at an older one may be out of date."""

    def __init__(self) -> None:
        self.version = 0
        self._contents: dict[int, bytes] = {}
        self._changes: deque[tuple[int, Span]] = deque(maxlen=MOST_CHANGES)
        self._windows: dict[tuple[str, int], tuple[int, Window]] = {}

    def changed(self, read: dict[int, bytes]) -> list[int]:
        """Those of these slices that are others than when they were read before, ascending."""
        return [stop for stop, content in read.items() if self._contents.get(stop) != content]

    def loaded(self, read: dict[int, bytes], step: int) -> None:
        """These slices are in memory now."""
        changed = self.changed(read)
        self._contents |= read
        if changed:
            self.version += 1
            self._changes.append((self.version, (changed[0] - step, changed[-1])))

    def forget(self) -> None:
        """Nothing is in memory."""
        self.version += MOST_CHANGES + 1
        self._contents.clear()
        self._changes.clear()
        self._windows.clear()

    def drop_before(self, time: int) -> None:
        """Slices that stopped by then are not in memory any more."""
        for stop in [stop for stop in self._contents if stop <= time]:
            del self._contents[stop]

    def remember(self, query: Query, windows: Iterable[Window], version: int, now: int) -> None:
        """These windows were answered from what was in memory at a version."""
        for window in windows:
            if window.stop + query.grace_ms + LINGER_MS > now:
                self._windows[query.key, window.stop] = version, window

    def expire(self, graces: dict[str, int], now: int) -> None:
        """Forget windows whose grace has passed, and those of plans that are not among these."""
        gone = [at for at in self._windows if at[1] + graces.get(at[0], -LINGER_MS) + LINGER_MS <= now]
        for at in gone:
            del self._windows[at]

    def window(self, query: Query, stop: int) -> Window | None:
        """The window that stops then, if it is remembered and nothing in it has changed since."""
        version, window = self._windows.get((query.key, stop), (0, None))
        if window is None or (self._changes and version + MOST_CHANGES < self.version):
            return None
        for changed_at, (first, last) in reversed(self._changes):
            if changed_at <= version:
                break
            if first < window.stop and window.start < last:
                return None
        return window
