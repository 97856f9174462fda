"""A store of the tests' own: a dict of lines, with a door that can be shut and points it refuses."""

from collections.abc import Sequence

import anyio

from streams.errors import BatchRefused, StoreUnavailable
from streams.formats.line import batch_of
from streams.points import Batch, Kind, Point
from streams.queries import Conditions, Query
from streams.stores.base import Answer, AskedAnew, MeasurementSchema


def batch(*points: tuple[str, float], measurement: str = "weather", at: int = 0) -> Batch:
    """A batch of `(site, temp)`, a second apart from `at` seconds on, each on a line of its own."""
    made = [
        Point(measurement, {"site": site}, {"temp": value}, (at + i) * 10**9) for i, (site, value) in enumerate(points)
    ]
    return batch_of(made, range(1, len(made) + 1))


class Shelf(AskedAnew):
    """Keeps lines in the order written. `refuses` names tag values it will not have, `shut` makes it unavailable."""

    name = "shelf"

    def __init__(self, concurrent_writes: int = 2) -> None:
        self.concurrent_writes = concurrent_writes
        self.points_for_measurement = 0
        self.lines: list[bytes] = []
        self.writes: list[int] = []
        self.kinds: dict[str, dict[str, frozenset[Kind]]] = {}
        self.refuses: set[str] = set()
        self.counts_refused = False
        self.shut = False
        self.gate = anyio.Event()
        self.gate.set()

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def check(self) -> None:
        if self.shut:
            raise StoreUnavailable("the shelf is shut")

    async def write(self, batch: Batch) -> None:
        self.writes.append(len(batch))
        await self.gate.wait()
        await self.check()
        bad = [series for series in batch.series if self.refuses & {value for _, value in series.tags}]
        if bad:
            raise BatchRefused(f"no room for {bad[0].tags}", len(bad) if self.counts_refused else None)
        self.lines += batch.lines

    async def answer(self, query: Query, first_stop: int, last_stop: int) -> Answer:
        raise StoreUnavailable("a shelf answers nothing")

    async def schema(self, measurement: str, where: Conditions = ()) -> MeasurementSchema:
        return MeasurementSchema(self.kinds.get(measurement, {}), frozenset())

    async def measurements(self) -> Sequence[str]:
        return sorted(self.kinds)

    async def tag_values(self, measurement: str, tag: str, limit: int, where: Conditions = ()) -> Sequence[str]:
        return []
