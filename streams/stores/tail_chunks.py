"""The tail's points in memory, by column: a chunk of them for each slice that was read. Pure.

A column in which every point has a number is an array, which takes a third of what a list of them does.
"""

from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, repeat
from typing import Any

from streams.points import NANOSECONDS, Kind
from streams.stores.tail_slices import Span

_CODES = {Kind.FLOAT: "d", Kind.INTEGER: "q", Kind.UNSIGNED: "Q"}
MOST_JOINED = 4


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """The points in `[start, stop)`, milliseconds, in order of time.

    `times` are nanoseconds, `series` the numbers of the series, and `values` of each field the points' values, None
    where a point has none.
    """

    start: int
    stop: int
    times: Sequence[int]
    series: Sequence[int]
    values: Mapping[str, Sequence[Any]]

    def cut(self, start: int, stop: int) -> "Chunk":
        """Those of the points that are in `[start, stop)`."""
        first, last = (bisect_left(self.times, time * NANOSECONDS) for time in (start, stop))
        if last - first == len(self.times):
            return Chunk(start, stop, self.times, self.series, self.values)
        values = {field: column[first:last] for field, column in self.values.items()}
        return Chunk(start, stop, self.times[first:last], self.series[first:last], values)

    def present(self, fields: Sequence[str]) -> Sequence[Any] | None:
        """Something other than None for each point that has any of these fields; None where no point has."""
        columns = [self.values[field] for field in fields if field in self.values]
        for column in columns:
            if isinstance(column, array):
                return column
        return [next((one for one in each if one is not None), None) for each in zip(*columns, strict=True)] or None


def chunks_of(
    fields: Sequence[tuple[str, Kind]],
    columns: Sequence[Sequence[Any]],
    series: Sequence[int],
    span: Span,
    step: int,
) -> Iterator[Chunk]:
    """Points that were read, in chunks of `step` milliseconds.

    The columns are the points' times and then the values of these fields; `series` are their series' numbers.
    """
    if not columns:
        return
    values = {name: _column(columns[place], kind) for place, (name, kind) in enumerate(fields, 1)}
    whole = Chunk(*span, array("q", columns[0]), series, values)
    for start in range(*span, step):
        chunk = whole.cut(start, start + step)
        if chunk.times:
            yield chunk


def _column(values: Sequence[Any], kind: Kind) -> Sequence[Any]:
    code = _CODES.get(kind)
    return list(values) if code is None or None in values else array(code, values)


class Chunks:
    """All chunks of one measurement; no two overlap."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._chunks: dict[int, Chunk] = {}
        self._joined: dict[Span, Chunk] = {}
        self._series: Sequence[int] = ()

    def put(self, span: Span, chunks: Sequence[Chunk]) -> int:
        """Put these, which are inside the span, in the place of all that is in it; how many points there are more."""
        self._joined.clear()
        added = sum(len(chunk.times) for chunk in chunks)
        for old in list(self.between(*span)):
            self._remove(old)
            added -= len(old.times)
            for start, stop in ((old.start, span[0]), (span[1], old.stop)):
                if start < stop and (rest := old.cut(start, stop)).times:
                    self._add(rest)
                    added += len(rest.times)
        for chunk in chunks:
            self._add(chunk)
        return added

    def drop_before(self, time: int) -> int:
        """Forget the chunks that stop by this time, milliseconds; how many points they had."""
        self._joined.clear()
        gone = [chunk for chunk in self._chunks.values() if chunk.stop <= time]
        for chunk in gone:
            self._remove(chunk)
        return sum(len(chunk.times) for chunk in gone)

    def between(self, start: int, stop: int) -> Iterator[Chunk]:
        """The chunks that have any of `[start, stop)`, in order."""
        for at in self._starts[max(0, bisect_right(self._starts, start) - 1) : bisect_left(self._starts, stop)]:
            chunk = self._chunks[at]
            if chunk.stop > start:
                yield chunk

    def pane(self, start: int, stop: int) -> Chunk | None:
        """The points in `[start, stop)`; None where there are none."""
        chunk = self._chunks.get(start)
        if chunk and chunk.stop == stop:
            return chunk
        known = self._joined.get((start, stop))
        if known is None:
            parts = [part for part in self._clipped(start, stop) if part.times]
            if not parts:
                return None
            if len(self._joined) >= MOST_JOINED:
                self._joined.clear()
            known = self._joined[start, stop] = parts[0] if len(parts) == 1 else _join(parts)
        return known

    def _clipped(self, start: int, stop: int) -> Iterator[Chunk]:
        return (chunk.cut(max(start, chunk.start), min(stop, chunk.stop)) for chunk in self.between(start, stop))

    def _add(self, chunk: Chunk) -> None:
        """Keep a chunk; one list of series for all that have the same in the same order, as most have."""
        if chunk.series == self._series:
            chunk = replace(chunk, series=self._series)
        self._series = chunk.series
        insort(self._starts, chunk.start)
        self._chunks[chunk.start] = chunk

    def _remove(self, chunk: Chunk) -> None:
        del self._starts[bisect_left(self._starts, chunk.start)]
        del self._chunks[chunk.start]


def _join(parts: Sequence[Chunk]) -> Chunk:
    fields = dict.fromkeys(field for part in parts for field in part.values)
    values = {field: _joined_column([_of(part, field) for part in parts]) for field in fields}
    times = [*chain.from_iterable(part.times for part in parts)]
    series = [*chain.from_iterable(part.series for part in parts)]
    return Chunk(parts[0].start, parts[-1].stop, times, series, values)


def _of(chunk: Chunk, field: str) -> Sequence[Any]:
    column = chunk.values.get(field)
    return list(repeat(None, len(chunk.times))) if column is None else column


def _joined_column(columns: Sequence[Sequence[Any]]) -> Sequence[Any]:
    first = columns[0]
    if isinstance(first, array) and all(isinstance(column, array) for column in columns):
        return array(first.typecode, chain.from_iterable(columns))
    return [*chain.from_iterable(columns)]
