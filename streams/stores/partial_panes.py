"""The panes of one query, asked of a store as windows, and the longer windows put together from them.

States are kept for each key: a group, or a series where the steps from one pane to the next count.
"""

import hashlib
import marshal
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice

from streams.aggregates import Aggregate
from streams.partials import Parts
from streams.points import Kind
from streams.queries import Query
from streams.stores.base import Row, Window
from streams.stores.groups import Groups
from streams.stores.made import cells_of, described, states_of
from streams.stores.ordered import Values
from streams.stores.pane import Pane
from streams.stores.pane_values import NO_VALUES, PaneValues, pane_values
from streams.stores.partial_groups import across
from streams.stores.partial_states import Asked, asked_of, check, check_kinds, column_of, moved, placed
from streams.stores.sliding import Sliding
from streams.stores.states import NOTHING, Column
from streams.stores.stretches import Found, Key, Stretches

MOST_SLIDING = 2
"""Windows that move on at once: of the present, and of the past that somebody asks for meanwhile."""
MOST_LATEST = 4
"""Windows that are known as they were answered last: one is asked for when it has stopped, and when it is final."""
THERE: Key = None, "count"
"""Whether a key has points in a pane."""

POINTS: Key = None, "points"
EXTENT: Key = None, "extent"
"""How many points there are in a pane, over all keys, and the times of the first and the last, if they are known."""


class Panes:
    """What is kept of one query. Of its methods one is called at a time."""

    def __init__(self, query: Query, parts: Parts) -> None:
        self._query = query
        self._parts = parts
        self._pane_ms = parts.query.every_ms
        self._kinds: dict[str, Kind] = {}
        self._series: dict[Row, int] = {}
        self._group_of: list[int] = []
        self._groups = Groups()
        self._given: tuple[tuple[Row, ...], Sequence[int]] = (), ()
        self._digests: dict[int, bytes] = {}
        self._put: dict[int, Window] = {}
        self._latest: dict[int, Window] = {}
        self._stretches = Stretches(lambda _, keys: Found(dict.fromkeys(keys, NOTHING), True))
        self._values: dict[str, dict[int, PaneValues]] = {
            field: {} for field, states in zip(query.fields, parts.states, strict=True) if "values" in states
        }
        self._sliding: dict[str, list[Sliding]] = {field: [] for field in self._values}
        self._counted = 0
        self._how = described(query, self._pane_ms, {})
        self.cells_of_latest = 0
        """Of the pane that was put last, as of those that come and go with the next."""

    @property
    def rows(self) -> int:
        """How many rows of states are in memory, or would take as much as the values that are."""
        columns = 1 + sum(len(states) for states in self._parts.states)
        sliding = sum(one.size for several in self._sliding.values() for one in several)
        return self._stretches.cells // columns + self._counted + sliding

    @property
    def _keys(self) -> int:
        """How many keys there are."""
        return len(self._series) if self._parts.by_series else len(self._groups)

    def learn(self, kinds: Mapping[str, Kind]) -> bool:
        """The fields have these kinds. False where that contradicts what is kept: it is of no use then."""
        if any(kinds.get(field, kind) is not kind for field, kind in self._kinds.items()):
            return False
        self._latest.clear()
        self._kinds |= {field: kinds[field] for field in self._query.fields if field in kinds}
        self._how = described(self._query, self._pane_ms, self._kinds)
        return True

    def has(self, windows: Sequence[Window]) -> bool:
        """Whether these very panes are kept: a store that has read again what did not change gives the same object."""
        return all(self._put.get(window.stop) is window for window in windows)

    def cells_of(self, windows: Sequence[Window]) -> int:
        """About how many states and values these panes have."""
        states = 1 + sum(map(len, self._parts.states))
        rows = sum(len(window.groups if isinstance(window, Pane) else window.rows) for window in windows)
        return states * rows + (sum(window.points for window in windows) if self._values else 0)

    def replace(self, windows: Sequence[Window], stop: int | None = None) -> None:
        """Put these panes, windows of `Parts.query`, in the place of what was kept of them. KindsUnknown.

        Where the window that stops at `stop` has all its panes by that, it is found too, and `known`.
        """
        read = [(window, _digest(window)) for window in windows]
        changed = [
            (window, digest)
            for window, digest in read
            if not digest or self._digests.get(window.start // self._pane_ms) != digest
        ]
        asked = [self._asked(window) for window, _ in changed]
        for (window, digest), of_fields in zip(changed, asked, strict=True):
            self._replace(window, of_fields)
            self._digests[window.start // self._pane_ms] = digest
        self._put = {window.stop: window for window in windows[-MOST_LATEST:]}
        self.cells_of_latest = self.cells_of(windows[-1:])
        if stop is not None:
            self.answer(stop, stop)

    def _asked(self, window: Window) -> Mapping[str, Asked]:
        """What its rows have of each field; nothing where it has its states. KindsUnknown."""
        if isinstance(window, Pane):
            check_kinds(window, self._kinds)
            return {}
        asked = asked_of(self._parts.query, window.rows)
        for field, columns in asked.items():
            check(columns, self._kinds.get(field))
        return asked

    def _replace(self, window: Window, asked: Mapping[str, Asked]) -> None:
        pane = window.start // self._pane_ms
        extent = Column([(window.first, window.last)], True) if window.points else NOTHING
        states = {POINTS: Column([window.points], True), EXTENT: extent}
        if isinstance(window, Pane):
            states |= self._of_states(pane, window)
        else:
            states |= self._of_rows(pane, window.rows, asked)
        self._stretches.put(pane, states)
        for stop in [stop for stop in self._latest if stop - self._query.window_ms < window.stop <= stop]:
            del self._latest[stop]

    def _of_states(self, pane: int, given: Pane) -> dict[Key, Column]:
        """The states of a pane as the store behind has them, in the order of the groups here; and put its values."""
        if self._given[0] is not given.groups:
            self._groups.add(given.groups)
            numbers, same = [*map(self._groups.number, given.groups)], range(len(given.groups))
            self._given = given.groups, same if numbers == [*same] else numbers
        places = self._given[1]
        found = {THERE: moved(given.counts, places, self._keys)}
        for key in self._wanted():
            column = given.states.get(key, NOTHING)
            if key[1] == "values":
                of_groups = zip(places, column.cells, strict=False)
                self._put_values(key[0], pane, pane_values((group, cells) for group, cells in of_groups if cells))
            else:
                found[key] = moved(column, places, self._keys)
        return found

    def _of_rows(self, pane: int, rows: Sequence[Row], asked: Mapping[str, Asked]) -> dict[Key, Column]:
        """The states made of a pane's rows; and put its values."""
        keys, by_series = self._keys_of(rows), self._parts.by_series
        found = {THERE: placed([1] * len(keys), keys, self._keys)}
        for field, state in self._wanted():
            if state == "values":
                groups = [self._group_of[key] for key in keys] if by_series else keys
                of_groups = zip(groups, asked[field]["values"], strict=True)
                self._put_values(field, pane, pane_values((group, counts) for group, counts in of_groups if counts))
            else:
                found[field, state] = column_of(state, asked[field], keys, self._keys, by_series=by_series)
        return found

    def _wanted(self) -> Iterator[tuple[str, str]]:
        """The states that are kept."""
        for field, states in zip(self._query.fields, self._parts.states, strict=True):
            yield from ((field, state) for state in states)

    def _keys_of(self, rows: Sequence[Row]) -> list[int]:
        """The number of each row's series, or of its group."""
        group_by = len(self._query.group_by)
        self._groups.add(row[:group_by] for row in rows)
        if not self._parts.by_series:
            return [self._groups.number(row[:group_by]) for row in rows]
        tags = len(self._parts.query.group_by)
        keys = [self._series.setdefault(row[:tags], len(self._series)) for row in rows]
        for row in islice(self._series, len(self._group_of), None):
            self._group_of.append(self._groups.number(row[:group_by]))
        return keys

    def _put_values(self, field: str, pane: int, values: PaneValues) -> None:
        panes = self._values[field]
        self._counted += values.rows - panes.get(pane, NO_VALUES).rows
        panes[pane] = values
        for sliding in self._sliding[field]:
            sliding.change(pane, values)

    def drop_before(self, time: int) -> None:
        """Forget the panes that start before this time, milliseconds, and the stretches that have nothing else."""
        oldest = -(-time // self._pane_ms)
        self._put = {stop: window for stop, window in self._put.items() if window.start >= time}
        self._stretches.drop_before(oldest)
        for pane in [pane for pane in self._digests if pane < oldest]:
            del self._digests[pane]
            for panes in self._values.values():
                self._counted -= panes.pop(pane, NO_VALUES).rows

    def prepare(self, stop: int) -> None:
        """The newest pane of the window that stops then is being asked for: put it together but for that pane."""
        first, after = (time // self._pane_ms for time in self._query.span(stop))
        keys = [POINTS, EXTENT, THERE, *self._needed()]
        self._stretches.prepare(first, after, keys)
        for field in self._values:
            self._slid(field, first, after - 1)

    def knows(self, stop: int) -> bool:
        """Whether nothing in the window that stops then has changed since it was answered."""
        return stop in self._latest

    def known(self, first_stop: int, last_stop: int) -> tuple[list[Window], str] | None:
        """As `answer`, where nothing in the windows has changed since they were answered; else None."""
        stops = range(first_stop, last_stop + 1, self._query.every_ms)
        return self.answer(first_stop, last_stop) if all(map(self.knows, stops)) else None

    def answer(self, first_stop: int, last_stop: int) -> tuple[list[Window], str]:
        """The windows that stop in this range, all of whose panes are kept, and how they were found."""
        stops = range(first_stop, last_stop + 1, self._query.every_ms)
        for stop in stops:
            self._latest[stop] = self._latest.pop(stop) if stop in self._latest else self._window(stop)
        found = [self._latest[stop] for stop in stops]
        while len(self._latest) > MOST_LATEST:
            del self._latest[next(iter(self._latest))]
        return found, self._how

    def _window(self, stop: int) -> Window:
        start, stop = self._query.span(stop)
        first, after = start // self._pane_ms, stop // self._pane_ms
        whole = self._stretches.together(first, after, (POINTS, EXTENT), 1)
        (points,), (extent,) = whole[POINTS], whole[EXTENT]
        if not points:
            return Window(start, stop, (), 0)
        named = self._named()
        needed = self._needed()
        keys = [THERE, *(key for key in needed if key[1] != "values")]
        found = self._stretches.together(first, after, keys, self._keys)
        if self._parts.by_series:
            found = {key: across(key[1], cells, self._group_of, len(self._groups)) for key, cells in found.items()}
        for field, state in needed:
            if state == "values":
                values = self._slid(field, first, after)
                found[field, state] = [values.get(group) for group in range(len(self._groups))]
        cells = [
            cells_of(
                one, kind, [found[field, state] for state in states_of(one, kind)], len(self._groups), stop - start
            )
            for field, one, kind in named
        ]
        for sliding in chain.from_iterable(self._sliding.values()):
            sliding.count()
        rows = self._groups.rows(cells, found[THERE])
        return Window(start, stop, rows, points, *extent)

    def _named(self) -> list[tuple[str, Aggregate, Kind | None]]:
        """The columns of a window: each field with an aggregate, and its kind if it is known."""
        return [(field, one, self._kinds.get(field)) for field, several in self._query.select for one in several]

    def _needed(self) -> dict[Key, None]:
        """The states that these are made of."""
        return {(field, state): None for field, one, kind in self._named() for state in states_of(one, kind)}

    def _slid(self, field: str, first: int, after: int) -> Mapping[int, Values]:
        """The values of a field in these panes: the nearest of the windows known is moved there."""
        several = self._sliding[field]
        nearest = min(several, key=lambda one: abs(one.first - first), default=None)
        if nearest is None or abs(nearest.first - first) > (after - first) // 2:
            nearest = several.pop(0) if len(several) == MOST_SLIDING else Sliding()
        else:
            several.remove(nearest)
        several.append(nearest)  # the one that was used last goes last
        return nearest.move(self._values[field], first, after)


def _digest(window: Window) -> bytes:
    """Eight bytes that differ where what is in a pane differs; sums may have any number of digits.

    None of states: a store that has them gives other ones only where points have changed.
    """
    if isinstance(window, Pane):
        return b""
    content = marshal.dumps((window.rows, window.points, window.first, window.last), 2)
    return hashlib.blake2b(content, digest_size=8).digest()
