"""A query for windows: what is selected, grouped how, over which windows. Pure; equal queries are equal."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from streams.aggregates import Aggregate, parse_aggregate
from streams.durations import format_duration, parse_duration
from streams.errors import QueryInvalid
from streams.points import Kind

SHORTEST_WINDOW_MS = 100
MOST_COLUMNS = 256
MOST_PANES = 3_600
"""A hopping window, and `grace`, may cover at most this many steps of `every`."""

_SURROGATE = re.compile("[\ud800-\udfff]")


Conditions = Sequence[tuple[str, tuple[str | None, ...]]]
"""Tags, and the values of which a series has one; None is a missing tag."""


class Column(NamedTuple):
    """A column of a window's rows. A tag's `field` is its name and its `aggregate` None."""

    name: str
    kind: Kind | None
    field: str
    aggregate: Aggregate | None


@dataclass(frozen=True)
class Query:
    """What a plan answers. Build it with `parse_query`, which checks and normalises; durations in milliseconds.

    `select` keeps the order asked for, because the columns have it; `where` is sorted by tag and its values are
    sorted with None (the tag is missing) first, because their order means nothing.
    """

    measurement: str
    select: tuple[tuple[str, tuple[Aggregate, ...]], ...]
    where: tuple[tuple[str, tuple[str | None, ...]], ...]
    group_by: tuple[str, ...]
    window_ms: int
    every_ms: int
    grace_ms: int

    @property
    def fields(self) -> tuple[str, ...]:
        """The selected fields, each once, in the order asked for."""
        return tuple(field for field, _ in self.select)

    @cached_property
    def key(self) -> str:
        """The plan's name: equal for requests that mean the same, on every worker and in every version."""
        canonical = json.dumps(
            [
                self.measurement,
                [[field, [a.name for a in aggregates]] for field, aggregates in self.select],
                self.where,
                self.group_by,
                [self.window_ms, self.every_ms, self.grace_ms],
            ]
        )
        return hashlib.blake2b(canonical.encode(), digest_size=8).hexdigest()

    def columns(self, kinds: Mapping[str, Kind]) -> list[Column]:
        """The columns of a row, with `kinds` the known kinds of the measurement's fields."""
        tags = [Column(tag, Kind.TAG, tag, None) for tag in self.group_by]
        return tags + [
            Column(f"{field}.{aggregate.name}", aggregate.kind(kinds.get(field)), field, aggregate)
            for field, aggregates in self.select
            for aggregate in aggregates
        ]

    def span(self, stop: int) -> tuple[int, int]:
        """The half-open window `[start, stop)` that stops then, milliseconds since the epoch."""
        return stop - self.window_ms, stop


def parse_query(
    *,
    measurement: Any,
    select: Any,
    every: Any = None,
    window: Any = None,
    where: Any = None,
    group_by: Any = None,
    grace: Any = None,
) -> Query:
    """A checked query from what a request or a definition says; QueryInvalid names the key and what it wants."""
    every_ms, window_ms = _windows(every, window)
    grace_ms = 1_000 if grace is None else _duration("grace", grace)
    if grace_ms // every_ms > MOST_PANES:
        raise QueryInvalid(f"grace: it may cover at most {MOST_PANES} steps of every, {format_duration(every_ms)}")
    parsed = _select(select)
    group = tuple(_names("group_by", [] if group_by is None else group_by))
    for tag in group:
        _check_tag("group_by", tag)
    columns = len(group) + sum(len(aggregates) for _, aggregates in parsed)
    if columns > MOST_COLUMNS:
        raise QueryInvalid(f"select: {columns} columns are asked for; at most {MOST_COLUMNS} are possible")
    return Query(
        _name("measurement", measurement),
        parsed,
        _where({} if where is None else where),
        group,
        window_ms,
        every_ms,
        grace_ms,
    )


def refine(query: Query, where: Any) -> Query:
    """The same query with further conditions; one on a tag that has conditions already keeps the common values."""
    merged = {tag: set(values) for tag, values in query.where}
    for tag, values in _where(where):
        merged[tag] = merged[tag] & set(values) if tag in merged else set(values)
        if not merged[tag]:
            raise QueryInvalid(f"where: no value of tag {tag!r} is left; the stream allows others")
    return replace(query, where=tuple((tag, _sorted_values(values)) for tag, values in sorted(merged.items())))


def _windows(every: Any, window: Any) -> tuple[int, int]:
    if every is None and window is None:
        raise QueryInvalid("every: a window's step is missing; write for instance every = '10s'")
    every_ms = _duration("every", window if every is None else every)
    window_ms = every_ms if window is None else _duration("window", window)
    if every_ms < SHORTEST_WINDOW_MS:
        raise QueryInvalid(
            f"every: {format_duration(every_ms)} is shorter than {SHORTEST_WINDOW_MS}ms, the least possible"
        )
    if window_ms % every_ms or window_ms < every_ms:
        raise QueryInvalid(
            f"window: {format_duration(window_ms)} is not a whole multiple of every, {format_duration(every_ms)}"
        )
    if window_ms // every_ms > MOST_PANES:
        raise QueryInvalid(f"window: it may cover at most {MOST_PANES} steps of every, {format_duration(every_ms)}")
    return every_ms, window_ms


def _select(select: Any) -> tuple[tuple[str, tuple[Aggregate, ...]], ...]:
    if not isinstance(select, Mapping) or not select:
        raise QueryInvalid("select: name at least one field and its aggregates, as in {'temp': ['mean', 'p95']}")
    parsed = []
    for key, names in select.items():
        field = _name("select", key)
        aggregates = []
        for name in _names(f"select.{field}", [names] if isinstance(names, str) else names):
            try:
                aggregates.append(parse_aggregate(name))
            except ValueError as error:
                raise QueryInvalid(f"select.{field}: {error}") from None
        if not aggregates:
            raise QueryInvalid(f"select.{field}: name at least one aggregate, as in ['mean']")
        if len(set(aggregates)) < len(aggregates):
            raise QueryInvalid(f"select.{field}: an aggregate is named twice")
        parsed.append((field, tuple(aggregates)))
    return tuple(parsed)


def _where(where: Any) -> tuple[tuple[str, tuple[str | None, ...]], ...]:
    if not isinstance(where, Mapping):
        raise QueryInvalid("where: expected tags and their values, as in {'site': ['s1', 's2']}")
    parsed = []
    for key, wanted in where.items():
        tag = _name("where", key)
        _check_tag("where", tag)
        values = wanted if isinstance(wanted, list | tuple) else [wanted]
        if not values or not all(value is None or _is_text(value) for value in values):
            raise QueryInvalid(f"where.{tag}: expected a text, null for a missing tag, or a list of them")
        parsed.append((tag, _sorted_values({value or None for value in values})))
    return tuple(sorted(parsed))


def _sorted_values(values: set[str | None]) -> tuple[str | None, ...]:
    return tuple(sorted(values, key=lambda value: (value is not None, value or "")))


def _names(key: str, names: Any) -> Sequence[str]:
    if not isinstance(names, list | tuple):
        raise QueryInvalid(f"{key}: expected a list of names")
    checked = [_name(key, name) for name in names]
    if len(set(checked)) < len(checked):
        raise QueryInvalid(f"{key}: a name is given twice")
    return checked


def _name(key: str, name: Any) -> str:
    if not _is_text(name) or not name:
        raise QueryInvalid(f"{key}: expected a name, not {name!r}")
    return str(name)


def _check_tag(key: str, name: str) -> None:
    if name == "time":  # InfluxDB refuses to look for it, as it refuses to store it
        raise QueryInvalid(f"{key}: no tag can be called 'time'")


def _is_text(value: Any) -> bool:
    """Whether it is text that a store can have: JSON lets half a surrogate pair through, which no encoding has."""
    return isinstance(value, str) and not _SURROGATE.search(value)


def _duration(key: str, value: Any) -> int:
    if not isinstance(value, str):
        raise QueryInvalid(f"{key}: expected a duration such as '10s', not {value!r}")
    try:
        return parse_duration(value)
    except ValueError as error:
        raise QueryInvalid(f"{key}: {error}") from None
