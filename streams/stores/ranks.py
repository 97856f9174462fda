"""Ranks among the values of a group that come and go: only what is near one that is asked for is in order. Pure.

A rank moves little from one window to the next. So the values near it are kept in order, and of the others how many are
below: what comes or goes elsewhere is a number that changes, found in two searches for each group and pane. Where a
rank leaves what is near, the values on that side are looked through once.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, chain, repeat
from typing import Any

from streams.stores.pane_values import PaneValues

NEAR = 128
"""Values of so many ranks on either side are near."""
MOST_NEAR = 4 * NEAR
"""More ranks than these are not kept, unless the values at them are all the same."""
FEW_DIFFERENT = 3
MOST_RANKS = 32
"""So many ranks of a group are kept up."""


class Near:
    """All values of a group from `least` to `greatest`, where these are not None, and how many there are below."""

    __slots__ = ("below", "greatest", "inside", "least", "numbers", "used", "values")

    def __init__(self, values: list[Any], numbers: list[int], below: int, least: Any, greatest: Any) -> None:
        self.values, self.numbers, self.below = values, numbers, below
        self.least, self.greatest = least, greatest
        self.inside = sum(numbers)
        self.used = True
        """Whether a rank was found here since values came or went."""

    def change(self, pane: PaneValues, start: int, stop: int, sign: int) -> None:
        """The values of a pane from one place to another come, or go, with a sign of -1."""
        self.used = False
        values = pane.values
        first = start if self.least is None else bisect_left(values, self.least, start, stop)
        last = stop if self.greatest is None else bisect_right(values, self.greatest, first, stop)
        if first > start:
            self.below += sign * pane.how_many(start, first)
        for place in range(first, last):
            self._add(values[place], sign if pane.numbers is None else sign * pane.numbers[place])

    def _add(self, value: Any, more: int) -> None:
        self.inside += more
        values, numbers = self.values, self.numbers
        at = bisect_left(values, value)
        if at == len(values) or values[at] != value:
            values.insert(at, value)
            numbers.insert(at, more)
        elif numbers[at] + more:
            numbers[at] += more
        else:
            del values[at], numbers[at]

    def at(self, rank: int) -> Any:
        """The value at this rank of the group; None where it is not here."""
        rank -= self.below
        if not 0 < rank <= self.inside:
            return None
        self.used = True
        if self.inside > MOST_NEAR and len(self.values) > FEW_DIFFERENT:
            rank -= self._narrow(rank)
        place = rank - 1 if self.inside == len(self.values) else bisect_left(list(accumulate(self.numbers)), rank)
        return self.values[place]

    def _narrow(self, rank: int) -> int:
        """Keep what is near this rank of those here; how many of those below it are not here any more."""
        first, stop = _near(self.numbers, rank)
        before = self.below
        if first:
            self.least = self.values[first]
            self.below += sum(self.numbers[:first])
        if stop < len(self.values):
            self.greatest = self.values[stop - 1]
        self.values, self.numbers = self.values[first:stop], self.numbers[first:stop]
        self.inside = sum(self.numbers)
        return self.below - before


def _near(numbers: Sequence[int], rank: int) -> tuple[int, int]:
    """From where to where the values are, each of which is there so often, that have the ranks near this one."""
    upto = list(accumulate(numbers))
    return bisect_left(upto, rank - NEAR), bisect_left(upto, rank + NEAR) + 1


class Moving:
    """The values of one group in a window that moves on over these panes."""

    def __init__(self, panes: Iterable[PaneValues], group: int) -> None:
        self.count = 0
        self._panes = panes
        self._group = group
        self._near: list[Near] = []
        self._counts: dict[Any, int] | None = None

    @property
    def size(self) -> int:
        """How many values are kept of it, beside those of the panes."""
        return sum(len(near.values) for near in self._near) + len(self._counts or ())

    def change(self, pane: PaneValues, start: int, stop: int, sign: int) -> None:
        """The values of a pane from one place to another come, or go, with a sign of -1."""
        self.count += sign * pane.how_many(start, stop)
        for near in self._near:
            near.change(pane, start, stop, sign)
        if self._counts is not None:
            for value, number in zip(pane.values[start:stop], _numbers(pane, start, stop), strict=False):
                count = self._counts.pop(value, 0) + sign * number
                if count:
                    self._counts[value] = count

    def at(self, rank: int) -> Any:
        """The value at this rank."""
        for near in self._near:
            found = near.at(rank)
            if found is not None:
                return found
        near = self._look_for(rank)
        self._near.append(near)
        if len(self._near) > MOST_RANKS:
            del self._near[0]
        return near.at(rank)

    def counts(self) -> Mapping[Any, int]:
        """How often each value is there."""
        if self._counts is None:
            self._counts = self._all(None, None)
        return self._counts

    def _look_for(self, rank: int) -> Near:
        """What is near a rank: on the side where it is of what was near, which moves there if it was not used now."""
        unused = [near for near in self._near if not near.used]
        nearest = min(unused or self._near, key=lambda near: abs(near.below + near.inside // 2 - rank), default=None)
        if unused and nearest is not None:
            self._near.remove(nearest)
        below, least, greatest = 0, None, None
        if nearest is not None and rank > nearest.below:
            below, least = nearest.below, nearest.least
        elif nearest is not None:
            greatest = nearest.greatest
        counts = self._all(least, greatest)
        values = sorted(counts)
        numbers = [*map(counts.__getitem__, values)]
        first, stop = _near(numbers, rank - below)
        below += sum(numbers[:first])
        return Near(
            values[first:stop],
            numbers[first:stop],
            below,
            values[first] if below else None,
            greatest if stop >= len(values) else values[stop - 1],
        )

    def _all(self, least: Any, greatest: Any) -> dict[Any, int]:
        """How often each value from one to the other is there, from all on where that is None."""
        once: list[Sequence[Any]] = []
        often: list[tuple[Any, int]] = []
        for pane in self._panes:
            start, stop = pane.of(self._group)
            start = start if least is None else bisect_left(pane.values, least, start, stop)
            stop = stop if greatest is None else bisect_right(pane.values, greatest, start, stop)
            if pane.numbers is None:
                once.append(pane.values[start:stop])
            else:
                often += zip(pane.values[start:stop], pane.numbers[start:stop], strict=True)
        counts: dict[Any, int] = Counter(chain.from_iterable(once))
        for value, number in often:
            counts[value] = counts.get(value, 0) + number
        return counts


def _numbers(pane: PaneValues, start: int, stop: int) -> Iterable[int]:
    return repeat(1) if pane.numbers is None else pane.numbers[start:stop]
