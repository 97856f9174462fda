"""The InfluxDB store: bytes in as they came, windows out of points read as they are, or of InfluxQL's aggregates."""

import asyncio
import time
from collections.abc import Sequence
from typing import NamedTuple

from streams.errors import BatchRefused, StoreMisconfigured, StoreUnavailable
from streams.lines import text_of
from streams.points import NANOSECONDS, Batch
from streams.queries import Conditions, Query
from streams.stores.base import Answer, AskedAnew, MeasurementSchema, Window
from streams.stores.influxdb_answers import Scratch
from streams.stores.influxdb_queries import Script, has_influxql, read_as, windows_of
from streams.stores.influxdb_read import RawPoints, Reader
from streams.stores.influxdb_server import Server
from streams.stores.interpreter import give_up_soon

BODY_BYTES = 1 << 20
"""A write larger than this is sent in parts: servers and proxies bound a body, and a large one holds up the loop."""

DENSE = 10
"""Points for each series and window from which InfluxQL is cheaper: it costs some 18 µs for each of those and little
for a point, of which reading and answering costs 5 µs."""
DENSE_SECONDS = 60
"""For how long what was dense is taken to be so."""

_READS = 8


class InfluxDBStore(AskedAnew):
    """A `Store` in an InfluxDB 1.8, 2 or 3, with the token, organisation and bucket that it is given.

    With 1.x the bucket is a database, the organisation is ignored and the token is `user:password`, or empty.
    """

    concurrent_writes = 4
    points_for_measurement = 0

    def __init__(
        self,
        url: str,
        token: str,
        organization: str,
        bucket: str,
        *,
        write_timeout: float = 10,
        read_timeout: float = 30,
        points_per_read: int = 20_000,
        most_points: int = 5_000_000,
    ) -> None:
        """Time-outs are seconds for each request. More points than these in one read hold up the loop for longer.

        A window of more than `most_points` is not answered, where that takes its points.
        """
        self._server = Server(url, token, organization, bucket, write_timeout=write_timeout, read_timeout=read_timeout)
        self.name = self._server.name
        self.reader = Reader(self._server)
        self._scratch = Scratch()
        self._points_per_read = points_per_read
        self._most_points = most_points
        self._dense: dict[str, tuple[float, int]] = {}
        # Reads queue here and not for a connection, where they would keep writes waiting.
        self._reads = asyncio.Semaphore(_READS)

    async def open(self) -> None:
        """As the contract says."""
        give_up_soon()
        await self._server.open()
        try:
            await self.check()
            await self._check_reading()
        except StoreUnavailable:
            return

    async def close(self) -> None:
        """As the contract says."""
        await self._server.close()
        await asyncio.to_thread(self._scratch.close)

    async def check(self) -> None:
        """As the contract says: the server checks token, organisation and bucket before it finds no line to write."""
        try:
            await self._server.write(b"")
        except BatchRefused as error:
            raise StoreMisconfigured(f"{self.name} refuses a write of nothing: {error}") from error

    async def write(self, batch: Batch) -> None:
        """As the contract says."""
        await self._write(batch.lines)

    async def answer(self, query: Query, first_stop: int, last_stop: int) -> Answer:
        """As the contract says; `way` is `influxql` where InfluxQL has aggregated any of it, else `duckdb`.

        Where it takes several reads, `query` has the first of that way.
        """
        began = time.perf_counter()
        windows: list[Window] = []
        way = text = ""
        while len(windows) <= (last_stop - first_stop) // query.every_ms:
            async with self._reads:
                part = await self._answer(query, first_stop + len(windows) * query.every_ms, last_stop)
            if not windows or (way, part.way) == ("duckdb", "influxql"):
                way, text = part.way, part.text
            windows += part.windows
        return Answer(windows, way, text, (time.perf_counter() - began) * 1_000)

    async def schema(self, measurement: str, where: Conditions = ()) -> MeasurementSchema:
        """As the contract says."""
        return await (self.reader.schema_of(measurement, where) if where else self.reader.schema(measurement))

    async def measurements(self) -> Sequence[str]:
        """As the contract says."""
        script = Script()
        script.show_measurements()
        return sorted(name for (name,) in (await self._server.query(script)).rows(0))

    async def tag_values(self, measurement: str, tag: str, limit: int, where: Conditions = ()) -> Sequence[str]:
        """As the contract says."""
        script = Script()
        script.show_tag_values(measurement, tag, limit, where)
        return [value for _, value in (await self._server.query(script)).rows(0)]

    async def _check_reading(self) -> None:
        script = Script()
        script.probe()
        await self._server.query(script)
        found = await self._server.get("/api/v2/buckets", {"name": self._server.bucket})
        if found is not None and len(found.get("buckets", ())) > 1:
            # Queries go to the token's own organisation, whichever is named; writes to the one that is named.
            raise StoreMisconfigured(
                f"the token sees a bucket {self._server.bucket!r} in several organisations, and {self.name} would read"
                " another than it writes: set HUB_INFLUX_TOKEN to one for this bucket alone"
            )

    async def _write(self, lines: Sequence[bytes]) -> None:
        body = text_of(lines)
        if len(body) <= BODY_BYTES or len(lines) == 1:
            await self._server.write(body)
        else:
            half = len(lines) // 2
            await self._write(lines[:half])
            await self._write(lines[half:])

    async def _answer(self, query: Query, first: int, last: int) -> "_Part":
        """At least the first window of the range, and as many more as one read has the points of."""
        until, series = self._dense.get(query.key, (0.0, 0))
        if time.monotonic() < until and (part := await self._aggregated(query, series, first, last)):
            return part
        points = await self._read(query, first, last, self._points_per_read)
        complete = last
        if len(points.rows) >= self._points_per_read:
            reached = points.rows[-1][0] // NANOSECONDS
            complete = min(last, reached - reached % query.every_ms)
            series = points.count_series()
            if len(points.rows) >= DENSE * series * max(1, (complete - first) // query.every_ms + 1):
                self._note_dense(query, series)
                if part := await self._aggregated(query, series, first, last):
                    return part
            if complete < first:
                complete = first
                points = await self._read(query, first, first, self._most_points + 1)
                if len(points.rows) > self._most_points:
                    raise StoreUnavailable(
                        f"a window of {query.measurement!r} has more than {self._most_points} points, which may be kept"
                        " in memory: ask for fewer of its series or a shorter window, or raise HUB_TAIL_POINTS"
                    )
        windows, sql = await self._scratch.answer(query, points, first, complete)
        return _Part(windows, "duckdb", ";\n".join(text for text in (points.query, sql) if text))

    async def _read(self, query: Query, first: int, last: int, limit: int | None) -> RawPoints:
        start = (first - query.window_ms) * NANOSECONDS
        return await self.reader.read_points(
            query.measurement, query.fields, start, last * NANOSECONDS, where=query, limit=limit
        )

    def _note_dense(self, query: Query, series: int) -> None:
        """Do not read its points again for a while to find out."""
        now = time.monotonic()
        self._dense = {key: noted for key, noted in self._dense.items() if noted[0] > now}
        self._dense[query.key] = now + DENSE_SECONDS, series

    async def _aggregated(self, query: Query, series: int, first: int, last: int) -> "_Part | None":
        """What InfluxQL gives of it; None where it does not give exactly that."""
        schema = await self.reader.schema(query.measurement)
        if not has_influxql(query, schema):
            return None
        most = max(1, self._points_per_read // series)
        return await self._aggregate(query, schema, first, min(last, first + (most - 1) * query.every_ms))

    async def _aggregate(self, query: Query, schema: MeasurementSchema, first: int, last: int) -> "_Part":
        script = Script()
        script.select_windows(query, first, last)
        reply = await self._server.query(script)
        columns = query.columns({name: read_as(several) for name, several in schema.fields.items()})
        groups = [(series.tags, series.values) for series in reply.statements[0]]
        windows = await asyncio.to_thread(windows_of, query, columns, first, last, groups)
        return _Part(windows, "influxql", script.explained())


class _Part(NamedTuple):
    """The first windows of a range, how they were found and what was asked for them."""

    windows: list[Window]
    way: str
    text: str
