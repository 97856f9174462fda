"""How long points are kept: asked, told, and asked again, of each store."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from streams.errors import StoreMisconfigured
from streams.retention import Bucket, changes
from streams.stores.duckdb import DuckDBStore
from streams.stores.duckdb_retention import DuckDBBucket
from streams.stores.influxdb_retention import InfluxDBBucket, shard_seconds
from tests.contract.asking import SECOND, T0, ask, point, query, write
from tests.servers.influxdb import InfluxDB, InfluxDB1, InfluxDB2

pytestmark = pytest.mark.anyio

HOUR, DAY = 3_600_000, 86_400_000


def influxdb_bucket(server: InfluxDB, name: str) -> InfluxDBBucket:
    return InfluxDBBucket(server.url, server.token, server.organization, name)


@pytest.fixture(params=["duckdb", "influxdb2", "influxdb1", "influxdb1 policy"])
async def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bucket]:
    """A bucket that keeps its points for ever."""
    if request.param == "duckdb":
        yield DuckDBBucket(tmp_path / "points.duckdb")
        return
    server: InfluxDB = request.getfixturevalue(request.param.split()[0])
    name = server.new_bucket()
    if "policy" in request.param:
        text = f'CREATE RETENTION POLICY "a \\"b\\"" ON "{name}" DURATION INF REPLICATION 1'
        server.request("POST", "/query", b"", q=text)
        name += '/a "b"'
    async with influxdb_bucket(server, name) as opened:
        yield opened


async def test_a_bucket_keeps_points_for_as_long_as_it_was_told(bucket: Bucket) -> None:
    assert await bucket.retention() is None
    for retention in (400 * DAY, 30 * DAY, HOUR, 90 * DAY, None):
        await bucket.set_retention(retention)
        assert await bucket.retention() == retention


async def test_only_the_default_policy_is_told(influxdb1: InfluxDB1) -> None:
    name = influxdb1.new_bucket()
    influxdb1.request("POST", "/query", b"", q=f'CREATE RETENTION POLICY other ON "{name}" DURATION 9h REPLICATION 1')
    async with influxdb_bucket(influxdb1, name) as bucket:
        await bucket.set_retention(DAY)
    async with influxdb_bucket(influxdb1, f"{name}/other") as other:
        assert await other.retention() == 9 * HOUR


async def test_a_bucket_that_is_not_there(influxdb2: InfluxDB2, influxdb1: InfluxDB1) -> None:
    for server in (influxdb2, influxdb1):
        async with influxdb_bucket(server, "nothing") as bucket:
            with pytest.raises(StoreMisconfigured, match="no bucket 'nothing'"):
                await bucket.retention()
    async with influxdb_bucket(influxdb1, f"{influxdb1.new_bucket()}/nothing") as bucket:
        with pytest.raises(StoreMisconfigured, match=r"no bucket '.*/nothing'; create it first"):
            await bucket.retention()


async def test_a_token_that_may_not_change_buckets(influxdb2: InfluxDB2) -> None:
    name = influxdb2.new_bucket()
    token = influxdb2.create_token(name, "read")
    async with InfluxDBBucket(influxdb2.url, token, influxdb2.organization, name) as bucket:
        assert await bucket.retention() is None
        with pytest.raises(StoreMisconfigured, match="HUB_INFLUX_TOKEN"):
            await bucket.set_retention(DAY)


async def test_what_changes(tmp_path: Path) -> None:
    bucket = DuckDBBucket(tmp_path / "points.duckdb")
    await bucket.set_retention(2 * DAY)
    found = [(await changes({"duckdb": wanted}, {"duckdb": bucket}))[0] for wanted in (None, 3 * DAY, 2 * DAY, DAY)]
    assert [(change.needed, change.shortens) for change in found] == [
        (True, False),
        (True, False),
        (False, False),
        (True, True),
    ]


async def test_duckdb_deletes_what_is_too_old_of_all_measurements() -> None:
    store = DuckDBStore(None)
    await store.open()
    for measurement in ("m1", "m2"):
        await write(store, *(point(at, v=1, measurement=measurement) for at in range(10)))
    assert await store.expire((T0 + 4) * SECOND) == 8
    assert await store.expire((T0 + 4) * SECOND) == 0
    for measurement in ("m1", "m2"):
        windows = await ask(store, query({"v": ["count"]}, measurement), 1, 10)
        assert [window.points for window in windows] == [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
    await write(store, point(1, v=2, measurement="m1"), point(9, v=2, measurement="m1"))
    assert [window.points for window in await ask(store, query({"v": ["sum"]}, "m1"), 2, 10)].count(1) == 7
    await store.close()


async def test_a_damaged_agreement_deletes_nothing(tmp_path: Path) -> None:
    bucket = DuckDBBucket(tmp_path / "points.duckdb")
    (tmp_path / "points.duckdb.retention").write_bytes(b"{")
    with pytest.raises(StoreMisconfigured, match="points are kept until it can"):
        await bucket.retention()


def test_shards_are_as_long_as_influxdb_would_choose() -> None:
    assert [shard_seconds(days * 86_400) for days in (1, 2, 30, 200, 0)] == [3_600, 86_400, 86_400, 604_800, 604_800]
