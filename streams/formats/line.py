"""InfluxDB's line protocol: bytes to points, and points to bytes."""

from collections.abc import Sequence
from functools import lru_cache

from streams.errors import PointRefused
from streams.formats.codes import Code
from streams.formats.line_grammar import BLANK, line_end, nanoseconds, split_line
from streams.formats.line_values import decode_value, encode_text, encode_value, walk_fields
from streams.formats.series import SERIES, decode_name, encode_field_name, series_of
from streams.points import Batch, Point, Reject, Scan, Series, Shape, Value, kind_of

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
                complete = _complete(parts.series, parts.fields, time)
            except PointRefused as refused:
                rejects.append(Reject(number, refused.code, str(refused)))
            else:
                lines.append(complete)
                series.append(parts.series)
                shapes.append(_shape(parts.shape))
                times.append(time)
                numbers.append(number)
        number += raw.count(b"\n") + 1
        start = end + 1
    return Scan(Batch(lines, series, shapes, times, numbers), rejects)


def _complete(series: Series, fields: bytes, time: int) -> bytes:
    """The line that a store gets. PointRefused where it would not stay one line with others after it."""
    if fields.startswith(b"="):
        fields = b"\t" + fields  # an empty field name, which InfluxDB takes behind a tab alone
    line = b"%b %b %d" % (series.key, fields, time)
    if b"\\" in series.key and line_end(line + b"\n", 0) != len(line):
        message = "a quote in this measurement would take in the line after it: remove the backslash or the quote"
        raise PointRefused(Code.INVALID_NAME, message)
    return line


@lru_cache(4_096)
def _shape(shape: Shape) -> Shape:
    return shape


def decode_fields(line: bytes) -> dict[str, Value]:
    """The fields of a line that `scan` or `encode_line` made; of a repeated field the last value."""
    parts = split_line(line)
    return {decode_name(raw): decode_value(word) for raw, word in walk_fields(parts.fields)}


def encode_line(point: Point) -> bytes:
    """The point as a line, with its time in nanoseconds. PointRefused where line protocol cannot say it."""
    encode_text("".join((point.measurement, *point.tags, *point.tags.values(), *point.fields)))
    fields = b",".join(encode_field_name(name) + b"=" + encode_value(value) for name, value in point.fields.items())
    return b"%b %b %d" % (series_of(point.measurement, point.tags.items()).key, fields, point.time)


def batch_of(points: Sequence[Point], numbers: Sequence[int]) -> Batch:
    """A batch of these points; `numbers` say where each starts in its frame. PointRefused as in `encode_line`."""
    return Batch(
        [encode_line(point) for point in points],
        [SERIES[series_of(point.measurement, point.tags.items()).key] for point in points],
        [_shape(tuple((name, kind_of(value)) for name, value in point.fields.items())) for point in points],
        [point.time for point in points],
        numbers,
    )
