"""What is kept of panes and of the stretches joined from them: found when wanted, forgotten when changed. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice, repeat
from typing import Any, NamedTuple

from streams.partials import Stretch, stretches, stretches_of
from streams.stores.states import Column, joined, runs_of

Key = tuple[Any, str]
"""What a state is of, a field for instance, and the state."""

LEVELS = 6
"""No window has so many panes that it has longer stretches."""
MIDDLE_LEVEL = 2
"""The stretches of a window from this level on are joined once: the next windows have the same, but for their ends."""
MOST_MIDDLES = 8


class Found(NamedTuple):
    """States of a pane, and whether it is worth to keep them for long."""

    states: Mapping[Key, Column]
    lasting: bool


class Stretches:
    """The states of stretches. `find` finds these of a pane; of others as many are kept as `passing` says.

    `cells` is how many there are in memory.
    """

    def __init__(self, find: Callable[[int, Sequence[Key]], Found], passing: int = 0) -> None:
        self.cells = 0
        self._find = find
        self._most_passing = passing
        self._passing: dict[Stretch, None] = {}
        self._known: dict[Stretch, dict[Key, Column]] = {}
        self._middles: dict[tuple[Stretch, ...], dict[Key, Column]] = {}
        self._heads: dict[tuple[int, int], dict[Key, Column]] = {}

    def put(self, pane: int, states: Mapping[Key, Column]) -> None:
        """These are the states of a pane, and all that there are."""
        self.forget(pane, pane + 1)
        self._keep(Stretch(0, pane), dict(states))

    def forget(self, first: int, stop: int) -> None:
        """What is in the panes `[first, stop)` has changed."""
        self._forget_middles([one for one in self._middles if one[0].first < stop and first < one[-1].stop])
        self._forget_heads([one for one in self._heads if one[0] < stop and first < one[1] - 1])
        if stop - first < len(self._known):
            gone = {one for pane in range(first, stop) for one in islice(stretches_of(pane), LEVELS)}
            self._drop(gone & self._known.keys())
        else:
            self._drop([one for one in self._known if one.first < stop and first < one.stop])

    def drop_before(self, pane: int) -> None:
        """Forget what ends before this pane."""
        self._forget_middles([one for one in self._middles if one[0].first < pane])
        self._forget_heads([one for one in self._heads if one[0] < pane])
        self._drop([one for one in self._known if one.stop <= pane])

    def pane(self, pane: int, keys: Sequence[Key]) -> Mapping[Key, Column]:
        """These states of one pane, and any others that are known."""
        return self._states(Stretch(0, pane), keys)

    def together(self, first: int, stop: int, keys: Iterable[Key], groups: int) -> dict[Key, Sequence[Any]]:
        """These states of the panes `[first, stop)` together, cells of so many groups each."""
        keys = tuple(keys)
        last = [self._states(Stretch(0, stop - 1), keys)]
        known = self._heads.get((first, stop), {})
        added = [key for key in keys if key not in known and key[1] != "values"]
        head = {**known, **self._head(first, stop, added)}
        runs = self._parts(first, stop - 1, [key for key in keys if key[1] == "values"])
        found = {}
        for key in keys:
            if key[1] == "values":  # sorted values are not merged: a rank is found in several runs sooner
                column = runs_of([part[key] for part in (*runs, *last)])
            else:
                column = joined(key[1], [head[key], last[0][key]])
            found[key] = filled(column, groups)
        return found

    def prepare(self, first: int, stop: int, keys: Iterable[Key]) -> None:
        """The last of the panes `[first, stop)` is about to come: join all that are before it."""
        self._forget_heads([one for one in self._heads if one[1] != stop])
        self._forget_heads([(first, stop)] if (first, stop) in self._heads else [])
        self._heads[first, stop] = head = self._head(first, stop, [key for key in keys if key[1] != "values"])
        self.cells += _size(head)

    def _head(self, first: int, stop: int, keys: Sequence[Key]) -> dict[Key, Column]:
        """These states of the panes `[first, stop)` but for the last."""
        parts = self._parts(first, stop - 1, keys)
        return {key: joined(key[1], [part[key] for part in parts]) for key in keys}

    def _parts(self, first: int, stop: int, keys: Sequence[Key]) -> list[Mapping[Key, Column]]:
        """These states of a few stretches that are the panes `[first, stop)`, in order."""
        if not keys:
            return []
        cover = stretches(first, stop)
        before, after = ([self._states(one, keys) for one in some] for some in _ends(cover))
        middle = tuple(one for one in cover if one.level >= MIDDLE_LEVEL)
        return [*before, *([self._middle(middle, keys)] if middle else []), *after]

    def _middle(self, middle: tuple[Stretch, ...], keys: Sequence[Key]) -> Mapping[Key, Column]:
        known = self._middles.pop(middle, {})
        missing = [key for key in keys if key not in known]
        if missing:
            self.cells -= _size(known)
            parts = [self._states(one, missing) for one in middle]
            known |= {key: joined(key[1], [part[key] for part in parts]) for key in missing}
            self.cells += _size(known)
        self._middles[middle] = known  # the one that was used last goes last
        if len(self._middles) > MOST_MIDDLES:
            self._forget_middles([next(iter(self._middles))])
        return known

    def _forget_middles(self, gone: Iterable[tuple[Stretch, ...]]) -> None:
        for middle in gone:
            self.cells -= _size(self._middles.pop(middle))

    def _forget_heads(self, gone: Iterable[tuple[int, int]]) -> None:
        for head in gone:
            self.cells -= _size(self._heads.pop(head))

    def _states(self, stretch: Stretch, keys: Sequence[Key]) -> Mapping[Key, Column]:
        """These states of a stretch, and any others that are known."""
        known = self._known.get(stretch, {})
        missing = [key for key in keys if key not in known]
        if not missing:
            return known
        if stretch.level:
            parts = [self._states(part, missing) for part in stretch.parts()]
            found = Found({key: joined(key[1], [part[key] for part in parts]) for key in missing}, True)
        else:
            found = self._find(stretch.first, missing)
        if not found.lasting:
            self._passing[stretch] = None
            if len(self._passing) > self._most_passing:
                self._drop([next(iter(self._passing))])
        return self._keep(stretch, {**known, **found.states})

    def _keep(self, stretch: Stretch, states: dict[Key, Column]) -> dict[Key, Column]:
        self.cells += _size(states) - _size(self._known.get(stretch, {}))
        self._known[stretch] = states
        return states

    def _drop(self, gone: Iterable[Stretch]) -> None:
        for stretch in gone:
            self.cells -= _size(self._known.pop(stretch, {}))
            self._passing.pop(stretch, None)


def _ends(cover: Sequence[Stretch]) -> tuple[Sequence[Stretch], Sequence[Stretch]]:
    """The short stretches before and after the long ones."""
    places = [place for place, one in enumerate(cover) if one.level >= MIDDLE_LEVEL]
    return (cover[: places[0]], cover[places[-1] + 1 :]) if places else (cover, ())


def filled(column: Column, groups: int) -> Sequence[Any]:
    """The cells of so many groups, None where the column is too short."""
    missing = groups - len(column.cells)
    return [*column.cells, *repeat(None, missing)] if missing > 0 else column.cells


def _size(states: Mapping[Key, Column]) -> int:
    return sum(
        sum(map(len, filter(None, column.cells))) if state == "values" else len(column.cells)
        for (_, state), column in states.items()
    )
