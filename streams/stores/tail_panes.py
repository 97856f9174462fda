"""Windows put together from panes: what many plans want of the same groups is found once and kept. Pure.

A pane is as long as a window's step, so each window has whole panes, and what it is does not depend on which other
plans there are. Panes are joined to longer stretches as those of long windows are (`streams.partials`).
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from operator import itemgetter
from typing import Any

from streams.partials import PanesQuery, made_of
from streams.points import NANOSECONDS, Kind
from streams.queries import Query
from streams.stores.base import Window
from streams.stores.groups import Groups
from streams.stores.made import cells_of, states_of
from streams.stores.pane import Pane
from streams.stores.states import NOTHING, OF_VALUES, Column, packed
from streams.stores.stretches import Found, Key, Stretches
from streams.stores.tail_chunks import Chunk, Chunks

Tags = tuple[tuple[str, str], ...]
Source = str | tuple[str, ...]
"""A field, or several: whether a point has any of these. Of several there are `count` and `extent`, the first and last
time, nanoseconds."""

MANY_GROUPS = 1_000
"""Of panes with so many groups only the latest few are kept where more would save little: their points are there."""
MOST_PASSING = 16

POINTS = {*OF_VALUES, "first", "last"}
"""The states that are found in a pane's points."""


def is_put_together(query: Query) -> bool:
    """Whether every aggregate of the query can be made of states that are found in points."""
    aggregates = (one for _, several in query.select for one in several)
    return all(set(made_of(one)) <= POINTS for one in aggregates)


class Grouping:
    """The series that plans with the same conditions and tags are about, in groups, and the panes of these."""

    def __init__(self, query: Query, chunks: Chunks) -> None:
        self._where, self._group_by, self._pane_ms = query.where, query.group_by, query.every_ms
        self._chunks = chunks
        self._groups = Groups()
        self._group_of: dict[int, int] = {}
        self._stretches = Stretches(self._find, MOST_PASSING)
        self._placed: tuple[Sequence[int], int, _Places] | None = None

    @property
    def cells(self) -> int:
        """How many there are in memory."""
        return self._stretches.cells

    def add(self, series: Iterable[tuple[Tags, int]]) -> None:
        """Put those of these series into groups that meet the conditions."""
        rows = {}
        for tags, number in series:
            of_series = dict(tags)
            if all(of_series.get(tag) in wanted for tag, wanted in self._where):
                rows[number] = tuple(map(of_series.get, self._group_by))
        self._groups.add(rows.values())
        self._group_of |= {number: self._groups.number(row) for number, row in rows.items()}

    def forget(self, start: int, stop: int) -> None:
        """What is in `[start, stop)`, milliseconds, has changed."""
        self._stretches.forget(start // self._pane_ms, -(-stop // self._pane_ms))

    def drop_before(self, time: int) -> None:
        """Forget what stops by this time, milliseconds."""
        self._stretches.drop_before(time // self._pane_ms)

    def windows(self, query: Query, stops: range, kinds: Mapping[str, Kind]) -> list[Window]:
        """The windows of a query with these conditions, tags and step that stop then."""
        answer = self._pane if isinstance(query, PanesQuery) else self._window
        return [answer(query, stop, kinds) for stop in stops]

    def prepare(self, query: Query, stop: int, kinds: Mapping[str, Kind]) -> None:
        """The last pane of the window that stops then is being read: do what can be done without it."""
        first, after = (time // self._pane_ms for time in query.span(stop))
        self._stretches.prepare(first, after, self._keys(query, kinds))

    def _keys(self, query: Query, kinds: Mapping[str, Kind]) -> list[Key]:
        """The states that its windows are made of: how many points there are, their times, and those of its columns."""
        fields = tuple(sorted(query.fields))
        named = ((field, one) for field, aggregates in query.select for one in aggregates)
        of_columns = ((field, state) for field, one in named for state in states_of(one, kinds.get(field)))
        return [(fields, "count"), (fields, "extent"), *dict.fromkeys(of_columns)]

    def _window(self, query: Query, stop: int, kinds: Mapping[str, Kind]) -> Window:
        start, stop = query.span(stop)
        fields = tuple(sorted(query.fields))
        named = [(field, aggregate) for field, aggregates in query.select for aggregate in aggregates]
        first, after = start // self._pane_ms, stop // self._pane_ms
        groups = len(self._groups)
        found = self._stretches.together(first, after, self._keys(query, kinds), groups)
        counts = found[fields, "count"]
        points = sum(filter(None, counts))
        if not points:
            return Window(start, stop, (), 0)
        cells = [
            cells_of(one, kind, [found[field, state] for state in states_of(one, kind)], groups, query.window_ms)
            for field, one, kind in ((field, one, kinds.get(field)) for field, one in named)
        ]
        extent = (time // NANOSECONDS for time in found[fields, "extent"][0])
        return Window(start, stop, self._groups.rows(cells, counts), points, *extent)

    def _pane(self, query: Query, stop: int, kinds: Mapping[str, Kind]) -> Window:
        start, stop = query.span(stop)
        keys = self._keys(query, kinds)
        found = self._stretches.pane(start // self._pane_ms, keys)
        (counts, extent), states = map(found.__getitem__, keys[:2]), {key: found[key] for key in keys[2:]}
        points = sum(filter(None, counts.cells))
        if not points:
            return Window(start, stop, (), 0)
        times = (time // NANOSECONDS for time in extent.cells[0])
        known = {field: kinds[field] for field in query.fields if field in kinds}
        return Pane(start, stop, (), points, *times, groups=self._groups.all, counts=counts, states=states, kinds=known)

    def _find(self, pane: int, keys: Sequence[Key]) -> Found:
        """These states of a pane."""
        chunk = self._chunks.pane(pane * self._pane_ms, (pane + 1) * self._pane_ms)
        if chunk is None:
            return Found(dict.fromkeys(keys, NOTHING), True)
        groups = len(self._groups)
        few = groups <= MANY_GROUPS or 4 * groups <= len(chunk.times)
        return Found(dict(self._of_points(chunk, keys)), few)

    def _of_points(self, chunk: Chunk, keys: Iterable[Key]) -> Iterator[tuple[Key, Column]]:
        places = self._places_in(chunk)
        by_source: dict[Source, list[str]] = {}
        for source, state in keys:
            by_source.setdefault(source, []).append(state)
        for source, states in by_source.items():
            values = chunk.values.get(source) if isinstance(source, str) else chunk.present(source)
            found = places.states(chunk, values, states) if values is not None else repeat(NOTHING)
            yield from zip([(source, state) for state in states], found, strict=False)

    def _places_in(self, chunk: Chunk) -> "_Places":
        """Slices with the same series in the same order have one list of these."""
        if self._placed is None or self._placed[0] is not chunk.series or self._placed[1] != len(self._group_of):
            self._placed = chunk.series, len(self._group_of), _Places(chunk.series, self._group_of, len(self._groups))
        return self._placed[2]


class _Places:
    """Where the points of each group are in a chunk: mostly there is one of each, or there are few groups."""

    def __init__(self, series: Sequence[int], group_of: Mapping[int, int], groups: int) -> None:
        self._groups = list(map(group_of.get, series))
        self._singles = [-1] * groups
        self._several: list[list[int]] = []
        for position, group in enumerate(self._groups):
            if group is not None:
                if self._singles[group] >= 0:
                    self._singles, self._several = [], self._by_group(groups)
                    break
                self._singles[group] = position
        self._whole = -1 not in self._singles if self._singles else all(self._several)
        self._take: Callable[[Sequence[Any]], Sequence[Any]] | None = None
        if self._singles and self._whole and groups > 1:
            self._take = itemgetter(*self._singles)
        elif not self._singles:
            self._takes = [itemgetter(*positions) if len(positions) > 1 else None for positions in self._several]

    def _by_group(self, groups: int) -> list[list[int]]:
        found: list[list[int]] = [[] for _ in range(groups)]
        for position, group in enumerate(self._groups):
            if group is not None:
                found[group].append(position)
        return found

    def states(self, chunk: Chunk, values: Sequence[Any], states: Iterable[str]) -> Iterator[Column]:
        """Each state of the groups' values."""
        whole = self._whole and not isinstance(values, list)
        found = self._of_singles(values) if self._singles else self._of_several(values, whole)
        for state in states:
            if state == "extent":
                yield self._extent(chunk.times, values)
            elif not self._singles and state in {"first", "last"}:
                yield Column([_edge(chunk.times, values, each, state) for each in self._several], whole)
            elif self._singles and state in {"total", "min", "max", "first", "last"}:
                yield Column(found, whole)
            elif self._singles and state == "count" and whole:
                yield Column([1] * len(found), True)
            elif self._singles:
                make = OF_VALUES[state]
                cells = [None if value is None else make((value,)) for value in found]
                yield Column(packed(cells, state) if whole else cells, whole)
            else:
                make = OF_VALUES[state]
                cells = [make(each) if each else None for each in found]
                yield Column(packed(cells, state) if whole else cells, whole)

    def _of_singles(self, values: Sequence[Any]) -> Sequence[Any]:
        if self._take:
            return packed(self._take(values)) if isinstance(values, array) else self._take(values)
        return [None if position < 0 else values[position] for position in self._singles]

    def _of_several(self, values: Sequence[Any], whole: bool) -> Sequence[Sequence[Any]]:
        if len(self._several) == 1 and len(self._several[0]) == len(values):
            found: list[Sequence[Any]] = [values]
        else:
            found = [
                take(values) if take else [values[position] for position in positions]
                for take, positions in zip(self._takes, self._several, strict=True)
            ]
        return found if whole else [[value for value in each if value is not None] for each in found]

    def _extent(self, times: Sequence[int], values: Sequence[Any]) -> Column:
        there = (at for at, group in enumerate(self._groups) if group is not None and values[at] is not None)
        first = next(there, None)
        if first is None:
            return NOTHING
        backwards = range(len(values) - 1, -1, -1)
        last = next(at for at in backwards if self._groups[at] is not None and values[at] is not None)
        return Column([(times[first], times[last])], True)


def _edge(times: Sequence[int], values: Sequence[Any], positions: Sequence[int], edge: str) -> Any:
    """The first or last value of these points; of several at that time the greatest, of first booleans false."""
    at: int | None = None
    found: Any = None
    for position in positions if edge == "first" else reversed(positions):
        value = values[position]
        if value is None:
            continue
        if at is not None and times[position] != at:
            break
        if at is None:
            at, found = times[position], value
        elif edge == "first" and isinstance(value, bool):
            found = min(found, value)
        else:
            found = max(found, value)
    return found
