"""The files of a spool: numbered segments, each a run of records, and the way through them past what is damaged."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from streams.ingest.spool.records import MAGIC, Head, decode_head, head_size

_OFFSET_BITS = 40
_CHUNK = 4096
_SEARCH = 2**20

LIVE, FAILED = ".log", ".failed"
"""A segment that may be appended to; one whose sync failed once, so that it never is again."""


def position(number: int, offset: int) -> int:
    """A place in the spool as one number, which grows in the order of arrival. It is the id of the entry there."""
    return number << _OFFSET_BITS | offset


def number_of(place: int) -> int:
    return place >> _OFFSET_BITS


def offset_of(place: int) -> int:
    return place & ((1 << _OFFSET_BITS) - 1)


def segments(directory: Path) -> dict[int, Path]:
    """The segments there are, ascending."""
    found = {
        int(path.stem): path for path in directory.iterdir() if path.suffix in (LIVE, FAILED) and path.stem.isdecimal()
    }
    return dict(sorted(found.items()))


class Stretch(NamedTuple):
    """From `start` to `stop` there is one record, or, without a head, nothing readable."""

    start: int
    stop: int
    head: Head | None


def walk(directory: Path, start: int, stop: int, *, certain: bool) -> Iterator[Stretch]:
    """Every record between two positions, by its head, and every damaged stretch between them.

    Unless `certain`, which takes the lock, an unreadable end may be a write under way, and is left out.
    """
    paths = segments(directory)
    for number, path in paths.items():
        if not number_of(start) <= number <= number_of(stop):
            continue
        first = offset_of(start) if number == number_of(start) else 0
        last = offset_of(stop) if number == number_of(stop) else None
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue  # drained and removed by its drainer since
        try:
            yield from _walk_file(file, number, first, last, certain=certain or last is None)
        finally:
            os.close(file)


def _walk_file(file: int, number: int, at: int, last: int | None, *, certain: bool) -> Iterator[Stretch]:
    size = os.fstat(file).st_size
    stop = size if last is None else last
    while at < stop:
        head = _head_at(file, at, min(stop, size))
        following = at + head.size if head else _next_head(file, at + 1, min(stop, size))
        if head is None and following is None and not certain:
            return
        following = stop if following is None else following
        yield Stretch(position(number, at), position(number, following), head)
        at = following


def _head_at(file: int, at: int, stop: int) -> Head | None:
    data = os.pread(file, _CHUNK, at)
    size = head_size(data)
    if size is not None and size > len(data):
        data = os.pread(file, size, at)
    head = decode_head(data)
    return head if head and at + head.size <= stop else None


def _next_head(file: int, at: int, stop: int) -> int | None:
    """Where the next whole record starts, at or after `at`."""
    while at < stop:
        data = os.pread(file, _SEARCH, at)
        found = data.find(MAGIC)
        if found >= 0:
            at += found
            if _head_at(file, at, stop):
                return at
            at += 1
        elif len(data) < _SEARCH:
            return None
        else:
            at += _SEARCH - len(MAGIC) + 1
    return None


def read_payload(directory: Path, stretch: Stretch) -> bytes | None:
    """The stored payload of a record, unchecked; None when its segment is gone."""
    if stretch.head is None:
        return None
    number, size = number_of(stretch.start), stretch.head.payload_size
    for suffix in (LIVE, FAILED):
        try:
            file = os.open(directory / f"{number:010}{suffix}", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            return os.pread(file, size, offset_of(stretch.stop) - size)
        finally:
            os.close(file)
    return None
