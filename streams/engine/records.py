"""What was sent of windows, kept in few bytes: an engine remembers hundreds of thousands of them. Pure."""

import hashlib
from collections.abc import Iterator, Sequence
from struct import Struct
from typing import NamedTuple

import msgspec

from streams.stores.base import Row

MOST_SENDINGS = 32
"""Of a window that is corrected again and again, the first sending and the latest are kept, this many in all."""

_HEAD = Struct("<8sQ")
_SENDING = Struct("<QqQ")


class Sending(NamedTuple):
    """That a window was sent, when, and how many points it was made of."""

    revision: int
    sent: int
    points: int


def digest(rows: Sequence[Row]) -> bytes:
    """Eight bytes that differ when what a subscriber would see of these rows differs."""
    return hashlib.blake2b(msgspec.json.encode(rows), digest_size=8).digest()


class Record(NamedTuple):
    """What was sent of one window: the `digest` of the latest, and the `change` that it was.

    `change` numbers the ledger's changes: the greater, the later. `packed` are the sendings.
    """

    digest: bytes
    change: int
    packed: bytes

    @property
    def sendings(self) -> tuple[Sending, ...]:
        """The first and the latest, ascending."""
        return tuple(map(Sending._make, _SENDING.iter_unpack(self.packed)))

    @property
    def latest(self) -> Sending:
        """The one with the highest revision."""
        return Sending._make(_SENDING.unpack_from(self.packed, len(self.packed) - _SENDING.size))

    def late(self, points: int) -> int:
        """How many of these points came after the first sending. Points that replace others do not count."""
        return max(0, points - Sending._make(_SENDING.unpack_from(self.packed)).points)


class Records:
    """The records of windows by their stops; each takes some 200 bytes, and 24 for each sending after the first."""

    def __init__(self) -> None:
        self._packed: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self._packed)

    def __iter__(self) -> Iterator[int]:
        return iter(self._packed)

    def __contains__(self, stop: int) -> bool:
        return stop in self._packed

    def __getitem__(self, stop: int) -> Record:
        packed = self._packed[stop]
        seen, change = _HEAD.unpack_from(packed)
        return Record(seen, change, packed[_HEAD.size :])

    def get(self, stop: int) -> Record | None:
        """That of this window, if there is one."""
        return self[stop] if stop in self._packed else None

    def add(self, stop: int, seen: bytes, change: int, sending: Sending) -> Record:
        """Rows with the digest `seen` are sent of this window, too; the record with that."""
        earlier = self._packed.get(stop, b"")[_HEAD.size :]
        if len(earlier) == MOST_SENDINGS * _SENDING.size:
            earlier = earlier[: _SENDING.size] + earlier[2 * _SENDING.size :]
        self._packed[stop] = _HEAD.pack(seen, change) + earlier + _SENDING.pack(*sending)
        return self[stop]

    def pop(self, stop: int) -> Record:
        """Forget that of this window."""
        record = self[stop]
        del self._packed[stop]
        return record
