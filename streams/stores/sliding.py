"""Values in a window that moves on: of what comes and goes only that is looked at which is near a rank asked for. Pure.

A rank moves little from one window to the next. So the values near it are kept in order, and of the others how many are
below: what comes or goes elsewhere is a number that changes, found in two searches for each group and pane. Where a
rank leaves what is near, the values on that side are looked through once.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, chain, repeat
from typing import Any, NamedTuple

from streams.stores.ordered import Values
from streams.stores.states import packed

NEAR = 128
"""Values of so many ranks on either side are near."""
MOST_NEAR = 4 * NEAR
"""More ranks than these are not kept, unless the values at them are all the same."""
FEW_DIFFERENT = 3
NUMBERS_OF_A_ROW = 4
"""So many numbers next to one another take the memory of a row of states, as a value of another kind does."""
MOST_RANKS = 32
"""So many ranks of a group are kept up."""


class PaneValues(NamedTuple):
    """The values of one pane: those of the first of `groups` up to the first of `stops`, of the second from there on.

    The numbers of the groups ascend. The values of one are in order and all different, and `numbers` says how often
    each is there, None where each is there once.
    """

    groups: Sequence[int]
    stops: Sequence[int]
    values: Sequence[Any]
    numbers: Sequence[int] | None

    @property
    def rows(self) -> int:
        """How many rows of states would take as much memory."""
        values = len(self.values)
        return -(-values // NUMBERS_OF_A_ROW) if isinstance(self.values, array) else values

    def of(self, group: int) -> tuple[int, int]:
        """From where to where this group's values are."""
        place = bisect_left(self.groups, group)
        if place == len(self.groups) or self.groups[place] != group:
            return 0, 0
        return self.stops[place - 1] if place else 0, self.stops[place]

    def how_many(self, start: int, stop: int) -> int:
        """How many there are from one place to another, those that are there more than once as many times."""
        return stop - start if self.numbers is None else sum(self.numbers[start:stop])


NO_VALUES = PaneValues((), (), (), None)


def pane_values(of_groups: Iterable[tuple[int, Sequence[Any] | Mapping[Any, int]]]) -> PaneValues:
    """Those of these groups: values in order, or how often each is there. A group may be there more than once."""
    found: dict[int, Mapping[Any, int] | Sequence[Any]] = {}
    for group, some in of_groups:
        if some:
            found[group] = _counts(found[group]) + _counts(some) if group in found else some
    groups, stops, values, numbers = sorted(found), array("q"), list[Any](), list[int]()
    for group in groups:
        some = found[group]
        if isinstance(some, Mapping) or len(set(some)) < len(some):
            counts = sorted(_counts(some).items())
            values += [value for value, _ in counts]
            numbers += [number for _, number in counts]
        else:
            values += some
            numbers += repeat(1, len(some))
        stops.append(len(values))
    once = sum(numbers) == len(numbers)
    whole = range(len(groups)) if groups == list(range(len(groups))) else array("q", groups)
    return PaneValues(whole, stops, _packed(values), None if once else array("q", numbers))


def _packed(values: list[Any]) -> Sequence[Any]:
    """The same values, next to one another in memory where they are numbers that fit into 64 bits."""
    if values and type(values[0]) is int:
        try:
            return array("q", values)
        except OverflowError:
            return values
    return packed(values)


def _counts(some: Mapping[Any, int] | Sequence[Any]) -> Counter[Any]:
    return Counter(some)


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


class Sliding:
    """The values of each group in a window that moves on: what comes and what goes is all that is looked at.

    It has the panes `[first, stop)`, as they were when they came or were changed.
    """

    def __init__(self) -> None:
        self.first = self.stop = 0
        self.size = 0
        """How many values were kept, over all groups, beside those of the panes, when that was last counted."""
        self._groups: dict[int, Moving] = {}
        self._panes: deque[PaneValues] = deque()

    def count(self) -> None:
        """Count what is kept. Another thread may ask for `size` at any time, and must not look through the groups."""
        self.size = sum(moving.size for moving in self._groups.values())

    def move(self, panes: Mapping[int, PaneValues], first: int, stop: int) -> Mapping[int, Values]:
        """The values of each group that has any in the panes `[first, stop)`, where `panes` says what comes."""
        if abs(first - self.first) + abs(stop - self.stop) >= stop - first:
            self._panes.clear()
            self._groups.clear()
            before, later = list[PaneValues](), [panes.get(pane, NO_VALUES) for pane in range(first, stop)]
            self._panes.extend(later)
        else:
            before = [self._panes.popleft() for _ in range(self.first, first)]
            before += [self._panes.pop() for _ in range(stop, self.stop)]
            sooner = [panes.get(pane, NO_VALUES) for pane in range(first, self.first)]
            later = [panes.get(pane, NO_VALUES) for pane in range(self.stop, stop)]
            self._panes.extendleft(reversed(sooner))
            self._panes.extend(later)
            later += sooner
        self.first, self.stop = first, stop
        for pane in later:
            self._change(pane, 1)
        for pane in before:
            self._change(pane, -1)
        return self._groups

    def change(self, pane: int, values: PaneValues) -> None:
        """These are in a pane from now on, where the window has it."""
        if self.first <= pane < self.stop:
            before, self._panes[pane - self.first] = self._panes[pane - self.first], values
            self._change(values, 1)
            self._change(before, -1)

    def _change(self, pane: PaneValues, sign: int) -> None:
        start = 0
        for group, stop in zip(pane.groups, pane.stops, strict=True):
            moving = self._groups.get(group)
            if moving is None:
                moving = self._groups[group] = Moving(self._panes, group)
            moving.change(pane, start, stop, sign)
            if not moving.count:
                del self._groups[group]
            start = stop
