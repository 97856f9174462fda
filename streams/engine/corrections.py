"""Which final windows of a plan to read again, because points came late. Decides; the engine acts."""

from streams.clock import NEVER
from streams.engine.ledger import Ledger
from streams.windows import Stops, boundary, merged

GATHER_MS = 250
"""Points that come late are gathered for this long before their windows are read again."""
MOST_UNKNOWN = 1_000
"""When late points touch more windows than this in one stretch, only those on record are read again."""


class Late:
    """The windows of one plan that late points have touched, from the first touch until they are read again."""

    def __init__(self, every: int) -> None:
        self._every = every
        self._touched: list[Stops] = []
        self._gathered_at = 0
        self._again: list[Stops] = []
        self._again_at = 0

    def due_at(self, final_until: int) -> int:
        """When there are windows to read again, milliseconds; those that are not final have to wait until they are."""
        if self._again and self._again[0][0] <= final_until:
            return min(self._again_at, self._gathered_at) if self._touched else self._again_at
        return self._gathered_at if self._touched else NEVER

    def touch(self, stops: Stops, now: int) -> bool:
        """Late points are in these windows; whether that is news."""
        if any(first <= stops[0] and stops[1] <= last for first, last in self._touched):
            return False
        if not self._touched:
            self._gathered_at = now + GATHER_MS
        self._touched = merged([*self._touched, stops], self._every)
        return True

    def again(self, stops: Stops, at: int = 0) -> None:
        """Read these without gathering: an attempt failed, or what it brought was stale already; or wait until then."""
        self._again_at = at
        self._again = merged([*self._again, stops], self._every)

    def take(self, ledger: Ledger, now: int, most: int) -> Stops | None:
        """The next windows to read, at most so many; those too old to be corrected are left as they are."""
        if self._touched and self._gathered_at <= now:
            gathered = [run for stops in self._touched for run in ledger.correctable(*stops, MOST_UNKNOWN, now)]
            self._again = merged([*self._again, *gathered], self._every)
            self._touched = []
        oldest = boundary(ledger.corrected_until(now), self._every) + self._every
        while self._again_at <= now and self._again and self._again[0][0] <= ledger.final_until:
            first, last = self._again.pop(0)
            first = max(first, oldest)
            end = min(last, first + (most - 1) * self._every, ledger.final_until)
            if end < last:
                self._again.insert(0, (max(first, end + self._every), last))
            if first <= end:
                return first, end
        return None
