"""Values in order, each with how often it is there: in sorted runs side by side, or in one that changes. Pure."""

from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, chain, repeat
from typing import Any, Protocol

FEW_VALUES = 500
"""So many are sorted sooner than searched for in runs."""
BUCKET = 128
"""So many different values are counted one by one to find a rank, or twice as many."""


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
    """Values that come and go. The different ones are in sorted buckets, with how often each is there beside them.

    `count` is how many there are, `different` how many of these are different.
    """

    def __init__(self, counts: Mapping[Any, int]) -> None:
        values = sorted(counts)
        self._values = [values[first : first + BUCKET] for first in range(0, len(values), BUCKET)]
        self._numbers = [[*map(counts.__getitem__, bucket)] for bucket in self._values]
        self._greatest: list[Any] = [bucket[-1] for bucket in self._values]
        self._totals = [*map(sum, self._numbers)]
        self.count, self.different = sum(self._totals), len(values)

    def add(self, values: Iterable[tuple[Any, int]], sign: int = 1) -> None:
        """These come, so many of each; or they go, with a `sign` of -1."""
        greatest, buckets, counts, totals = self._greatest, self._values, self._numbers, self._totals
        for value, number in values:
            more = sign * number
            place = bisect_left(greatest, value)
            if place < len(greatest):
                bucket, numbers = buckets[place], counts[place]
                at = bisect_left(bucket, value)
                if bucket[at] == value and numbers[at] + more:  # mostly it is there, and stays
                    numbers[at] += more
                    totals[place] += more
                    self.count += more
                    continue
            self._add(value, more, place)

    def _add(self, value: Any, more: int, place: int) -> None:
        """A value comes that was not there, or goes altogether; `place` is that of its bucket."""
        if place == len(self._greatest):
            place = self._last()
        bucket, numbers = self._values[place], self._numbers[place]
        at = bisect_left(bucket, value)
        if at == len(bucket) or bucket[at] != value:
            bucket.insert(at, value)
            numbers.insert(at, 0)
            self._greatest[place] = bucket[-1]
            self.different += 1
        numbers[at] += more
        self._totals[place] += more
        self.count += more
        if not numbers[at]:
            self._remove(place, at)
        elif len(bucket) > 2 * BUCKET:
            self._split(place)

    def at(self, rank: int) -> Any:
        """The value at this rank."""
        upto = list(accumulate(self._totals))
        place = bisect_left(upto, rank)
        rank -= upto[place - 1] if place else 0
        return self._values[place][bisect_left(list(accumulate(self._numbers[place])), rank)]

    def counts(self) -> Mapping[Any, int]:
        """How often each value is there."""
        return dict(zip(chain.from_iterable(self._values), chain.from_iterable(self._numbers), strict=True))

    def _last(self) -> int:
        """The last bucket, which there is from now on if there was none."""
        if not self._values:
            self._values.append([])
            self._numbers.append([])
            self._greatest.append(None)
            self._totals.append(0)
        return len(self._values) - 1

    def _split(self, place: int) -> None:
        for several in (self._values, self._numbers):
            several[place : place + 1] = several[place][:BUCKET], several[place][BUCKET:]
        self._greatest.insert(place, self._values[place][-1])
        self._totals[place : place + 1] = map(sum, self._numbers[place : place + 2])

    def _remove(self, place: int, at: int) -> None:
        self.different -= 1
        bucket = self._values[place]
        del bucket[at], self._numbers[place][at]
        if bucket:
            self._greatest[place] = bucket[-1]
        else:
            del self._values[place], self._numbers[place], self._greatest[place], self._totals[place]


OfPane = Sequence[tuple[int, Sequence[tuple[Any, int]]]]
"""Groups, and how often each value is there in one pane; a group may be there more than once, as its series are."""


class Sliding:
    """The values of each group in a window that moves on: what comes and what goes is all that is looked at.

    It has the panes `[first, stop)`, as they were when they came or were changed.
    """

    def __init__(self) -> None:
        self.first = self.stop = 0
        self.groups: dict[int, Ordered] = {}
        self._panes: deque[OfPane] = deque()

    @property
    def size(self) -> int:
        """How many different values there are, over all groups."""
        return sum(ordered.different for ordered in self.groups.values())

    def move(self, panes: Mapping[int, OfPane], first: int, stop: int) -> Mapping[int, Values]:
        """The values of each group that has any in the panes `[first, stop)`, where `panes` says what comes."""
        if abs(first - self.first) + abs(stop - self.stop) >= stop - first:
            self._panes = deque(map(panes.get, range(first, stop), repeat(())))
            self.groups = _ordered(self._panes)
        else:
            before = [self._panes.popleft() for _ in range(self.first, first)]
            after = [self._panes.pop() for _ in range(stop, self.stop)]
            sooner = [panes.get(pane, ()) for pane in range(first, self.first)]
            later = [panes.get(pane, ()) for pane in range(self.stop, stop)]
            self._panes.extendleft(reversed(sooner))
            self._panes.extend(later)
            self._add([*sooner, *later], 1)
            self._add([*before, *after], -1)
        self.first, self.stop = first, stop
        return self.groups

    def change(self, pane: int, of_pane: OfPane) -> None:
        """This is in a pane from now on, where the window has it."""
        if self.first <= pane < self.stop:
            self._add([self._panes[pane - self.first]], -1)
            self._add([of_pane], 1)
            self._panes[pane - self.first] = of_pane

    def _add(self, panes: Iterable[OfPane], sign: int) -> None:
        for of_pane in panes:
            for group, counts in of_pane:
                ordered = self.groups.get(group)
                if ordered is None:
                    ordered = self.groups[group] = Ordered({})
                ordered.add(counts, sign)
                if not ordered.count:
                    del self.groups[group]


def _ordered(panes: Iterable[OfPane]) -> dict[int, Ordered]:
    found: dict[int, dict[Any, int]] = {}
    for of_pane in panes:
        for group, counts in of_pane:
            known = found.setdefault(group, {})
            for value, number in counts:
                known[value] = known.get(value, 0) + number
    return {group: Ordered(counts) for group, counts in found.items()}
