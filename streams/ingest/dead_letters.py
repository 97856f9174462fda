"""Points that will never be stored, kept for people to look at: JSON lines, shared by the workers of a host.

There are two kinds, with two fates. A *rejected* point was named to its device, which can act: the newest of them are
kept. A *refused* point had been acknowledged out of the spool before the store refused it: this file is the only one
who knows it, so it is synced and never evicted. At its bound the spool keeps what it has, until somebody clears it.
"""

import errno
import heapq
import json
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from streams.disk import size_of, sync_directory
from streams.errors import Remedy, StreamsError
from streams.host.locks import FileLock

log = logging.getLogger(__name__)


class DeadLettersFull(StreamsError):
    """No room for points that were acknowledged: an operator has to look at what is there, and clear it."""

    code = "dead_letters_full"
    remedy = Remedy.KEEP


class DeadLettersFailed(StreamsError):
    """The disk did not take what was acknowledged; keep it in the spool."""

    code = "dead_letters_failed"
    remedy = Remedy.WAIT


class DeadLetter(NamedTuple):
    """A refused point: `time` in ms, `line` as it came, `acknowledged` when its device believes it stored."""

    time: int
    source: str
    code: str
    reason: str
    line: bytes
    acknowledged: bool = False


class DeadLetters:
    """The dead letters of one hub, under `directory`. Everything blocks, for a write or a sync.

    Of `most_bytes`, half is for refused points, and the other half for the newest rejected ones.
    """

    def __init__(self, directory: Path, most_bytes: int) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.on_written: Callable[[str, int], None] = lambda _code, _points: None
        """Hears, in the thread that writes, how many points of each code were written."""
        self._directory = directory
        self._most_bytes = most_bytes
        self._lock = FileLock(directory / "dead-letters.lock")
        self._refused = directory / "refused.jsonl"
        self._rejected = directory / "rejected.jsonl"
        self._older = directory / "rejected.1.jsonl"

    def reject(self, letters: Sequence[DeadLetter]) -> None:
        """Keep points that a `reject` names; the oldest give way. A disk that does not take them only costs them."""
        text = _lines(letters, acknowledged=False)
        try:
            with self._lock.held():
                if size_of(self._rejected) + len(text) > self._most_bytes // 4 and self._rejected.exists():
                    self._rejected.replace(self._older)
                _append(self._rejected, text, sync=False)
        except OSError as error:
            log.warning("%d rejected points are not among the dead letters: %s", len(letters), error)
        self._tell(letters)

    def refuse(self, letters: Sequence[DeadLetter]) -> None:
        """Return when acknowledged points are synced; only then may the spool forget them.

        DeadLettersFull, DeadLettersFailed: none of them is kept for certain.
        """
        text = _lines(letters, acknowledged=True)
        try:
            with self._lock.held():
                self._keep(text)
        except OSError as error:
            reason = errno.errorcode.get(error.errno or 0, str(error))
            raise DeadLettersFailed(f"cannot write dead letters to {self._directory}: {reason}") from error
        self._tell(letters)

    def _keep(self, text: bytes) -> None:
        if self.refused_bytes() + len(text) > self._most_bytes // 2:
            raise DeadLettersFull(
                f"the dead letters in {self._directory} have reached {self._most_bytes // 2} bytes of points that "
                "were acknowledged: read them with `pxl-hub dead-letters`, then clear them"
            )
        try:
            _append(self._refused, text, sync=True)
        except OSError:
            # After a failed sync the kernel calls lost pages clean: this file is never trusted with more.
            if size_of(self._refused):
                self._refused.rename(self._directory / f"refused-{time.time_ns()}.jsonl")
            raise

    def refused_bytes(self) -> int:
        """How much of the bound for acknowledged points is used."""
        return sum(map(size_of, self._directory.glob("refused*.jsonl")))

    def letters(self) -> Iterator[DeadLetter]:
        """All of them, oldest first; lines that cannot be read are reported and left out."""
        rejected = (letter for path in (self._older, self._rejected) for letter in _read(path))
        refused = [_read(path) for path in sorted(self._directory.glob("refused*.jsonl"))]
        return heapq.merge(rejected, *refused, key=lambda letter: letter.time)

    def clear(self) -> None:
        """Forget them all: for an operator who has looked at them."""
        with self._lock.held():
            for path in (self._older, self._rejected, *self._directory.glob("refused*.jsonl")):
                path.unlink(missing_ok=True)

    def close(self) -> None:
        self._lock.close()

    def _tell(self, letters: Sequence[DeadLetter]) -> None:
        for code, points in Counter(letter.code for letter in letters).items():
            self.on_written(code, points)


def _lines(letters: Sequence[DeadLetter], *, acknowledged: bool) -> bytes:
    return b"".join(
        json.dumps(
            {
                "time": letter.time,
                "source": letter.source,
                "code": letter.code,
                "reason": letter.reason,
                # A rejected line may be no text at all: its bytes come back as they were.
                "line": letter.line.decode("utf-8", "surrogateescape"),
                "acknowledged": acknowledged,
            }
        ).encode()
        + b"\n"
        for letter in letters
    )


def _append(path: Path, text: bytes, *, sync: bool) -> None:
    """Write whole lines at the end of a file, or raise OSError and leave it as it was."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != b"\n":
            text = b"\n" + text  # its last writer died in the middle of a line
        if os.write(file, text) != len(text):
            os.ftruncate(file, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if sync:
            os.fdatasync(file)
            if not size:
                sync_directory(path.parent)
    finally:
        os.close(file)


def _read(path: Path) -> Iterator[DeadLetter]:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        for number, line in enumerate(file, 1):
            try:
                letter = DeadLetter(**json.loads(line))
                letter = letter._replace(line=str(letter.line).encode("utf-8", "surrogateescape"))
            except (ValueError, TypeError):
                log.warning("line %d of %s cannot be read", number, path)
            else:
                yield letter
