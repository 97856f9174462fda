"""InfluxDB's line protocol: bytes to points, and points to bytes.

What InfluxDB 2.9.1 takes is taken here, with the same value, and what it refuses is refused. Known exceptions:
- a line may end in CR LF;
- text that is not UTF-8 is refused, and so is a string with anything beside its closing quote: a line of that kind
  can end InfluxDB's process;
- a quote in a name that would take in the line after it is refused: InfluxDB takes it at the end of a request only;
- a field called `time` refuses its point as a whole: InfluxDB answers 422 and stores the other fields;
- `a\\=b`, `a\\"b` as measurements and a tag's value in `t==x` are passed on in the spelling that InfluxDB can find.
"""

import re
import sys
from collections.abc import Iterator

from streams.errors import FrameUnreadable, PointRefused
from streams.formats.columns import Columns, in_steps, joined
from streams.formats.line_encode import batch_of, encode_line
from streams.formats.line_forms import FORMS, scan_columns
from streams.formats.line_grammar import BLANK, POINTLESS, end_of, line_end, nanoseconds, split_line, whole_line
from streams.formats.line_pieces import pieces
from streams.formats.line_values import walk_values
from streams.formats.series import KEPT_BYTES, SERIES
from streams.points import NO_POINTS, TIME_MAX, Batch, Reject, Scan, Value

__all__ = ["UNITS", "batch_of", "decode_fields", "encode_line", "plain", "scan", "steps"]

UNITS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
"""Each precision's unit, in nanoseconds."""
UNITS_V1 = {**UNITS, "m": 60 * UNITS["s"], "h": 3_600 * UNITS["s"]}
"""Those that InfluxDB 1 knows besides, too."""

STEP_BYTES, STEP_LINES = 64 * 1024, 1_000
"""About as much is scanned at once."""
STEP_LEAST_BYTES = 16 * 1024
"""Not less, though: lines as short as that are blank. A frame of four million of them took as many thousand turns."""
STEP_AWKWARD = 128
"""So many lines that match no form, or are bad, at once: each takes up to a twentieth of a millisecond."""
AWKWARD_COMMENT = 1 / 4
"""As so much of one counts a comment that may go on in the next line."""

_BACKSLASH = ord("\\")
_ESCAPED_KEY = re.compile(rb"(?:[^ \\\n]++|\\[^\n])*+")
_COLUMN_BYTES = 512  # in a shorter frame, columns cost more than they save


def scan(data: bytes, *, precision: str = "ns", now: int, at_most: int = sys.maxsize) -> Scan:
    """The points of a frame of line protocol, and the lines that are none.

    `precision` is the unit of the times; `now`, in nanoseconds, is the time of points that have none. What follows
    `at_most` points, good or bad, is one reject.
    """
    return joined(_scans(data, precision, now, at_most))


def plain(data: bytes, precision: str, at_most: int = sys.maxsize) -> Batch | None:
    """The points of lines that are all good, plain and timed; None where one is not, or they are too many."""
    few = _is_text(data) and data.count(b"\n") < at_most
    return scan_columns(data, UNITS_V1[precision]) if few else None


def steps(data: bytes, *, precision: str = "ns", now: int, at_most: int = sys.maxsize) -> Iterator[Scan]:
    """As `scan`, in steps of some milliseconds each. A line that is too long to look at ends the frame."""
    lines = 1 + data.count(b"\n")
    if len(data) <= STEP_BYTES and lines <= STEP_LINES:
        yield from _scans(data, precision, now, at_most)
        return
    parts = pieces(data, min(STEP_BYTES, max(STEP_LEAST_BYTES, len(data) * STEP_LINES // lines)))
    try:
        yield from in_steps(parts, lambda part, most: _scans(part, precision, now, most), at_most)
    except FrameUnreadable as error:
        yield Scan(NO_POINTS, [Reject(error.line, error.code, str(error))])


def _scans(data: bytes, precision: str, now: int, at_most: int) -> Iterator[Scan]:
    """One scan of lines that are alike, more where many are not."""
    unit = UNITS_V1[precision]
    text = _is_text(data)
    if text and len(data) >= _COLUMN_BYTES:
        plain = scan_columns(data, unit)
        if plain is not None and len(plain) <= at_most:
            yield Scan(plain, [])
            return
    yield from _Lines(data, unit, now, at_most).scans(text)


def _is_text(data: bytes) -> bool:
    try:
        return data.isascii() or data.decode() != ""
    except UnicodeDecodeError:
        return False


class _Lines:
    """A frame read line by line: those that match the form last seen for their key, and the others with care."""

    def __init__(self, data: bytes, unit: int, now: int, at_most: int) -> None:
        self.data, self.unit, self.now, self.at_most = data, unit, now, at_most
        self.columns = Columns()

    def scans(self, text: bool) -> Iterator[Scan]:
        """All points, after so many awkward lines the next scan; at least one.

        Only a frame that is `text`, UTF-8 as a whole, is matched against forms.
        """
        start, number, awkward = 0, 1, 0.0
        while start < len(self.data):
            if awkward >= STEP_AWKWARD:
                yield self.columns.scan()
                awkward, self.at_most, self.columns = 0, self.at_most - self.columns.count, Columns()
            if text:
                start, number = self._match(start, number)
            stop = end_of(POINTLESS, self.data, start)
            if stop == start < len(self.data):
                line, stop = self._line(start)
                if not line or line.startswith(b"#"):
                    awkward += AWKWARD_COMMENT
                elif self.columns.count >= self.at_most:
                    self.columns.too_many(number)
                    break
                else:
                    awkward += 1
                    self._read(line, number)
            number += self.data.count(b"\n", start, stop)
            start = stop
        yield self.columns.scan()

    def _match(self, start: int, number: int) -> tuple[int, int]:
        """Take the lines from here on while they match the form last seen for their key: where the next one starts."""
        data, unit, forms = self.data, self.unit, FORMS.of_key
        now, add = self.now - self.now % unit, self.columns.add
        for _ in range(self.at_most - self.columns.count):
            key_end = data.find(b" ", start, start + KEPT_BYTES + 1)
            if key_end > start and data[key_end - 1] == _BACKSLASH:
                key_end = end_of(_ESCAPED_KEY, data, start)
            key = data[start : max(key_end, start)]
            form = forms.get(key)
            found = form and form.rest.match(data, key_end + 1)
            if not form or not found:
                break
            word = found[2]
            time = int(word) * unit if word else now
            if not -TIME_MAX <= time <= TIME_MAX:
                break
            as_sent = word and unit == 1
            line = data[start : found.end(2)] if as_sent else b"%b %d" % (data[start : found.end(1)], time)
            add(line, SERIES[key], form.shape, time, number)
            number += data.count(b"\n", start, found.end())
            start = found.end()
        return start, number

    def _line(self, start: int) -> tuple[bytes, int]:
        """The line that starts here, without what is blank around it, and where the next one starts."""
        end = line_end(self.data, start)
        line = self.data[start:end]
        if line.endswith(b"\r") and end < len(self.data):
            line = line[:-1]
        return line.lstrip(BLANK).removesuffix(b"\n"), min(end + 1, len(self.data))

    def _read(self, line: bytes, number: int) -> None:
        """Take or reject the point of this line."""
        try:
            parts = split_line(line)
            time = nanoseconds(parts.time, self.unit, self.now)
            whole = whole_line(parts.series, parts.fields, time)
        except PointRefused as refused:
            self.columns.reject(number, refused)
        else:
            self.columns.add(whole, parts.series, FORMS.learn(parts), time, number)


def decode_fields(line: bytes) -> dict[str, Value]:
    """The fields of a line that `scan` or `encode_line` made; of a repeated field the last value."""
    if b"\\" in line or b" \t=" in line:
        return dict(walk_values(split_line(line).fields))
    return dict(walk_values(line[line.index(b" ") + 1 : line.rindex(b" ")]))
