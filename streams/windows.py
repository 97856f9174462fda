"""Windows: where they lie, which times they hold, and how they are sent. Pure.

All times are milliseconds since the epoch unless a name says otherwise; a window is named by its `stop`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from streams.points import NANOSECONDS
from streams.queries import Query
from streams.stores.base import Row

Stops = tuple[int, int]
"""The windows that stop from the first time to the last, both included."""


class WindowUpdate(NamedTuple):
    """A window `[start, stop)` as it is sent.

    `points` made it, of which `late` came after it was first sent; `queried_ms` is how long the store took, `sent`
    the time it was sent.
    """

    start: int
    stop: int
    revision: int
    final: bool
    rows: tuple[Row, ...]
    points: int
    late: int
    queried_ms: float
    sent: int


def boundary(time: int, every: int) -> int:
    """The latest boundary of windows, a multiple of `every`, that is not after this time."""
    return time - time % every


def merged(ranges: Sequence[Stops], every: int) -> list[Stops]:
    """The same stops as ascending ranges that neither overlap nor follow one another."""
    result: list[Stops] = []
    for first, last in sorted(ranges):
        if result and first <= result[-1][1] + every:
            result[-1] = (result[-1][0], max(last, result[-1][1]))
        else:
            result.append((first, last))
    return result


def touched_stops(query: Query, start_ns: int, stop_ns: int) -> Stops:
    """The windows that hold a time in `[start_ns, stop_ns]`, nanoseconds."""
    every = query.every_ms
    first = boundary(start_ns // NANOSECONDS, every) + every
    return first, boundary(stop_ns // NANOSECONDS + query.window_ms, every)


def span_ns(query: Query, first_stop: int, last_stop: int) -> tuple[int, int]:
    """The half-open span, in nanoseconds, of the windows that stop in `[first_stop, last_stop]`."""
    return (first_stop - query.window_ms) * NANOSECONDS, last_stop * NANOSECONDS
