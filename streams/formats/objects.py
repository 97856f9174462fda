"""Points sent as objects, which JSON and MessagePack share: `{"measurement", "tags", "fields", "time"}`."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from streams.errors import PointRefused
from streams.formats.codes import Code
from streams.formats.columns import Columns, in_steps
from streams.formats.line_encode import encode_point
from streams.formats.line_grammar import nanoseconds
from streams.formats.series import KEY_BYTES
from streams.points import Kind, Point, Scan, Value

POINTS_AT_MOST = 5_000
STEP_POINTS = 16
"""Scanned at once: those with the most fields take some milliseconds each."""
PARTS_AT_MOST = 10_000
"""Fields and tags of a point that is looked at, at all: to spell so many names takes a tenth of a second."""

Kinds = Callable[[str, str], Kind | None]
"""The stored kind of a measurement's field, or None where nobody has written it."""

Fit = Callable[[Value, Kind | None], Value]
"""A value as the format understands it, given the stored kind of its field."""

_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SentPoint(msgspec.Struct, forbid_unknown_fields=True):
    """A point as a device sends it; `time` in units of the frame's precision, or an RFC 3339 text.

    A field or tag that is null is one that the point does not have, as where one of a device's sensors fails.
    """

    measurement: str
    fields: dict[str, float | int | str | bool | None]
    tags: dict[str, str | None] | None = None
    time: int | str | None = None


def nothing_known(_measurement: str, _field: str) -> Kind | None:
    """The kinds where nothing has been stored yet."""
    return None


def scan_objects(
    objects: Sequence[Any],
    decode: Callable[[Any], SentPoint],
    fit: Fit,
    *,
    unit: int,
    now: int,
    kinds: Kinds,
    at_most: int,
) -> Iterator[Scan]:
    """The points that `decode` makes of these objects, numbered from 1, so many at once; one scan at least."""

    def point_of(one: Any) -> Point:
        sent = decode(one)
        if len(sent.measurement) > KEY_BYTES:
            raise PointRefused(Code.KEY_TOO_LONG, f"the measurement's name exceeds {KEY_BYTES} bytes")
        if len(sent.fields) + len(sent.tags or ()) > PARTS_AT_MOST:
            raise too_many_parts()
        given = ((name, value) for name, value in sent.fields.items() if value is not None)
        fields = {name: fit(value, kinds(sent.measurement, name)) for name, value in given}
        tags = {name: value for name, value in (sent.tags or {}).items() if value is not None}
        return Point(sent.measurement, tags, fields, _time(sent.time, unit, now))

    parts = ((start + 1, objects[start : start + STEP_POINTS]) for start in range(0, len(objects) or 1, STEP_POINTS))
    return in_steps(parts, lambda part, most: [_scan(part, point_of, most)], at_most)


def too_many_parts() -> PointRefused:
    """What is said of a point that is not looked at."""
    return PointRefused(Code.INVALID_POINT, f"a point with more than {PARTS_AT_MOST} fields and tags is not read")


def _scan(objects: Sequence[Any], point_of: Callable[[Any], Point], at_most: int) -> Scan:
    columns = Columns()
    for number, one in enumerate(objects, 1):
        if number > at_most:
            columns.too_many(number)
            break
        try:
            point = point_of(one)
            line, series, shape = encode_point(point)
        except msgspec.DecodeError as error:
            columns.reject(number, PointRefused(Code.INVALID_POINT, f"not a point: {error}"))
        except UnicodeError:  # an encoding one for half a surrogate pair, which msgspec meets in a key
            columns.reject(number, PointRefused(Code.NOT_UTF8, "a text of the point is not UTF-8"))
        except PointRefused as refused:
            columns.reject(number, refused)
        else:
            columns.add(line, series, shape, point.time, number)
    return columns.scan()


def _time(sent: int | str | None, unit: int, now: int) -> int:
    """Nanoseconds since the epoch."""
    if isinstance(sent, str):
        return nanoseconds(parse_timestamp(sent), 1, now)
    if sent is not None and not -(2**63) <= sent < 2**63:
        raise PointRefused(Code.TIME_OUT_OF_RANGE, "the time has too many digits: check the precision")
    return nanoseconds(sent, unit, now)


def parse_timestamp(text: str) -> int:
    """Nanoseconds since the epoch of an RFC 3339 time with its offset. PointRefused where it is none."""
    found = _TIMESTAMP.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        date, time, fraction, offset = found.groups()
        moment = datetime.fromisoformat(f"{date}T{time}{'+00:00' if offset in 'Zz' else offset}")
    except ValueError:
        message = f"{text[:80]!a} is no time: an integer, or a text such as 2024-01-31T12:00:00Z, is needed"
        raise PointRefused(Code.INVALID_TIME, message) from None
    return (moment - _EPOCH) // timedelta(seconds=1) * 1_000_000_000 + int((fraction or "").ljust(9, "0"))


def to_float(value: float | int) -> float:
    """PointRefused where an integer is larger than any float."""
    try:
        return float(value)
    except OverflowError:
        raise PointRefused(Code.OUT_OF_RANGE, "an integer is beyond the largest float") from None
