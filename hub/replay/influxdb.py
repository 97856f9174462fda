"""A range of times of an InfluxDB as a source."""

from collections.abc import AsyncGenerator, Collection, Sequence
from typing import NamedTuple

from hub.replay.parts import Part, SourceUnreadable
from streams.errors import PointRefused, StreamsError
from streams.formats.line import encode_line
from streams.points import TIME_MAX, TIME_MIN, Kind, Point, Unsigned
from streams.stores.influxdb_queries import Script
from streams.stores.influxdb_read import RawPoints, Reader
from streams.stores.influxdb_server import Server

MOST_POINTS = 5_000
"""Points of one measurement in one read: some megabytes, and some milliseconds of the server's time."""
FIRST_STEP_NS = 60 * 10**9


class _Read(NamedTuple):
    points: RawPoints
    until: int


class InfluxDBRange:
    """The points of `[start, stop)`, nanoseconds, in order of time; a place is a time. The server must be open.

    Without a start it begins with the first point. `only` names the measurements, all if there are none.
    """

    def __init__(self, server: Server, only: Collection[str], start: int | None, stop: int) -> None:
        self.name = f"{server.name} {server.organization} {server.bucket}"
        self._server = server
        self._reader = Reader(server)
        self._only = only
        self._start = start
        self._stop = stop

    async def parts(self, place: int | None) -> AsyncGenerator[Part, None]:
        """As `Source.parts`. What the server has of old times must not change meanwhile, or it may be missed."""
        try:
            async for part in self._parts(place):
                yield part
        except StreamsError as error:
            raise SourceUnreadable(str(error)) from None

    async def _parts(self, place: int | None) -> AsyncGenerator[Part, None]:
        fields = await self._measurements()
        first = place if place is not None else await self._first(fields)
        if first is None:
            return
        began = first if self._start is None else self._start
        length = max(1, self._stop - began)
        step = FIRST_STEP_NS
        while first < self._stop:
            until = min(first + step, self._stop)
            reads = []
            for measurement, names in fields.items():
                read = await self._read(measurement, names, first, until)
                reads.append(read.points)
                until = read.until
            part = _part(reads, until, min(1.0, (until - began) / length))
            yield part
            step = _next_step(step, until - first, len(part.lines))
            first = until

    async def _measurements(self) -> dict[str, Sequence[str]]:
        """The fields of each measurement."""
        names = self._only
        if not names:
            script = Script()
            script.show_measurements()
            names = [name for (name,) in (await self._server.query(script)).rows(0)]
        return {name: tuple((await self._reader.schema(name)).fields) for name in names}

    async def _first(self, fields: dict[str, Sequence[str]]) -> int | None:
        if self._start is not None:
            return self._start
        times = []
        for measurement, names in fields.items():
            found = await self._reader.read_points(measurement, names, TIME_MIN, self._stop, limit=1)
            times += [row[0] for row in found.rows]
        return min(times, default=None)

    async def _read(self, measurement: str, fields: Sequence[str], first: int, until: int) -> _Read:
        """All points of a measurement from `first` on, up to `until` or to where there are too many for one read."""
        read = self._reader.read_points
        points = await read(measurement, fields, first, until, limit=MOST_POINTS)
        if len(points.rows) < MOST_POINTS:
            return _Read(points, until)
        # The points of the last time may be cut off: they belong to the next read, unless there is no other time.
        last = points.rows[-1][0]
        if last > first:
            return _Read(points, last)
        return _Read(await read(measurement, fields, first, min(first + 1, TIME_MAX)), first + 1)


def _next_step(step: int, read: int, points: int) -> int:
    """How far to read next, after `read` of a `step` had so many points: so that it brings half of what it may.

    A gap is crossed in a few steps, and a crowd at one time does not make the steps small that follow.
    """
    if points * 2 >= MOST_POINTS:
        return max(read, step // 8, 1)
    return step * (2 if points else 8)


def _part(reads: Sequence[RawPoints], until: int, done: float) -> Part:
    """The points before `until`, in order of time; what the encoding refuses InfluxDB could not have told us."""
    found: list[tuple[int, bytes, str]] = []
    for read in reads:
        kinds = [kind for _, kind in read.fields]
        names = [name for name, _ in read.fields]
        for row in read.rows:
            if row[0] >= until:
                break
            values = zip(names, kinds, row[1 : len(names) + 1], strict=True)
            point = Point(
                read.measurement,
                {tag: value for tag, value in zip(read.tags, row[len(names) + 1 :], strict=True) if value},
                {n: Unsigned(v) if kind is Kind.UNSIGNED else v for n, kind, v in values if v is not None},
                row[0],
            )
            found.append((row[0], _encoded(point), read.measurement))
    found.sort(key=lambda item: item[0])
    times = [time for time, _, _ in found]
    # A place is a time, and several points may have the same: going on there sends them again.
    return Part([line for _, line, _ in found], [name for _, _, name in found], times, times, until, done)


def _encoded(point: Point) -> bytes:
    try:
        return encode_line(point)
    except PointRefused as error:
        raise SourceUnreadable(f"a point of {point.measurement!r} cannot be written as a line: {error}") from None
