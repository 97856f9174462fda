"""The stores that the contract is asked of: to add one, add an entry to `CANDIDATES`."""

from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

import pytest

from streams.stores.base import Store
from streams.stores.duckdb import DuckDBStore
from streams.stores.influxdb import InfluxDBStore
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


CANDIDATES = {
    "duckdb-file": Candidate(_duckdb_file),
    "duckdb-memory": Candidate(lambda _request: DuckDBStore(None)),
    "influxdb-2.9.1": Candidate(_influxdb("influxdb2")),
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
