"""Values in order: in sorted runs side by side. Pure."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Protocol

FEW_VALUES = 500
"""So many are sorted sooner than searched for in runs."""


class Values(Protocol):
    """What is asked of a window's values."""

    @property
    def count(self) -> int:
        """How many there are."""

    def at(self, rank: int) -> Any:
        """The value at this rank, counted from 1."""

    def counts(self) -> Mapping[Any, int]:
        """How often each value is there."""


class Runs:
    """Sorted sequences, as they are, of which none is empty."""

    def __init__(self, runs: Sequence[Sequence[Any]]) -> None:
        self._runs = runs
        self.count = sum(map(len, runs))

    def at(self, rank: int) -> Any:
        """The value at this rank of all together."""
        runs = self._runs
        if len(runs) == 1:
            return runs[0][rank - 1]
        if self.count <= FEW_VALUES:
            return sorted(chain.from_iterable(runs))[rank - 1]
        lows, highs = [0] * len(runs), [len(run) for run in runs]
        while True:
            _, longest = max((high - low, place) for place, (low, high) in enumerate(zip(lows, highs, strict=True)))
            pivot = runs[longest][(lows[longest] + highs[longest]) // 2]
            below = [bisect_left(run, pivot) for run in runs]
            upto = [bisect_right(run, pivot) for run in runs]
            if rank <= sum(below):
                highs = list(map(min, highs, below))
            elif rank > sum(upto):
                lows = list(map(max, lows, upto))
            else:
                return pivot

    def counts(self) -> Mapping[Any, int]:
        """How often each value is there."""
        return Counter(chain.from_iterable(self._runs))
