"""The panes of one query, asked of a store as windows, and the longer windows put together from them.

States are kept for each key: a group, or a series where the steps from one pane to the next count.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from streams.partials import BY_SERIES, Parts
from streams.points import Kind
from streams.queries import Query
from streams.stores.base import Row, Window
from streams.stores.groups import Groups
from streams.stores.made import cells_of, described, states_of
from streams.stores.ordered import OfPane, Sliding, Values
from streams.stores.partial_groups import across
from streams.stores.states import NOTHING, Area, Column, Moments, Rises, packed
from streams.stores.stretches import Found, Key, Stretches

MOST_SLIDING = 2
"""Windows that move on at once: of the present, and of the past that somebody asks for meanwhile."""
THERE: Key = None, "count"
"""Whether a key has points in a pane."""

_PYTHON = {Kind.FLOAT: float, Kind.INTEGER: int, Kind.UNSIGNED: int, Kind.STRING: str, Kind.BOOLEAN: bool}
_TYPED = ("total", "min", "max", "first", "last", "rises")


class KindsUnknown(Exception):
    """A field has values and no known kind, or values of another kind than is known: nothing was loaded."""


class Panes:
    """What is kept of one query. Of its methods one is called at a time."""

    def __init__(self, query: Query, parts: Parts) -> None:
        self._query = query
        self._parts = parts
        self._pane_ms = parts.query.every_ms
        self._kinds: dict[str, Kind] = {}
        self._keys: dict[Row, int] = {}
        self._group_of: list[int] = []
        self._groups = Groups()
        self._panes: dict[int, tuple[int, int | None, int | None]] = {}
        self._stretches = Stretches(lambda _, keys: Found(dict.fromkeys(keys, NOTHING), True))
        self._values: dict[str, dict[int, OfPane]] = {
            field: {} for field, states in zip(query.fields, parts.states, strict=True) if "values" in states
        }
        self._sliding: dict[str, list[Sliding]] = {field: [] for field in self._values}
        self._counted = 0

    @property
    def rows(self) -> int:
        """How many rows of states are in memory, and how many different values of each."""
        columns = 1 + sum(len(states) for states in self._parts.states)
        sliding = sum(one.size for several in self._sliding.values() for one in several)
        return self._stretches.cells // columns + self._counted + sliding

    def learn(self, kinds: Mapping[str, Kind]) -> bool:
        """The fields have these kinds. False where that contradicts what is kept: it is of no use then."""
        if any(kinds.get(field, kind) is not kind for field, kind in self._kinds.items()):
            return False
        self._kinds |= {field: kinds[field] for field in self._query.fields if field in kinds}
        return True

    def replace(self, windows: Sequence[Window]) -> None:
        """Put these panes, windows of `Parts.query`, in the place of what was kept of them. KindsUnknown."""
        for window in windows:
            self._check(window)
        tags, group_by = len(self._parts.query.group_by), len(self._query.group_by)
        for window in windows:
            pane = window.start // self._pane_ms
            self._groups.add(row[:group_by] for row in window.rows)
            for row in window.rows:
                if self._keys.setdefault(row[:tags], len(self._keys)) == len(self._group_of):
                    self._group_of.append(self._groups.number(row[:group_by]))
            self._stretches.put(pane, self._columns(window.rows))
            for field in self._values:
                self._counted -= _size(self._values[field].pop(pane, ()))
                self._values[field][pane] = found = self._counts(field, window.rows)
                self._counted += _size(found)
            self._panes[pane] = window.points, window.first, window.last

    def drop_before(self, time: int) -> None:
        """Forget the panes that start before this time, milliseconds, and the stretches that have nothing else."""
        oldest = -(-time // self._pane_ms)
        self._stretches.drop_before(oldest)
        for pane in [pane for pane in self._panes if pane < oldest]:
            del self._panes[pane]
            for panes in self._values.values():
                self._counted -= _size(panes.pop(pane, ()))

    def answer(self, first_stop: int, last_stop: int) -> tuple[list[Window], str]:
        """The windows that stop in this range, all of whose panes are kept, and how they were found."""
        stops = range(first_stop, last_stop + 1, self._query.every_ms)
        return [self._window(stop) for stop in stops], described(self._query, self._pane_ms, self._kinds)

    def _window(self, stop: int) -> Window:
        start, stop = self._query.span(stop)
        first, after = start // self._pane_ms, stop // self._pane_ms
        full = [pane for pane in map(self._panes.__getitem__, range(first, after)) if pane[0]]
        if not full:
            return Window(start, stop, (), 0)
        named = [(field, one, self._kinds.get(field)) for field, several in self._query.select for one in several]
        needed = {(field, state): None for field, one, kind in named for state in states_of(one, kind)}
        keys = [THERE, *(key for key in needed if key[1] != "values")]
        found = self._stretches.together(first, after, keys, len(self._keys))
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
        rows = self._groups.rows(cells, found[THERE])
        return Window(start, stop, rows, sum(pane[0] for pane in full), full[0][1], full[-1][2])

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

    def _check(self, window: Window) -> None:
        for row in window.rows:
            for field, asked in self._asked(row):
                _check(asked, self._kinds.get(field))

    def _asked(self, row: Row) -> Iterable[tuple[str, dict[str, Any]]]:
        """What was asked of each field, by name."""
        at = len(self._parts.query.group_by)
        for field, aggregates in self._parts.query.select:
            yield field, {one.name: row[at + place] for place, one in enumerate(aggregates)}
            at += len(aggregates)

    def _columns(self, rows: Sequence[Row]) -> dict[Key, Column]:
        """The states of a pane."""
        of_fields = list(zip(self._query.fields, self._parts.states, strict=True))
        wanted = [(field, state) for field, states in of_fields for state in states if state != "values"]
        cells: dict[Key, list[Any]] = {key: [None] * len(self._keys) for key in (THERE, *wanted)}
        for row in rows:
            key = self._keys[row[: len(self._parts.query.group_by)]]
            cells[THERE][key] = 1
            asked = dict(self._asked(row))
            for field, state in wanted:
                cells[field, state][key] = _state(state, asked[field], by_series=self._parts.by_series)
        return {key: _column(found) for key, found in cells.items()}

    def _counts(self, field: str, rows: Sequence[Row]) -> OfPane:
        found = []
        for row in rows:
            counts = dict(self._asked(row))[field]["values"]
            if counts:
                group = self._group_of[self._keys[row[: len(self._parts.query.group_by)]]]
                found.append((group, tuple(counts.items())))
        return found


def _column(cells: list[Any]) -> Column:
    whole = None not in cells
    return Column(packed(cells) if whole else cells, whole)


def _size(of_pane: OfPane) -> int:
    return sum(len(counts) for _, counts in of_pane)


def _check(asked: Mapping[str, Any], kind: Kind | None) -> None:
    if kind is None:
        if any(value is not None and (name, value) != ("count", 0) for name, value in asked.items()):
            raise KindsUnknown
        return
    values = [asked[name] for name in _TYPED if name in asked]
    for value in (*values, *(asked.get("values") or ())):
        if value is not None and type(value) is not _PYTHON[kind]:
            raise KindsUnknown


def _state(state: str, asked: Mapping[str, Any], *, by_series: bool) -> Any:
    """A state of one key in one pane, from what was asked of the store."""
    cell = asked.get(state)
    if state == "moments":
        return Moments(asked["count"], *_squares(**asked)) if asked["count"] else None
    if state in BY_SERIES:
        return _of_series(state, asked) if asked["first"] is not None else None
    if by_series and state in {"first", "last"} and cell is not None:
        return asked[f"{state}_time"], cell
    if state == "count":
        return cell or None  # as where there are no values
    too_large = state == "total" and cell is None and asked.get("count")
    return math.nan if too_large else cell


def _of_series(state: str, asked: Mapping[str, Any]) -> Rises | Area:
    if state == "rises":
        return Rises(asked["first"], asked["last"], asked["rises"])
    return Area(asked["first"], asked["first_time"], asked["last"], asked["last_time"], asked["area"])


def _squares(count: int, total: float | None, stddev: float | None, **_: Any) -> tuple[float, float]:
    """The sum and that of the squared deviations, of which InfluxQL has only the root of the mean."""
    squares = 0.0 if count < 2 else math.inf if stddev is None else stddev * stddev * (count - 1)
    return math.nan if total is None else total, squares
