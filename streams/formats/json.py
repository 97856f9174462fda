"""Points as JSON: one object, or an array of them."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from streams.errors import FrameUnreadable
from streams.formats.columns import joined
from streams.formats.line import UNITS
from streams.formats.objects import (
    POINTS_AT_MOST,
    Kinds,
    SentPoint,
    nothing_known,
    scan_objects,
    to_float,
)
from streams.points import INT64_MAX, INT64_MIN, UINT64_MAX, Kind, Scan, Unsigned, Value

_LENIENT = re.compile(rb"NaN|Infinity|\\u[dD][89a-fA-F]")
"""What makes a whole array unreadable for msgspec, and only a point of it for us."""

_anything = msgspec.json.Decoder(msgspec.Raw)
_array = msgspec.json.Decoder(list[msgspec.Raw])
_point = msgspec.json.Decoder(SentPoint)


def scan(
    data: bytes, *, precision: str = "ms", now: int, kinds: Kinds = nothing_known, at_most: int = POINTS_AT_MOST
) -> Scan:
    """The points of a frame; `line` in a reject is the point's place in the array, from 1.

    A number takes the stored kind of its field, which `kinds` knows, where it fits; else it is a float.
    What follows `at_most` points is one reject. FrameUnreadable where the frame is no JSON, or neither object nor
    array.
    """
    return joined(steps(data, precision=precision, now=now, kinds=kinds, at_most=at_most))


def steps(
    data: bytes, *, precision: str = "ms", now: int, kinds: Kinds = nothing_known, at_most: int = POINTS_AT_MOST
) -> Iterator[Scan]:
    """As `scan`, in steps of some milliseconds each, once the frame is split."""
    objects, decode = _split(data)
    return scan_objects(objects, decode, _fit, unit=UNITS[precision], now=now, kinds=kinds, at_most=at_most)


def _split(data: bytes) -> tuple[Sequence[Any], Callable[[Any], SentPoint]]:
    """The objects of a frame, and what makes points of them."""
    first = data.lstrip(b" \t\r\n")[:1]
    try:
        match first:
            case b"":
                return (), _point.decode
            case b"[":
                return _array.decode(data), _point.decode
            case b"{":
                return [_anything.decode(data)], _point.decode
    except (msgspec.DecodeError, RecursionError) as error:
        if _LENIENT.search(data) is None:
            raise _unreadable(error) from None
        return _load(data), _convert
    raise FrameUnreadable("the frame is neither a point nor an array of points: it has to start with { or [")


def _load(data: bytes) -> list[Any]:
    """The same with Python's own decoder, which is slower and takes NaN and half surrogate pairs."""
    try:
        loaded = json.loads(data.decode(), parse_int=_parse_int)
    except (ValueError, RecursionError) as error:
        raise _unreadable(error) from None
    return loaded if isinstance(loaded, list) else [loaded]


def _parse_int(digits: str) -> int | float:
    return int(digits) if len(digits) < 400 else float(digits)


def _convert(loaded: Any) -> SentPoint:
    return msgspec.convert(loaded, SentPoint)


def _unreadable(error: Exception) -> FrameUnreadable:
    reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
    return FrameUnreadable(f"the frame is no JSON: {reason[:200]}")


def _fit(value: Value, stored: Kind | None) -> Value:
    if isinstance(value, (str, bool)):
        return value
    if stored is Kind.INTEGER and INT64_MIN <= value <= INT64_MAX and value == int(value):
        return int(value)
    if stored is Kind.UNSIGNED and 0 <= value <= UINT64_MAX and value == int(value):
        return Unsigned(value)
    return to_float(value)
