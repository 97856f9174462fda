"""The values of one pane, of all groups next to one another: numbers take eight bytes each, and no object. Pure."""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple

from streams.stores.states import packed

NUMBERS_OF_A_ROW = 4
"""So many numbers next to one another take the memory of a row of states, as a value of another kind does."""


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
            found[group] = Counter(found[group]) + Counter(some) if group in found else some
    groups, stops, values, numbers = sorted(found), array("q"), list[Any](), list[int]()
    for group in groups:
        some = found[group]
        if isinstance(some, Mapping) or len(set(some)) < len(some):
            counts = sorted(Counter(some).items())
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
