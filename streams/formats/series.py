"""Series from the raw key of a line, `measurement,tag=value…`: each spelling is read once, then remembered."""

import re
from collections.abc import Iterable

from streams.errors import PointRefused
from streams.formats.codes import Code
from streams.points import Series

KEY_BYTES = 65_535
"""InfluxDB's bound for a key, and for the sum of a key, four bytes and a field's name."""

KEPT_BYTES = 512
"""What is longer is read anew each time: caches hold a bounded number of entries, and so stay small."""

_MEASUREMENT = re.compile(rb"(?:[^, \\]++|\\[, ]?+)++", re.DOTALL)
_TAG_KEY = re.compile(rb"(?:[^ ,=\\]++|\\[ ,=]?+)++", re.DOTALL)
_TAG_VALUE = re.compile(rb"(?:=|[^ ,=\\]|\\[ ,=]?+)(?:[^ ,=\\]++|\\[ ,=]?+)*+", re.DOTALL)

_NO_FIRST = frozenset((b"#", b"\t", b"\0"))  # a comment, and what is skipped as white space
_RESERVED = frozenset((b"time", b"_field", b"_measurement", b"\0"))

_ESCAPED_IN_TAG = re.compile(rb"\\([ ,=])")
_ESCAPED_IN_NAME = re.compile(rb'\\([," =])')
_TO_ESCAPE_IN_TAG = re.compile(rb"[ ,=]")
_TO_ESCAPE_IN_FIELD = re.compile(rb'[ ,=]|(?<=\\)"')
_TO_ESCAPE_IN_MEASUREMENT = re.compile(rb'[ ,]|(?<=\\)["=]')


def decode_name(raw: bytes) -> str:
    """A measurement or field name without its escapes. A backslash that escapes nothing stays."""
    return (_ESCAPED_IN_NAME.sub(rb"\1", raw) if b"\\" in raw else raw).decode()


def _decode_tag(raw: bytes) -> str:
    return (_ESCAPED_IN_TAG.sub(rb"\1", raw) if b"\\" in raw else raw).decode()


def encode_field_name(name: str) -> bytes:
    """The spelling that decodes to this name."""
    return _escape(_TO_ESCAPE_IN_FIELD, name)


def _encode_tag(text: str) -> bytes:
    return _escape(_TO_ESCAPE_IN_TAG, text)


def _escape(what: re.Pattern[bytes], text: str) -> bytes:
    raw = text.encode()
    return what.sub(rb"\\\g<0>", raw) if what.search(raw) else raw


def series_of(measurement: str, tags: Iterable[tuple[str, str]]) -> Series:
    """The series of these names; tags with an empty value are left out. The names are not checked."""
    kept = tuple(sorted(tag for tag in tags if tag[1]))
    name = _escape(_TO_ESCAPE_IN_MEASUREMENT, measurement)
    return Series(measurement, kept, b",".join([name, *(_encode_tag(k) + b"=" + _encode_tag(v) for k, v in kept)]))


def shown(raw: bytes) -> str:
    """Bytes of a device's making, for a message: short, quoted and printable."""
    return repr(raw[:80].decode("utf-8", "replace") + ("…" if len(raw) > 80 else ""))


def read_key(raw: bytes) -> Series:
    """The series of a line's bytes before its first bare space. PointRefused where they are no key."""
    if raw[:1] in _NO_FIRST:
        raise PointRefused(Code.INVALID_NAME, f"a measurement cannot start with {shown(raw[:1])}")
    measurement = _MEASUREMENT.match(raw)
    if measurement is None:
        raise PointRefused(Code.MISSING_MEASUREMENT, "the line starts without a measurement: put its name first")
    if len(raw) > KEY_BYTES:
        raise PointRefused(Code.KEY_TOO_LONG, f"measurement and tags are {len(raw)} bytes, more than {KEY_BYTES}")
    end = measurement.end()
    tags: dict[bytes, bytes] = {}
    while end < len(raw):
        name, value = _read_tag(raw, end + 1)
        if name in tags:
            raise PointRefused(Code.DUPLICATE_TAG, f"tag {shown(name)} appears twice in one line")
        tags[name] = value
        end += len(name) + len(value) + 2
    return series_of(
        decode_name(measurement.group()), [(_decode_tag(name), _decode_tag(value)) for name, value in tags.items()]
    )


def _read_tag(raw: bytes, start: int) -> tuple[bytes, bytes]:
    """The name and the value of the tag that starts here, after its comma."""
    found = _TAG_KEY.match(raw, start)
    if found is None:
        raise PointRefused(Code.MISSING_TAG_KEY, "a tag has no name: name it, or remove the comma before it")
    name = found.group()
    if not raw.startswith(b"=", found.end()):
        raise PointRefused(Code.MISSING_TAG_VALUE, f"tag {shown(name)} has no value: add =value, or leave the tag out")
    value = _TAG_VALUE.match(raw, found.end() + 1)
    if value is None:
        raise PointRefused(Code.MISSING_TAG_VALUE, f"tag {shown(name)} has an empty value: leave the tag out")
    if raw.startswith(b"=", value.end()):
        raise PointRefused(Code.INVALID_TAG, f"the value of tag {shown(name)} has a bare '=': write it as '\\='")
    if name in _RESERVED:
        raise PointRefused(Code.RESERVED_NAME, f"a tag cannot be called {shown(name)}, which InfluxDB uses itself")
    return name, value.group()


class SeriesCache(dict[bytes, Series]):
    """Series by raw key; a key not seen before is read, or PointRefused.

    Bounded: two generations of `size` keys each, and long keys are not kept.
    """

    def __init__(self, size: int = 50_000) -> None:
        super().__init__()
        self._size = size
        self._older: dict[bytes, Series] = {}

    def __missing__(self, raw: bytes) -> Series:
        series = self._older.get(raw) or read_key(raw)
        if series.key != raw:
            series = self[series.key]
        if len(raw) <= KEPT_BYTES:
            if len(self) >= self._size:
                self._older = dict(self)
                self.clear()
            self[raw] = series
        return series


SERIES = SeriesCache()
"""Every format interns its series here."""
