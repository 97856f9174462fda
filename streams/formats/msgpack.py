"""Points as MessagePack: one map, or an array of them."""

import re
from collections.abc import Iterator

import msgspec

from streams.errors import FrameUnreadable
from streams.formats.columns import joined
from streams.formats.line import UNITS
from streams.formats.objects import (
    PARTS_AT_MOST,
    POINTS_AT_MOST,
    Kinds,
    SentPoint,
    nothing_known,
    scan_objects,
    to_float,
    too_many_parts,
)
from streams.points import INT64_MAX, Kind, Scan, Unsigned, Value

LEAST_POINT_BYTES = 16
"""The names of a point's own parts alone are longer."""

MOST_BYTES = 60_000
"""A longer point is looked at for its number of parts before it is decoded."""
_MANY_PARTS = re.compile(rb"(?:fields|tags)\xdf(.{4})", re.DOTALL)
"""Where a map of more than 65,535 begins, and how many it has."""

_anything = msgspec.msgpack.Decoder(msgspec.Raw)
_array = msgspec.msgpack.Decoder(list[msgspec.Raw])
_point = msgspec.msgpack.Decoder(SentPoint)


def scan(
    data: bytes, *, precision: str = "ns", now: int, kinds: Kinds = nothing_known, at_most: int = POINTS_AT_MOST
) -> Scan:
    """The points of a frame; `line` in a reject is the point's place in the array, from 1.

    Integers stay integers and floats floats, but for an integer whose field is stored as unsigned or float.
    What follows `at_most` points is one reject. FrameUnreadable where the frame is no MessagePack, or neither map nor
    array.
    """
    return joined(steps(data, precision=precision, now=now, kinds=kinds, at_most=at_most))


def steps(
    data: bytes, *, precision: str = "ns", now: int, kinds: Kinds = nothing_known, at_most: int = POINTS_AT_MOST
) -> Iterator[Scan]:
    """As `scan`, in steps of some milliseconds each, once the frame is split."""
    try:
        objects = _split(data)
    except (msgspec.DecodeError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise FrameUnreadable(f"the frame is no MessagePack of a point or an array of points: {reason}") from None
    return scan_objects(objects, _decode, _fit, unit=UNITS[precision], now=now, kinds=kinds, at_most=at_most)


def _decode(raw: msgspec.Raw) -> SentPoint:
    if len(raw) > MOST_BYTES and (found := _MANY_PARTS.search(raw)) and int.from_bytes(found[1], "big") > PARTS_AT_MOST:
        raise too_many_parts()
    return _point.decode(raw)


def _split(data: bytes) -> list[msgspec.Raw]:
    if not data:
        return []
    if _is_map(data[0]):
        return [_anything.decode(data)]
    if data[0] == 0xDD and int.from_bytes(data[1:5], "big") > len(data) // LEAST_POINT_BYTES:
        raise FrameUnreadable("the frame is no array of points: it says that it has more than fit into its bytes")
    return _array.decode(data)


def _is_map(first: int) -> bool:
    return 0x80 <= first <= 0x8F or first in {0xDE, 0xDF}


def _fit(value: Value, stored: Kind | None) -> Value:
    if isinstance(value, (str, bool, float)):
        return value
    if stored is Kind.FLOAT:
        return to_float(value)
    if value > INT64_MAX or (stored is Kind.UNSIGNED and value >= 0):
        return Unsigned(value)
    return value
