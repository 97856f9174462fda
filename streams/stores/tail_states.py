"""What is kept of the panes of a group, so that its windows can be put together from them. Pure.

A state of one pane is made of the group's values in it, and a state of several of theirs, in order of time. Aggregates
are made of the states of a whole window. Sums of floats are rounded once for each pane and each joining.
"""

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from itertools import chain, zip_longest
from operator import truediv
from typing import Any, NamedTuple

from streams.aggregates import Aggregate
from streams.points import INT64_MAX, INT64_MIN, UINT64_MAX, Kind
from streams.queries import Query

NEEDS: dict[str, tuple[str, ...]] = {
    "count": ("count",),
    "sum": ("total",),
    "mean": ("count", "total"),
    "min": ("min",),
    "max": ("max",),
    "first": ("first",),
    "last": ("last",),
    "spread": ("min", "max"),
    "stddev": ("moments",),
    "median": ("sorted",),
    "percentile": ("sorted",),
}
"""The states that each aggregate is made of; those that are not here have to be asked of the points."""

FEW_VALUES = 500
"""So many are sorted sooner than searched for in parts that are."""

Moments = tuple[int, float, float]
"""How many values there are, their sum, and that of the squares of their deviations from the mean."""


class Column(NamedTuple):
    """One state of each group, by the group's number; `whole` says that no group is without. It may be too short."""

    cells: Sequence[Any]
    whole: bool


NOTHING = Column((), False)


def is_put_together(query: Query) -> bool:
    """Whether every aggregate of the query can be made of states."""
    return all(_name(aggregate) in NEEDS for _, aggregates in query.select for aggregate in aggregates)


def states_of(aggregate: Aggregate, kind: Kind | None) -> tuple[str, ...]:
    """The states that it is made of; none for a field that has no values, or of a kind that gives it no meaning."""
    return NEEDS[_name(aggregate)] if kind is not None and aggregate.defined_for(kind) else ()


def _name(aggregate: Aggregate) -> str:
    return "percentile" if aggregate.percent is not None else aggregate.name


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


def _join_moments(parts: Sequence[Moments]) -> Moments:
    count, whole = sum(part[0] for part in parts), total([part[1] for part in parts])
    mean = float(whole) / count
    apart = [(part[0], float(part[1]) / part[0] - mean) for part in parts]
    squares = total([part[2] for part in parts])
    return count, whole, total([squares, *(number * deviation * deviation for number, deviation in apart)])


def _merge(runs: Iterable[Sequence[Any]]) -> list[Any]:
    return sorted(chain.from_iterable(runs))


OF_VALUES: dict[str, Callable[[Sequence[Any]], Any]] = {
    "count": len,
    "total": total,
    "min": min,
    "max": max,
    "moments": _moments,
    "sorted": sorted,
}
"""Of the values of one group in one pane, of which there is at least one; `first` and `last` need their times."""

_OF_PARTS: dict[str, Callable[[Sequence[Any]], Any]] = {
    "moments": _join_moments,
    "sorted": _merge,
    "extent": lambda parts: (parts[0][0], parts[-1][1]),
}
"""Of the parts of one group, in order of time, of which there is at least one."""

Cells = Iterable[tuple[Any, Any]]

_OF_TWO: dict[str, Callable[[Cells], list[Any]]] = {
    "count": lambda cells: [a + b for a, b in cells],
    "total": lambda cells: [a + b for a, b in cells],
    "min": lambda cells: [a if a <= b else b for a, b in cells],  # noqa: FURB136 - a call takes three times as long
    "max": lambda cells: [a if a >= b else b for a, b in cells],  # noqa: FURB136
    "first": lambda cells: [a for a, _ in cells],
    "last": lambda cells: [b for _, b in cells],
}
"""Of two parts of each group, the earlier one first."""

_OF_TWO_OR_ONE: dict[str, Callable[[Cells], list[Any]]] = {
    "count": lambda cells: [b if a is None else a if b is None else a + b for a, b in cells],
    "total": lambda cells: [b if a is None else a if b is None else a + b for a, b in cells],
    "min": lambda cells: [b if a is None else a if b is None or a <= b else b for a, b in cells],
    "max": lambda cells: [b if a is None else a if b is None or a >= b else b for a, b in cells],
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
    return Column([parts or None for parts in runs], False)


def cells_of(aggregate: Aggregate, kind: Kind | None, states: Sequence[Sequence[Any]], groups: int) -> list[Any]:
    """The cell of each of so many groups: of those of `states_of` of the window, None where a group has none.

    `sorted` comes as `runs_of` has it.
    """
    if kind is None or not states:
        return [0 if aggregate.name == "count" else None] * groups
    name = _name(aggregate)
    if name == "count":
        return [count or 0 for count in states[0]]
    if name in {"min", "max", "first", "last"}:
        return list(states[0])
    made = _means(*states) if name == "mean" else _made(aggregate, states)
    if aggregate.kind(kind) is Kind.FLOAT:
        return _finite(made)
    least, greatest = (0, UINT64_MAX) if kind is Kind.UNSIGNED else (INT64_MIN, INT64_MAX)
    return [result if result is not None and least <= result <= greatest else None for result in made]


def _made(aggregate: Aggregate, states: Sequence[Sequence[Any]]) -> list[Any]:
    if aggregate.percent is not None:
        percent = aggregate.percent
        return [None if runs is None else _percentile(runs, percent) for runs in states[0]]
    make = _OF_STATES[aggregate.name]
    return [None if each[0] is None else make(*each) for each in zip(*states, strict=True)]


def _means(counts: Sequence[int | None], totals: Sequence[Any]) -> list[float | None]:
    if None not in counts:
        return [*map(truediv, totals, counts)]
    return [None if count is None else whole / count for count, whole in zip(counts, totals, strict=True)]


def _finite(results: list[float | None]) -> list[float | None]:
    """Null where there is none, and where it is too large for a double."""
    if None not in results and all(map(math.isfinite, results)):  # type: ignore[arg-type]
        return results
    return [result if result is not None and math.isfinite(result) else None for result in results]


def _percentile(runs: Sequence[Sequence[Any]], percent: float) -> Any:
    rank = math.floor(sum(map(len, runs)) * percent / 100 + 0.5)
    return at_rank(runs, rank) if rank else None


def _median(runs: Sequence[Sequence[Any]]) -> float:
    count = sum(map(len, runs))
    lower = float(at_rank(runs, (count + 1) // 2))
    return lower if count % 2 else lower / 2 + float(at_rank(runs, count // 2 + 1)) / 2


def _deviation(moments: Moments) -> float:
    count, _, squares = moments
    return math.sqrt(squares / (count - 1)) if count > 1 and squares < math.inf else math.nan


_OF_STATES: dict[str, Callable[..., Any]] = {
    "sum": lambda whole: whole,
    "spread": lambda least, greatest: greatest - least,
    "stddev": _deviation,
    "median": _median,
}


def at_rank(runs: Sequence[Sequence[Any]], rank: int) -> Any:
    """The value at this rank, counted from 1, of all in these sorted sequences together."""
    if len(runs) == 1:
        return runs[0][rank - 1]
    if sum(map(len, runs)) <= FEW_VALUES:
        return _merge(runs)[rank - 1]
    lows, highs = [0] * len(runs), [len(run) for run in runs]
    while True:
        _, longest = max((high - low, place) for place, (low, high) in enumerate(zip(lows, highs, strict=True)))
        pivot = runs[longest][(lows[longest] + highs[longest]) // 2]
        below = [bisect_left(run, pivot) for run in runs]
        upto = [bisect_right(run, pivot) for run in runs]
        if rank <= sum(below):
            highs = list(map(min, highs, below))
        elif rank > sum(upto):
            lows = list(map(max, lows, upto))
        else:
            return pivot
