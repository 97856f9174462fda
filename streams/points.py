"""What a device sends: points, the series they belong to, and batches of them.

A batch is held as parallel columns, not as objects for each point: what came in as line protocol leaves as the
same bytes, and only a store that needs values (DuckDB) pays for decoding them.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple, Self, TypeVar

from streams.lines import together

NANOSECONDS = 1_000_000
"""Nanoseconds in a millisecond: points are timed in nanoseconds, windows and messages in milliseconds."""

INT64_MIN, INT64_MAX, UINT64_MAX = -(2**63), 2**63 - 1, 2**64 - 1
TIME_MIN, TIME_MAX = -9_223_372_036_854_775_806, 9_223_372_036_854_775_806
"""The range of a point's time in InfluxDB, in nanoseconds since the epoch."""


class Kind(StrEnum):
    """The type of a field's values, or of a column."""

    FLOAT = "float"
    INTEGER = "integer"
    UNSIGNED = "unsigned"
    STRING = "string"
    BOOLEAN = "boolean"
    TAG = "tag"


class Unsigned(int):
    """A uint64 field value, kept apart from int64."""


Value = float | int | Unsigned | str | bool
"""A field's value. `bool` and `Unsigned` are subclasses of int: ask `kind_of`, not isinstance."""


def kind_of(value: Value) -> Kind:
    """The kind of a decoded value."""
    return _KINDS[type(value)]


_KINDS: dict[type, Kind] = {
    float: Kind.FLOAT,
    int: Kind.INTEGER,
    Unsigned: Kind.UNSIGNED,
    str: Kind.STRING,
    bool: Kind.BOOLEAN,
}


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """A measurement and a set of tags. Interned by the formats, so identity is a cheap first comparison.

    `tags` are sorted by name and have no empty values. `key` is the canonical line-protocol spelling of both,
    `measurement,tag=value…` with the tags in that order; equal series have equal keys.
    """

    measurement: str
    tags: tuple[tuple[str, str], ...]
    key: bytes

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Series) and self.key == other.key)

    def __hash__(self) -> int:
        return hash(self.key)


Shape = tuple[tuple[str, Kind], ...]
"""The names and kinds of a point's fields, in the order sent, each name once. Interned by the formats."""


class Point(NamedTuple):
    """One decoded point; `time` in nanoseconds since the epoch."""

    measurement: str
    tags: dict[str, str]
    fields: dict[str, Value]
    time: int


class Touched(NamedTuple):
    """Where points are: a measurement and the times of its first and last point, nanoseconds, both inclusive."""

    measurement: str
    start: int
    stop: int


class Reject(NamedTuple):
    """A point that will never be stored. `line` is where it starts in its frame, counted from 1."""

    line: int
    code: str
    message: str


Part = TypeVar("Part")


def each_once(several: Collection[Part]) -> Collection[Part]:
    """Each of them once, by its identity, in the order in which they came first."""
    return dict(zip(map(id, several), several, strict=True)).values()


@dataclass(frozen=True)
class Batch:
    """Points as parallel columns of equal length.

    `lines` are complete line protocol without the line break, with an explicit time in nanoseconds, mostly as one
    `streams.lines.Text`; `numbers` say where each point starts in the frame it came in.
    `streams.formats.line.decode_fields` gives a line's values.
    """

    lines: Sequence[bytes]
    series: Sequence[Series]
    shapes: Sequence[Shape]
    times: Sequence[int]
    numbers: Sequence[int]

    def __len__(self) -> int:
        return len(self.lines)

    @cached_property
    def different_series(self) -> Collection[Series]:
        """Each of the series once, by its identity: the formats intern them, so that they are few and repeat.

        What depends on a point's series alone is judged by these.
        """
        return each_once(self.series)

    @cached_property
    def different_shapes(self) -> Collection[Shape]:
        """Each of the shapes once, by its identity."""
        return each_once(self.shapes)

    @cached_property
    def first_time(self) -> int:
        """The earliest of the times; ValueError where there is no point."""
        return min(self.times)

    @cached_property
    def last_time(self) -> int:
        """The latest of the times; ValueError where there is no point."""
        return max(self.times)

    def knowing(self, **found_out: object) -> Self:
        """This batch itself, which has these of the above from now on: for whoever makes it and has found them out."""
        vars(self).update(found_out)
        return self

    def numbered(self, numbers: Sequence[int]) -> "Batch":
        """The same points, which start elsewhere in their frame."""
        found_out = {name: vars(self)[name] for name in _FOUND_OUT if name in vars(self)}
        return Batch(self.lines, self.series, self.shapes, self.times, numbers).knowing(**found_out)

    def select(self, indexes: Sequence[int]) -> "Batch":
        """The points at these indexes, in the order given."""
        lines = list(self.lines)
        return Batch(
            [lines[i] for i in indexes],
            [self.series[i] for i in indexes],
            [self.shapes[i] for i in indexes],
            [self.times[i] for i in indexes],
            [self.numbers[i] for i in indexes],
        )

    @staticmethod
    def concat(batches: "Sequence[Batch]") -> "Batch":
        """All points of several batches, in order."""
        if len(batches) < 2:
            return batches[0] if batches else NO_POINTS
        series: list[Series] = []
        shapes: list[Shape] = []
        times: list[int] = []
        numbers: list[int] = []
        for batch in batches:
            series += batch.series
            shapes += batch.shapes
            times += batch.times
            numbers += batch.numbers
        whole = Batch(together([batch.lines for batch in batches]), series, shapes, times, numbers)
        # What was found out of every part need not be found out of all points again.
        for name, of_all in _FOUND_OUT.items():
            if all(name in vars(batch) for batch in batches):
                vars(whole)[name] = of_all(vars(batch)[name] for batch in batches)
        return whole


def _each_of_all_once(parts: Iterable[Collection[Any]]) -> Collection[Any]:
    return each_once([*chain.from_iterable(parts)])


_FOUND_OUT: dict[str, Callable[[Iterator[Any]], object]] = {
    "different_series": _each_of_all_once,
    "different_shapes": _each_of_all_once,
    "first_time": min,
    "last_time": max,
}
"""Cached properties of a batch, and how those of its parts become one."""

NO_POINTS = Batch((), (), (), (), ())


class Scan(NamedTuple):
    """What a format made of a frame: the good points and the others, both in order."""

    batch: Batch
    rejects: list[Reject]
