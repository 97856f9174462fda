"""Points to lines. Not every name can be said in line protocol: those that InfluxDB would misread are refused."""

import re
from collections.abc import Sequence
from functools import lru_cache

from streams.errors import PointRefused
from streams.formats.codes import Code
from streams.formats.line_forms import FORMS
from streams.formats.line_grammar import nanoseconds, split_line, whole_line
from streams.formats.line_values import encode_text, encode_value
from streams.formats.series import KEPT_BYTES, KEY_BYTES, SERIES, encode_field_name, series_of
from streams.points import Batch, Kind, Point, Series, Shape, kind_of

_NEVER_RETURNED = re.compile(r'\\[," =]')


def encode_line(point: Point) -> bytes:
    """The point as a line, with its time in nanoseconds. PointRefused where line protocol cannot say it."""
    return encode_point(point)[0]


def batch_of(points: Sequence[Point], numbers: Sequence[int]) -> Batch:
    """A batch of these points; `numbers` say where each starts in its frame. PointRefused as in `encode_line`."""
    encoded = [encode_point(point) for point in points]
    return Batch(
        [line for line, _, _ in encoded],
        [series for _, series, _ in encoded],
        [shape for _, _, shape in encoded],
        [point.time for point in points],
        numbers,
    )


def encode_point(point: Point) -> tuple[bytes, Series, Shape]:
    """The point's line, series and shape. PointRefused as in `encode_line`."""
    if not point.fields:
        raise PointRefused(Code.MISSING_FIELDS, "the point has no fields")
    series = find_series(point.measurement, tuple(point.tags.items()))
    room = KEY_BYTES - 4 - len(series.key)
    fields = []
    for name, value in point.fields.items():
        raw = spell_field_name(name)
        if len(raw) > room:
            raise PointRefused(Code.KEY_TOO_LONG, f"measurement, tags and field name exceed {KEY_BYTES - 4} bytes")
        fields.append(raw + b"=" + encode_value(value))
    shape = FORMS.intern(tuple((name, kind_of(value)) for name, value in point.fields.items()))
    return whole_line(series, b",".join(fields), nanoseconds(point.time, 1, 0)), series, shape


def find_series(measurement: str, tags: tuple[tuple[str, str], ...]) -> Series:
    """The series of these names and values. PointRefused where no key reads as them."""
    size = len(measurement) + sum(len(name) + len(value) for name, value in tags)
    if size > KEY_BYTES:
        raise PointRefused(Code.KEY_TOO_LONG, f"measurement and tags exceed {KEY_BYTES} bytes")
    return _kept_series(measurement, tags) if size <= KEPT_BYTES else _check_series(measurement, tags)


def _check_series(measurement: str, tags: tuple[tuple[str, str], ...]) -> Series:
    encode_text("".join((measurement, *(text for tag in tags for text in tag))))
    wanted = series_of(measurement, tags)
    if _NEVER_RETURNED.search(measurement):
        message = f'InfluxDB never finds a measurement with a backslash before , " = or space: {measurement[:80]!r}'
        raise PointRefused(Code.INVALID_NAME, message)
    series = SERIES[wanted.key]
    if (series.measurement, series.tags) != (measurement, wanted.tags) or wanted.key.endswith(b"\\"):
        message = f"line protocol has no spelling for a name or value in {wanted.key[:80]!r}: no backslash may end one"
        raise PointRefused(Code.INVALID_NAME, message)
    return series


def spell_field_name(name: str) -> bytes:
    """The spelling of a field's name. PointRefused where none reads as it."""
    if len(name) > KEY_BYTES:
        raise PointRefused(Code.KEY_TOO_LONG, f"a field's name exceeds {KEY_BYTES} bytes")
    return _kept_spelling(name) if len(name) <= KEPT_BYTES else _check_spelling(name)


def _check_spelling(name: str) -> bytes:
    encode_text(name)
    if not name:
        raise PointRefused(Code.MISSING_FIELD_KEY, "a field has no name")
    raw = encode_field_name(name)
    try:
        shape = split_line(b"m " + raw + b"=1").shape
    except PointRefused as refused:
        if refused.code in {Code.RESERVED_NAME, Code.KEY_TOO_LONG}:
            raise
        shape = ()
    if shape != ((name, Kind.FLOAT),):
        raise PointRefused(Code.INVALID_NAME, f"line protocol has no spelling for the field name {name[:80]!r}")
    return raw


_kept_series = lru_cache(50_000)(_check_series)
_kept_spelling = lru_cache(10_000)(_check_spelling)
