"""Large frames cut into pieces, each a frame of its own, so that nobody waits while all of a frame is scanned."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from streams.errors import FrameUnreadable
from streams.formats import json, msgpack
from streams.formats.line_pieces import Piece, pieces

PIECE_BYTES = 16 * 1024
"""Some milliseconds of scanning, for the most awkward of bytes a tenth of a second."""

Cut = Callable[[bytes], Iterator[Piece]]
"""The pieces of a frame, in order; FrameUnreadable where there is a part that cannot be cut, after those before it."""


def of_lines(data: bytes) -> Iterator[Piece]:
    """Of line protocol."""
    return pieces(data, PIECE_BYTES)


def of_paths(data: bytes) -> Iterator[Piece]:
    """Of Graphite's lines."""
    start, first = 0, 1
    while start < len(data):
        end = data.find(b"\n", start + PIECE_BYTES)
        stop = len(data) if end < 0 else end + 1
        piece = data[start:stop]
        yield Piece(first, piece)
        first += piece.count(b"\n")
        start = stop


def of_json(data: bytes) -> Iterator[Piece]:
    """Of an array of JSON; one that only Python's own decoder takes stays whole."""
    objects = json.split(data) if len(data) > PIECE_BYTES else None
    return _grouped(data, objects, lambda group: b"[%b]" % b",".join(group))


def of_msgpack(data: bytes) -> Iterator[Piece]:
    """Of an array of MessagePack."""
    objects = msgpack.split(data) if len(data) > PIECE_BYTES else None
    return _grouped(data, objects, lambda group: b"\xdd%b%b" % (len(group).to_bytes(4, "big"), b"".join(group)))
