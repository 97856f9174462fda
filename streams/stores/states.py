"""What is kept of the panes of a group, so that its windows can be put together from them. Pure.

A state of one pane is made of the group's values in it, and a state of several of theirs, in order of time
(`streams.partials` says which state each aggregate is made of). Sums of floats are rounded at each pane and joining.
"""

import math
from array import array
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from itertools import chain, pairwise, zip_longest
from typing import Any, NamedTuple

from streams.stores.ordered import Runs


class Column(NamedTuple):
    """One state of each group, by the group's number; `whole` says that no group is without. It may be too short."""

    cells: Sequence[Any]
    whole: bool


NOTHING = Column((), False)


Moments = tuple[int, float, float]
"""How many values there are, their sum, and that of the squares of their deviations from the mean."""


class Rises(NamedTuple):
    """The first and the last value of a series, and the sum of the rises between; None where there are only falls."""

    first: Any
    last: Any
    whole: Any


class Area(NamedTuple):
    """The first and the last value of a series and their times, nanoseconds, and the area between: value × seconds."""

    first: Any
    began: int
    last: Any
    ended: int
    whole: float


def total(values: Sequence[Any]) -> Any:
    """Their sum, exact but for the last digit; no number where it, or one on the way, is too large for a double."""
    if type(values[0]) is not float:
        return sum(values)
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):
        return math.nan


def _moments(values: Sequence[Any]) -> Moments:
    whole = total(values)
    mean = float(whole) / len(values)
    deviations = [value - mean for value in values]
    return len(values), whole, total([deviation * deviation for deviation in deviations])


def join_moments(parts: Sequence[Moments]) -> Moments:
    """Those of all values together."""
    return reduce(_two_moments, parts)


def _two_moments(one: Moments, other: Moments) -> Moments:
    (m, v, s), (n, w, t) = one, other  # as in `_OF_TWO`, which does without a call for each
    apart = w / n - v / m
    return m + n, v + w, s + (t + apart * apart * m * n / (m + n))


def _join_rises(parts: Sequence[Rises]) -> Rises:
    steps = [after.first - before.last for before, after in pairwise(parts) if after.first >= before.last]
    found = [*(part.whole for part in parts if part.whole is not None), *steps]
    return Rises(parts[0].first, parts[-1].last, total(found) if found else None)


def _join_areas(parts: Sequence[Area]) -> Area:
    between = [
        (before.last / 2 + after.first / 2) * ((after.began - before.ended) / 1e9) for before, after in pairwise(parts)
    ]
    whole = total([*(float(part.whole) for part in parts), *between])
    return Area(parts[0].first, parts[0].began, parts[-1].last, parts[-1].ended, whole)


def _merge(runs: Iterable[Sequence[Any]]) -> list[Any]:
    return sorted(chain.from_iterable(runs))


OF_VALUES: dict[str, Callable[[Sequence[Any]], Any]] = {
    "count": len,
    "total": total,
    "min": min,
    "max": max,
    "moments": _moments,
    "values": sorted,
}
"""Of the values of one group in one pane, of which there is at least one; `first` and `last` need their times."""

_OF_PARTS: dict[str, Callable[[Sequence[Any]], Any]] = {
    "values": _merge,
    "rises": _join_rises,
    "area": _join_areas,
    "points": sum,
    "extent": lambda parts: (parts[0][0], parts[-1][1]),
}
"""Of the parts of one group, in order of time, of which there is at least one."""

Cells = Iterable[tuple[Any, Any]]

_OF_TWO: dict[str, Callable[[Cells], list[Any]]] = {
    "count": lambda cells: [a + b for a, b in cells],
    "total": lambda cells: [a + b for a, b in cells],
    "min": lambda cells: [a if a <= b else b for a, b in cells],  # noqa: FURB136 - a call takes three times as long
    "max": lambda cells: [a if a >= b else b for a, b in cells],  # noqa: FURB136
    "moments": lambda cells: [
        (m + n, v + w, s + (t + (d := w / n - v / m) * d * m * n / (m + n))) for (m, v, s), (n, w, t) in cells
    ],
    "first": lambda cells: [a for a, _ in cells],
    "last": lambda cells: [b for _, b in cells],
}
"""Of two parts of each group, the earlier one first."""

_OF_TWO_OR_ONE: dict[str, Callable[[Cells], list[Any]]] = {
    "count": lambda cells: [b if a is None else a if b is None else a + b for a, b in cells],
    "total": lambda cells: [b if a is None else a if b is None else a + b for a, b in cells],
    "min": lambda cells: [b if a is None else a if b is None or a <= b else b for a, b in cells],
    "max": lambda cells: [b if a is None else a if b is None or a >= b else b for a, b in cells],
    "moments": lambda cells: [b if a is None else a if b is None else _two_moments(a, b) for a, b in cells],
    "first": lambda cells: [b if a is None else a for a, b in cells],
    "last": lambda cells: [a if b is None else b for a, b in cells],
}
"""The same where groups may lack either part, with the same results where they do not, to the last digit."""


def joined(state: str, columns: Sequence[Column]) -> Column:
    """A state of what several stretches of time have together, which are in order."""
    columns = [column for column in columns if column.cells]
    if len(columns) < 2:
        return columns[0] if columns else NOTHING
    if state in _OF_PARTS:
        combine = _OF_PARTS[state]
        present = (
            [part for part in parts if part is not None] for parts in zip_longest(*(one.cells for one in columns))
        )
        cells = [combine(parts) if parts else None for parts in present]
        return Column(cells, all(column.whole and len(column.cells) == len(cells) for column in columns))
    if not all(column.whole for column in columns) or len({len(column.cells) for column in columns}) > 1:
        unite = _OF_TWO_OR_ONE[state]
        return Column(reduce(lambda a, b: unite(zip_longest(a, b)), (column.cells for column in columns)), False)
    if state in {"first", "last"}:
        return columns[0 if state == "first" else -1]
    if state == "count" and all(map(_is_uniform, columns)):
        return Column([sum(column.cells[0] for column in columns)] * len(columns[0].cells), True)
    both = _OF_TWO[state]
    return Column(packed(reduce(lambda a, b: both(zip(a, b, strict=True)), (one.cells for one in columns))), True)


def packed(cells: Sequence[Any]) -> Sequence[Any]:
    """The same cells, of which none is missing, next to one another in memory where they are floats."""
    return array("d", cells) if cells and type(cells[0]) is float else cells


def _is_uniform(column: Column) -> bool:
    return isinstance(column.cells, list) and column.cells.count(column.cells[0]) == len(column.cells)


def runs_of(columns: Sequence[Column]) -> Column:
    """The sorted values of several stretches, next to one another for each group."""
    runs = ([run for run in parts if run] for parts in zip_longest(*(one.cells for one in columns if one.cells)))
    return Column([Runs(parts) if parts else None for parts in runs], False)
