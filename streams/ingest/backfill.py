"""What a backfill has touched: gathered while it runs and told once, so that each window is corrected once. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from streams.points import NANOSECONDS, Touched

PAUSE_MS = 10_000
"""A backfill that has stored nothing for this long has paused: its windows are corrected."""
MARGIN_MS = 20_000
"""How long before its windows are too old to be corrected a range is told, whether the backfill has paused or not."""

_GRAIN = 60_000_000_000
"""Ranges are kept in whole minutes, ns: windows beside the points are read in vain, and nobody hears of those."""
_MOST_RANGES = 5_000
"""Of one measurement. Beyond it the grain doubles until they fit."""


class Backfill:
    """The ranges that one backfill has touched since it last told of them. Times are milliseconds."""

    def __init__(self, correct_for_ms: int) -> None:
        self._correct_for = correct_for_ms
        self._covers: dict[str, _Cover] = {}
        self._last = 0
        self._deadline: int | None = None

    def add(self, touched: Sequence[Touched], now: int) -> list[Touched]:
        """Points of these ranges were stored; which ranges, made wider, are in addition to those known before."""
        self._last = now
        added = []
        for item in touched:
            cover = self._covers.setdefault(item.measurement, _Cover())
            for start, stop in cover.add(item.start, item.stop):
                added.append(Touched(item.measurement, start, stop))
                self._note_deadline(start // NANOSECONDS, stop // NANOSECONDS, now)
        return added

    def due(self, now: int, *, closed: bool, idle: bool) -> bool:
        """Whether to tell now; `idle` is a backfill of which nothing is on its way to the store."""
        if not self._covers:
            return False
        if self._deadline is not None and now >= self._deadline:
            return True
        return idle and (closed or now - self._last >= PAUSE_MS)

    def ranges(self) -> list[Touched]:
        """What is to be told, in order of time for each measurement."""
        return [
            Touched(measurement, start, stop)
            for measurement, cover in self._covers.items()
            for start, stop in zip(cover.starts, cover.stops, strict=True)
        ]

    def told(self) -> None:
        """They have been told: begin anew."""
        self._covers.clear()
        self._deadline = None

    def _note_deadline(self, start: int, stop: int, now: int) -> None:
        if stop + self._correct_for <= now:
            return  # nobody corrects windows that old, whenever they are told
        deadline = max(now, start + self._correct_for - MARGIN_MS)
        self._deadline = deadline if self._deadline is None else min(self._deadline, deadline)


class _Cover:
    """A set of times in whole grains: ranges that neither meet nor touch, ascending, both ends inclusive, ns."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.stops: list[int] = []
        self._grain = _GRAIN

    def add(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Cover this range; what was not covered is in the ranges returned, of which there is at most one."""
        start -= start % self._grain
        stop += self._grain - 1 - stop % self._grain
        first, after = bisect_left(self.stops, start - 1), bisect_right(self.starts, stop + 1)
        if first + 1 == after and self.starts[first] <= start and stop <= self.stops[first]:
            return []
        whole = (min([start, *self.starts[first:after]]), max([stop, *self.stops[first:after]]))
        self.starts[first:after], self.stops[first:after] = [whole[0]], [whole[1]]
        if len(self.starts) > _MOST_RANGES:
            self._coarsen()
        return [(start, stop)]

    def _coarsen(self) -> None:
        ranges = list(zip(self.starts, self.stops, strict=True))
        while len(self.starts) > _MOST_RANGES // 2:
            self._grain *= 2
            self.starts, self.stops = [], []
            for start, stop in ranges:
                self._append(start - start % self._grain, stop + self._grain - 1 - stop % self._grain)

    def _append(self, start: int, stop: int) -> None:
        if self.stops and start <= self.stops[-1] + 1:
            self.stops[-1] = max(self.stops[-1], stop)
        else:
            self.starts.append(start)
            self.stops.append(stop)
