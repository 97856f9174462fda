"""The stores that the contract is asked of: to add one, add an entry to `CANDIDATES`."""

from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

import pytest

from streams.ingest.ranges import touched_by
from streams.points import Batch
from streams.queries import Query
from streams.stores.base import Answer, Store
from streams.stores.duckdb import DuckDBStore
from streams.stores.influxdb import InfluxDBStore
from streams.stores.partials import Partials
from streams.stores.tail import Tail
from tests.contract.asking import T0
from tests.servers.influxdb import InfluxDB


class Candidate(NamedTuple):
    """How to make a store that nobody has written to, and what it cannot do."""

    make: Callable[[pytest.FixtureRequest], Store]
    unsigned: bool = True


def _duckdb_file(request: pytest.FixtureRequest) -> Store:
    return DuckDBStore(str(request.getfixturevalue("tmp_path") / "points.duckdb"))


def _influxdb(server: str) -> Callable[[pytest.FixtureRequest], Store]:
    def make(request: pytest.FixtureRequest) -> Store:
        influxdb: InfluxDB = request.getfixturevalue(server)
        return InfluxDBStore(influxdb.url, influxdb.token, influxdb.organization, influxdb.new_bucket())

    return make


class Followed(Tail):
    """A tail that is told of every query and every write, as the engine and the ingest of a hub do."""

    async def write(self, batch: Batch) -> None:
        await super().write(batch)
        if len(batch):
            self.touched(touched_by(batch))

    async def answer(self, query: Query, first_stop: int, last_stop: int) -> Answer:
        self.watch(query)
        return await super().answer(query, first_stop, last_stop)


class _Then:
    """A clock that stands still shortly after the tests' events, so that the tail has them."""

    def now(self) -> int:
        return (T0 + 20) * 1_000

    async def sleep_until(self, time: int) -> None: ...


def _tail(request: pytest.FixtureRequest) -> Store:
    behind = _influxdb("influxdb2")(request)
    assert isinstance(behind, InfluxDBStore)
    return Followed(behind, behind.reader, _Then())


class Joined(Partials):
    """Partials that are told of every write, as by a hub; every window is put together."""

    async def write(self, batch: Batch) -> None:
        await super().write(batch)
        if len(batch):
            self.touched(touched_by(batch))


def _partials(_request: pytest.FixtureRequest) -> Store:
    return Joined(DuckDBStore(None), _Then(), horizon_ms=0)


def _partials_of_tail(request: pytest.FixtureRequest) -> Store:
    return Joined(_tail(request), _Then(), horizon_ms=0)


CANDIDATES = {
    "duckdb-file": Candidate(_duckdb_file),
    "duckdb-memory": Candidate(lambda _request: DuckDBStore(None)),
    "duckdb-narrow": Candidate(lambda _request: DuckDBStore(None, most_columns=0)),
    "duckdb-full": Candidate(lambda _request: DuckDBStore(None, most_columns=6)),
    "influxdb-2.9.1": Candidate(_influxdb("influxdb2")),
    "tail": Candidate(_tail),
    "partials": Candidate(_partials),
    "partials-of-tail": Candidate(_partials_of_tail),
    "influxdb-1.8.10": Candidate(_influxdb("influxdb1"), unsigned=False),
}


@pytest.fixture(params=CANDIDATES)
def candidate(request: pytest.FixtureRequest) -> Candidate:
    return CANDIDATES[request.param]


@pytest.fixture
def made(request: pytest.FixtureRequest, candidate: Candidate) -> Store:
    return candidate.make(request)


@pytest.fixture
async def store(made: Store) -> AsyncIterator[Store]:
    """An open store without points."""
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def unsigned(candidate: Candidate) -> bool:
    """Whether the store keeps uint64 apart."""
    return candidate.unsigned
