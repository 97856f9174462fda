"""One spooled batch as bytes: a head with a checksum of its own, so that its length can be trusted, and a payload.

    magic, 4 bytes | size of the head's text | size of the payload | CRC of the payload | CRC of all before and the text
    text: msgpack of (source, received, touched, compressed) | payload

Pure: bytes in, bytes out.
"""

import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from streams.points import Touched

MAGIC = b"\x89PXL"
_FIXED = struct.Struct("<4sIII")
_CHECK = struct.Struct("<I")
FIXED_SIZE = _FIXED.size + _CHECK.size
_MOST_TEXT = 64 * 2**20
_WORTH_COMPRESSING = 512


class SpoolEntry(NamedTuple):
    """A batch of a commit: `payload` is line protocol with times in ns, `received` ms since the epoch.

    `id` grows in the order of arrival, over all workers and restarts; `append` ignores it and `read` tells it.
    """

    payload: bytes
    source: str
    received: int
    touched: Sequence[Touched]
    id: int = 0


class Head(NamedTuple):
    """What is known of a record without its payload; sizes in bytes."""

    source: str
    received: int
    touched: list[Touched]
    compressed: bool
    size: int
    payload_size: int
    payload_check: int


_encode_text = msgspec.msgpack.encode
_decode_text = msgspec.msgpack.Decoder(tuple[str, int, list[tuple[str, int, int]], bool]).decode


def encode(entry: SpoolEntry) -> bytes:
    """A record of this entry. Line protocol shrinks to about a quarter, for a hundredth of a second for each MB."""
    compressed = len(entry.payload) >= _WORTH_COMPRESSING
    payload = zlib.compress(entry.payload, 1) if compressed else entry.payload
    text = _encode_text((entry.source, entry.received, [tuple(item) for item in entry.touched], compressed))
    fixed = _FIXED.pack(MAGIC, len(text), len(payload), zlib.crc32(payload))
    return b"".join([fixed, _CHECK.pack(zlib.crc32(text, zlib.crc32(fixed))), text, payload])


def head_size(data: bytes) -> int | None:
    """How many bytes the head at the start of `data` has, or None when there is none."""
    if len(data) < FIXED_SIZE or not data.startswith(MAGIC):
        return None
    text_size: int = _FIXED.unpack_from(data)[1]
    return FIXED_SIZE + text_size if text_size <= _MOST_TEXT else None


def decode_head(data: bytes) -> Head | None:
    """The head at the start of `data`, or None when it is not whole or not as it was written."""
    size = head_size(data)
    if size is None or len(data) < size:
        return None
    _, _, payload_size, payload_check = _FIXED.unpack_from(data)
    text = data[FIXED_SIZE:size]
    (check,) = _CHECK.unpack_from(data, _FIXED.size)
    if check != zlib.crc32(text, zlib.crc32(data[: _FIXED.size])):
        return None
    try:
        source, received, touched, compressed = _decode_text(text)
    except msgspec.DecodeError:
        return None
    ranges = [Touched(*item) for item in touched]
    return Head(source, received, ranges, compressed, size + payload_size, payload_size, payload_check)


def decode_payload(head: Head, payload: bytes) -> bytes | None:
    """The line protocol as it was given, or None when it is not as it was written."""
    if len(payload) != head.payload_size or zlib.crc32(payload) != head.payload_check:
        return None
    return zlib.decompress(payload) if head.compressed else payload
