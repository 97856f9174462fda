"""How long the embedded store keeps its points: agreed in a small file beside the database, carried out by deletion.

The file is there because nobody but the hub can open the database while it runs: `pxl-hub streams apply` writes it,
and the hub reads it each time it deletes.
"""

import asyncio
import logging
import os
from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec

from streams.clock import Clock
from streams.disk import sync_directory
from streams.errors import StoreMisconfigured, StreamsError
from streams.points import NANOSECONDS

log = logging.getLogger(__name__)

EVERY_MS = 60_000


class _Agreed(msgspec.Struct):
    retention_ms: int | None


_decode = msgspec.json.Decoder(_Agreed).decode


class DuckDBBucket:
    """A `streams.retention.Bucket`: that of the database in this file."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(f"{database.name}.retention")

    async def retention(self) -> int | None:
        """As the contract says."""
        return await asyncio.to_thread(self._load)

    async def set_retention(self, retention_ms: int | None) -> None:
        """As the contract says; the hub, if it runs, begins within a minute. StoreMisconfigured."""
        await asyncio.to_thread(self._save, retention_ms)

    def _load(self) -> int | None:
        try:
            return _decode(self._path.read_bytes()).retention_ms
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise StoreMisconfigured(f"{self._path} cannot be read: {error}; points are kept until it can") from error

    def _save(self, retention_ms: int | None) -> None:
        new = self._path.with_name(f"{self._path.name}.new")
        try:
            with new.open("wb") as file:
                file.write(msgspec.json.encode(_Agreed(retention_ms)))
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._path)
            sync_directory(self._path.parent)
        except OSError as error:
            raise StoreMisconfigured(f"{self._path} cannot be written: {error.strerror or error}") from error


class Agreed:
    """A retention that is not kept anywhere: that of a database in memory, which has nothing to lose."""

    def __init__(self, retention_ms: int | None) -> None:
        self._retention_ms = retention_ms

    async def retention(self) -> int | None:
        """As the contract says."""
        return self._retention_ms


class Bucket(Protocol):
    """Whom to ask how long points are kept."""

    async def retention(self) -> int | None: ...


@runtime_checkable
class Expiring(Protocol):
    """A store that deletes its points itself."""

    async def expire(self, before_ns: int) -> int:
        """Delete the points before this time; how many they were."""


async def expire(store: Expiring, bucket: Bucket, clock: Clock) -> None:
    """Delete points that are too old, each minute, until cancelled."""
    while True:
        try:
            if retention := await bucket.retention():
                gone = await store.expire((clock.now() - retention) * NANOSECONDS)
                if gone:
                    log.info("%d points have expired", gone)
        except StreamsError as error:
            log.warning("points that should expire are kept: %s", error)
        await clock.sleep_until(clock.now() + EVERY_MS)
