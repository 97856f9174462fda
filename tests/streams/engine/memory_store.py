"""A real, small store in memory, with switches for being slow, failing and answering out of order."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from streams.aggregates import Aggregate
from streams.errors import StoreUnavailable
from streams.points import NANOSECONDS, Point, Value
from streams.queries import Query
from streams.stores.base import Answer, AskedAnew, Cell, Row, Window

Tags = tuple[tuple[str, str], ...]


@dataclass
class MemoryStore(AskedAnew):
    """Points by measurement, tags and time. `delay` gives the milliseconds each step of a call takes.

    An answer is what is stored at one moment between its two delays, so answers overtake each other.
    """

    delay: Callable[[], int] = lambda: 0
    fails: Callable[[], bool] = lambda: False
    name: str = "memory"
    asked: list[tuple[str, int, int]] = field(default_factory=list)
    points: dict[tuple[str, Tags, int], dict[str, Value]] = field(default_factory=dict)

    async def write(self, points: Iterable[Point]) -> None:
        """As `Store.write`, of decoded points."""
        await self._pause()
        self.put(points)
        await self._pause()

    def put(self, points: Iterable[Point]) -> None:
        """Store points at once."""
        for point in points:
            key = point.measurement, tuple(sorted(point.tags.items())), point.time
            self.points.setdefault(key, {}).update(point.fields)

    async def answer(self, query: Query, first_stop: int, last_stop: int) -> Answer:
        """As `Store.answer`."""
        self.asked.append((query.key, first_stop, last_stop))
        started = asyncio.get_running_loop().time()
        await self._pause()
        windows = windows_of(self.points, query, first_stop, last_stop)
        await self._pause()
        took = (asyncio.get_running_loop().time() - started) * 1_000
        return Answer(windows, "memory", "", took)

    async def _pause(self) -> None:
        await asyncio.sleep(self.delay() / 1_000)
        if self.fails():
            raise StoreUnavailable("the store was told to fail")


def windows_of(
    points: dict[tuple[str, Tags, int], dict[str, Value]], query: Query, first_stop: int, last_stop: int
) -> list[Window]:
    """The windows of these points, computed in the plainest way there is."""
    return [_window(points, query, stop) for stop in range(first_stop, last_stop + 1, query.every_ms)]


def _window(points: dict[tuple[str, Tags, int], dict[str, Value]], query: Query, stop: int) -> Window:
    start = stop - query.window_ms
    groups: dict[tuple[str | None, ...], list[tuple[int, dict[str, Value]]]] = {}
    for (measurement, tags, time), fields in points.items():
        inside = start * NANOSECONDS <= time < stop * NANOSECONDS
        if measurement == query.measurement and inside and _wanted(dict(tags), query) and fields.keys() & query.fields:
            group = tuple(dict(tags).get(tag) for tag in query.group_by)
            groups.setdefault(group, []).append((time, fields))
    rows = [group + _cells(query, members) for group, members in groups.items()]
    rows.sort(key=lambda row: [(cell is not None, cell or "") for cell in row[: len(query.group_by)]])
    times = [time for members in groups.values() for time, _ in members]
    first, last = (min(times) // NANOSECONDS, max(times) // NANOSECONDS) if times else (None, None)
    return Window(start, stop, tuple(rows), len(times), first, last)


def _wanted(tags: dict[str, str], query: Query) -> bool:
    return all(tags.get(tag) in values for tag, values in query.where)


def _cells(query: Query, members: Sequence[tuple[int, dict[str, Value]]]) -> Row:
    cells: list[Cell] = []
    for name, aggregates in query.select:
        values = [fields[name] for _, fields in sorted(members, key=lambda member: member[0]) if name in fields]
        cells += [_aggregate(aggregate, values) for aggregate in aggregates]
    return tuple(cells)


def _aggregate(aggregate: Aggregate, values: Sequence[Value]) -> Cell:
    if aggregate.name == "count":
        return len(values)
    if aggregate.name == "last":
        return values[-1] if values else None
    numbers = [value for value in values if not isinstance(value, str)]
    if not numbers:
        return None
    match aggregate.name:
        case "sum":
            return sum(numbers)
        case "max":
            return max(numbers)
        case "min":
            return min(numbers)
    raise NotImplementedError(aggregate.name)
