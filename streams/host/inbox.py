"""What other workers announced to one worker: a file that they append to and it empties.

Page cache survives the death of the writer, and of a power cut no worker is left that would care, so nothing is synced.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from streams.host.locks import FileLock
from streams.points import Touched

_decode = msgspec.json.Decoder(tuple[str, int, int]).decode


class Inbox:
    """The announcements to one worker that it has not read."""

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path.with_suffix(".inbox-lock"))
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def put(self, touched: Sequence[Touched]) -> None:
        """Add ranges; OSError when the disk does not take them all."""
        # The break comes first, so that what a writer left half when it died spoils no line but its own.
        text = b"".join(b"\n" + msgspec.json.encode(tuple(item)) for item in touched)
        with self._lock.held():
            size = os.fstat(self._file).st_size
            if os.write(self._file, text) != len(text):
                os.ftruncate(self._file, size)
                raise OSError("the announcement was written only in part")

    def take(self) -> list[Touched]:
        """Every range since the last time, in order."""
        if not os.fstat(self._file).st_size:
            return []
        with self._lock.held():
            text = os.pread(self._file, os.fstat(self._file).st_size, 0)
            os.ftruncate(self._file, 0)
        return [item for line in text.split(b"\n") if line and (item := _read(line))]

    def close(self) -> None:
        self._lock.close()
        os.close(self._file)


def _read(line: bytes) -> Touched | None:
    try:
        return Touched(*_decode(line))
    except msgspec.DecodeError:
        return None  # half a line: its writer died before it had acknowledged the points
