"""What is kept of the panes of a group, so that its windows can be put together from them. Pure.

A state of one pane is made of the group's values in it, and a state of several of theirs, in order of time. Aggregates
are made of the states of a whole window. Sums of floats are rounded once for each pane and each joining.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, zip_longest
from operator import itemgetter
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
    "count": sum,
    "total": total,
    "min": min,
    "max": max,
    "first": itemgetter(0),
    "last": itemgetter(-1),
    "moments": _join_moments,
    "sorted": _merge,
    "extent": lambda parts: (parts[0][0], parts[-1][1]),
}


def joined(state: str, columns: Sequence[Column]) -> Column:
    """A state of what several stretches of time have together, which are in order."""
    if len(columns) == 1:
        return columns[0]
    whole = all(column.whole for column in columns) and len({len(column.cells) for column in columns}) == 1
    combine, cells = _OF_PARTS[state], [column.cells for column in columns]
    if not whole:
        present = ([part for part in parts if part is not None] for parts in zip_longest(*cells))
        return Column([combine(parts) if parts else None for parts in present], False)
    if state in {"first", "last"}:
        return columns[0 if state == "first" else -1]
    if state in {"min", "max"}:
        return Column([*map(combine, *cells)], True)
    try:
        quick = math.fsum if state == "total" and isinstance(cells[0][0], float) else combine
        return Column([*map(quick, zip(*cells, strict=True))], True)
    except (OverflowError, ValueError):
        return Column([*map(combine, zip(*cells, strict=True))], True)


def runs_of(columns: Sequence[Column]) -> Column:
    """The sorted values of several stretches, next to one another for each group."""
    runs = ([run for run in parts if run] for parts in zip_longest(*(column.cells for column in columns)))
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
    if len(states) == 1 and name not in _OF_STATES:
        return list(states[0])
    make = _OF_STATES[name]
    if aggregate.percent is not None:
        percent = aggregate.percent
        return [None if runs is None else _percentile(runs, percent) for runs in states[0]]
    if aggregate.kind(kind) is Kind.FLOAT:
        made = [None if each[0] is None else make(*each) for each in zip(*states, strict=True)]
        return [result if result is not None and math.isfinite(result) else None for result in made]
    least, greatest = (0, UINT64_MAX) if kind is Kind.UNSIGNED else (INT64_MIN, INT64_MAX)
    made = [None if each[0] is None else make(*each) for each in zip(*states, strict=True)]
    return [result if result is not None and least <= result <= greatest else None for result in made]


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
    "mean": lambda count, whole: float(whole) / count,
    "spread": lambda least, greatest: greatest - least,
    "stddev": _deviation,
    "median": _median,
    "percentile": _percentile,
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
