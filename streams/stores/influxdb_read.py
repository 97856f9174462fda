"""Reading points from InfluxDB as they are: one flat statement, all tags beside the fields asked for.

What the server has of a measurement can change between two reads, and a statement that misses a new tag would take
two series for one. So the schema is asked for in the same request, after the points; when it is not the one that the
statement was made for, the points are read again.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

from streams.points import Kind
from streams.queries import Conditions, Query
from streams.stores.base import MeasurementSchema
from streams.stores.influxdb_queries import Script, read_as, schema_of
from streams.stores.influxdb_server import Reply, Server

_NOTHING = MeasurementSchema({}, frozenset())


@dataclass(frozen=True, slots=True)
class RawPoints:
    """Points of one measurement in order of time, each with at least one of the fields.

    A row is `[time, values of fields…, values of tags…]`, nanoseconds first, None where there is no value; a value
    has the type of its field's kind. All tags of the measurement are there, so that equal tags mean one series.
    """

    measurement: str
    fields: tuple[tuple[str, Kind], ...]
    tags: tuple[str, ...]
    rows: list[list[Any]]
    query: str

    def between(self, start_ns: int, stop_ns: int) -> "RawPoints":
        """Those of the points in `[start_ns, stop_ns)`."""
        first, last = (bisect_left(self.rows, time, key=itemgetter(0)) for time in (start_ns, stop_ns))
        return self if last - first == len(self.rows) else replace(self, rows=self.rows[first:last])

    def count_series(self) -> int:
        """How many series these points belong to."""
        end = len(self.fields) + 1
        return len({tuple(row[end:]) for row in self.rows})


class Reader:
    """Reads points from a server, and remembers the schemas of the measurements it has read."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._schemas: dict[str, MeasurementSchema] = {}

    async def schema(self, measurement: str) -> MeasurementSchema:
        """What the server has of a measurement now."""
        script = Script()
        script.show_schema(measurement)
        return self._learn(measurement, await self._server.query(script), 0)

    async def schema_of(self, measurement: str, where: Conditions) -> MeasurementSchema:
        """What the server has now of the series of a measurement that meet the conditions."""
        script = Script()
        script.show_schema(measurement, where)
        reply = await self._server.query(script)
        known = schema_of(reply.rows(0), reply.rows(1))
        fields = sorted(known.fields)
        if not fields or not known.tags:
            return _NOTHING
        script = Script()
        script.select_last(measurement, fields, where)
        rows = (await self._server.query(script)).rows(0)
        found = [name for name, value in zip(fields, rows[0][1:], strict=True) if value is not None] if rows else []
        return MeasurementSchema({name: known.fields[name] for name in found}, known.tags if found else frozenset())

    async def read_points(
        self,
        measurement: str,
        fields: Sequence[str],
        start_ns: int,
        stop_ns: int,
        *,
        where: Query | None = None,
        limit: int | None = None,
    ) -> RawPoints:
        """The points in `[start_ns, stop_ns)` that have one of these fields, the first `limit` of them.

        `where` is a query whose conditions they meet. A field that is not stored yet is left out.
        """
        known = self._schemas.get(measurement) or await self.schema(measurement)
        while True:
            kinds = {name: read_as(known.fields[name]) for name in fields if name in known.fields}
            tags = tuple(sorted(known.tags))
            if not kinds:
                newer = await self.schema(measurement)
                if not any(name in newer.fields for name in fields):
                    return RawPoints(measurement, (), tags, [], "")
                known = newer
                continue
            script = Script()
            chosen = {name: kind if len(known.fields[name]) > 1 else "field" for name, kind in kinds.items()}
            script.select_points(measurement, chosen, tags, (start_ns, stop_ns), where=where, limit=limit)
            text = script.explained()
            script.show_schema(measurement)
            reply = await self._server.query(script)
            newer = self._learn(measurement, reply, 1)
            if newer.tags == known.tags and all(newer.fields.get(f) == known.fields.get(f) for f in fields):
                rows = reply.rows(0) if reply.typed else _typed(reply.rows(0), tuple(kinds.values()))
                return RawPoints(measurement, tuple(kinds.items()), tags, rows, text)
            known = newer

    def _learn(self, measurement: str, reply: Reply, first: int) -> MeasurementSchema:
        schema = schema_of(reply.rows(first), reply.rows(first + 1))
        if schema == _NOTHING:
            self._schemas.pop(measurement, None)  # names that nobody has written would pile up
        else:
            self._schemas[measurement] = schema
        return schema


def _typed(rows: list[list[Any]], kinds: Sequence[Kind]) -> list[list[Any]]:
    """The same rows with floats where JSON wrote 1.0 as 1."""
    for position, kind in enumerate(kinds, 1):
        if kind is Kind.FLOAT:
            for row in rows:
                if row[position] is not None:
                    row[position] = float(row[position])
    return rows
