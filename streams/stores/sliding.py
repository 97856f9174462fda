"""The values of each group in a window that moves on over panes: what comes and goes is all that is looked at. Pure."""

from collections import deque
from collections.abc import Mapping

from streams.stores.ordered import Values
from streams.stores.pane_values import NO_VALUES, PaneValues
from streams.stores.ranks import Moving


class Sliding:
    """A window of the panes `[first, stop)`, as they were when they came or were changed."""

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
