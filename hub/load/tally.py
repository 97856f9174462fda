"""What a run has seen, counted so that a loss shows. Pure: times are arguments."""

from collections import Counter, defaultdict
from collections.abc import Mapping

from hub.load.delays import Delays


class Series:
    """The windows that one dashboard was told: one for each step of `every_ms`, or it has lost some."""

    def __init__(self, every_ms: int, after: int) -> None:
        """The first window to come is the first that stops after this time, milliseconds."""
        self.after = after
        self._every_ms = every_ms
        self._next = after // every_ms * every_ms + every_ms
        self._missing: set[int] = set()
        self.received = 0
        """Different windows."""

    def take(self, stop: int) -> bool:
        """A window came; whether it is the first time."""
        if stop >= self._next:
            self._missing.update(range(self._next, stop, self._every_ms))
            self._next = stop + self._every_ms
        elif stop in self._missing:
            self._missing.remove(stop)
        else:
            return False
        self.received += 1
        return True

    def lost(self, until: int) -> int:
        """Windows that stopped by then and never came."""
        missing = sum(stop <= until for stop in self._missing)
        return missing + max(0, (until - self._next) // self._every_ms + 1)


class Ledger:
    """Points by plan and window: those that were acknowledged, and those that the windows say they have."""

    def __init__(self) -> None:
        self._acknowledged: Counter[tuple[int, int]] = Counter()
        self._told: dict[tuple[int, int], int] = {}
        self.last_stop = 0
        """Of the latest window that a point was written for."""

    def acknowledge(self, plan: int, stop: int, points: int) -> None:
        """So many points more of this window are durable; below zero, so many were rejected after all."""
        self._acknowledged[plan, stop] += points

    def write(self, stop: int) -> None:
        """A point is on its way."""
        self.last_stop = max(self.last_stop, stop)

    def tell(self, plan: int, stop: int, points: int) -> None:
        """The window has so many points; what was told later counts."""
        self._told[plan, stop] = points

    def compare(self, ranges: Mapping[int, tuple[int, int]]) -> tuple[int, int]:
        """Acknowledged points in windows that stopped after the first and by the second time that is given for their
        plan, and those of them that were told."""
        expected = found = 0
        for (plan, stop), points in self._acknowledged.items():
            after, until = ranges.get(plan, (0, 0))
            if after < stop <= until:
                expected += points
                found += min(points, self._told.get((plan, stop), 0))
        return expected, found


class Tally:
    """All numbers of a run."""

    def __init__(self) -> None:
        self.measuring = False
        """Delays count only while all sockets are open and the load is on."""
        self.acks, self.stops, self.sendings, self.lags = Delays(), Delays(), Delays(), Delays()
        """From due to acknowledged, stop to receipt, sending to receipt; how late this process's own timer was."""
        self.ledger = Ledger()
        self.opened = 0
        self.frames = 0
        self.written = self.acknowledged = self.unacknowledged = 0
        self.rejected: Counter[str] = Counter()
        """By code."""
        self.reasons: dict[str, str] = {}
        """What was said of the first of each code."""
        self.windows = 0
        """Windows and corrections that came to dashboards that read at once."""
        self.slow_windows = 0
        """Those that came to the others."""
        self.skipped = 0
        self.slow_skipped = 0
        self.cut_off = 0
        self.setbacks: defaultdict[str, int] = defaultdict(int)

    def acknowledge(self, plan: int, stop: int, points: int) -> None:
        """So many points of a window are durable."""
        self.acknowledged += points
        self.ledger.acknowledge(plan, stop, points)

    def reject(self, plan: int, stop: int, points: int, code: str, message: str) -> None:
        """So many points of a window never will be, although the frame that has them is going to be acknowledged."""
        self.acknowledge(plan, stop, -points)
        self.rejected[code] += points
        self.reasons.setdefault(code, message)
