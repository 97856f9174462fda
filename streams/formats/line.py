"""InfluxDB's line protocol: bytes to points, and points to bytes."""

from collections.abc import Sequence
from functools import lru_cache

from streams.errors import PointRefused
from streams.formats.line_grammar import BLANK, decode_value, line_end, nanoseconds, split_line, walk_fields
from streams.formats.series import decode_name, encode_field_name, key_end, parse_key, series_of
from streams.points import Batch, Point, Reject, Scan, Series, Shape, Unsigned, Value, kind_of

UNITS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
"""Each precision's unit, in nanoseconds."""


def scan(data: bytes, *, precision: str = "ns", now: int) -> Scan:
    """The points of a frame of line protocol, and the lines that are none.

    `precision` is the unit of the times; `now`, in nanoseconds, is the time of points that have none.
    """
    unit = UNITS[precision]
    lines: list[bytes] = []
    series: list[Series] = []
    shapes: list[Shape] = []
    times: list[int] = []
    numbers: list[int] = []
    rejects: list[Reject] = []
    start, number = 0, 1
    while start < len(data):
        end = line_end(data, start)
        raw = data[start:end]
        line = (raw[:-1] if raw.endswith(b"\r") and end < len(data) else raw).lstrip(BLANK)
        if line and not line.startswith(b"#"):
            try:
                parts = split_line(line[:-1] if line.endswith(b"\n") else line)
                time = nanoseconds(parts.time, unit, now)
                one = _series(parts.key)
                complete = _alone(b"%b %b %d" % (one.key, parts.fields, time))
            except PointRefused as refused:
                rejects.append(Reject(number, refused.code, str(refused)))
            else:
                lines.append(complete)
                series.append(one)
                shapes.append(_shape(parts.shape))
                times.append(time)
                numbers.append(number)
        number += raw.count(b"\n") + 1
        start = end + 1
    return Scan(Batch(lines, series, shapes, times, numbers), rejects)


def _alone(line: bytes) -> bytes:
    """The line, if it stays one line when others follow it."""
    if (b'"' in line or b"\\" in line) and line_end(line + b"\n", 0) != len(line):
        raise PointRefused("invalid_name", "a quote in this line would take in the line after it: remove or escape it")
    return line


@lru_cache(50_000)
def _series(key: bytes) -> Series:
    return parse_key(key)


@lru_cache(4_096)
def _shape(shape: Shape) -> Shape:
    return shape


def decode_fields(line: bytes) -> dict[str, Value]:
    """The fields of a line that `scan` or `encode_line` made; of a repeated field the last value."""
    start = key_end(line) + 1
    stop = line.rindex(b" ")
    return {decode_name(raw): decode_value(word) for raw, word in walk_fields(line[start:stop])}


def encode_line(point: Point) -> bytes:
    """The point as a line, with its time in nanoseconds."""
    fields = b",".join(encode_field_name(name) + b"=" + _encode_value(value) for name, value in point.fields.items())
    return b"%b %b %d" % (series_of(point.measurement, point.tags.items()).key, fields, point.time)


def _encode_value(value: Value) -> bytes:
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, Unsigned):
        return b"%du" % value
    if isinstance(value, int):
        return b"%di" % value
    if isinstance(value, float):
        return repr(value).encode()
    return b'"' + value.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'


def batch_of(points: Sequence[Point], numbers: Sequence[int]) -> Batch:
    """A batch of points that are known to be good; `numbers` say where each starts in its frame."""
    return Batch(
        [encode_line(point) for point in points],
        [_series(series_of(point.measurement, point.tags.items()).key) for point in points],
        [_shape(tuple((name, kind_of(value)) for name, value in point.fields.items())) for point in points],
        [point.time for point in points],
        numbers,
    )
