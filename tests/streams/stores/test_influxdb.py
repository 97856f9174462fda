"""The InfluxDB store with real servers: what it is refused, what it survives, what it reads of a strange database."""

import itertools
import json
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from streams.errors import BatchRefused, StoreMisconfigured, StoreUnavailable
from streams.formats.line import scan
from streams.points import Batch, Kind, Point
from streams.queries import Query, parse_query
from streams.stores.influxdb import BODY_BYTES, InfluxDBStore
from tests.contract.asking import SECOND, T0, ask, compare, point, query, rows, write
from tests.servers.influxdb import InfluxDB, InfluxDB1, InfluxDB2

pytestmark = [pytest.mark.anyio, pytest.mark.influxdb]


@pytest.fixture(params=["influxdb2", "influxdb1"])
def server(request: pytest.FixtureRequest) -> InfluxDB:
    """Each of the real servers in turn."""
    found: InfluxDB = request.getfixturevalue(request.param)
    return found


@asynccontextmanager
async def store_in(server: InfluxDB, bucket: str, **settings: Any) -> AsyncIterator[InfluxDBStore]:
    """An open store in a bucket of a server."""
    token = settings.pop("token", server.token)
    store = InfluxDBStore(server.url, token, settings.pop("organization", server.organization), bucket, **settings)
    try:
        await store.open()
        yield store
    finally:
        await store.close()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"token": "wrong"}, "HUB_INFLUX_TOKEN"),
        ({"token": ""}, "HUB_INFLUX_TOKEN"),
        ({"organization": "nobody"}, "HUB_INFLUX_ORG"),
        ({"organization": ""}, "HUB_INFLUX_ORG"),
    ],
)
async def test_a_token_or_an_organisation_that_is_refused(
    influxdb2: InfluxDB2, settings: dict[str, str], words: str
) -> None:
    bucket = influxdb2.new_bucket()
    with pytest.raises(StoreMisconfigured, match=words):
        async with store_in(influxdb2, bucket, **settings):
            pass


async def test_a_bucket_that_is_not_there(server: InfluxDB) -> None:
    with pytest.raises(StoreMisconfigured, match=r"'missing'.*HUB_INFLUX_BUCKET"):
        async with store_in(server, "missing"):
            pass


@pytest.mark.parametrize("action", ["read", "write"])
async def test_a_token_that_may_do_one_thing_alone(influxdb2: InfluxDB2, action: str) -> None:
    bucket = influxdb2.new_bucket()
    with pytest.raises(StoreMisconfigured, match="HUB_INFLUX"):
        async with store_in(influxdb2, bucket, token=influxdb2.create_token(bucket, action)):
            pass


async def test_a_token_for_one_bucket_is_enough(influxdb2: InfluxDB2) -> None:
    bucket = influxdb2.new_bucket()
    async with store_in(influxdb2, bucket, token=influxdb2.create_token(bucket, "read", "write")) as store:
        await write(store, point(0.5, temp=1.0))
        assert await rows(store, query({"temp": ["last"]}), 1) == ((1.0,),)


async def test_a_token_that_would_read_another_organisation_than_it_writes(influxdb2: InfluxDB2) -> None:
    bucket = influxdb2.new_bucket()
    created = json.loads(influxdb2.request("POST", "/api/v2/orgs", b'{"name":"another"}'))
    async with store_in(influxdb2, bucket):
        pass
    influxdb2.request("POST", "/api/v2/buckets", json.dumps({"orgID": created["id"], "name": bucket}).encode())
    with pytest.raises(StoreMisconfigured, match=r"several organisations.*HUB_INFLUX_TOKEN"):
        async with store_in(influxdb2, bucket):
            pass
    limited = influxdb2.create_token(bucket, "read", "write")
    async with store_in(influxdb2, bucket, token=limited) as store:
        await store.check()


async def test_a_server_of_version_1_with_a_password(tmp_path: Path, influxdb1: InfluxDB1) -> None:
    with InfluxDB1(tmp_path, locked=True) as server:
        bucket = server.new_bucket()
        async with store_in(server, bucket) as store:
            await write(store, point(0.5, temp=1.0))
            assert await rows(store, query({"temp": ["last"]}), 1) == ((1.0,),)
        for token in ("", "tests:wrong", "nobody:a-password"):
            with pytest.raises(StoreMisconfigured, match="HUB_INFLUX_TOKEN"):
                async with store_in(server, bucket, token=token):
                    pass


async def test_opening_and_checking_write_nothing(server: InfluxDB) -> None:
    bucket = server.new_bucket()
    async with store_in(server, bucket) as store:
        await store.check()
        assert await store.measurements() == []


async def test_a_bucket_may_name_a_retention_policy(influxdb1: InfluxDB1) -> None:
    database = influxdb1.new_bucket()
    influxdb1.query(database, f'CREATE RETENTION POLICY "brief" ON "{database}" DURATION 100000h REPLICATION 1')
    async with store_in(influxdb1, f"{database}/brief") as store:
        await write(store, point(0.5, temp=1.0))
        assert await rows(store, query({"temp": ["last"]}), 1) == ((1.0,),)
    assert influxdb1.query(database, f'SELECT "temp" FROM "{database}"."brief"."weather"')
    with pytest.raises(StoreMisconfigured, match="HUB_INFLUX_BUCKET"):
        async with store_in(influxdb1, f"{database}/missing"):
            pass


async def test_one_bad_line_among_good_ones(server: InfluxDB) -> None:
    async with store_in(server, server.new_bucket()) as store:
        await write(store, point(0.1, temp=1.0))
        good = scan(b"weather temp=2.0 %d" % (T0 * SECOND + 2), now=0).batch
        wrong_type = scan(b"weather temp=2i %d" % (T0 * SECOND + 3), now=0).batch
        with pytest.raises(BatchRefused, match="temp") as caught:
            await store.write(Batch.concat([good, wrong_type, good]))
        assert caught.value.refused == 1
        with pytest.raises(BatchRefused, match="unable to parse 'nonsense'"):
            await store.write(Batch([*good.lines, b"nonsense"], [], [], [], []))
        await store.write(good)
        assert await rows(store, query({"temp": ["count", "sum"]}), 1) == ((2, 3.0),)


async def test_a_batch_larger_than_a_body_is_stored_whole_and_in_order(server: InfluxDB) -> None:
    padding = "x" * 1_000
    size = BODY_BYTES // 1_000 * 2
    points = [point(at % 50 / 100, text=padding, n=at) for at in range(size)]
    async with store_in(server, server.new_bucket()) as store:
        await write(store, *points)
        latest = max(at for at in range(size) if at % 50 == 49)
        assert await rows(store, query({"n": ["count", "max", "last"]}), 1) == ((50, size - 1, latest),)


async def test_a_server_that_goes_and_comes_back(tmp_path: Path, influxdb1: InfluxDB1) -> None:
    with InfluxDB1(tmp_path) as server:
        async with store_in(server, server.new_bucket()) as store:
            await write(store, point(0.5, temp=1.0))
            server.kill()
            for call in (store.check(), write(store, point(0.6, temp=2.0)), ask(store, query({"temp": ["last"]}), 1)):
                with pytest.raises(StoreUnavailable):
                    await call
            server.start()
            await write(store, point(0.6, temp=2.0))
            assert await rows(store, query({"temp": ["count", "last"]}), 1) == ((2, 2.0),)


async def test_a_server_that_is_slow(tmp_path: Path, influxdb1: InfluxDB1) -> None:
    with InfluxDB1(tmp_path) as server:
        async with store_in(server, server.new_bucket(), write_timeout=0.2, read_timeout=0.2) as store:
            server.pause()
            with pytest.raises(StoreUnavailable, match=r"within 0\.2 s"):
                await store.check()
            with pytest.raises(StoreUnavailable, match=r"within 0\.2 s"):
                await store.measurements()
            server.resume()


def dense(series: int, seconds: int, rate: int) -> list[Point]:
    """Points of evenly running series."""
    return [
        point(at / rate, {"dev": f"d{number}"}, temp=math.sin(at) * number, n=at % 17)
        for number, at in itertools.product(range(series), range(seconds * rate))
    ]


@pytest.mark.parametrize("points_per_read", [1, 7, 40])
async def test_windows_are_the_same_however_little_one_read_brings(server: InfluxDB, points_per_read: int) -> None:
    points = dense(3, 5, 4)
    async with store_in(server, server.new_bucket(), points_per_read=points_per_read) as store:
        await write(store, *points)
        for window in ("1s", "3s"):
            asked = query({"temp": ["mean", "p10", "increase"], "n": ["last"]}, window=window, group_by=["dev"])
            await compare(store, points, asked, -1, 9)


async def test_dense_series_are_aggregated_by_influxql_and_answered_the_same(server: InfluxDB) -> None:
    points = dense(2, 4, 50)
    names = ["count", "sum", "mean", "min", "max", "first", "last", "spread", "stddev", "median", "p50", "p99.9"]
    async with store_in(server, server.new_bucket(), points_per_read=100) as store:
        await write(store, *points)
        for settings in ({}, {"group_by": ["dev"]}, {"group_by": ["dev", "unknown"], "where": {"dev": "d1"}}):
            asked = query({"temp": names}, **settings)
            assert await way(store, asked) == "influxql"
            await compare(store, points, asked, -1, 6)
        assert await way(store, query({"temp": ["p10"]})) == "duckdb"


async def test_a_window_of_more_points_than_may_be_kept_says_so(server: InfluxDB) -> None:
    points = dense(2, 4, 50)
    async with store_in(server, server.new_bucket(), points_per_read=50, most_points=100) as store:
        await write(store, *points)
        assert await rows(store, query({"temp": ["mode", "count"]}, where={"dev": "d1"}), 1)
        assert await rows(store, query({"temp": ["mean"]}, every="4s"), 4)
        with pytest.raises(StoreUnavailable, match=r"more than 100 points.*HUB_TAIL_POINTS"):
            await ask(store, query({"temp": ["mode"]}, every="4s"), 4)


async def way(store: InfluxDBStore, asked: Query) -> str:
    """The way of an answer about four seconds."""
    return (await store.answer(asked, (T0 + 1) * 1_000, (T0 + 4) * 1_000)).way


async def test_a_tag_that_another_writer_has_just_added_keeps_two_series_apart(server: InfluxDB) -> None:
    asked = query({"temp": ["count", "sum"], "new": ["count"]})
    async with store_in(server, bucket := server.new_bucket()) as store:
        await write(store, point(0.5, {"dev": "a"}, temp=1.0))
        assert await rows(store, asked, 1) == ((1, 1.0, 0),)
        server.write(bucket, b"weather,dev=a,room=r temp=2,new=true %d" % (T0 * SECOND + SECOND // 2))
        assert await rows(store, asked, 1) == ((2, 3.0, 1),)


async def test_a_field_with_another_type_in_another_shard_is_read_as_one(server: InfluxDB) -> None:
    long_ago = T0 - 400 * 86_400
    async with store_in(server, bucket := server.new_bucket()) as store:
        server.write(bucket, b"weather v=7i %d\nweather v=1.5 %d" % (long_ago * SECOND, T0 * SECOND))
        assert (await store.schema("weather")).fields == {"v": {Kind.FLOAT, Kind.INTEGER}}
        asked = parse_query(measurement="weather", select={"v": ["last", "sum"]}, every="1s")
        for stop, value in ((long_ago + 1, 7.0), (T0 + 1, 1.5)):
            (window,) = (await store.answer(asked, stop * 1_000, stop * 1_000)).windows
            assert window.rows == ((value, value),)
            assert isinstance(window.rows[0][0], float)


async def test_text_of_another_writer_that_is_no_utf8_is_read_with_replacements(server: InfluxDB) -> None:
    async with store_in(server, bucket := server.new_bucket()) as store:
        server.write(bucket, b'weather,dev=a s="\xff!",f=1 %d' % (T0 * SECOND))
        assert await rows(store, query({"s": ["last"], "f": ["last"]}), 1) == (("�!", 1.0),)


async def test_points_are_read_flat_with_all_their_tags(server: InfluxDB) -> None:
    async with store_in(server, server.new_bucket()) as store:
        await write(store, point(0.2, {"b": "x"}, f=1.0), point(0.1, {"a": "y"}, n=5, f=2.0), point(0.3, other=True))
        start = T0 * SECOND
        read = await store.reader.read_points("weather", ["n", "f", "unknown"], start, start + SECOND)
        assert read.fields == (("n", Kind.INTEGER), ("f", Kind.FLOAT))
        assert read.tags == ("a", "b")
        assert read.rows == [[start + 10**8, 5, 2.0, "y", None], [start + 2 * 10**8, None, 1.0, None, "x"]]
        assert len((await store.reader.read_points("weather", ["f"], start, start + SECOND, limit=1)).rows) == 1
        assert (await store.reader.read_points("weather", ["f"], start, start + 10**8)).rows == []
        assert (await store.reader.read_points("nobody", ["f"], start, start + SECOND)).rows == []


PAYLOADS = [
    '"',
    "'",
    "\\",
    "\\'",
    '\\"',
    "' OR ''='",
    '" OR 1=1 --',
    '\'; DROP MEASUREMENT "weather"; --',
    '"; DROP MEASUREMENT "weather"; SELECT "x',
    '\'); DELETE FROM "weather"; --',
    '\\\'; DROP DATABASE "weather"; --',
    "*",
    "/.*/",
    "weather\0",
    '\0\'; DROP MEASUREMENT "weather"',
    '\r\'; DROP MEASUREMENT "weather"',
    '\n\'; DROP MEASUREMENT "weather"',
    "-- weather",
    "/* weather */",
    "$p0",
    "$tag",
    ":MEASUREMENT",
    '"::field, "temp',
    "%27%3B",
    "\u2028';",
    "‘; DROP SERIES FROM weather",
    "{{weather}}",
    '{"identifier": "weather"}',
    "' AND time < now() --",
    "x' OR dev =~ /.*/ OR dev = 'y",
]


async def test_no_name_or_value_gets_out_of_its_place(server: InfluxDB) -> None:
    async with store_in(server, bucket := server.new_bucket()) as store:
        await write(store, point(0.5, {"dev": "a"}, temp=1.0))
        before = snapshot(server, bucket)
        for payload in PAYLOADS:
            for asked in (
                query({"temp": ["last"]}, payload),
                query({payload: ["last"]}),
                query({"temp": ["last"]}, where={"dev": payload}),
                query({"temp": ["last"]}, where={payload: "a"}),
            ):
                assert await rows(store, asked, 1) == ()
            assert await rows(store, query({"temp": ["last"]}, group_by=[payload]), 1) == ((None, 1.0),)
            assert (await store.schema(payload)).fields == {}
        assert snapshot(server, bucket) == before


async def test_names_and_values_come_back_as_themselves(server: InfluxDB) -> None:
    async with store_in(server, server.new_bucket()) as store:
        storable = [payload for payload in PAYLOADS if "\n" not in payload and not payload.endswith("\\")]
        points = [point(0.5, {"dev": payload}, measurement="m", v=payload) for payload in storable]
        await write(store, *points)
        by_device = await rows(store, query({"v": ["last"]}, "m", group_by=["dev"]), 1)
        assert by_device == tuple((payload, payload) for payload in sorted(storable))
        for payload in storable:
            assert await rows(store, query({"v": ["last"]}, "m", where={"dev": payload}), 1) == ((payload,),)


def snapshot(server: InfluxDB, bucket: str) -> list[Any]:
    """Everything in a bucket, and which buckets there are."""
    return server.query(bucket, "SHOW DATABASES; SHOW MEASUREMENTS; SHOW SERIES; SHOW FIELD KEYS; SELECT * FROM /.*/")
