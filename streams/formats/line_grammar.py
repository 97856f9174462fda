"""One line of line protocol, read with care: the grammar as InfluxDB 2.9.1 reads it, its oddities included.

InfluxDB looks at a line three times, each time with another idea of an escape, and so does the hub:
- where the line ends: a backslash hides the byte after it, whichever it is;
- whether the fields are well formed: the same, and a quote counts only where '=' outnumber commas;
- which fields there are (`walk_fields`): only the byte before an '=' can hide it, so `a\\\\=1,b=2` is one field.
"""

import re
from typing import NamedTuple

from streams.errors import PointRefused
from streams.formats.codes import Code
from streams.formats.line_values import kind_of_word, plain_end, shape_of
from streams.formats.series import SERIES, shown
from streams.points import TIME_MAX, TIME_MIN, Series, Shape

BLANK = b" \t\0"
"""What InfluxDB takes for white space, before a line and between its parts."""

_KEY = re.compile(rb"(?:[^ \\]++|\\ ?+)*+", re.DOTALL)
_BLANKS = re.compile(rb"[ \t\0]*+")
_TIME = re.compile(rb"-?+[0-9]*+")
_WORD = re.compile(rb"[^, ]*+", re.DOTALL)
_UNTIL_SPACE = re.compile(rb"(?:[^\\ \n]++|\\.?)*+", re.DOTALL)
_WHOLE_FIELDS = re.compile(rb'(?:(?:[^\\"=,\n]++|\\.)*+=(?:"(?:[^"\\]++|\\.)*+"|(?:[^\\"=,\n]++|\\.)*+),)*+', re.DOTALL)
_PAST_MARK = re.compile(rb"(?:[^\\=,\n]++|\\.?)*+[=,\n]", re.DOTALL)
_PAST_MARK_AND_STRINGS = re.compile(rb'(?:[^\\"=,\n]++|\\.?|"(?:[^"\\]++|\\.?)*+")*+[=,\n]', re.DOTALL)
_NEWLINE, _EQUALS = b"\n="
_UNTIL_MARK_IN_LINE = re.compile(rb'(?:[^\\"=, ]++|\\.?)*+', re.DOTALL)
_UNTIL_QUOTE = re.compile(rb'(?:[^"\\]++|\\.?)*+', re.DOTALL)

_COMMENTS = (
    rb"#(?:[^\\=\n]++|\\.)*+\n",
    rb'#(?:[^\\"\n]++|\\.|"[^\\"=, \n]*+")*+\n',
)
POINTLESS = re.compile(rb"(?:[ \t\0]*+(?:\r?+\n|" + b"|".join(_COMMENTS) + b"))++", re.DOTALL)
"""Blank lines and comments, but for those in which what is between quotes may hide a line break."""


class Parts(NamedTuple):
    """A line taken apart: its raw key and series, its raw fields and their shape, and its time in the unit sent."""

    key: bytes
    series: Series
    fields: bytes
    shape: Shape
    time: int | None


def end_of(pattern: re.Pattern[bytes], data: bytes, position: int) -> int:
    """Where the pattern's match ends that starts here; here, if it does not match."""
    found = pattern.match(data, position)
    return found.end() if found else position


def line_end(data: bytes, start: int) -> int:
    """Where the line that starts here stops: at a newline neither escaped nor in a string, or at the end."""
    stop = data.find(b"\n", start)
    stop = len(data) if stop < 0 else stop
    if data.find(b'"', start, stop) < 0 and data.find(b"\\", start, stop) < 0:
        return stop
    position = end_of(_WHOLE_FIELDS, data, end_of(_UNTIL_SPACE, data, start))
    ahead = 0  # by how many '=' outnumber commas
    while found := (_PAST_MARK_AND_STRINGS if ahead > 0 else _PAST_MARK).match(data, position):
        position = found.end()
        mark = data[position - 1]
        if mark == _NEWLINE:
            return position - 1
        ahead += 1 if mark == _EQUALS else -1
    return len(data)


def key_end(line: bytes) -> int:
    """Where the measurement and tags of a line end, which has no white space before them."""
    return end_of(_KEY, line, 0)


def split_line(line: bytes) -> Parts:
    """A line, without leading white space, taken apart. PointRefused where InfluxDB refuses it."""
    if not line.isascii():
        _check_text(line)
    end = key_end(line)
    series = SERIES[line[:end]]
    start = end_of(_BLANKS, line, end)
    plain = plain_end(line, start)
    stop = plain if plain > 0 else _scan_fields(line, start)
    if start == stop:
        raise PointRefused(Code.MISSING_FIELDS, "the line has no fields: add a space and name=value")
    fields = line[start:stop]
    return Parts(line[:end], series, fields, shape_of(fields, end, plain > 0), _scan_time(line, stop))


def _check_text(line: bytes) -> None:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        raise PointRefused(Code.NOT_UTF8, f"byte {error.start + 1} of the line is not UTF-8") from None


def _scan_fields(line: bytes, start: int) -> int:
    """Where the fields end that start here. PointRefused where one has no name or no well-formed value."""
    position = start
    equals = commas = 0
    while True:
        position = end_of(_UNTIL_MARK_IN_LINE, line, position)
        mark = line[position : position + 1]
        if mark == b"=":
            equals += 1
            if line[position - 1 : position] in {b" ", b","} and line[position - 2 : position - 1] != b"\\":
                raise PointRefused(Code.MISSING_FIELD_KEY, "a field has no name before its '='")
            position = _scan_value(line, position + 1)
            continue
        if mark == b",":
            commas += 1
        elif mark != b'"':
            break
        elif equals > commas:
            position = end_of(_UNTIL_QUOTE, line, position + 1)
            if position == len(line):
                raise PointRefused(Code.INVALID_STRING, "a string is not closed: its last '\"' is missing")
        position += 1
    if start != position and commas != equals - 1:
        raise PointRefused(Code.INVALID_FIELD, "the fields are not name=value pairs with commas between them")
    return position


def _scan_value(line: bytes, start: int) -> int:
    """The end of the number or boolean that starts here, or the start of a string."""
    if line.startswith(b'"', start):
        return start
    stop = end_of(_WORD, line, start)
    if stop == start:
        raise PointRefused(Code.MISSING_FIELD_VALUE, "a field has no value after its '='")
    kind_of_word(line[start:stop])
    return stop


def _scan_time(line: bytes, start: int) -> int | None:
    """The time after the fields, in the unit sent; None where there is none."""
    start = end_of(_BLANKS, line, start)
    stop = end_of(_TIME, line, start)
    word, rest = line[start:stop], line[stop:]
    if not word and rest[:1] in {b"", b"\n"}:
        return None
    digits = word.lstrip(b"-").lstrip(b"0")
    if word in {b"", b"-"} or rest.strip(b" "):
        message = f"{shown(line[start:].rstrip(BLANK))} is no time: a whole number is needed, and nothing after it"
        raise PointRefused(Code.INVALID_TIME, message)
    if len(digits) > 19:
        raise PointRefused(Code.TIME_OUT_OF_RANGE, f"the time {shown(word)} has too many digits")
    time = int(digits or b"0")
    return -time if word.startswith(b"-") else time


def nanoseconds(time: int | None, unit: int, now: int) -> int:
    """A time in units of so many nanoseconds, or now to the whole unit. PointRefused outside InfluxDB's range."""
    if time is None:
        return now - now % unit
    if not TIME_MIN <= time * unit <= TIME_MAX:
        message = f"the time {time} is beyond ±{TIME_MAX // unit}, InfluxDB's range: check the precision"
        raise PointRefused(Code.TIME_OUT_OF_RANGE, message)
    return time * unit


def whole_line(series: Series, fields: bytes, time: int) -> bytes:
    """The line that a store gets. PointRefused where it would not stay one line with others after it."""
    if fields.startswith(b"="):
        fields = b"\t" + fields  # an empty field name, which InfluxDB takes behind a tab alone
    line = b"%b %b %d" % (series.key, fields, time)
    if (b"\\" in series.key or b"\n" in line) and line_end(line + b"\n", 0) != len(line):
        message = "a quote in a name would take in the line after this one: remove it, or the backslash before it"
        raise PointRefused(Code.INVALID_NAME, message)
    return line
