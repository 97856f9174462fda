import sys
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from streams.stores.base import Store
from streams.stores.duckdb import DuckDBStore
from streams.stores.influxdb import InfluxDBStore
from streams.stores.interpreter import SWITCH_INTERVAL_S

STORES = [partial(DuckDBStore, None), partial(InfluxDBStore, "http://127.0.0.1:1", "token", "org", "bucket")]


@pytest.fixture(params=[0.005, 0.00005])
def before(request: pytest.FixtureRequest) -> Iterator[float]:
    """The interval before a store is opened, in seconds."""
    own = sys.getswitchinterval()
    sys.setswitchinterval(request.param)
    yield sys.getswitchinterval()  # it is kept in whole microseconds
    sys.setswitchinterval(own)


@pytest.mark.anyio
@pytest.mark.parametrize("make", STORES, ids=["duckdb", "influxdb"])
async def test_the_threads_of_a_store_wait_little_for_the_interpreter(make: Callable[[], Store], before: float) -> None:
    store = make()
    try:
        await store.open()
        assert sys.getswitchinterval() == pytest.approx(min(before, SWITCH_INTERVAL_S))
    finally:
        await store.close()
