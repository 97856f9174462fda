"""A long text of line protocol cut into pieces, so that nobody waits while all of it is scanned."""

from collections.abc import Iterator
from typing import NamedTuple

from streams.formats.line_grammar import line_end

PIECE_BYTES = 128 * 1024
"""A few milliseconds of scanning."""


class Piece(NamedTuple):
    """Whole lines; `first_line` is the number of the first of them, counted from 1."""

    first_line: int
    data: bytes


def pieces(data: bytes, size: int = PIECE_BYTES) -> Iterator[Piece]:
    """Cut where lines end, each piece being at least `size` bytes long, but for the last; strings stay whole."""
    start, first_line = 0, 1
    while start < len(data):
        stop = _cut(data, start, size)
        piece = data[start:stop]
        yield Piece(first_line, piece)
        first_line += piece.count(b"\n")
        start = stop


def _cut(data: bytes, start: int, size: int) -> int:
    """Where the first line that reaches `size` bytes beyond `start` ends; `start` is where a line starts."""
    position = start
    if data.find(b'"', start, start + size) < 0 and data.find(b"\\", start, start + size) < 0:
        # Every line break is the end of a line.
        position = data.rfind(b"\n", start, start + size) + 1 or start
    while position < min(start + size, len(data)):
        position = line_end(data, position) + 1
    return min(position, len(data))
