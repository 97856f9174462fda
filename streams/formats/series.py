"""Series from the raw bytes of a line's key, `measurement,tag=value…`, each raw spelling decoded once."""

import re
from collections.abc import Iterable

from streams.errors import PointRefused
from streams.formats.codes import Code
from streams.points import Series

KEY_BYTES = 65_535
"""InfluxDB's bound for a key, and for a key, four bytes and a field's name."""

_MEASUREMENT = re.compile(rb"(?:[^, \\]|\\[, ]?+)++", re.DOTALL)
_TAG_KEY = re.compile(rb"(?:[^ ,=\\]|\\[ ,=]?+)++", re.DOTALL)
_TAG_VALUE = re.compile(rb"(?:=|[^ ,=\\]|\\[ ,=]?+)(?:[^ ,=\\]|\\[ ,=]?+)*+", re.DOTALL)

_RESERVED = {b"time", b"_field", b"_measurement", b"\x00", b"\xff"}

_ESCAPED_TAG = re.compile(rb"\\([ ,=])")
_ESCAPED_NAME = re.compile(rb'\\([," =])')  # in measurements and field names, InfluxDB unescapes quotes too
_TO_ESCAPE_IN_TAG = re.compile(rb"[ ,=]")
_TO_ESCAPE_IN_MEASUREMENT = re.compile(rb'[ ,]|(?<=\\)["=]')
_TO_ESCAPE_IN_FIELD = re.compile(rb'[ ,=]|(?<=\\)"')


def decode_name(raw: bytes) -> str:
    """A measurement or field name without its escapes. A backslash that escapes nothing stays."""
    return _ESCAPED_NAME.sub(rb"\1", raw).decode() if b"\\" in raw else raw.decode()


def _decode_tag(raw: bytes) -> str:
    return _ESCAPED_TAG.sub(rb"\1", raw).decode() if b"\\" in raw else raw.decode()


def encode_field_name(name: str) -> bytes:
    """The spelling that decodes to this name."""
    return _TO_ESCAPE_IN_FIELD.sub(rb"\\\g<0>", name.encode())


def series_of(measurement: str, tags: Iterable[tuple[str, str]]) -> Series:
    """The series of these names; tags with an empty value are left out. The names are not checked."""
    kept = tuple(sorted(tag for tag in tags if tag[1]))
    parts = [_TO_ESCAPE_IN_MEASUREMENT.sub(rb"\\\g<0>", measurement.encode())]
    for name, value in kept:
        parts.append(
            _TO_ESCAPE_IN_TAG.sub(rb"\\\g<0>", name.encode())
            + b"="
            + _TO_ESCAPE_IN_TAG.sub(rb"\\\g<0>", value.encode())
        )
    return Series(measurement, kept, b",".join(parts))


def key_end(line: bytes) -> int:
    """Where the key ends: at the first space that no backslash precedes, or -1."""
    found = _KEY.match(line)
    return found.end() if found and found.end() < len(line) else -1


_KEY = re.compile(rb"(?:[^ \\]|\\ ?+)++", re.DOTALL)


def scan_key(line: bytes) -> tuple[int, bytes]:
    """The end of the key that starts a line, and the key. PointRefused where it is no key, or a space is missing."""
    measurement = _MEASUREMENT.match(line)
    if measurement is None:
        raise PointRefused(
            Code.MISSING_MEASUREMENT, "the line starts with a comma: put the measurement's name before it"
        )
    end = measurement.end()
    seen: set[bytes] = set()
    while line[end : end + 1] == b",":
        end = _scan_tag(line, end + 1, seen)
    if end == len(line):
        raise PointRefused(Code.MISSING_FIELDS, "the line has no fields: add a space and name=value")
    if end > KEY_BYTES:
        raise PointRefused(Code.KEY_TOO_LONG, f"measurement and tags are {end} bytes, more than {KEY_BYTES}")
    return end, line[:end]


def _scan_tag(line: bytes, start: int, seen: set[bytes]) -> int:
    """The end of the tag that starts here."""
    name = _TAG_KEY.match(line, start)
    if name is None:
        raise PointRefused(Code.MISSING_TAG_KEY, "a tag has no name: remove the comma before it, or name it")
    key, end = name.group(), name.end()
    if line[end : end + 1] != b"=":
        raise PointRefused(Code.MISSING_TAG_VALUE, f"tag {shown(key)} has no value: leave the tag out, or add =value")
    value = _TAG_VALUE.match(line, end + 1)
    if value is None:
        raise PointRefused(Code.MISSING_TAG_VALUE, f"tag {shown(key)} has an empty value: leave the tag out")
    if line[value.end() : value.end() + 1] == b"=":
        raise PointRefused(Code.INVALID_TAG, f"the value of tag {shown(key)} has a bare '=': write it as '\\='")
    if key in _RESERVED:
        raise PointRefused(
            Code.RESERVED_NAME, f"a tag cannot be called {shown(key)}: InfluxDB keeps that name for itself"
        )
    if key in seen:
        raise PointRefused(Code.DUPLICATE_TAG, f"tag {shown(key)} appears twice in one line")
    seen.add(key)
    return value.end()


def shown(raw: bytes) -> str:
    """Bytes of a device's making, for a message: short, quoted and printable."""
    text = raw[:80].decode("utf-8", "replace")
    return repr(text + "…" if len(raw) > 80 else text)


def parse_key(key: bytes) -> Series:
    """The series of a key that `scan_key` found."""
    end = _MEASUREMENT.match(key).end()  # type: ignore[union-attr]
    measurement = decode_name(key[:end])
    tags = []
    while end < len(key):
        name = _TAG_KEY.match(key, end + 1)
        value = _TAG_VALUE.match(key, name.end() + 1)  # type: ignore[union-attr]
        tags.append((_decode_tag(name.group()), _decode_tag(value.group())))  # type: ignore[union-attr]
        end = value.end()  # type: ignore[union-attr]
    return series_of(measurement, tags)
