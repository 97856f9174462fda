"""One line of line protocol read with care: the grammar as InfluxDB 2.9.1 reads it, its oddities included.

InfluxDB looks at a line three times, each time with its own idea of an escape, and so does this module:
- where the line ends: a backslash hides the character after it, whatever it is;
- whether the fields are well formed: the same, and a quote counts once there are more '=' than commas;
- which fields there are: '=' is hidden by the byte before it alone, so that `a\\\\=1,b=2` is one field.
"""

import re
from collections.abc import Iterator
from math import isinf
from typing import NamedTuple

from streams.errors import PointRefused
from streams.formats.codes import Code
from streams.formats.series import KEY_BYTES, decode_name, scan_key, shown
from streams.points import INT64_MAX, INT64_MIN, TIME_MAX, TIME_MIN, UINT64_MAX, Kind, Unsigned, Value

BLANK = b" \t\0"
"""What InfluxDB takes for white space, before a line and between its parts."""

_HEAD = re.compile(rb"(?:[^\\ \n]|\\.?)*+", re.DOTALL)
_UNTIL_MARK_OR_NEWLINE = re.compile(rb'(?:[^\\"=,\n]|\\.?)*+', re.DOTALL)
_UNTIL_MARK_OR_SPACE = re.compile(rb'(?:[^\\"=, ]|\\.?)*+', re.DOTALL)
_STRING_REST = re.compile(rb'(?:[^"\\]|\\.?)*+"', re.DOTALL)
_WORD = re.compile(rb"[^, ]*+", re.DOTALL)
_BLANKS = re.compile(rb"[ \t\0]*+")
_TIME = re.compile(rb"[ \t\0]*+(-?+[0-9]*+)")
_FIELD = re.compile(
    rb'((?:[^=\\]|\\=?+)*+)=((?:[^",\\]|\\["\\]?+|"(?:[^"\\]|\\["\\]?+)*+(?:"|\Z))*+)(?:,|\Z)', re.DOTALL
)
_STRING = re.compile(rb'"(?:[^"\\]|\\["\\]?+)*+"', re.DOTALL)
_INTEGER = re.compile(rb"-?[0-9]++[iu]")
_FLOAT = re.compile(rb"-?(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?")
_ESCAPED_IN_STRING = re.compile(rb'\\(["\\])')

BOOLEANS = dict.fromkeys((b"t", b"T", b"true", b"TRUE", b"True"), True) | dict.fromkeys(
    (b"f", b"F", b"false", b"FALSE", b"False"), False
)


class Parts(NamedTuple):
    """A line taken apart: its raw key, its raw fields, the kind of each field, and its time in the unit sent."""

    key: bytes
    fields: bytes
    shape: tuple[tuple[str, Kind], ...]
    time: int | None


def line_end(data: bytes, start: int) -> int:
    """Where the line that starts here stops: at a newline neither escaped nor in a string, or at the end."""
    stop = data.find(b"\n", start)
    stop = len(data) if stop < 0 else stop
    if data.find(b'"', start, stop) < 0 and data.find(b"\\", start, stop) < 0:
        return stop
    position = _HEAD.match(data, start).end()  # type: ignore[union-attr]
    ahead = 0  # how many more '=' than commas
    while True:
        position = _UNTIL_MARK_OR_NEWLINE.match(data, position).end()  # type: ignore[union-attr]
        mark = data[position : position + 1]
        if mark in {b"\n", b""}:
            return position
        position += 1
        if mark == b"=":
            ahead += 1
        elif mark == b",":
            ahead -= 1
        elif ahead > 0:
            rest = _STRING_REST.match(data, position)
            if rest is None:
                return len(data)
            position = rest.end()


def split_line(line: bytes) -> Parts:
    """A line, without leading white space, taken apart. PointRefused where InfluxDB refuses it."""
    if not line.isascii():
        _check_text(line)
    end, key = scan_key(line)
    start = _BLANKS.match(line, end).end()  # type: ignore[union-attr]
    stop = _scan_fields(line, start)
    if start == stop:
        raise PointRefused(Code.MISSING_FIELDS, "the line has no fields: add name=value after the space")
    fields = line[start:stop]
    return Parts(key, fields, shape_of(fields, len(key)), _scan_time(line, stop))


def _check_text(line: bytes) -> None:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        raise PointRefused(Code.NOT_UTF8, f"byte {error.start + 1} of the line is not UTF-8") from None


def _scan_fields(line: bytes, start: int) -> int:
    """Where the fields end that start here, each with a name and a well-formed value."""
    position = start
    equals = commas = 0
    while True:
        position = _UNTIL_MARK_OR_SPACE.match(line, position).end()  # type: ignore[union-attr]
        mark = line[position : position + 1]
        if mark == b"=":
            equals += 1
            if line[position - 1 : position] in {b" ", b","} and line[position - 2 : position - 1] != b"\\":
                raise PointRefused(Code.MISSING_FIELD_KEY, "a field has no name before its '='")
            position = _scan_value(line, position + 1)
        elif mark == b",":
            commas += 1
            position += 1
        elif mark != b'"':
            break
        elif equals > commas:
            rest = _STRING_REST.match(line, position + 1)
            if rest is None:
                raise PointRefused(Code.INVALID_STRING, "a string is not closed: its last '\"' is missing")
            position = rest.end()
        else:
            position += 1
    if start != position and commas != equals - 1:
        raise PointRefused(Code.INVALID_FIELD, "the fields are not name=value pairs with commas between them")
    return position


def _scan_value(line: bytes, start: int) -> int:
    """The end of the number or boolean that starts here, or the start of a string."""
    first = line[start : start + 1]
    if first in {b"", b",", b" "}:
        raise PointRefused(Code.MISSING_FIELD_VALUE, "a field has no value after its '='")
    if first == b'"':
        return start
    word = _WORD.match(line, start).group()  # type: ignore[union-attr]
    decode_value(word)
    return start + len(word)


def decode_value(word: bytes) -> Value:
    """The value of these bytes. PointRefused where they are none, or none that InfluxDB can hold."""
    first, last = word[:1], word[-1:]
    if first == b'"':
        return _decode_string(word)
    if first not in b"0123456789.-Nn":
        return _decode_boolean(word)
    if last in {b"i", b"u"} and _INTEGER.fullmatch(word):
        return _decode_integer(word)
    if _FLOAT.fullmatch(word) is None:
        raise PointRefused(Code.INVALID_NUMBER, f"{shown(word)} is no number that InfluxDB can store")
    value = float(word)
    if isinf(value):
        raise PointRefused(Code.OUT_OF_RANGE, f"{shown(word)} is larger than a float can be")
    return value


def _decode_string(word: bytes) -> str:
    if _STRING.fullmatch(word) is None:
        raise PointRefused(Code.INVALID_STRING, f"the string {shown(word)} does not end at its closing quote")
    inside = word[1:-1]
    return (_ESCAPED_IN_STRING.sub(rb"\1", inside) if b"\\" in inside else inside).decode()


def _decode_boolean(word: bytes) -> bool:
    value = BOOLEANS.get(word)
    if value is None:
        raise PointRefused(Code.INVALID_BOOLEAN, f"{shown(word)} is neither number, boolean nor quoted string")
    return value


def _decode_integer(word: bytes) -> int:
    digits = word[:-1].lstrip(b"-").lstrip(b"0") or b"0"
    value = int(digits) if len(digits) <= 20 else 2**64
    if word[-1:] == b"u":
        if word[:1] == b"-":
            raise PointRefused(Code.INVALID_NUMBER, f"{shown(word)} is unsigned and cannot be negative")
        if value > UINT64_MAX:
            raise PointRefused(Code.OUT_OF_RANGE, f"{shown(word)} is larger than {UINT64_MAX}u")
        return Unsigned(value)
    value = -value if word[:1] == b"-" else value
    if not INT64_MIN <= value <= INT64_MAX:
        raise PointRefused(Code.OUT_OF_RANGE, f"{shown(word)} is outside {INT64_MIN}i to {INT64_MAX}i")
    return value


def walk_fields(fields: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each field's raw name and raw value. PointRefused where a name has no value."""
    position = 0
    while position < len(fields):
        field = _FIELD.match(fields, position)
        if field is None:
            raise PointRefused(Code.INVALID_FIELD, f"{shown(fields[position:])} is no name=value pair")
        position = field.end()
        yield field.group(1), field.group(2)


def shape_of(fields: bytes, key_length: int) -> tuple[tuple[str, Kind], ...]:
    """Names and kinds of raw fields, each name once."""
    shape: dict[str, Kind] = {}
    for raw, word in walk_fields(fields):
        if key_length + 4 + len(raw) > KEY_BYTES:
            raise PointRefused(Code.KEY_TOO_LONG, f"measurement, tags and field name exceed {KEY_BYTES - 4} bytes")
        name = decode_name(raw)
        if name == "time":
            raise PointRefused(Code.RESERVED_NAME, "a field cannot be called 'time': the time comes after the fields")
        if not word:
            raise PointRefused(Code.MISSING_FIELD_VALUE, f"field {shown(raw)} has no value after its '='")
        kind = _KINDS[type(decode_value(word))]
        if shape.setdefault(name, kind) is not kind:
            raise PointRefused(
                Code.FIELD_TYPE, f"field {shown(raw)} appears twice in one line, as {shape[name]} and as {kind}"
            )
    return tuple(shape.items())


_KINDS: dict[type, Kind] = {
    float: Kind.FLOAT,
    int: Kind.INTEGER,
    Unsigned: Kind.UNSIGNED,
    str: Kind.STRING,
    bool: Kind.BOOLEAN,
}


def _scan_time(line: bytes, start: int) -> int | None:
    """The time that starts here, in the unit sent; None where there is none."""
    found = _TIME.match(line, start)
    digits, rest = found.group(1), line[found.end() :]  # type: ignore[union-attr]
    if not digits and rest[:1] in {b"", b"\n"}:
        return None
    if digits in {b"", b"-"} or rest.strip(b" "):
        raise PointRefused(
            Code.INVALID_TIME,
            f"{shown(line[start:].strip(BLANK))} is no time: whole numbers only, and nothing after it",
        )
    significant = digits.lstrip(b"-").lstrip(b"0")
    if len(significant) > 19:
        raise PointRefused(Code.TIME_OUT_OF_RANGE, f"the time {shown(digits)} has too many digits")
    return -int(significant or b"0") if digits[:1] == b"-" else int(significant or b"0")


def nanoseconds(time: int | None, unit: int, now: int) -> int:
    """A time in units of so many nanoseconds, or else now, to the whole unit. PointRefused outside InfluxDB's range."""
    if time is None:
        return now - now % unit
    result = time * unit
    if not TIME_MIN <= result <= TIME_MAX:
        raise PointRefused(
            Code.TIME_OUT_OF_RANGE,
            f"the time {time} is outside {TIME_MIN} to {TIME_MAX} nanoseconds: check the precision",
        )
    return result
