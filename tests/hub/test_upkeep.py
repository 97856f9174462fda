"""A whole hub on DuckDB: its rollup, its retention, and what of the configuration cannot be."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from hub.buckets import load_rollups, load_wanted
from hub.parts import Hub
from hub.settings import Settings
from streams.errors import DefinitionInvalid
from streams.formats.line import batch_of
from streams.points import NANOSECONDS, Point
from streams.queries import parse_query
from streams.stores.base import Store

pytestmark = pytest.mark.anyio

STREAM = """\
[streams.weather]
measurement = "weather"
select = { temp = ["mean", "p99.9"] }
group_by = ["dev"]
every = "100ms"
grace = "0s"
into = "INTO"
"""
HOUR = 3_600_000


def settings(folder: Path, text: str, store: str = "duckdb::memory:", bucket: str = "") -> Settings:
    (folder / "hub.toml").write_text(text)
    return Settings(store=store, data_folder=str(folder), config=str(folder / "hub.toml"), influx_bucket=bucket)


async def counted(store: Store, measurement: str, field: str, now: int) -> int:
    query = parse_query(measurement=measurement, select={field: ["count"]}, every="3h")
    stop = now - now % query.every_ms + query.every_ms
    return sum(window.points for window in (await store.answer(query, stop - query.every_ms, stop)).windows)


async def test_final_windows_come_into_the_target(tmp_path: Path) -> None:
    configured = settings(tmp_path, STREAM.replace("INTO", "weather_100ms"))
    hub = Hub(replace(configured, correct_for=60_000))  # from so long ago on the rollup begins
    await hub.store.open()
    now = time.time_ns() // NANOSECONDS
    points = [Point("weather", {"dev": dev}, {"temp": 1.0}, now * NANOSECONDS) for dev in "ab"]
    await hub.store.write(batch_of(points, range(2)))
    async with hub.running():
        async with asyncio.timeout(10):
            while await counted(hub.store, "weather_100ms", "temp_p99_9", now) < 2:
                await asyncio.sleep(0.05)
        schema = await hub.store.schema("weather_100ms")
        assert (sorted(schema.fields), schema.tags) == (["temp_mean", "temp_p99_9"], frozenset({"dev"}))


async def test_a_store_in_memory_forgets_as_the_file_says(tmp_path: Path) -> None:
    hub = Hub(settings(tmp_path, '[retention]\nduckdb = "1h"\n'))
    await hub.store.open()
    now = time.time_ns() // NANOSECONDS
    points = [Point("m", {}, {"v": 1}, (now - age) * NANOSECONDS) for age in (1_000, HOUR - 60_000, HOUR + 60_000)]
    await hub.store.write(batch_of(points, range(3)))
    async with hub.running(), asyncio.timeout(10):
        while await counted(hub.store, "m", "v", now) > 2:
            await asyncio.sleep(0.02)
        assert await counted(hub.store, "m", "v", now) == 2


async def test_a_file_forgets_nothing_that_was_not_applied(tmp_path: Path) -> None:
    hub = Hub(settings(tmp_path, '[retention]\nduckdb = "1h"\n', store=f"duckdb:{tmp_path / 'points.duckdb'}"))
    await hub.store.open()
    now = time.time_ns() // NANOSECONDS
    point = Point("m", {}, {"v": 1}, (now - HOUR - 1_000) * NANOSECONDS)
    await hub.store.write(batch_of([point], range(1)))
    async with hub.running():
        await asyncio.sleep(0.1)
        assert await counted(hub.store, "m", "v", now) == 1


def test_the_hubs_own_bucket_may_be_named(tmp_path: Path) -> None:
    influxdb = ("influxdb:http://127.0.0.1:1", "sensors")
    [own] = load_rollups(settings(tmp_path, STREAM.replace("INTO", "sensors/weather_1s"), *influxdb))
    assert (own.bucket, own.measurement) == (None, "weather_1s")
    [other] = load_rollups(settings(tmp_path, STREAM.replace("INTO", "long/weather"), *influxdb))
    assert (other.bucket, other.measurement) == ("long", "weather")
    with pytest.raises(
        DefinitionInvalid, match=r"hub\.toml:7: weather\.into: 'sensors/weather' is what the stream reads"
    ):
        load_rollups(settings(tmp_path, STREAM.replace("INTO", "sensors/weather"), *influxdb))


def test_without_a_file_there_is_neither() -> None:
    assert load_rollups(Settings()) == []
    assert load_wanted(Settings()) == {}
