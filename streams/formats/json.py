"""Points as JSON: one object, or an array of them."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
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
    too_many_parts,
)
from streams.points import INT64_MAX, INT64_MIN, NO_POINTS, UINT64_MAX, Kind, Scan, Unsigned, Value

MOST_SPLIT_AT_ONCE = 200_000
"""An array that may have more parts that are no points is split in steps: a million takes a tenth of a second."""
STEP_PARTS = 64
"""Parts that are split off such a frame in one step."""
MOST_NAMES = 60_000
"""A point that may have more is not even decoded."""

_LENIENT = re.compile(rb"NaN|Infinity|\\u[dD][89a-fA-F]")
"""What makes a whole array unreadable for msgspec, and only a point of it for us."""

_BLANK = " \t\r\n"
_blanks: Callable[[str, int], re.Match[str]] = re.compile(f"[{_BLANK}]*+").match  # type: ignore[assignment]

_anything = msgspec.json.Decoder(msgspec.Raw)
_array = msgspec.json.Decoder(list[msgspec.Raw])
_point = msgspec.json.Decoder(SentPoint)


def _parse_int(digits: str) -> int | float:
    return int(digits) if len(digits) < 400 else float(digits)


_python = json.JSONDecoder(parse_int=_parse_int)


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
    fitted = partial(scan_objects, fit=_fit, unit=UNITS[precision], now=now, kinds=kinds, at_most=at_most)
    if data.lstrip(_BLANK.encode())[:1] != b"[":
        yield from fitted(*_one(data))
        return
    raws = _raws(data)
    if raws is not None:
        yield from fitted(raws, _decode)
        return
    objects: list[Any] = []
    for part in _parts(data, at_most + 1):
        objects += part
        yield Scan(NO_POINTS, [])
    yield from fitted(objects, _convert)


def _one(data: bytes) -> tuple[Sequence[Any], Callable[[Any], SentPoint]]:
    """The object that a frame is, and what makes a point of it."""
    first = data.lstrip(_BLANK.encode())[:1]
    if first not in {b"", b"{"}:
        raise FrameUnreadable("the frame is neither a point nor an array of points: it has to start with { or [")
    try:
        return [_anything.decode(data)] if first else (), _decode
    except (msgspec.DecodeError, RecursionError) as error:
        if _LENIENT.search(data) is None:
            raise _unreadable(error) from None
        return [_load(data)], _convert


def _raws(data: bytes) -> list[msgspec.Raw] | None:
    """The objects of an array; None where that takes too long, or only Python's decoder can tell them apart."""
    # What is a point has more names than commas.
    if data.count(b",") - data.count(b'":') > MOST_SPLIT_AT_ONCE:
        return None
    try:
        return _array.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        if _LENIENT.search(data) is None:
            raise _unreadable(error) from None
        return None


def _parts(data: bytes, at_most: int) -> Iterator[list[Any]]:
    """The first objects of an array, so many at once, with Python's own decoder, which is slower and takes NaN and
    half surrogate pairs."""
    try:
        text = data.decode()
        at = _blanks(text, 0).end() + 1
        part: list[Any] = []
        for number in range(at_most):
            at = _blanks(text, at).end()
            if number == 0 and text[at : at + 1] == "]":
                break
            one, at = _python.raw_decode(text, at)
            part.append(one)
            if len(part) == STEP_PARTS:
                yield part
                part = []
            at = _blanks(text, at).end()
            if text[at : at + 1] == "]":
                break
            if text[at : at + 1] != ",":
                raise ValueError(f"expected , or ] at character {at}")
            at += 1
        else:
            at = len(text)  # the rest is not looked at
        yield part
        if text[at + 1 :].strip(_BLANK):
            raise ValueError(f"characters after the array, at character {at + 1}")
    except (ValueError, RecursionError) as error:
        raise _unreadable(error) from None


def _load(data: bytes) -> Any:
    """One object with Python's own decoder."""
    try:
        return _python.decode(data.decode())
    except (ValueError, RecursionError) as error:
        raise _unreadable(error) from None


def _decode(raw: msgspec.Raw) -> SentPoint:
    if len(raw) > MOST_NAMES and bytes(raw).count(b'":') > MOST_NAMES:
        raise too_many_parts()
    return _point.decode(raw)


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
