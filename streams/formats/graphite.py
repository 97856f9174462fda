"""Graphite's plain text: `path value [time]` lines."""

import re
import sys
from collections.abc import Iterator
from math import isfinite

from streams.errors import PointRefused
from streams.formats.codes import Code
from streams.formats.columns import Columns, in_steps
from streams.formats.graphite_templates import Templates
from streams.formats.line import UNITS
from streams.formats.line_forms import FORMS
from streams.formats.line_grammar import nanoseconds, whole_line
from streams.formats.series import shown
from streams.points import Kind, Scan

_NUMBER = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_TIME = re.compile(rb"(-?\d{1,19})(?:\.(\d+))?")

STEP_BYTES = 4 * 1024
"""About as much is scanned at once."""

WHOLE_PATH = Templates([])


def scan(
    data: bytes, *, precision: str = "s", now: int, templates: Templates = WHOLE_PATH, at_most: int = sys.maxsize
) -> Scan:
    """The points of a frame, each with one float field; `templates` make names and tags of the paths.

    A time may have a fraction; -1, like none, means `now`, which is in nanoseconds. What follows `at_most` points, good
    or bad, is one reject.
    """
    columns = Columns()
    unit = UNITS[precision]
    for number, line in enumerate(data.split(b"\n"), 1):
        words = line.split()
        if not words:
            continue
        if columns.count >= at_most:
            columns.too_many(number)
            break
        try:
            if len(words) not in {2, 3}:
                raise PointRefused(Code.INVALID_POINT, f"{shown(line)} is not a path, a value and perhaps a time")
            series, name, field = templates.target(_path(words[0]))
            time = _time(words[2], unit, now) if len(words) == 3 else now - now % unit
            whole = whole_line(series, name + b"=" + _value(words[1]), time)
        except PointRefused as refused:
            columns.reject(number, refused)
        else:
            columns.add(whole, series, FORMS.intern(((field, Kind.FLOAT),)), time, number)
    return columns.scan()


def steps(
    data: bytes, *, precision: str = "s", now: int, templates: Templates = WHOLE_PATH, at_most: int = sys.maxsize
) -> Iterator[Scan]:
    """As `scan`, in steps of some milliseconds each."""
    return in_steps(
        _pieces(data),
        lambda part, most: [scan(part, precision=precision, now=now, templates=templates, at_most=most)],
        at_most,
    )


def _pieces(data: bytes) -> Iterator[tuple[int, bytes]]:
    start, number = 0, 1
    while start < len(data):
        stop = data.find(b"\n", start + STEP_BYTES) + 1 or len(data)
        yield number, data[start:stop]
        number += data.count(b"\n", start, stop)
        start = stop


def _path(word: bytes) -> str:
    try:
        return word.decode()
    except UnicodeDecodeError:
        raise PointRefused(Code.NOT_UTF8, f"the path {shown(word)} is not UTF-8") from None


def _value(word: bytes) -> bytes:
    """The value as a float of line protocol."""
    if _NUMBER.fullmatch(word) is None:
        raise PointRefused(Code.INVALID_NUMBER, f"{shown(word)} is no number that can be stored")
    value = float(word)
    if not isfinite(value):
        raise PointRefused(Code.OUT_OF_RANGE, f"{shown(word)} is beyond the largest float")
    return repr(value).encode()


def _time(word: bytes, unit: int, now: int) -> int:
    if word == b"-1":
        return now - now % unit
    found = _TIME.fullmatch(word)
    if found is None:
        raise PointRefused(Code.INVALID_TIME, f"{shown(word)} is no time: a number of seconds since 1970 is needed")
    whole, fraction = found.groups()
    rest = int((fraction or b"0")[:9].ljust(9, b"0")) * unit // 1_000_000_000
    return nanoseconds(int(whole) * unit + (-rest if whole.startswith(b"-") else rest), 1, now)
