"""InfluxDB's line protocol: bytes to points, and points to bytes."""

from collections.abc import Sequence

from streams.errors import PointRefused
from streams.formats.codes import Code
from streams.formats.line_forms import FORMS, LEARNED_KEY_BYTES, scan_columns
from streams.formats.line_grammar import BLANK, line_end, nanoseconds, split_line
from streams.formats.line_values import encode_text, encode_value, walk_values
from streams.formats.series import SERIES, encode_field_name, series_of
from streams.points import TIME_MAX, Batch, Point, Reject, Scan, Series, Shape, Value, kind_of

UNITS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
"""Each precision's unit, in nanoseconds."""
UNITS_V1 = {**UNITS, "m": 60 * UNITS["s"], "h": 3_600 * UNITS["s"]}
"""Those that InfluxDB 1 knows besides, too."""

_BACKSLASH = ord("\\")
_COLUMN_BYTES = 512  # in a shorter frame, columns cost more than they save


def scan(data: bytes, *, precision: str = "ns", now: int) -> Scan:
    """The points of a frame of line protocol, and the lines that are none.

    `precision` is the unit of the times; `now`, in nanoseconds, is the time of points that have none.
    """
    unit = UNITS_V1[precision]
    text = _is_text(data)
    plain = scan_columns(data, unit) if text and len(data) >= _COLUMN_BYTES else None
    return Scan(plain, []) if plain else _Lines(data, unit, now).scan(text)


def _is_text(data: bytes) -> bool:
    try:
        return data.isascii() or data.decode() != ""
    except UnicodeDecodeError:
        return False


class _Lines:
    """A frame read line by line: those that match the form last seen for their key, and the others with care."""

    def __init__(self, data: bytes, unit: int, now: int) -> None:
        self.data, self.unit, self.now = data, unit, now
        self.lines: list[bytes] = []
        self.series: list[Series] = []
        self.shapes: list[Shape] = []
        self.times: list[int] = []
        self.numbers: list[int] = []
        self.rejects: list[Reject] = []

    def scan(self, text: bool) -> Scan:
        """All points. Only a frame that is `text`, UTF-8 as a whole, is matched against forms."""
        start, number = 0, 1
        while start < len(self.data):
            if text:
                start, number = self._match(start, number)
            stop = self._read(start, number)
            number += self.data.count(b"\n", start, stop)
            start = stop
        return Scan(Batch(self.lines, self.series, self.shapes, self.times, self.numbers), self.rejects)

    def _match(self, start: int, number: int) -> tuple[int, int]:
        """Take the lines from here on while they match the form last seen for their key: where the next one starts."""
        data, unit, forms = self.data, self.unit, FORMS.of_key
        now = self.now - self.now % unit
        while True:
            key_end = data.find(b" ", start, start + LEARNED_KEY_BYTES)
            while key_end > start and data[key_end - 1] == _BACKSLASH:
                key_end = data.find(b" ", key_end + 1, start + LEARNED_KEY_BYTES)
            key = data[start:key_end]
            form = forms.get(key)
            found = form and form.rest.match(data, key_end + 1)
            if not form or not found:
                return start, number
            word = found[2]
            time = int(word) * unit if word else now
            if not -TIME_MAX <= time <= TIME_MAX:
                return start, number
            as_sent = word and unit == 1
            self.lines.append(data[start : found.end(2)] if as_sent else b"%b %d" % (data[start : found.end(1)], time))
            self.series.append(SERIES[key])
            self.shapes.append(form.shape)
            self.times.append(time)
            self.numbers.append(number)
            number += data.count(b"\n", start, found.end())
            start = found.end()

    def _read(self, start: int, number: int) -> int:
        """Take or reject the line that starts here: where the next one starts."""
        end = line_end(self.data, start)
        line = self.data[start:end]
        if line.endswith(b"\r") and end < len(self.data):
            line = line[:-1]
        line = line.lstrip(BLANK)
        if line and not line.startswith(b"#"):
            try:
                parts = split_line(line.removesuffix(b"\n"))
                time = nanoseconds(parts.time, self.unit, self.now)
                whole = _whole_line(parts.series, parts.fields, time)
            except PointRefused as refused:
                self.rejects.append(Reject(number, refused.code, str(refused)))
            else:
                self._add(whole, parts.series, FORMS.learn(parts), time, number)
        return min(end + 1, len(self.data))

    def _add(self, line: bytes, series: Series, shape: Shape, time: int, number: int) -> None:
        self.lines.append(line)
        self.series.append(series)
        self.shapes.append(shape)
        self.times.append(time)
        self.numbers.append(number)


def _whole_line(series: Series, fields: bytes, time: int) -> bytes:
    """The line that a store gets. PointRefused where it would not stay one line with others after it."""
    if fields.startswith(b"="):
        fields = b"\t" + fields  # an empty field name, which InfluxDB takes behind a tab alone
    line = b"%b %b %d" % (series.key, fields, time)
    if (b"\\" in series.key or b"\n" in line) and line_end(line + b"\n", 0) != len(line):
        message = "a quote in a name would take in the line after this one: remove it, or the backslash before it"
        raise PointRefused(Code.INVALID_NAME, message)
    return line


def decode_fields(line: bytes) -> dict[str, Value]:
    """The fields of a line that `scan` or `encode_line` made; of a repeated field the last value."""
    if b"\\" in line or b" \t=" in line:
        return dict(walk_values(split_line(line).fields))
    return dict(walk_values(line[line.index(b" ") + 1 : line.rindex(b" ")]))


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
        [FORMS.intern(tuple((name, kind_of(value)) for name, value in point.fields.items())) for point in points],
        [point.time for point in points],
        numbers,
    )
