"""A file of line protocol as a source."""

import re
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

from hub.replay.files import READ_BYTES, SourceFile
from hub.replay.parts import MOST_LINE_BYTES, Part, Refused, in_thread
from streams.formats.line import scan
from streams.formats.line_grammar import line_end

_NO_TIME = -9_223_000_000 * 10**9
"""What the scan gives points without a time: in 1677, where nobody has points, and whole in every precision."""

_BREAKS = re.compile(rb"\n")


class LineFile:
    """Line protocol, inflated where the name ends in `.gz`; a place is an offset in bytes. It is read in chunks.

    SourceUnreadable.
    """

    def __init__(self, path: Path, precision: str, chunk_bytes: int = READ_BYTES) -> None:
        self.name = str(path)
        self._path = path
        self._precision = precision
        self._chunk_bytes = chunk_bytes
        with SourceFile(path):
            pass  # a file that cannot be read is said before anything is sent

    def parts(self, place: int | None) -> AsyncGenerator[Part, None]:
        """As `Source.parts`."""
        return in_thread(self._read(place or 0))

    def _read(self, place: int) -> Iterator[Part]:
        with SourceFile(self._path) as file:
            file.skip(place)
            data = b""
            while more := file.read(self._chunk_bytes):
                data += more
                stop = whole_lines(data)
                if not stop and len(data) > MOST_LINE_BYTES:
                    data, part = _too_long(file, data, place)
                    yield part
                    place = part.end
                elif stop:
                    yield self._part(file, data[:stop], place)
                    data, place = data[stop:], place + stop
            if data:
                yield self._part(file, data, place)

    def _part(self, file: SourceFile, data: bytes, place: int) -> Part:
        """The points in whole lines that begin at a place."""
        first_line = file.line
        batch, rejects = scan(data, precision=self._precision, now=_NO_TIME)
        refused = [Refused(_where(first_line, line), code, message) for line, code, message in rejects]
        if _NO_TIME in batch.times:
            reason = "the line has no time, and a replay cannot know when it was"
            without = [i for i, time in enumerate(batch.times) if time == _NO_TIME]
            refused += [Refused(_where(first_line, batch.numbers[i]), "no_time", reason) for i in without]
            batch = batch.select([i for i, time in enumerate(batch.times) if time != _NO_TIME])
        starts = [0, *(found.end() for found in _BREAKS.finditer(data))]
        file.line += len(starts) - 1
        # A point is settled up to the line in which the next one begins.
        places = [place + starts[number - 1] for number in batch.numbers[1:]]
        end = place + len(data)
        measurements = [series.measurement for series in batch.series]
        return Part(
            list(batch.lines), measurements, batch.times, [*places, end][: len(batch)], end, file.done(), refused
        )


def whole_lines(data: bytes) -> int:
    """Where the last line ends that surely ends in here, if any: breaks in strings end none."""
    if data.find(b'"') < 0 and data.find(b"\\") < 0:
        return data.rfind(b"\n") + 1
    position = 0
    while (end := line_end(data, position)) < len(data):
        position = end + 1
    return position


def _too_long(file: SourceFile, data: bytes, place: int) -> tuple[bytes, Part]:
    """Pass over a line that is too long to be one, up to the next break: what follows, and what to say of it."""
    where, length = f"line {file.line}", len(data)
    while (at := data.find(b"\n")) < 0 and (more := file.read()):
        data = more
        length += len(more)
    rest = data[at + 1 :] if at >= 0 else b""
    file.line += at >= 0
    refused = Refused(where, "too_long", f"the line, or a string in it, does not end within {MOST_LINE_BYTES} bytes")
    return rest, Part((), (), (), (), place + length - len(rest), file.done(), [refused])


def _where(first_line: int, number: int) -> str:
    return f"line {first_line + number - 1}"
