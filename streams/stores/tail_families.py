"""Plans that one statement answers together: those over the same windows. Pure.

What differs is which series a plan is about, and into which groups it puts them: its members. The statement computes
every aggregate that any plan of the family wants, by plan and group, and each plan takes its own.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from streams.aggregates import Aggregate
from streams.points import NANOSECONDS
from streams.queries import Query
from streams.stores.base import Row, Window

_JOINED = frozenset({"count", "sum", "mean", "min", "max", "first", "last", "spread"})
"""What is quickly put together from what was found of each series."""
_LIGHT = _JOINED | {"stddev", "total"}
_MANY_STEPS = 10
"""In a window of so many steps a series has so many points that they are worth looking at once for all plans."""

Tags = tuple[tuple[str, str], ...]


class Family(NamedTuple):
    """What plans that are answered together have in common; `heavy` are aggregates that nobody else shall pay for.

    `from_series` says that each series is looked at once, and the plans are put together from what was found.
    """

    window_ms: int
    every_ms: int
    from_series: bool
    heavy: tuple[tuple[str, Aggregate], ...]


def family_of(query: Query) -> Family | None:
    """The family of a query; None where it has to be answered alone, as the steps between a series' points count."""
    named = [(field, aggregate) for field, aggregates in query.select for aggregate in aggregates]
    if any(aggregate.by_series for _, aggregate in named):
        return None
    many = query.window_ms // query.every_ms >= _MANY_STEPS
    if many and all(aggregate.name in _JOINED for _, aggregate in named):
        return Family(query.window_ms, query.every_ms, True, ())
    heavy = {one for one in named if many or one[1].name not in _LIGHT}
    return Family(query.window_ms, query.every_ms, False, tuple(sorted(heavy, key=lambda one: (one[0], one[1].name))))


class Joint(NamedTuple):
    """One query without conditions and groups that has every column of a family's, and the sets of fields of these.

    For each of these sets, sorted, the statement says which points have any of it.
    """

    query: Query
    fields: tuple[tuple[str, ...], ...]
    from_series: bool

    def places(self, query: Query) -> tuple[int, list[int]]:
        """Where the points and the columns of a query are in a row of `family_statement`."""
        columns = [(field, aggregate) for field, aggregates in self.query.select for aggregate in aggregates]
        first = 3 + 3 * len(self.fields)
        found = {column: first + place for place, column in enumerate(columns)}
        taken = [found[field, aggregate] for field, aggregates in query.select for aggregate in aggregates]
        return 3 + 3 * self.fields.index(tuple(sorted(query.fields))), taken


def joint(queries: Sequence[Query]) -> Joint:
    """What these, which are of one family, have together."""
    select: dict[str, dict[Aggregate, None]] = {}
    for query in queries:
        for field, aggregates in query.select:
            select.setdefault(field, {}).update(dict.fromkeys(aggregates))
    merged = tuple((field, tuple(aggregates)) for field, aggregates in select.items())
    fields = dict.fromkeys(tuple(sorted(query.fields)) for query in queries)
    family = family_of(queries[0])
    joined = replace(queries[0], select=merged, where=(), group_by=())
    return Joint(joined, tuple(fields), family is not None and family.from_series)


class Members:
    """The series that one plan is about, each in its group; groups and plans have numbers."""

    def __init__(self, number: int, query: Query) -> None:
        self.number = number
        self._query = query
        self._groups: dict[Row, int] = {}
        self._rows: list[Row] = []
        self._ranks: list[int] = []

    def add(self, series: Iterable[tuple[Tags, int]]) -> Iterator[tuple[int, int, int]]:
        """Plan, series and group for each of these series that the plan is about."""
        for tags, number in series:
            of_series = dict(tags)
            if all(of_series.get(tag) in wanted for tag, wanted in self._query.where):
                group = tuple(map(of_series.get, self._query.group_by))
                known = self._groups.setdefault(group, len(self._rows))
                if known == len(self._rows):
                    self._rows.append(group)
                yield self.number, number, known

    def windows(self, query: Query, joined: Joint, stops: range, rows: Iterable[Sequence[Any]]) -> list[Window]:
        """All windows of these stops, ascending, from the rows that are the plan's."""
        counted, taken = joined.places(query)
        found: list[list[Sequence[Any]]] = [[] for _ in stops]
        for row in rows:
            if row[counted]:
                found[row[1]].append(row)
        return [self._window(query.span(stop), counted, taken, parts) for stop, parts in zip(stops, found, strict=True)]

    def _window(self, span: tuple[int, int], counted: int, taken: list[int], parts: list[Sequence[Any]]) -> Window:
        if not parts:
            return Window(*span, (), 0)
        ranks = self._ranked()
        parts.sort(key=lambda part: ranks[part[2]])
        rows = tuple((*self._rows[part[2]], *map(part.__getitem__, taken)) for part in parts)
        points = sum(part[counted] for part in parts)
        first = min(part[counted + 1] for part in parts) // NANOSECONDS
        return Window(*span, rows, points, first, max(part[counted + 2] for part in parts) // NANOSECONDS)

    def _ranked(self) -> list[int]:
        """Of each group its place in the order of tags, nulls first."""
        if len(self._ranks) < len(self._rows):
            rows = list(self._rows)
            ordered = sorted(range(len(rows)), key=lambda group: [(tag is not None, tag or "") for tag in rows[group]])
            ranks = [0] * len(rows)
            for rank, group in enumerate(ordered):
                ranks[group] = rank
            self._ranks = ranks
        return self._ranks
