"""Long windows put together from short ones: which parts they have, and what is kept of each. Pure.

Time is cut into panes. Of each pane the states are kept from which every aggregate of any number of panes can be
computed: counts and sums, not results. Panes next to one another are joined beforehand to stretches of 4, 16, 64 …
panes, so that a window of a thousand panes is put together from some thirty stretches, and a late point costs the few
stretches that it is in.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import NamedTuple

from streams.aggregates import Aggregate
from streams.queries import Query

FANOUT = 4
"""How many stretches are joined to the next longer one. With more there are fewer of them, and windows have more."""
LONGEST_PANE_MS = 60_000
MOST_PANES = 1_500
"""Panes are a minute or shorter, unless a window had more of them than these."""


class Stretch(NamedTuple):
    """The panes from `place * 4**level` on, `4**level` of them; a pane is a stretch of level 0."""

    level: int
    place: int

    @property
    def first(self) -> int:
        """Its first pane."""
        return self.place * _panes(self.level)

    @property
    def stop(self) -> int:
        """The pane after its last."""
        return (self.place + 1) * _panes(self.level)

    @property
    def number(self) -> int:
        """A number of its own."""
        return self.place << 6 | self.level

    def parts(self) -> list["Stretch"]:
        """The shorter stretches that it is joined from."""
        return [Stretch(self.level - 1, self.place * FANOUT + part) for part in range(FANOUT)]


def stretches(first: int, stop: int) -> list[Stretch]:
    """The fewest stretches that are the panes `[first, stop)`, in order."""
    found = []
    while first < stop:
        level = 0
        while first % _panes(level + 1) == 0 and first + _panes(level + 1) <= stop:
            level += 1
        found.append(Stretch(level, first // _panes(level)))
        first += _panes(level)
    return found


def stretches_of(pane: int) -> Iterator[Stretch]:
    """Every stretch that a pane is in, itself first; they do not end."""
    for level in count():
        yield Stretch(level, pane // _panes(level))


def _panes(level: int) -> int:
    return int(FANOUT**level)


def pane_length(query: Query) -> int:
    """How long a pane is for this query, milliseconds: the longest divisor of `every` that is short enough."""
    most = max(LONGEST_PANE_MS, query.window_ms // MOST_PANES)
    fewest = -(-query.every_ms // most)
    parts = next((parts for parts in range(fewest, 10 * fewest) if query.every_ms % parts == 0), 1)
    return query.every_ms // parts


MADE_OF: dict[str, tuple[str, ...]] = {
    "count": ("count",),
    "sum": ("total",),
    "mean": ("count", "total"),
    "min": ("min",),
    "max": ("max",),
    "first": ("first",),
    "last": ("last",),
    "spread": ("min", "max"),
    "stddev": ("moments",),
    "median": ("values",),
    "mode": ("values",),
    "distinct": ("values",),
    "rate": ("rises",),
    "increase": ("rises",),
    "integral": ("area",),
    "percentile": ("values",),
}
"""The states that each aggregate is made of, exactly, whether they are found in points or asked of a store."""

_EDGES = ("first", "last", "first_time", "last_time")

ASKED: dict[str, tuple[str, ...]] = {
    "moments": ("count", "total", "stddev"),
    "rises": ("rises", "first", "last"),
    "area": ("area", *_EDGES),
}
"""What a store is asked for to have a state of a pane; any other it is asked for by its name."""

BY_SERIES = {"rises", "area"}
"""States of one series, which those of several are not joined from as those of several panes are."""


def made_of(aggregate: Aggregate) -> tuple[str, ...]:
    """The states that it is made of; what is only asked for to have another state is one itself."""
    name = "percentile" if aggregate.percent is not None else aggregate.name
    return MADE_OF.get(name, (name,))


@dataclass(frozen=True)
class PanesQuery(Query):
    """A query for panes: a store that has their points at hand may give their states in place of rows."""

    @cached_property
    def key(self) -> str:
        """Another than that of the query for rows."""
        return f"panes {super().key}"


class Parts(NamedTuple):
    """How the windows of a query are put together.

    `query` has the panes as its windows and what is asked of a store as its aggregates. `states` are those of each
    field. `by_series` says that the steps from one pane to the next count, so that states are kept for each series and
    not for each group.
    """

    query: PanesQuery
    states: tuple[tuple[str, ...], ...]
    by_series: bool


def parts_of(query: Query, tags: tuple[str, ...]) -> Parts:
    """The parts of a query's windows; `tags` are all that the measurement has."""
    states = tuple(
        tuple(dict.fromkeys(state for one in aggregates for state in made_of(one))) for _, aggregates in query.select
    )
    by_series = any(state in BY_SERIES for some in states for state in some)
    select = tuple((field, _asked(some, by_series)) for field, some in zip(query.fields, states, strict=True))
    pane = pane_length(query)
    group_by = tuple(dict.fromkeys((*query.group_by, *sorted(tags)))) if by_series else query.group_by
    asked = PanesQuery(query.measurement, select, query.where, group_by, pane, pane, query.grace_ms)
    return Parts(asked, states, by_series)


def _asked(states: tuple[str, ...], by_series: bool) -> tuple[Aggregate, ...]:
    """What a store is asked for of a field, for each series or each group."""
    names = dict.fromkeys(name for state in states for name in ASKED.get(state, (state,)))
    if by_series:  # several series have their first values in one pane, and its time says which was earlier
        names |= {f"{end}_time": None for end in ("first", "last") if end in names}
    return tuple(map(Aggregate, names))
