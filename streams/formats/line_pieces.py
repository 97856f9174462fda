"""A long text of line protocol cut into pieces, so that nobody waits while all of it is scanned."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from streams.errors import FrameUnreadable
from streams.formats.line_grammar import POINTLESS, line_end

PIECE_BYTES = 128 * 1024
"""A few milliseconds of scanning."""
MOST_LOOKS = 500
"""Lines of a piece whose end has to be looked for with care: some milliseconds, too."""
MOST_LINE_BYTES = 2**20
"""A longer line is nobody's point, and to find its end would keep everybody waiting."""

_FIELD = rb'[^ ,="\\\n]++=(?:"[^"\\]*+"|[^ ,="\\\n]++)'
_PLAIN_LINES = re.compile(rb'(?:[^ "\\\n]++ ' + _FIELD + rb"(?:," + _FIELD + rb')*+(?: [^"\\\n]*+)?+\n)++')
"""Lines of which every line break but those in strings is an end, whichever way they are looked at."""


class Piece(NamedTuple):
    """Whole lines; `first_line` is the number of the first of them, counted from 1."""

    first_line: int
    data: bytes


def pieces(data: bytes, size: int = PIECE_BYTES) -> Iterator[Piece]:
    """Cut where lines end; strings stay whole. But for the last, each piece is at least `size` bytes long, or has
    MOST_LOOKS lines.

    FrameUnreadable, after the pieces before it, where a line is longer than MOST_LINE_BYTES.
    """
    start, first_line = 0, 1
    while start < len(data):
        stop = _cut(data, start, start + size)
        if stop is None:
            message = f"the next line is longer than {MOST_LINE_BYTES} bytes; all from it on is not read"
            raise FrameUnreadable(message, first_line)
        piece = data[start:stop]
        yield Piece(first_line, piece)
        first_line += piece.count(b"\n")
        start = stop


def _cut(data: bytes, start: int, reach: int) -> int | None:
    """The end of the first line that ends at `reach` or later, or has had many looks; `start` is where one starts."""
    looks = 0
    if data.find(b'"', start, reach) < 0 and data.find(b"\\", start, reach) < 0:
        # Every line break is the end of a line.
        start = data.rfind(b"\n", start, reach) + 1 or start
    while start < min(reach, len(data)) and looks < MOST_LOOKS:
        found = _PLAIN_LINES.match(data, start, reach) or POINTLESS.match(data, start, reach)
        if found:
            start = found.end()
        elif (stop := _line_stop(data, start)) is None:
            return None
        else:
            start, looks = stop, looks + 1
    return start


def _line_stop(data: bytes, start: int) -> int | None:
    """Where the line behind this one starts; None when this one is too long."""
    for most in (4_096, 65_536, MOST_LINE_BYTES):
        window = data[start : start + most]
        end = line_end(window, 0)
        if end < len(window) or start + len(window) == len(data):
            return min(start + end + 1, len(data))
    return None
