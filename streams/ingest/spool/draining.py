"""Reading the spool in order and taking out of it what the store has: for the one worker that leads in it."""

from collections.abc import Sequence

from streams.ingest.spool.control import END
from streams.ingest.spool.errors import SpoolFailed
from streams.ingest.spool.files import Files
from streams.ingest.spool.records import SpoolEntry, decode_payload
from streams.ingest.spool.segments import Stretch, number_of, offset_of, position, read_payload, walk

KEPT_BYTES = 2**20
"""A drained segment larger than this is not kept for further appends: its space is given back."""
READ_BYTES = 8 * 2**20


class Drain:
    """The way out; everything here blocks."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._read: dict[int, Stretch] = {}
        self._done: set[int] = set()

    def read(self, limit: int, after: int = 0) -> list[SpoolEntry]:
        """The oldest entries behind the id `after`, at most `limit` and about 8 MiB of them, in order.

        What cannot be read is counted, reported and passed over.
        """
        entries = self._read_some(limit, after, *self._files.bounds(), certain=False)
        if not entries and not self._files.empty():
            with self._files.lock.held():
                entries = self._read_some(limit, after, *self._files.locked_bounds(), certain=True)
                if not entries:
                    self._advance()
        return entries

    def _read_some(self, limit: int, after: int, drained: int, end: int, *, certain: bool) -> list[SpoolEntry]:
        start = self._read[after].stop if after in self._read else drained
        entries: list[SpoolEntry] = []
        size = 0
        for stretch in walk(self._files.directory, start, end, certain=certain):
            if len(entries) >= limit or size >= READ_BYTES:
                break
            entry = self._entry(stretch)
            if entry is None and stretch.head and not certain:
                break  # it is looked at again under the lock
            self._read[stretch.start] = stretch
            if entry is None:
                self._files.report(stretch)
                self._done.add(stretch.start)
            elif stretch.start > after:
                entries.append(entry)
                size += len(entry.payload)
        return entries

    def _entry(self, stretch: Stretch) -> SpoolEntry | None:
        head, stored = stretch.head, read_payload(self._files.directory, stretch)
        payload = decode_payload(head, stored) if head and stored is not None else None
        if head is None or payload is None:
            return None
        return SpoolEntry(payload, head.source, head.received, head.touched, stretch.start)

    def remove(self, ids: Sequence[int]) -> None:
        """These entries, which `read` gave, are in the store. SpoolFailed: they may be read again."""
        self._done.update(ids)
        try:
            with self._files.lock.held():
                self._advance()
        except OSError as error:
            message = f"cannot note what is drained from {self._files.directory}: {error.strerror}"
            raise SpoolFailed(message) from error

    def _advance(self) -> None:
        """Move the beginning of the spool over what is done."""
        drained, end = self._files.locked_bounds()
        for start, stretch in sorted(self._read.items()):
            if stretch.stop > drained and start not in self._done:
                break
            drained = max(drained, stretch.stop)
        if next(walk(self._files.directory, drained, end, certain=True), None) is None:
            if offset_of(end) > KEPT_BYTES:
                end = position(number_of(end) + 1, 0)
                self._files.control.put(END, end)
            drained = end
        self._files.drained(drained, end)
        self._read = {start: stretch for start, stretch in self._read.items() if stretch.stop > drained}
        self._done.intersection_update(self._read)
