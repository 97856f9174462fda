"""The memory that the workers of a host share: a slot for each, written by its owner and read by all.

A slot is 64-bit words, so each is read and written whole. An entry of its table is a held range: it counts from the
moment its measurement's hash is written, which is last, and ends when the hash is cleared, which is first. A reader
that meets a range changing under it needs no lock: what was released before it looked has been announced to it, and
what was held after it looked will be (see `streams.host.base`).
"""

import mmap
import os
import sys
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from threading import Lock

from streams.points import INT64_MAX, Touched

MAX_WORKERS = 64
RANGES = 4096
"""Held ranges of one worker that are kept apart; those beyond are widened into one."""

_WORD = 8
_PAGE = 512
_FINAL, _USED, _CROWD, _CROWD_START, _CROWD_STOP = range(5)
_HASHES = _PAGE
_STARTS, _STOPS = _HASHES + RANGES, _HASHES + 2 * RANGES
_SLOT = _HASHES + 3 * RANGES
_CROWDED = -1


@lru_cache(maxsize=65_536)
def _hash_of(measurement: str) -> tuple[bytes, int]:
    digest = blake2b(measurement.encode("utf-8", "surrogatepass"), digest_size=_WORD).digest()
    return digest, int.from_bytes(digest, sys.byteorder, signed=True)


def _base(number: int) -> int:
    return _PAGE + number * _SLOT


class Slots:
    """All slots, mapped: 6 MiB of file, of which only slots ever claimed take space."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        size = (_PAGE + MAX_WORKERS * _SLOT) * _WORD
        if os.fstat(self._file).st_size < size:
            os.ftruncate(self._file, size)
        self._map = mmap.mmap(self._file, size)
        self._bytes = memoryview(self._map)
        self._words = self._bytes.cast("q")
        self._fence = Lock()

    def claim(self, number: int) -> "Slot":
        """Empty a slot for its new owner; one worker at a time.

        Its words are written, not only mapped: a full disk is an OSError here, where it would be a SIGBUS later.
        """
        first = _base(number)
        os.pwrite(self._file, bytes(_SLOT * _WORD), first * _WORD)
        os.pwrite(self._file, max(self._words[0], number + 1).to_bytes(_WORD, sys.byteorder), 0)
        return Slot(self._words[first : first + _SLOT])

    def claimed(self) -> range:
        """The slots that ever had an owner."""
        return range(min(self._words[0], MAX_WORKERS))

    def clear(self, number: int) -> None:
        """Forget what the dead owner of this slot held."""
        for word in (_FINAL, _USED, _CROWD):
            self._words[_base(number) + word] = 0

    def final(self, number: int) -> int:
        """What its owner has published as final, ms; 0 when nothing."""
        return self._words[_base(number) + _FINAL]

    def holds(self, number: int, measurement: str, start: int, stop: int) -> bool:
        """Whether this slot holds a range of the measurement that meets `[start, stop)`."""
        words, base = self._words, _base(number)
        if words[base + _CROWD] and words[base + _CROWD_START] < stop and words[base + _CROWD_STOP] >= start:
            return True
        used = words[base + _USED]
        hashes = bytes(self._bytes[(base + _HASHES) * _WORD : (base + _HASHES + used) * _WORD])
        wanted = _hash_of(measurement)[0]
        at = hashes.find(wanted)
        starts, stops = base + _STARTS, base + _STOPS
        # Most points under way are newer than the windows asked for: one pass in C answers for all of them.
        if at < 0 or min(words[starts : starts + used]) >= stop:
            return False
        while at >= 0:
            index, misaligned = divmod(at, _WORD)
            if not misaligned and words[starts + index] < stop and words[stops + index] >= start:
                return True
            at = hashes.find(wanted, at + 1)
        return False

    def fence(self) -> None:
        """Let others see what this worker wrote before it reads on: taking a lock is a full memory barrier."""
        with self._fence:
            pass

    def close(self) -> None:
        self._words.release()
        self._bytes.release()
        self._map.close()
        os.close(self._file)


class Slot:
    """The owner's side of a slot."""

    def __init__(self, words: memoryview) -> None:
        self._words = words
        self._free = list(range(RANGES - 1, -1, -1))

    def hold(self, touched: Touched) -> int:
        """Add a range; the entry's number, for `release`."""
        words = self._words
        if not self._free:
            return self._crowd(touched)
        index = self._free.pop()
        words[_STARTS + index] = touched.start
        words[_STOPS + index] = touched.stop
        if words[_USED] <= index:
            words[_USED] = index + 1
        words[_HASHES + index] = _hash_of(touched.measurement)[1]
        return index

    def _crowd(self, touched: Touched) -> int:
        """No entry is left: widen one range of every measurement. It ends when all who are in it are released."""
        words = self._words
        alone = not words[_CROWD]
        words[_CROWD_START] = touched.start if alone else min(words[_CROWD_START], touched.start)
        words[_CROWD_STOP] = touched.stop if alone else max(words[_CROWD_STOP], touched.stop)
        words[_CROWD] += 1
        return _CROWDED

    def release(self, index: int) -> None:
        words = self._words
        if index == _CROWDED:
            words[_CROWD] -= 1
            return
        words[_HASHES + index] = 0
        words[_STARTS + index] = INT64_MAX
        self._free.append(index)
        if len(self._free) == RANGES:
            words[_USED] = 0

    def publish_final(self, until: int) -> None:
        self._words[_FINAL] = max(self._words[_FINAL], until)

    def close(self) -> None:
        for word in (_FINAL, _USED, _CROWD):
            self._words[word] = 0
        self._words.release()
