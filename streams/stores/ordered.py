"""Values in order, each with how often it is there: in sorted runs side by side, or in one that changes. Pure."""

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, chain
from typing import Any, Protocol

FEW_VALUES = 500
"""So many are sorted sooner than searched for in runs."""
BUCKET = 256
"""Different values that are counted one by one to find a rank."""


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


class Ordered:
    """Values that come and go. The different ones are in sorted buckets, of which it is known how many are in each."""

    def __init__(self, counts: Mapping[Any, int]) -> None:
        self._counts = dict(counts)
        different = sorted(self._counts)
        self._buckets = [different[first : first + BUCKET] for first in range(0, len(different), BUCKET)]
        self._totals = [sum(map(self._counts.__getitem__, bucket)) for bucket in self._buckets]
        self.count = sum(self._totals)

    def add(self, values: Iterable[tuple[Any, int]]) -> None:
        """These come, so many of each; less than none of those that go."""
        for value, more in values:
            known = self._counts.get(value)
            place = min(bisect_left(self._buckets, value, key=_last), len(self._buckets) - 1)
            if known is None:
                place = self._insert(place, value)
                known = 0
            self._counts[value] = known + more
            self._totals[place] += more
            self.count += more
            if known + more == 0:
                self._remove(place, value)

    def at(self, rank: int) -> Any:
        """The value at this rank."""
        upto = list(accumulate(self._totals))
        place = bisect_left(upto, rank)
        rank -= upto[place - 1] if place else 0
        bucket = self._buckets[place]
        return bucket[bisect_left(list(accumulate(map(self._counts.__getitem__, bucket))), rank)]

    def counts(self) -> Mapping[Any, int]:
        """How often each value is there."""
        return self._counts

    def _insert(self, place: int, value: Any) -> int:
        """Make room for a new value; the bucket that has it."""
        if place < 0:
            self._buckets.append([value])
            self._totals.append(0)
            return 0
        bucket = self._buckets[place]
        insort(bucket, value)
        if len(bucket) <= 2 * BUCKET:
            return place
        self._buckets[place : place + 1] = halves = [bucket[:BUCKET], bucket[BUCKET:]]
        lower = sum(self._counts.get(one, 0) for one in halves[0])
        self._totals[place : place + 1] = [lower, self._totals[place] - lower]
        return place + 1 if value > halves[0][-1] else place

    def _remove(self, place: int, value: Any) -> None:
        del self._counts[value]
        bucket = self._buckets[place]
        del bucket[bisect_left(bucket, value)]
        if not bucket:
            del self._buckets[place], self._totals[place]


def _last(bucket: Sequence[Any]) -> Any:
    return bucket[-1]


class Sliding:
    """The values of each group in a window that moves on: what comes and what goes is all that is looked at.

    `size` is how many different values there are, over all groups.
    """

    def __init__(self) -> None:
        self.size = 0
        self.first = 0
        self.groups: dict[int, Ordered] = {}
        self._panes: dict[int, OfPane] = {}

    def move(self, panes: Mapping[int, "OfPane"], first: int, stop: int) -> Mapping[int, Values]:
        """The values of each group that has any in the panes `[first, stop)`, where `panes` says what is in them."""
        wanted = {pane: panes[pane] for pane in range(first, stop) if pane in panes}
        gone = [of_pane for pane, of_pane in self._panes.items() if wanted.get(pane) is not of_pane]
        come = [of_pane for pane, of_pane in wanted.items() if self._panes.get(pane) is not of_pane]
        if len(gone) + len(come) >= len(wanted):
            self.groups = _ordered(wanted.values())
        else:
            self._add(come, 1)
            self._add(gone, -1)
        self.first, self._panes = first, wanted
        self.size = sum(len(ordered.counts()) for ordered in self.groups.values())
        return self.groups

    def _add(self, panes: Iterable["OfPane"], sign: int) -> None:
        for of_pane in panes:
            for group, counts in of_pane:
                ordered = self.groups.get(group)
                if ordered is None:
                    ordered = self.groups[group] = Ordered({})
                ordered.add((value, sign * number) for value, number in counts)
                if not ordered.count:
                    del self.groups[group]


OfPane = Sequence[tuple[int, Sequence[tuple[Any, int]]]]
"""Groups, and how often each value is there in one pane; a group may be there more than once, as its series are."""


def _ordered(panes: Iterable[OfPane]) -> dict[int, Ordered]:
    found: dict[int, dict[Any, int]] = {}
    for of_pane in panes:
        for group, counts in of_pane:
            known = found.setdefault(group, {})
            for value, number in counts:
                known[value] = known.get(value, 0) + number
    return {group: Ordered(counts) for group, counts in found.items()}
