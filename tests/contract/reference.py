"""The judge of every store: the windows of a query computed in plain Python, from the words of PROTOCOL.md alone."""

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any

from streams.aggregates import Aggregate
from streams.points import INT64_MAX, INT64_MIN, NANOSECONDS, UINT64_MAX, Kind, Point, Unsigned, Value, kind_of
from streams.queries import Query
from streams.stores.base import Cell, Row, Window

Samples = list[tuple[int, Any]]
"""Times and values of one field in one series, in the order of time."""

Group = list[Samples]
"""The samples of every series of a group."""


def merged(points: Iterable[Point]) -> list[Point]:
    """The points that remain when equal measurement, tags and time merge their fields, later values first."""
    kept: dict[tuple[Any, ...], Point] = {}
    for point in points:
        tags = {name: value for name, value in point.tags.items() if value}
        key = (point.measurement, tuple(sorted(tags.items())), point.time)
        earlier = kept[key].fields if key in kept else {}
        kept[key] = Point(point.measurement, tags, {**earlier, **point.fields}, point.time)
    return sorted(kept.values(), key=lambda point: point.time)


def windows(points: Iterable[Point], query: Query, first_stop: int, last_stop: int) -> list[Window]:
    """What a store must answer when these points were written in this order."""
    chosen = [
        point
        for point in merged(points)
        if point.measurement == query.measurement
        and all(point.tags.get(tag) in wanted for tag, wanted in query.where)
        and any(field in point.fields for field in query.fields)
    ]
    kinds = {field: kind_of(value) for point in chosen for field, value in point.fields.items()}
    return [_window(chosen, query, kinds, stop) for stop in range(first_stop, last_stop + 1, query.every_ms)]


def _window(points: list[Point], query: Query, kinds: dict[str, Kind], stop: int) -> Window:
    start, stop = query.span(stop)
    inside = [point for point in points if start * NANOSECONDS <= point.time < stop * NANOSECONDS]
    groups: dict[tuple[str | None, ...], list[Point]] = defaultdict(list)
    for point in inside:
        groups[tuple(point.tags.get(tag) for tag in query.group_by)].append(point)
    rows = [
        tags + _cells(groups[tags], query, kinds)
        for tags in sorted(groups, key=lambda tags: [(tag is not None, tag or "") for tag in tags])
    ]
    if not inside:
        return Window(start, stop, (), 0)
    return Window(start, stop, tuple(rows), len(inside), inside[0].time // NANOSECONDS, inside[-1].time // NANOSECONDS)


def _cells(points: list[Point], query: Query, kinds: dict[str, Kind]) -> Row:
    cells: list[Cell] = []
    for field, aggregates in query.select:
        series: dict[tuple[tuple[str, str], ...], Samples] = defaultdict(list)
        for point in points:
            if field in point.fields:
                series[tuple(sorted(point.tags.items()))].append((point.time, point.fields[field]))
        group = list(series.values())
        for aggregate in aggregates:
            if group:
                cells.append(_storable(_compute(aggregate, group, query.window_ms), aggregate.kind(kinds[field])))
            else:
                cells.append(0 if aggregate.name == "count" else None)
    return tuple(cells)


def _compute(aggregate: Aggregate, group: Group, window_ms: int) -> Any:
    if isinstance(_values(group)[0], str | bool) and aggregate.name not in _FOR_EVERY_KIND:
        ordered = isinstance(_values(group)[0], bool) and aggregate.name in {"min", "max"}
        return _COMPUTE[aggregate.name](group) if ordered else None
    if aggregate.percent is not None:
        return _percentile(group, aggregate.percent)
    if aggregate.name == "rate":
        rise = _increase(group)
        return None if rise is None else rise / (window_ms / 1_000)
    return _COMPUTE[aggregate.name](group)


def _storable(cell: Any, kind: Kind | None) -> Cell:
    if kind is Kind.FLOAT and cell is not None:
        return float(cell) if math.isfinite(cell) else None
    if kind is Kind.INTEGER and not (cell is None or INT64_MIN <= cell <= INT64_MAX):
        return None
    if kind is Kind.UNSIGNED and not (cell is None or 0 <= cell <= UINT64_MAX):
        return None
    return int(cell) if isinstance(cell, Unsigned) else cell


def _values(group: Group) -> list[Any]:
    return [value for samples in group for _, value in samples]


def _total(values: Sequence[Value]) -> Any:
    if not isinstance(values[0], float):
        return sum(map(int, values))
    try:
        return math.fsum(map(float, values))
    except OverflowError:
        return math.inf


def _first(group: Group) -> Any:
    earliest = min(samples[0][0] for samples in group)
    values = [value for samples in group for time, value in samples if time == earliest]
    return min(values) if isinstance(values[0], bool) else max(values)


def _last(group: Group) -> Any:
    latest = max(samples[-1][0] for samples in group)
    return max(value for samples in group for time, value in samples if time == latest)


def _mode(group: Group) -> Any:
    counts = Counter(_values(group))
    most = [value for value, count in counts.items() if count == max(counts.values())]
    return max(most) if isinstance(most[0], bool) else min(most)


def _increase(group: Group) -> Any:
    steps = [(a, b) for samples in group for (_, a), (_, b) in pairwise(samples) if b >= a]
    rises = [b - a if isinstance(b, float) else int(b) - int(a) for a, b in steps]
    return _total(rises) if rises else None


def _integral(group: Group) -> Any:
    areas = [
        (float(a) + float(b)) / 2 * ((until - since) / 1e9)
        for samples in group
        for (since, a), (until, b) in pairwise(samples)
    ]
    return _total(areas) if areas else 0.0


def _percentile(group: Group, percent: float) -> Any:
    values = sorted(_values(group))
    rank = math.floor(len(values) * percent / 100 + 0.5)
    return values[rank - 1] if rank else None


def _deviation(group: Group) -> float | None:
    values = [float(value) for value in _values(group)]
    try:
        return statistics.stdev(values) if len(values) > 1 else None
    except OverflowError:
        return math.inf


_FOR_EVERY_KIND = {"count", "first", "last", "mode", "distinct"}

_COMPUTE: dict[str, Callable[[Group], Any]] = {
    "count": lambda group: len(_values(group)),
    "sum": lambda group: _total(_values(group)),
    "mean": lambda group: _total(_values(group)) / len(_values(group)),
    "min": lambda group: min(_values(group)),
    "max": lambda group: max(_values(group)),
    "first": _first,
    "last": _last,
    "spread": lambda group: max(_values(group)) - min(_values(group)),
    "stddev": _deviation,
    "median": lambda group: statistics.median(map(float, _values(group))),
    "mode": _mode,
    "distinct": lambda group: len(set(_values(group))),
    "increase": _increase,
    "integral": _integral,
}
