"""How long things took, whatever their number. Pure."""

import math
from collections import Counter

_STEP = math.log(1.01)
_LEAST_MS = 0.01


class Delays:
    """Delays in milliseconds; a quantile is right to one in a hundred, and the memory does not grow."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self.count = 0
        self.least = math.inf
        self.largest = -math.inf

    def add(self, milliseconds: float) -> None:
        """One more. Below zero, when two clocks differ, it counts as none and stays the `least`."""
        self._counts[math.ceil(math.log(max(milliseconds, _LEAST_MS)) / _STEP)] += 1
        self.count += 1
        self.least = min(self.least, milliseconds)
        self.largest = max(self.largest, milliseconds)

    def quantile(self, share: float) -> float | None:
        """The delay that this share of them, from 0 to 1, did not exceed; None when there is none."""
        rank = max(1, math.ceil(share * self.count))
        for step, count in sorted(self._counts.items()):
            rank -= count
            if rank <= 0:
                return max(0.0, min(math.exp(step * _STEP), self.largest))
        return None
