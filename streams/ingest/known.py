"""What is known of the measurements that are written to: which points contradict the types that their fields have."""

import asyncio
from collections.abc import Iterable

from streams.points import Batch, Reject
from streams.schema import Schema
from streams.stores.base import Store

RELOAD_SECONDS = 1.0
"""A measurement that points contradict is asked of the store again, but not more often than this."""


class Known:
    """The schema of what a store has, learned as it is needed. Every method may raise StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        self.schema = Schema()
        self._store = store
        self._loaded: dict[str, float] = {}

    async def know(self, measurements: Iterable[str]) -> None:
        """Have the schemas of these measurements, asking the store for those that are unknown."""
        for measurement in measurements:
            if not self.schema.knows(measurement):
                self.schema.load(measurement, await self._store.schema(measurement))

    async def conflicts(self, batch: Batch) -> dict[int, Reject]:
        """The points of other types than the store has, by their index."""
        await self.know(self.schema.unknown(batch))
        conflicts = self.schema.conflicts(batch)
        stale = [m for m in {batch.series[i].measurement for i in conflicts} if self._is_stale(m)]
        # Somebody may have dropped the measurement in the database since: the store has the last word.
        for measurement in stale:
            self.schema.load(measurement, await self._store.schema(measurement))
        return self.schema.conflicts(batch) if stale else conflicts

    def _is_stale(self, measurement: str) -> bool:
        now = asyncio.get_running_loop().time()
        if now - self._loaded.get(measurement, -RELOAD_SECONDS) < RELOAD_SECONDS:
            return False
        self._loaded[measurement] = now
        return True
