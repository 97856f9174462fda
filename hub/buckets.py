"""The buckets that the configuration speaks of: those that rollups are written to, and how long each keeps points."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from hub.settings import Settings, duckdb_path
from streams.definitions import line_of, load_definitions, load_retention
from streams.errors import DefinitionInvalid
from streams.retention import Bucket
from streams.rollups import Rollup
from streams.stores.base import Store
from streams.stores.duckdb_retention import DuckDBBucket

DUCKDB = "duckdb"
"""What the embedded store's only bucket is called."""

OTHERS = ("hub",)
"""Tables of the configuration file that are no definitions."""


def is_influxdb(settings: Settings) -> bool:
    """Whether the store is an InfluxDB."""
    return settings.store.startswith("influxdb:")


def load_rollups(settings: Settings) -> list[Rollup]:
    """What the streams of the configuration file are rolled up into; a `bucket` is one that is not the hub's own.

    DefinitionInvalid names line and reason.
    """
    if not settings.config:
        return []
    path = Path(settings.config)
    streams = load_definitions(path, OTHERS).values()
    return [_placed(settings, path, stream.rollup) for stream in streams if stream.rollup]


def load_wanted(settings: Settings) -> dict[str, int | None]:
    """How long each bucket is to keep its points, milliseconds, None for ever. DefinitionInvalid as above."""
    if not settings.config:
        return {}
    path = Path(settings.config)
    wanted = load_retention(path, OTHERS)
    for bucket in wanted:
        if not is_influxdb(settings) and bucket != DUCKDB:
            line = line_of(path, "retention", bucket)
            raise DefinitionInvalid(
                f"{path}:{line}: retention.{bucket}: the embedded store's bucket is called {DUCKDB}"
            )
    return wanted


def make_bucket_store(settings: Settings, bucket: str) -> Store:
    """A store in another bucket of the hub's InfluxDB, not yet open."""
    from streams.stores.influxdb import InfluxDBStore

    url = settings.store.partition(":")[2]
    return InfluxDBStore(url, settings.influx_token, settings.influx_org, bucket)


@asynccontextmanager
async def open_bucket(settings: Settings, name: str) -> AsyncIterator[Bucket]:
    """The bucket of this name, to be asked and told how long it keeps its points."""
    if file := database_file(settings):
        yield DuckDBBucket(file)
        return
    from streams.stores.influxdb_retention import InfluxDBBucket

    url = settings.store.partition(":")[2]
    async with InfluxDBBucket(url, settings.influx_token, settings.influx_org, name) as bucket:
        yield bucket


def database_file(settings: Settings) -> Path | None:
    """The file of the embedded store; None where there is none."""
    return None if is_influxdb(settings) else duckdb_path(settings)


def _placed(settings: Settings, path: Path, rollup: Rollup) -> Rollup:
    if rollup.bucket is None:
        return rollup
    reason = ""
    if not is_influxdb(settings):
        reason = f"the embedded store has no buckets; write into = {rollup.measurement!r}, or use InfluxDB"
    elif rollup.bucket == settings.influx_bucket and rollup.measurement == rollup.query.measurement:
        reason = f"{rollup.into!r} is what the stream reads; name another measurement"
    if reason:
        line = line_of(path, "streams", rollup.stream, "into")
        raise DefinitionInvalid(f"{path}:{line}: {rollup.stream}.into: {reason}")
    return replace(rollup, bucket=None) if rollup.bucket == settings.influx_bucket else rollup
