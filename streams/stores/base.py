"""The contract of every store. `tests/contract/` says the same in tests that run against each of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from streams.points import Batch, Kind, Touched
from streams.queries import Conditions, Query

Cell = str | float | int | bool | None
Row = tuple[Cell, ...]
"""A row of a window: the `group_by` tags, then the columns in the order of `Query.columns`."""


@dataclass(frozen=True, slots=True)
class Window:
    """One answered window `[start, stop)`, milliseconds; `rows` sorted by their tags, nulls first.

    `points` counts the points with at least one selected field, over all groups; `first` and `last` are the times
    of the earliest and latest of them in milliseconds, None where the window is empty or the store did not say.
    """

    start: int
    stop: int
    rows: tuple[Row, ...]
    points: int
    first: int | None = None
    last: int | None = None


class Answer(NamedTuple):
    """The windows asked for, ascending, empty ones included; and how they were found, for `explain`."""

    windows: list[Window]
    way: str  # tail, influxql, partials or duckdb
    query: str
    query_ms: float


class MeasurementSchema(NamedTuple):
    """What is stored of one measurement: field kinds (more than one where shards disagree) and tag names."""

    fields: Mapping[str, frozenset[Kind]]
    tags: frozenset[str]


class Store(Protocol):
    """Points in, windows out. Every method may raise `StoreUnavailable`; any other error is named at the method.

    Methods may be called at once from many tasks of one event loop.
    """

    name: str
    """For people: `duckdb:/path` or `influxdb:http://host:8086`, without secrets."""

    concurrent_writes: int
    """How many `write` calls under way at once are worth it."""

    points_for_measurement: int
    """What each further measurement of a `write` costs, as so many points of one."""

    async def open(self) -> None:
        """Get ready. StoreMisconfigured when it will never work as configured. Never writes users' data.

        An InfluxDB that does not answer is no error here: the store opens, and its calls raise StoreUnavailable.
        """

    async def close(self) -> None:
        """Let go of everything; nothing acknowledged depends on it."""

    async def check(self) -> None:
        """Return when the store could take a write now; never writes. StoreMisconfigured, StoreUnavailable."""

    async def write(self, batch: Batch) -> None:
        """Return when every point is durable and readable. BatchRefused, StoreMisconfigured.

        The same measurement, tags and time merge their fields, the newer value of a field wins; within one batch
        the later line is the newer. After an error any part of the batch may have been stored.
        """

    async def answer(self, query: Query, first_stop: int, last_stop: int) -> Answer:
        """Every window of the query that stops in `[first_stop, last_stop]`, both multiples of `every_ms`.

        A measurement, tag or field that nobody has written is no error: the windows are empty.
        """

    def watch(self, query: Query) -> None:
        """Windows of this query will be asked for as they stop."""

    def unwatch(self, query: Query) -> None:
        """They will not any more."""

    def touched(self, ranges: Sequence[Touched]) -> None:
        """Points in these ranges can be read now that could not before, through whichever worker they came."""

    async def schema(self, measurement: str, where: Conditions = ()) -> MeasurementSchema:
        """What is known of one measurement, or of its series that meet the conditions; empty when nobody has written
        it."""

    async def measurements(self) -> Sequence[str]:
        """The names of all measurements, sorted."""

    async def tag_values(self, measurement: str, tag: str, limit: int, where: Conditions = ()) -> Sequence[str]:
        """The first `limit` of a tag's values, sorted, in series that meet the conditions; none where nobody has
        written it."""


class AskedAnew:
    """A part of stores that look at every point again for each answer: interest and late points are no news to them."""

    def watch(self, query: Query) -> None:
        """As the contract says."""

    def unwatch(self, query: Query) -> None:
        """As the contract says."""

    def touched(self, ranges: Sequence[Touched]) -> None:
        """As the contract says."""


class InFront:
    """A part of stores in front of another, `behind`: what they pass on to it as it is."""

    def __init__(self, behind: Store) -> None:
        self.name = behind.name
        self.concurrent_writes = behind.concurrent_writes
        self.points_for_measurement = behind.points_for_measurement
        self.behind = behind

    async def open(self) -> None:
        """As the contract says."""
        await self.behind.open()

    async def close(self) -> None:
        """As the contract says."""
        await self.behind.close()

    async def check(self) -> None:
        """As the contract says."""
        await self.behind.check()

    async def write(self, batch: Batch) -> None:
        """As the contract says."""
        await self.behind.write(batch)

    async def schema(self, measurement: str, where: Conditions = ()) -> MeasurementSchema:
        """As the contract says."""
        return await self.behind.schema(measurement, where)

    async def measurements(self) -> Sequence[str]:
        """As the contract says."""
        return await self.behind.measurements()

    async def tag_values(self, measurement: str, tag: str, limit: int, where: Conditions = ()) -> Sequence[str]:
        """As the contract says."""
        return await self.behind.tag_values(measurement, tag, limit, where)


def innermost(store: Store) -> Store:
    """The store behind all that stand in front of it."""
    while isinstance(store, InFront):
        store = store.behind
    return store


class Room:
    """How many rows several parts of a worker may keep in memory together; each adds what counts its own to `users`."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.users: list[Callable[[], int]] = []

    def has(self, more: int) -> bool:
        """Whether so many rows more would still be few enough."""
        return sum(rows() for rows in self.users) + more <= self.most
