"""Aggregates made of the states of a whole window. Pure."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter, truediv
from typing import Any

from streams.aggregates import Aggregate
from streams.durations import format_duration
from streams.partials import made_of
from streams.points import INT64_MAX, INT64_MIN, UINT64_MAX, Kind
from streams.queries import Query
from streams.stores.moments import deviations
from streams.stores.ordered import Values


def states_of(aggregate: Aggregate, kind: Kind | None) -> tuple[str, ...]:
    """The states that it is made of; none for a field that has no values, or of a kind that gives it no meaning."""
    return made_of(aggregate) if kind is not None and aggregate.defined_for(kind) else ()


def described(query: Query, pane_ms: int, kinds: Mapping[str, Kind]) -> str:
    """How the windows of a query are put together, in words that are close to SQL."""
    states = {
        f'{state}("{field}")': None
        for field, aggregates in query.select
        for aggregate in aggregates
        for state in states_of(aggregate, kinds.get(field))
    }
    by = f" GROUP BY {', '.join(map(json.dumps, query.group_by))}" if query.group_by else ""
    return f"-- put together in memory: SELECT {', '.join(states)} of panes of {format_duration(pane_ms)}{by}"


def cells_of(
    aggregate: Aggregate, kind: Kind | None, states: Sequence[Sequence[Any]], groups: int, window_ms: int
) -> list[Any]:
    """The cell of each of so many groups: of those of `states_of` of the window, None where a group has none."""
    if kind is None or not states:
        return [0 if aggregate.name == "count" else None] * groups
    if aggregate.name == "count":
        return [count or 0 for count in states[0]]
    if aggregate.name in _AS_THEY_ARE:
        return list(states[0])
    if aggregate.name in {"values", "mode"}:
        return [None if values is None else _of_counts(values.counts(), aggregate, kind) for values in states[0]]
    made = _made(aggregate, states, window_ms)
    kind = aggregate.kind(kind)
    if kind is Kind.FLOAT:
        return _finite(made)
    least, greatest = (0, UINT64_MAX) if kind is Kind.UNSIGNED else (INT64_MIN, INT64_MAX)
    return [result if result is not None and least <= result <= greatest else None for result in made]


_AS_THEY_ARE = {"min", "max", "first", "last", "total"}
"""Aggregates that are states themselves; the total of a pane may be too large for a column."""


def _made(aggregate: Aggregate, states: Sequence[Sequence[Any]], window_ms: int) -> list[Any]:
    name = aggregate.name
    if name == "mean":
        return _means(*states)
    if aggregate.percent is not None:
        percent = aggregate.percent
        return [None if values is None else _percentile(values, percent) for values in states[0]]
    if name == "stddev":
        return deviations(states[0])
    if name == "rate":
        seconds = window_ms / 1_000
        return [None if one is None or one.whole is None else one.whole / seconds for one in states[0]]
    make = _OF_STATES[name]
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


def _percentile(values: Values, percent: float) -> Any:
    rank = math.floor(values.count * percent / 100 + 0.5)
    return values.at(rank) if rank else None


def _median(values: Values) -> float:
    lower = float(values.at((values.count + 1) // 2))
    return lower if values.count % 2 else lower / 2 + float(values.at(values.count // 2 + 1)) / 2


def _of_counts(counts: Mapping[Any, int], aggregate: Aggregate, kind: Kind) -> Any:
    if aggregate.name == "values":
        return dict(counts)
    most = max(counts.values())
    choose = max if kind is Kind.BOOLEAN else min
    return choose(value for value, number in counts.items() if number == most)


_OF_STATES: dict[str, Callable[..., Any]] = {
    "sum": lambda whole: whole,
    "spread": lambda least, greatest: greatest - least,
    "median": _median,
    "distinct": lambda values: len(values.counts()),
    "increase": attrgetter("whole"),
    "integral": attrgetter("whole"),
}
