"""Putting batches into the spool, from any worker.

An append is a write and a sync of one file that is written nowhere but at its end. A failed sync leaves pages that
the kernel calls clean: that segment is renamed, is still drained as far as it can be read, and no worker acknowledges
anything from it again. The next append begins a new file, whose syncs are honest.
"""

import errno
import logging
import os
from collections.abc import Sequence

from streams.disk import size_of, sync_directory
from streams.ingest.spool.control import END
from streams.ingest.spool.errors import SpoolFailed, SpoolFull
from streams.ingest.spool.files import Files
from streams.ingest.spool.records import SpoolEntry, encode
from streams.ingest.spool.segments import FAILED, number_of, offset_of, position

log = logging.getLogger(__name__)

SEGMENT_BYTES = 16 * 2**20


class Appender:
    """One worker's way into the spool; everything here blocks."""

    def __init__(self, files: Files, most_bytes: int) -> None:
        self._files = files
        self._most_bytes = most_bytes
        self._failed: set[int] = set()
        self._refused = 1  # bytes

    def full(self) -> bool:
        """Whether there is no room for what was refused last, or for anything."""
        drained, _ = self._files.bounds()
        return self._files.size(drained) + self._refused > self._most_bytes

    def append(self, entries: Sequence[SpoolEntry]) -> None:
        """Return when all entries are synced. SpoolFull, SpoolFailed: acknowledge none of them."""
        data = b"".join(map(encode, entries))
        number, file = 0, -1
        try:
            with self._files.lock.held():
                number, offset = self._room_for(len(data))
                file = self._open(number, offset)
                self._write(file, number, offset, data)
            self._sync(file, number, offset, offset + len(data))
        except OSError as error:
            reason = errno.errorcode.get(error.errno or 0, "") + f" ({error.strerror})"
            raise SpoolFailed(f"cannot write to the spool {self._files.directory}: {reason}") from error
        finally:
            if file >= 0:
                os.close(file)

    def _room_for(self, size: int) -> tuple[int, int]:
        """The segment to append to, and its size."""
        drained, end = self._files.locked_bounds()
        if self._files.size(drained) + size > self._most_bytes:
            self._refused = size
            raise SpoolFull(f"the spool {self._files.directory} has reached its {self._most_bytes} bytes")
        number, offset = number_of(end), offset_of(end)
        # A file that does not end where its last writer meant to has a torn end. What was appended behind that could
        # be taken for a part of it, so the next segment begins.
        torn = size_of(self._files.path(number)) != offset
        if torn or offset >= SEGMENT_BYTES or number in self._failed:
            return number + 1, 0
        return number, offset

    def _open(self, number: int, offset: int) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        file = os.open(self._files.path(number), flags, 0o600)
        if not offset:
            try:
                sync_directory(self._files.directory)
            except OSError:
                self._failed.add(number)
                os.close(file)
                raise
        return file

    def _write(self, file: int, number: int, offset: int, data: bytes) -> None:
        # The end is moved first: should this worker die in the write, nobody takes the spool for empty.
        self._files.control.put(END, position(number, offset + len(data)))
        written = 0
        try:
            while written < len(data):
                written += os.write(file, data[written:])
        except OSError:
            # The drain may have read a part already, so these positions are not given again.
            self._files.control.put(END, position(number + 1, 0))
            os.ftruncate(file, offset)
            raise

    def _sync(self, file: int, number: int, start: int, stop: int) -> None:
        try:
            os.fdatasync(file)
        except OSError:
            self._retire(number, start, stop)
            raise
        if self._files.path(number, FAILED).exists():
            raise OSError(errno.EIO, "another worker's sync of the same file failed")

    def _retire(self, number: int, start: int, stop: int) -> None:
        self._failed.add(number)
        log.error("a sync of the spool's segment %d failed: nothing is appended to it any more", number)
        with self._files.lock.held():
            _, end = self._files.locked_bounds()
            path = self._files.path(number)
            if not start and end == position(number, stop):
                path.unlink(missing_ok=True)  # nothing in it was ever acknowledged
            elif path.exists():
                path.rename(self._files.path(number, FAILED))
            if number_of(end) == number:
                self._files.control.put(END, position(number + 1, 0))
