"""What was sent of a plan's windows, and so which are due, final, or to be corrected. Pure: time is an argument.

A window goes through three stages. When it has stopped it is sent, provisional; `grace` later it is final; a point
that comes after that still corrects it. `Ledger` keeps what was sent, so that nothing is sent twice and the revision
grows with every change.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from streams.engine.records import Records, Sending, digest
from streams.queries import Query
from streams.stores.base import Window
from streams.windows import Stops, WindowUpdate, boundary, merged


class Read(NamedTuple):
    """Windows to ask the store for at once: those that stop in `[first, last]`.

    Those of them that stop by `final_until` become final by this reading.
    """

    first: int
    last: int
    final_until: int


class Unread(NamedTuple):
    """The windows that stop in `[first, last]` were touched, the last time `at` then, and are not read again.

    `change` is the ledger's at that time.
    """

    first: int
    last: int
    change: int
    at: int


class Gap(NamedTuple):
    """Nobody watched the windows that stop in `[first, last]` when they became final; from `until` on they are."""

    first: int
    last: int
    until: int


class Stale(Exception):
    """A window was read while it changed: the reading may be older than what was sent. Read it again."""


@dataclass(slots=True)
class Memory:
    """How much all ledgers of an engine remember: for how long, and how many windows altogether, shared equally."""

    correct_for_ms: int
    most_records: int
    ledgers: int = 0

    @property
    def most_each(self) -> int:
        """How many final windows each ledger may remember."""
        return self.most_records // max(1, self.ledgers)


class Ledger:
    """What was sent of a plan's windows, and so which are due.

    It begins at the latest boundary that is `grace` ago: windows up to there are history. Every window up to
    `last_stop` was sent, every window up to `final_until` is final as last sent; `claimed_until` runs ahead of it
    while a final reading is under way. Of each final window that was sent, in history too, a record is kept as long
    as `memory` allows. A window whose record was dropped can still be corrected, but is
    then sent once even if it did not change.
    """

    def __init__(self, query: Query, now: int, memory: Memory) -> None:
        self.query = query
        self.final_until = self.last_stop = self.claimed_until = boundary(now - query.grace_ms, query.every_ms)
        self.change = 0
        self.records = Records()
        self._memory = memory
        self._provisional: dict[int, WindowUpdate] = {}
        self._final_stops: list[int] = []  # a heap: the oldest records go first
        self._dropped_revision = 0
        self._unread = Unread(0, -1, 0, 0)
        self._unsure_before = now
        self._gaps: list[Gap] = []

    def resume(self, now: int) -> None:
        """Go on after a time in which nobody listened: windows that became final meanwhile are history.

        What late points touched all the while is known, if it was asked for; of those windows it is not.
        """
        begins = boundary(now - self.query.grace_ms, self.query.every_ms)
        if begins <= self.final_until:
            return
        for stop in [stop for stop in self._provisional if stop <= begins]:
            del self._provisional[stop]
            heapq.heappush(self._final_stops, stop)
        self._gaps.append(Gap(self.final_until + self.query.every_ms, begins, now))
        self.final_until = begins
        self.last_stop, self.claimed_until = max(self.last_stop, begins), max(self.claimed_until, begins)

    def settled(self, now: int) -> int:
        """The latest stop that is `grace` ago: windows up to there may become final."""
        return max(self.final_until, boundary(now - self.query.grace_ms, self.query.every_ms))

    def due(self, now: int, final_until: int, most: int) -> Read | None:
        """The next windows to read, at most so many; `final_until` is how far they may be made final.

        Windows that have just stopped come first: they do not wait for the last look at those that become final.
        """
        every = self.query.every_ms
        stopped = boundary(now, every) if self.query.grace_ms else final_until
        if final_until > self.last_stop:
            first, last = self.final_until + every, stopped
        elif stopped > self.last_stop:
            first, last, final_until = self.last_stop + every, stopped, self.final_until
        elif final_until > self.final_until:
            first, last = self.final_until + every, final_until
        else:
            return None
        last = min(last, first + (most - 1) * every)
        return Read(first, last, min(final_until, last))

    def next_due(self, held_until: int) -> int:
        """When the next window stops or may become final, which it may not before `held_until`."""
        every, grace = self.query.every_ms, self.query.grace_ms
        final = max(self.final_until + every + grace, held_until)
        return min(self.last_stop + every, final) if grace else final

    def recent(self) -> list[WindowUpdate]:
        """The windows that were sent and are not final yet, ascending."""
        return list(self._provisional.values())

    def answered(self, read: Read, windows: Sequence[Window], queried_ms: float, now: int) -> list[WindowUpdate]:
        """What is to be sent of the windows that were due and have been read."""
        updates = []
        for window in windows:
            final = window.stop <= read.final_until
            update, changed = self._record(window, final, queried_ms, now)
            if final:
                self._provisional.pop(window.stop, None)
                heapq.heappush(self._final_stops, window.stop)
            else:
                self._provisional[window.stop] = update
            if changed:
                updates.append(update)
        self.last_stop = max(self.last_stop, read.last)
        self.final_until = max(self.final_until, read.final_until)
        self._prune(now)
        return updates

    def corrected(self, window: Window, since: int, queried_ms: float, now: int) -> WindowUpdate | None:
        """What is to be sent of a final window that was read again; `since` is `change` before that reading.

        Stale when it was sent differently in the meantime.
        """
        update, changed = self._reread(window, since, queried_ms, now, self._dropped_revision + 1)
        return update if changed else None

    def recalled(self, window: Window, since: int, queried_ms: float, now: int) -> tuple[WindowUpdate, bool]:
        """A window read as history, and whether it is a correction for those who had it before; else as `corrected`."""
        known = window.stop in self.records
        if not known and self._unread.first <= window.stop <= self._unread.last and self._unread.change > since:
            raise Stale
        update, changed = self._reread(window, since, queried_ms, now, self._dropped_revision)
        return update, changed and known

    def correctable(self, first: int, last: int, most: int, now: int) -> list[Stops]:
        """The windows that stop in `[first, last]` as ranges to read again; if more than `most`, those on record."""
        every = self.query.every_ms
        if (last - first) // every < most:
            return [(first, last)]
        self.change += 1
        before = self._unread if self._unread.at else Unread(first, last, 0, 0)
        self._unread = Unread(min(first, before.first), max(last, before.last), self.change, now)
        return merged([(stop, stop) for stop in self._final_stops if first <= stop <= last], every)

    def changed_since(self, seen: int, until: int, now: int) -> list[Stops]:
        """The windows that stopped by `until` and may have been corrected from `seen` on, as ranges.

        They are few if this ledger was there all the time; without that knowledge, all that can have been corrected.
        """
        every = self.query.every_ms
        oldest = boundary(self.corrected_until(now), every) + every
        if seen < self._unsure_before:
            return [(oldest, until)] if oldest <= until else []
        changed = [(stop, stop) for stop in self._final_stops if self.records[stop].latest.sent >= seen]
        if self._unread.at >= seen:
            changed.append((self._unread.first, self._unread.last))
        changed += [(gap.first, gap.last) for gap in self._gaps if seen < gap.until]
        clipped = [(max(first, oldest), min(last, until)) for first, last in changed]
        return merged([(first, last) for first, last in clipped if first <= last], every)

    def knows(self, first: int, last: int) -> bool:
        """Whether every window that stops in `[first, last]` is on record."""
        return all(stop in self.records for stop in range(first, last + 1, self.query.every_ms))

    def corrected_until(self, now: int) -> int:
        """Windows that stopped by then are too old to be corrected."""
        return now - self._memory.correct_for_ms

    def _reread(
        self, window: Window, since: int, queried_ms: float, now: int, unknown: int
    ) -> tuple[WindowUpdate, bool]:
        record = self.records.get(window.stop)
        if record is None:
            heapq.heappush(self._final_stops, window.stop)
        elif record.change > since and record.digest != digest(window.rows):
            raise Stale
        result = self._record(window, True, queried_ms, now, unknown)
        self._prune(now)
        return result

    def _record(
        self, window: Window, final: bool, queried_ms: float, now: int, unknown: int = 0
    ) -> tuple[WindowUpdate, bool]:
        """A window as it is sent, and whether its rows have changed; `unknown` is its revision without a record."""
        seen = digest(window.rows)
        record = self.records.get(window.stop)
        changed = record is None or record.digest != seen
        if record is None or changed:
            self.change += 1
            revision = record.latest.revision + 1 if record else unknown
            record = self.records.add(window.stop, seen, self.change, Sending(revision, now, window.points))
        start, stop, rows, points = window.start, window.stop, window.rows, window.points
        update = WindowUpdate(
            start, stop, record.latest.revision, final, rows, points, record.late(points), queried_ms, now
        )
        return update, changed

    def _prune(self, now: int) -> None:
        """Drop the records of final windows that are too old, and the oldest of those that are too many."""
        oldest, most = self.corrected_until(now), self._memory.most_each
        self._gaps = [gap for gap in self._gaps if gap.last > oldest]
        while self._final_stops and (self._final_stops[0] <= oldest or len(self._final_stops) > most):
            stop = heapq.heappop(self._final_stops)
            sending = self.records.pop(stop).latest
            self._dropped_revision = max(self._dropped_revision, sending.revision)
            if stop > oldest:
                self._unsure_before = max(self._unsure_before, sending.sent)
