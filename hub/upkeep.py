"""What a worker does beside taking points and sending windows: rollups, the audit, an embedded store's retention."""

from collections.abc import Coroutine, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from hub.buckets import DUCKDB, database_file, is_influxdb, load_rollups, load_wanted, make_bucket_store
from hub.metrics import Metrics
from hub.settings import Settings
from streams.clock import Clock
from streams.engine import Engine
from streams.engine.audit import Audit
from streams.engine.positions import PositionFile
from streams.engine.reader import Answering
from streams.engine.rolled import RolledUp, Target
from streams.engine.rollup import PIECE, Follower, roll_up
from streams.errors import StoreMisconfigured
from streams.host import Host
from streams.ingest.commit import Ingest
from streams.ingest.targets import OtherBucket, ThroughIngest
from streams.rollups import Rollup
from streams.stores.base import Store, innermost
from streams.stores.duckdb_retention import Agreed, DuckDBBucket, Expiring, expire


class Upkeep:
    """Made before the engine, which reads the past from `past`; `folder` is for what the host's workers share.

    DefinitionInvalid where the configuration cannot be used.
    """

    def __init__(self, settings: Settings, store: Store, host: Host, clock: Clock, folder: Path) -> None:
        self._settings = settings
        self._host = host
        self._clock = clock
        self._store = store
        self._behind = innermost(store)
        self._rollups = [(rollup, PositionFile(folder, rollup)) for rollup in load_rollups(settings)]
        buckets = {rollup.bucket for rollup, _ in self._rollups if rollup.bucket}
        self._buckets = {bucket: make_bucket_store(settings, bucket) for bucket in buckets}
        self._retention = None if is_influxdb(settings) else load_wanted(settings).get(DUCKDB)

    def past(self) -> Answering:
        """What history is read from: the store, and the targets of rollups."""
        targets = [
            Target(rollup, position, self._buckets.get(rollup.bucket or "", self._behind))
            for rollup, position in self._rollups
        ]
        return RolledUp(self._store, targets, self._host, self._clock, self._settings.correct_for)

    async def open(self) -> None:
        """Open the other buckets. One that is not there holds up its own rollup alone, which says so."""
        for bucket in self._buckets.values():
            with suppress(StoreMisconfigured):
                await bucket.open()

    async def close(self) -> None:
        """Let go of them."""
        for bucket in self._buckets.values():
            await bucket.close()

    def work(self, engine: Engine, ingest: Ingest, metrics: Metrics) -> Iterator[Coroutine[Any, Any, None]]:
        """What is to run for as long as the hub does."""
        if self._rollups:
            yield roll_up([self._follower(*rollup, engine, ingest) for rollup in self._rollups], self._host)
        if self._settings.audit_every:
            audit = Audit(engine, self._behind, self._host, self._clock, every_ms=self._settings.audit_every)
            audit.on_audit = metrics.audited
            yield audit.run()
        if isinstance(self._behind, Expiring):
            file = database_file(self._settings)
            # In memory there is nothing to lose by a mistake: the file's word is enough.
            yield expire(self._behind, DuckDBBucket(file) if file else Agreed(self._retention), self._clock)

    def _follower(self, rollup: Rollup, position: PositionFile, engine: Engine, ingest: Ingest) -> Follower:
        bucket = self._buckets.get(rollup.bucket or "")
        return Follower(
            rollup,
            engine,
            OtherBucket(bucket, rollup.stream) if bucket else ThroughIngest(ingest, rollup.stream),
            position,
            schema=self._store.schema,
            clock=self._clock,
            correct_for_ms=self._settings.correct_for,
            piece=min(PIECE, self._settings.max_history),
        )
