"""How long a bucket of InfluxDB keeps its points: a rule of the bucket in 2.x, a retention policy's duration in 1.x."""

import re
from types import TracebackType
from typing import Any, Self

from streams.errors import StoreMisconfigured
from streams.stores.influxdb_queries import Script
from streams.stores.influxdb_server import Server

_TIMEOUT = 30
_HOUR, _DAY = 3_600, 86_400
_SHARDS = ((2 * _DAY, _HOUR), (183 * _DAY, _DAY))
"""InfluxDB's own choice: up to which retention a shard, which is deleted as a whole, has which length; seconds."""


class InfluxDBBucket:
    """A `streams.retention.Bucket`, in a 1.x `DATABASE` or `DATABASE/POLICY`. Use it as a context manager.

    Points go shard by shard, so a bucket keeps up to a shard's length more than it was told.
    """

    def __init__(self, url: str, token: str, organization: str, bucket: str) -> None:
        self._server = Server(url, token, organization, bucket, write_timeout=_TIMEOUT, read_timeout=_TIMEOUT)
        self._name = bucket

    async def __aenter__(self) -> Self:
        await self._server.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.close()

    async def retention(self) -> int | None:
        """As the contract says."""
        if bucket := await self._bucket():
            seconds = sum(int(rule["everySeconds"]) for rule in bucket["retentionRules"])
        else:
            seconds = _seconds((await self._policy())[1])
        return seconds * 1_000 or None

    async def set_retention(self, retention_ms: int | None) -> None:
        """As the contract says; the length of new shards is InfluxDB's own choice for this retention."""
        seconds = (retention_ms or 0) // 1_000
        shard = shard_seconds(seconds)
        if bucket := await self._bucket():
            rule = {"type": "expire", "everySeconds": seconds, "shardGroupDurationSeconds": shard}
            await self._server.patch(f"/api/v2/buckets/{bucket['id']}", {"retentionRules": [rule]})
            return
        script = Script()
        script.alter_policy(self._name.partition("/")[0], (await self._policy())[0], seconds, shard)
        await self._server.query(script)

    async def _bucket(self) -> dict[str, Any] | None:
        """The bucket as 2.x has it; None where this is a 1.x, or has no such bucket."""
        asked = {"name": self._name}
        if self._server.organization:
            asked["org"] = self._server.organization
        found = await self._server.get("/api/v2/buckets", asked)
        return next(iter(found.get("buckets", ())), None) if found else None

    async def _policy(self) -> list[Any]:
        """The retention policy of a 1.x. StoreMisconfigured where there is none."""
        database, _, policy = self._name.partition("/")
        script = Script()
        script.show_policies(database)
        for row in (await self._server.query(script)).rows(0):
            if row[0] == policy or (not policy and row[-1]):
                return row
        raise StoreMisconfigured(f"{self._server.name} has no bucket {self._name!r}; create it first")


def shard_seconds(retention_seconds: int) -> int:
    """How much time a shard has, where points are kept for so long; 0 is for ever."""
    if retention_seconds:
        for up_to, shard in _SHARDS:
            if retention_seconds < up_to:
                return shard
    return 7 * _DAY


def _seconds(duration: str) -> int:
    """The seconds of a duration as Go writes it: `168h0m0s`."""
    parts = re.findall(r"(\d+)([hms])", duration)
    return sum(int(number) * {"h": 3_600, "m": 60, "s": 1}[unit] for number, unit in parts)
