"""Windows put together from panes: what many plans want of the same groups is found once and kept. Pure.

A pane is as long as a window's step, so each window has whole panes, and what it is does not depend on which other
plans there are. Panes are joined to longer stretches as those of long windows are (`streams.partials`).
"""

import json
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import compress, islice, repeat
from operator import itemgetter
from typing import Any

from streams.durations import format_duration
from streams.partials import Stretch, stretches, stretches_of
from streams.points import NANOSECONDS, Kind
from streams.queries import Query
from streams.stores.base import Row, Window
from streams.stores.tail_chunks import Chunk, Chunks
from streams.stores.tail_states import NOTHING, OF_VALUES, Column, cells_of, joined, packed, runs_of, states_of

Tags = tuple[tuple[str, str], ...]
Source = str | tuple[str, ...]
"""A field, or several: whether a point has any of these."""
Key = tuple[Source, str]
"""A state of a source. Of several fields there are `count` and `extent`, the first and last time, nanoseconds."""

LEVELS = 6
"""No window has so many panes that it has longer stretches."""
MANY_GROUPS = 1_000
"""Of panes with so many groups only the latest few are kept where more would save little: their points are there."""
MOST_PASSING = 16


class Grouping:
    """The series that plans with the same conditions and tags are about, in groups, and the panes of these.

    `cells` is how many there are in memory.
    """

    def __init__(self, query: Query, chunks: Chunks) -> None:
        self.cells = 0
        self._where, self._group_by, self._pane_ms = query.where, query.group_by, query.every_ms
        self._chunks = chunks
        self._numbers: dict[Row, int] = {}
        self._rows: list[Row] = []
        self._tagged = 0
        self._tags: list[Row] = []
        self._take: Callable[[Sequence[Any]], Sequence[Any]] | None = None
        self._group_of: dict[int, int] = {}
        self._stretches: dict[Stretch, dict[Key, Column]] = {}
        self._passing: deque[Stretch] = deque()
        self._placed: tuple[Sequence[int], int, _Places] | None = None

    def add(self, series: Iterable[tuple[Tags, int]]) -> None:
        """Put those of these series into groups that meet the conditions."""
        found: dict[Row, list[int]] = {}
        for tags, number in series:
            of_series = dict(tags)
            if all(of_series.get(tag) in wanted for tag, wanted in self._where):
                found.setdefault(tuple(map(of_series.get, self._group_by)), []).append(number)
        for row in sorted(found, key=_order):
            group = self._numbers.setdefault(row, len(self._rows))
            self._group_of |= dict.fromkeys(found[row], group)
            if group == len(self._rows):
                self._rows.append(row)

    def forget(self, start: int, stop: int) -> None:
        """What is in `[start, stop)`, milliseconds, has changed."""
        first, last = start // self._pane_ms, -(-stop // self._pane_ms)
        if last - first < len(self._stretches):
            gone = {one for pane in range(first, last) for one in islice(stretches_of(pane), LEVELS)}
            self._drop(gone & self._stretches.keys())
        else:
            self._drop([one for one in self._stretches if one.first < last and first < one.stop])

    def drop_before(self, time: int) -> None:
        """Forget what stops by this time, milliseconds."""
        self._drop([one for one in self._stretches if one.stop * self._pane_ms <= time])

    def windows(self, query: Query, stops: range, kinds: Mapping[str, Kind]) -> list[Window]:
        """The windows of a query with these conditions, tags and step that stop then."""
        return [self._window(query, stop, kinds) for stop in stops]

    def described(self, query: Query, kinds: Mapping[str, Kind]) -> str:
        """How the windows of a query are found, in words that are close to SQL."""
        states = {
            f'{state}("{field}")': None
            for field, aggregates in query.select
            for aggregate in aggregates
            for state in states_of(aggregate, kinds.get(field))
        }
        by = f" GROUP BY {', '.join(map(json.dumps, query.group_by))}" if query.group_by else ""
        return (
            f"-- put together in memory: SELECT {', '.join(states)} of panes of {format_duration(query.every_ms)}{by}"
        )

    def _window(self, query: Query, stop: int, kinds: Mapping[str, Kind]) -> Window:
        start, stop = query.span(stop)
        fields = tuple(sorted(query.fields))
        named = [(field, aggregate) for field, aggregates in query.select for aggregate in aggregates]
        keys: dict[Key, None] = {(fields, "count"): None, (fields, "extent"): None}
        keys |= {(field, state): None for field, one in named for state in states_of(one, kinds.get(field))}
        parts = [self._states(one, keys) for one in stretches(start // self._pane_ms, stop // self._pane_ms)]
        found = {key: self._together(key, [part[key] for part in parts]) for key in keys}
        counts = found[fields, "count"]
        points = sum(filter(None, counts))
        if not points:
            return Window(start, stop, (), 0)
        cells = [
            cells_of(one, kind, [found[field, state] for state in states_of(one, kind)], len(counts))
            for field, one, kind in ((field, one, kinds.get(field)) for field, one in named)
        ]
        first, last = (time // NANOSECONDS for time in found[fields, "extent"][0])
        return Window(start, stop, self._sorted(cells, counts), points, first, last)

    def _sorted(self, cells: Iterable[Sequence[Any]], counts: Sequence[int | None]) -> tuple[Row, ...]:
        """The rows of the groups that have points, sorted by their tags, nulls first."""
        if self._tagged < len(self._rows):
            order = sorted(range(len(self._rows)), key=lambda group: _order(self._rows[group]))
            self._take = itemgetter(*order) if order != list(range(len(order))) else None
            self._tags = list(zip(*(self._rows[group] for group in order), strict=True))
            self._tagged = len(order)
        if self._take:
            counts, *cells = map(self._take, (counts, *cells))
        found = zip(*self._tags, *cells, strict=True)
        return tuple(found if all(counts) else compress(found, counts))

    def _together(self, key: Key, columns: Sequence[Column]) -> Sequence[Any]:
        column = runs_of(columns) if key[1] == "sorted" else joined(key[1], columns)
        missing = len(self._rows) - len(column.cells)
        return [*column.cells, *repeat(None, missing)] if missing > 0 else column.cells

    def _states(self, stretch: Stretch, keys: Iterable[Key]) -> Mapping[Key, Column]:
        """These states of a stretch, and any others that are known."""
        known = self._stretches.get(stretch, {})
        missing = [key for key in keys if key not in known]
        if not missing:
            return known
        if stretch.level:
            parts = [self._states(part, missing) for part in stretch.parts()]
            found = {key: joined(key[1], [part[key] for part in parts]) for key in missing}
        else:
            chunk = self._chunks.pane(stretch.first * self._pane_ms, stretch.stop * self._pane_ms)
            found = dict(self._of_points(chunk, missing) if chunk else zip(missing, repeat(NOTHING), strict=False))
            few = chunk is None or len(self._rows) <= MANY_GROUPS or 4 * len(self._rows) <= len(chunk.times)
            if not few and stretch not in self._stretches:
                self._passing.append(stretch)
                if len(self._passing) > MOST_PASSING:
                    self._drop([self._passing.popleft()])
        self.cells += sum(_size(key, column) for key, column in found.items())
        self._stretches[stretch] = known = {**known, **found}
        return known

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
            self._placed = chunk.series, len(self._group_of), _Places(chunk.series, self._group_of, len(self._rows))
        return self._placed[2]

    def _drop(self, gone: Iterable[Stretch]) -> None:
        for stretch in gone:
            states = self._stretches.pop(stretch, {})
            self.cells -= sum(_size(key, column) for key, column in states.items())


def _size(key: Key, column: Column) -> int:
    return sum(map(len, filter(None, column.cells))) if key[1] == "sorted" else len(column.cells)


def _order(tags: Row) -> list[tuple[bool, str]]:
    return [(tag is not None, str(tag or "")) for tag in tags]


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
                yield Column([None if value is None else make((value,)) for value in found], whole)
            else:
                make = OF_VALUES[state]
                yield Column([make(each) if each else None for each in found], whole)

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
