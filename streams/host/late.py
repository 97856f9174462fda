"""Which times were written late, for dashboards that come back: files that all workers append to and that outlive them.

A dashboard names the time until which it has heard everything. Windows that were final by then have changed only where
points came later, and where those came is here, whichever worker took them and however it ended. Page cache survives
the death of a worker but not a power cut, so nothing is synced, and what was written before the machine started counts
for nothing.
"""

import errno
import os
import secrets
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec
import psutil

from streams.clock import SystemClock
from streams.host.base import AnnouncementFailed
from streams.host.locks import FileLock
from streams.points import INT64_MAX, NANOSECONDS, Touched

LATE_MS = 10_000
"""Points that come sooner are not noted: who asks has to look at windows that stopped so recently in any case."""
REPEAT_MS = 10_000
"""The same range is noted once in this time."""
MOST_BYTES = 1 << 20
"""Of each of two files: when one is full it takes the place of the older one."""
MOST_REPEATS = 1_000
GRAIN_NS = 1_000 * NANOSECONDS
"""Ranges are noted in whole seconds."""

EVERY_MEASUREMENT = ""
"""In a note, where it is not known which measurement; none has this name."""


class _Head(NamedTuple):
    """The first line of a file: which run of the machine it is of, when it was begun, and a name of its own."""

    boot: str
    began: int
    name: str


_decode_head = msgspec.json.Decoder(_Head).decode
_decode = msgspec.json.Decoder(tuple[int, str, int, int]).decode


class LateLog:
    """One worker's view of the log at `path`. `now` gives milliseconds since the epoch, `boot` names the machine's run.

    Call it from one thread.
    """

    def __init__(self, path: Path, now: Callable[[], int] | None = None, boot: str | None = None) -> None:
        self._path, self._older = path, path.with_suffix(".older")
        self._lock = FileLock(path.with_suffix(".late-lock"))
        self._now = now or SystemClock().now
        self._boot = boot or _boot()
        self._noted: dict[Touched, int] = {}
        self._noted_in: _Head | None = None
        self._read = _Read(None, None)
        with self._lock.held():
            head = _head(self._path)
            if head is None or head.boot != self._boot:
                self._forget()
                with suppress(OSError):  # nothing is known then
                    self._begin()

    def note(self, touched: Sequence[Touched], *, late_ms: int | None = None) -> None:
        """Points of these ranges can be read now. OSError where neither that nor that it is unknown can be kept."""
        now = self._now()
        before = (now - (LATE_MS if late_ms is None else late_ms)) * NANOSECONDS
        late = [_rounded(item) for item in touched if item.start < before]
        if not late:
            return
        with self._lock.held():
            try:
                self._append(late, now)
            except OSError:
                self._forget()

    def since(self, measurement: str, time: int) -> list[Touched] | None:
        """What of a measurement was written from this time on, and perhaps sooner; None where that is unknown."""
        with self._lock.held():
            head = _head(self._path)
            if head is None:
                return None
            if head != self._read.newer:
                self._read = _Read(_head(self._older), head)
                self._read.learn(self._older)
            self._read.learn(self._path)
        if time < self._read.began:
            return None
        found = [
            *self._read.since(measurement, time - REPEAT_MS),
            *self._read.since(EVERY_MEASUREMENT, time - REPEAT_MS),
        ]
        soon = Touched(measurement, (time - LATE_MS) * NANOSECONDS, INT64_MAX)
        return [soon, *(Touched(measurement, start, stop) for start, stop in found)]

    def close(self) -> None:
        """Let go of the lock's file."""
        self._lock.close()

    def _append(self, late: Sequence[Touched], now: int) -> None:
        head = _head(self._path)
        if head is not None and self._path.stat().st_size >= MOST_BYTES:
            self._path.replace(self._older)
            head = None
        head = head or self._begin()
        if head != self._noted_in or len(self._noted) > MOST_REPEATS:
            self._noted, self._noted_in = {}, head
        fresh = [item for item in late if now >= self._noted.get(item, now - REPEAT_MS) + REPEAT_MS]
        # The break comes first, so that what a writer left half when it died spoils no line but its own.
        _write(self._path, b"".join(b"\n" + msgspec.json.encode((now, *item)) for item in fresh))
        self._noted |= dict.fromkeys(fresh, now)

    def _begin(self) -> _Head:
        head = _Head(self._boot, self._now(), secrets.token_hex(8))
        _write(self._path, msgspec.json.encode(head) + b"\n")
        return head

    def _forget(self) -> None:
        self._path.unlink(missing_ok=True)
        self._older.unlink(missing_ok=True)


def note(log: LateLog, touched: Sequence[Touched]) -> None:
    """As `LateLog.note`; AnnouncementFailed where it cannot be kept."""
    try:
        log.note(touched)
    except OSError as error:
        reason = errno.errorcode.get(error.errno or 0, str(error))
        raise AnnouncementFailed(f"cannot write what came late: {reason}") from error


class _Read:
    """What was read of two files, which only grow: what is there already is not read again."""

    def __init__(self, older: _Head | None, newer: _Head | None) -> None:
        self.newer = newer
        self.began = min(head.began for head in (older, newer) if head) if newer else 0
        self._offsets: dict[Path, int] = {}
        self._times: dict[str, list[int]] = {}
        self._ranges: dict[str, list[tuple[int, int]]] = {}

    def learn(self, path: Path) -> None:
        """Read what is new in this file, if there is one."""
        try:
            with path.open("rb") as file:
                file.seek(self._offsets.get(path, 0))
                text = file.read()
        except FileNotFoundError:
            return
        self._offsets[path] = self._offsets.get(path, 0) + len(text)
        for time, measurement, start, stop in _entries(text):
            times = self._times.setdefault(measurement, [])
            times.append(max(time, times[-1] if times else 0))  # a clock may have been put back
            self._ranges.setdefault(measurement, []).append((start, stop))

    def since(self, measurement: str, time: int) -> list[tuple[int, int]]:
        """The ranges noted from this time on."""
        first = bisect_left(self._times.get(measurement, []), time)
        return self._ranges.get(measurement, [])[first:]


def _rounded(touched: Touched) -> Touched:
    start, stop = touched.start, touched.stop
    return Touched(touched.measurement, start - start % GRAIN_NS, stop - stop % GRAIN_NS + GRAIN_NS - 1)


def _write(path: Path, text: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        if os.write(file, text) != len(text):
            raise OSError(f"{path} was written only in part")
    finally:
        os.close(file)


def _head(path: Path) -> _Head | None:
    try:
        with path.open("rb") as file:
            return _decode_head(file.readline())
    except (OSError, msgspec.DecodeError):
        return None


def _entries(text: bytes) -> Iterator[tuple[int, str, int, int]]:
    for line in text.split(b"\n"):
        try:
            yield _decode(line)
        except msgspec.DecodeError:
            continue  # a head, or half a line: its writer died before it had acknowledged the points


def _boot() -> str:
    """A name of this run of the machine."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return f"{psutil.boot_time():.0f}"
