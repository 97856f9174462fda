"""What is kept of the panes of a group, so that its windows can be put together from them. Pure.

A state of one pane is made of the group's values in it, and a state of several of theirs, in order of time
(`streams.partials` says which state each aggregate is made of). Sums of floats are rounded at each pane and joining.
"""

import math
from array import array
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from itertools import chain, pairwise, zip_longest
from operator import add
from typing import Any, NamedTuple

from streams.stores.moments import ManyMoments, Moments, two_moments
from streams.stores.ordered import Runs


class Column(NamedTuple):
    """One state of each group, by the group's number; `whole` says that no group is without. It may be too short."""

    cells: Sequence[Any]
    whole: bool


NOTHING = Column((), False)


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

Cells = Sequence[Any]


def _counts(one: Cells, other: Cells) -> Cells:
    if _is_uniform(one) and _is_uniform(other):
        return [one[0] + other[0]] * len(one)
    return [*map(add, one, other)]


def _is_uniform(cells: Cells) -> bool:
    return isinstance(cells, list) and cells.count(cells[0]) == len(cells)


_OF_TWO: dict[str, Callable[[Cells, Cells], Cells]] = {
    "count": _counts,
    "total": lambda one, other: [*map(add, one, other)],
    # A call of `min` or `max` takes three times as long.
    "min": lambda one, other: [a if a <= b else b for a, b in zip(one, other, strict=True)],  # noqa: FURB136
    "max": lambda one, other: [a if a >= b else b for a, b in zip(one, other, strict=True)],  # noqa: FURB136
    "moments": lambda one, other: ManyMoments.of(one).joined(ManyMoments.of(other)),
    "first": lambda one, _: one,
    "last": lambda _, other: other,
}
"""Of two parts, the earlier one first, where every group has both."""

Pairs = Iterable[tuple[Any, Any]]

_OF_TWO_OR_ONE: dict[str, Callable[[Pairs], list[Any]]] = {
    "count": lambda pairs: [b if a is None else a if b is None else a + b for a, b in pairs],
    "total": lambda pairs: [b if a is None else a if b is None else a + b for a, b in pairs],
    "min": lambda pairs: [b if a is None else a if b is None or a <= b else b for a, b in pairs],
    "max": lambda pairs: [b if a is None else a if b is None or a >= b else b for a, b in pairs],
    "moments": lambda pairs: [b if a is None else a if b is None else two_moments(a, b) for a, b in pairs],
    "first": lambda pairs: [b if a is None else a for a, b in pairs],
    "last": lambda pairs: [a if b is None else b for a, b in pairs],
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
    return Column(packed(reduce(_OF_TWO[state], (column.cells for column in columns)), state), True)


def packed(cells: Sequence[Any], state: str = "") -> Sequence[Any]:
    """The same cells, of which none is missing, next to one another in memory where they are floats or moments."""
    if state == "moments" and cells:
        return ManyMoments.of(cells).packed()
    return array("d", cells) if cells and type(cells[0]) is float else cells


def runs_of(columns: Sequence[Column]) -> Column:
    """The sorted values of several stretches, next to one another for each group."""
    runs = ([run for run in parts if run] for parts in zip_longest(*(one.cells for one in columns if one.cells)))
    return Column([Runs(parts) if parts else None for parts in runs], False)
