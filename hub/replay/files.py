"""A file to read once from its start, as it is or inflated, and how much of it has been read."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, cast

from hub.replay.parts import SourceUnreadable

READ_BYTES = 256 * 1024


class SourceFile:
    """A file as bytes; a place in it is an offset, where it ends in `.gz` one of the inflated bytes.

    SourceUnreadable whenever it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.line = 1
        """The number of the line that is read next, where whole lines are read."""
        with self._readable():
            self._raw = path.open("rb")
            self._size = max(1, path.stat().st_size)
        self._bytes = cast("BinaryIO", gzip.GzipFile(fileobj=self._raw)) if path.suffix == ".gz" else self._raw

    def skip(self, place: int) -> None:
        """Go to a place that begins a line, and count the lines before it."""
        while place > 0:
            data = self.read(min(place, READ_BYTES))
            if not data:
                raise SourceUnreadable(f"{self._path} is shorter than it was: replay it from its start")
            self.line += data.count(b"\n")
            place -= len(data)

    def read(self, size: int = READ_BYTES) -> bytes:
        """The next bytes, none at the end."""
        with self._readable():
            return self._bytes.read(size)

    def lines(self) -> Iterator[bytes]:
        """The next lines with their breaks; one that has no end in sight comes in pieces."""
        while True:
            with self._readable():
                line = self._bytes.readline(READ_BYTES)
            if not line:
                return
            self.line += line.endswith(b"\n")
            yield line

    def done(self) -> float:
        """How much has been read, from 0 to 1."""
        return min(1.0, self._raw.tell() / self._size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bytes.close()
        self._raw.close()

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (OSError, EOFError, zlib.error) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise SourceUnreadable(f"{self._path} cannot be read: {reason}") from None
