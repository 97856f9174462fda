"""Words for the contract's tests: write points, ask for windows, compare them with the reference."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from streams.formats.line import batch_of
from streams.points import Point, Value
from streams.queries import Query, parse_query
from streams.stores.base import Cell, Store, Window
from tests.contract import reference

SECOND = 1_000_000_000
T0 = 1_700_000_000
"""Where the tests' events are, in seconds since the epoch; a multiple of a hundred."""


def point(at: float, tags: dict[str, str] | None = None, /, *, measurement: str = "weather", **fields: Value) -> Point:
    """A point `at` seconds after T0; use `Point` itself for times to the nanosecond."""
    return Point(measurement, tags or {}, fields, T0 * SECOND + round(at * 1_000) * 1_000_000)


async def write(store: Store, *points: Point) -> None:
    """Write points as one batch."""
    await store.write(batch_of(points, range(1, len(points) + 1)))


def query(select: Any, measurement: str = "weather", **settings: Any) -> Query:
    """A checked query; windows of one second unless told."""
    return parse_query(measurement=measurement, select=select, **{"every": "1s", **settings})


async def ask(store: Store, asked: Query, first: float, last: float | None = None) -> list[Window]:
    """The windows that stop from `first` to `last` seconds after T0; only the one at `first` where that is all."""
    stops = [round((T0 + at) * 1_000) for at in (first, first if last is None else last)]
    return (await store.answer(asked, *stops)).windows


async def rows(store: Store, asked: Query, stop: float) -> tuple[tuple[Cell, ...], ...]:
    """The rows of the window that stops then."""
    (window,) = await ask(store, asked, stop)
    return window.rows


async def compare(
    store: Store, written: Iterable[Point], asked: Query, first: float, last: float | None = None
) -> None:
    """Assert that the store answers what the reference computes from the points as they were written."""
    last = first if last is None else last
    expected = reference.windows(written, asked, round((T0 + first) * 1_000), round((T0 + last) * 1_000))
    got = await ask(store, asked, first, last)
    assert [(window.start, window.stop) for window in got] == [(window.start, window.stop) for window in expected]
    names = [column.name for column in asked.columns({})]
    for answered, right in zip(got, expected, strict=True):
        tags = len(asked.group_by)
        assert [row[:tags] for row in answered.rows] == [row[:tags] for row in right.rows], answered
        for row, right_row in zip(answered.rows, right.rows, strict=True):
            _compare_rows(names, row, right_row)
        assert answered.points == right.points
        assert answered.first in (None, right.first)
        assert answered.last in (None, right.last)


def _compare_rows(names: Sequence[str], row: Sequence[Cell], right: Sequence[Cell]) -> None:
    for name, cell, wanted in zip(names, row, right, strict=True):
        assert type(cell) is type(wanted), (name, cell, wanted)
        if isinstance(wanted, float) and isinstance(cell, float):
            assert math.isclose(cell, wanted, rel_tol=1e-9, abs_tol=1e-12), (name, cell, wanted)
        else:
            assert cell == wanted, name
