"""Where the spool begins and ends, in memory that the workers share: what makes `empty` one look at two words.

Each position is written twice, the second time masked, so that half a write and a flipped bit are seen. Only who has
the lock writes. `DRAINED` says what may be forgotten; `SYNCED` is what is known to be on disk of it.
"""

import mmap
import os
from pathlib import Path

END, DRAINED, SYNCED = 0, 2, 4
_SIZE = mmap.PAGESIZE
_MASK = 0x5AA5_5AA5_5AA5_5AA5
_TRIES = 1_000


class Control:
    """The shared positions of one spool."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        missing = _SIZE - os.fstat(self._file).st_size
        if missing > 0:
            os.pwrite(self._file, bytes(missing), _SIZE - missing)
        self._map = mmap.mmap(self._file, _SIZE)
        self._bytes = memoryview(self._map)
        self._words = self._bytes.cast("Q")

    def get(self, word: int) -> int | None:
        """A position, or None when it cannot be trusted."""
        for _ in range(_TRIES):
            value, masked = self._words[word], self._words[word + 1]
            if value ^ masked == _MASK:
                return value
        return None

    def put(self, word: int, value: int) -> None:
        self._words[word] = value
        self._words[word + 1] = value ^ _MASK

    def sync(self) -> None:
        """Return when what was put is on disk; OSError when nobody knows."""
        self._map.flush()

    def close(self) -> None:
        self._words.release()
        self._bytes.release()
        self._map.close()
        os.close(self._file)
