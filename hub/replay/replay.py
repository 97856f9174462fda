"""A replay: points from a source to a hub, in their time, and the place up to which all of them have their outcome."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from hub.client import HubError, HubRefused, NotAcknowledged, Rejection, Setback, Writer
from hub.replay.pacing import Pace
from hub.replay.parts import Part, Refused, Source, SourceUnreadable
from hub.replay.position import Settled, State
from hub.replay.selection import Selection, shifted

PIECE_BYTES = 64 * 1024
"""Points that are written at once: what is settled is known this exactly."""
WATCH_SECONDS = 0.25
STOP_SECONDS = 5.0
"""How long the hub has for what is under way when the replay is told to stop."""
MOST_NAMED = 10
"""Rejected points that are named; the others are counted."""


class End(Enum):
    """How a replay ended."""

    DONE = "done"
    STOPPED = "stopped"
    SILENT = "the hub does not answer"
    REFUSED = "the hub refuses"
    UNREADABLE = "the source cannot be read"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be replayed, and how. With `shift_to_now` the time `anchor`, or else the first point's, becomes now.

    `patience` is how many seconds the hub may give no outcome.
    """

    source: Source
    selection: Selection
    pace: Pace
    shift_to_now: bool = False
    anchor: int | None = None
    patience: float = 30.0


class Watcher(Protocol):
    """Who looks at a running replay."""

    def note(self, text: str) -> None:
        """Something a person should know."""

    def show(self, replay: "Replay") -> None:
        """How it stands now; called several times a second."""


class Replay:
    """One run. `state` says where to begin and is kept up to date; `save` keeps it for later."""

    def __init__(self, plan: Plan, state: State, *, save: Callable[[State], None], watcher: Watcher) -> None:
        self.state = state
        self.settled = Settled(state.place, state.done)
        self.acknowledged = 0
        """Points of this run that are durable."""
        self.rejected = 0
        """Points of this run that will never be stored."""
        self.codes: Counter[str] = Counter()
        """Of the rejected points those whose code was told."""
        self.reason = ""
        """Why it ended, where it did not come to its end."""
        self._plan = plan
        self._save = save
        self._watcher = watcher
        self._refused = 0
        self._read_done = state.done

    async def run(self, writer: Writer, stop: asyncio.Event) -> End:
        """Send everything until it has its outcome, or until the event is set. The state is saved at last.

        The writer tells this replay's `on_reject` and `on_setback`, and has endless patience: the plan's counts.
        """
        end = End.SILENT
        try:
            async with writer:
                end = await self._follow(writer, stop)
                writer.patience = 0.0  # whatever was to be waited for has been
        except NotAcknowledged as error:
            self.reason = self.reason or str(error)
        finally:
            self._look(writer)
            self.state.finished = end is End.DONE
            self._save(self.state)
        return end

    def on_reject(self, rejection: Rejection) -> None:
        """For the writer: a point that the hub will never store."""
        line = rejection.text.split(b"\n")[rejection.line - 1]
        self._name(Refused(_shown(line), rejection.code, rejection.message))

    def on_setback(self, setback: Setback, delay: float) -> None:
        """For the writer: a connection has ended."""
        self.reason = setback.message
        self._watcher.note(f"{setback.message}; trying again in {delay:.1f} s")

    async def _follow(self, writer: Writer, stop: asyncio.Event) -> End:
        """Watch the sending until it ends, one way or the other."""
        sending = asyncio.create_task(self._send_all(writer))
        stopping = asyncio.create_task(stop.wait())
        silence = _Silence(self._plan.patience)
        end: End | None = None
        while end is None:
            await asyncio.wait([sending, stopping], timeout=WATCH_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            self._look(writer)
            if sending.done():
                end = self._end_of(sending)
            elif stop.is_set():
                end = End.STOPPED
            elif silence.lasts(writer, time.monotonic()):
                end = End.SILENT
        for task in (sending, stopping):
            task.cancel()
        await asyncio.gather(sending, stopping, return_exceptions=True)
        if end in {End.STOPPED, End.UNREADABLE}:
            with suppress(TimeoutError, HubError):
                async with asyncio.timeout(STOP_SECONDS):
                    await writer.flush()
        return end

    def _end_of(self, sending: asyncio.Task[None]) -> End:
        try:
            sending.result()
        except SourceUnreadable as error:
            self.reason = str(error)
            return End.UNREADABLE
        except HubError as error:
            self.reason = str(error.__cause__ or error)
            return End.REFUSED if isinstance(error.__cause__ or error, HubRefused) else End.SILENT
        return End.DONE

    async def _send_all(self, writer: Writer) -> None:
        """Write what the source has, each point when it is due, and wait until all has its outcome."""
        async with aclosing(self._plan.source.parts(self.state.place)) as parts:
            async for part in parts:
                chosen = self._plan.selection.of(part)
                for refused in part.refused:
                    self._refused += 1
                    self._name(refused)
                if chosen.lines:
                    await self._send(writer, shifted(chosen, self._shift(chosen)))
                self._read_done = part.done
                self.settled.passed(part.end, part.done)
        await writer.flush()

    def _shift(self, part: Part) -> int:
        if self._plan.shift_to_now and self.state.shift is None:
            anchor = self._plan.anchor
            self.state.shift = time.time_ns() - (part.times[0] if anchor is None else anchor)
            # Whatever is sent is sent with this shift, even if this process is killed.
            self._save(self.state)
        return self.state.shift or 0

    async def _send(self, writer: Writer, part: Part) -> None:
        index, pace = 0, self._plan.pace
        while index < len(part.lines):
            due = pace.due(part.times, index, time.monotonic())
            for first, stop in _pieces(part.lines, index, due):
                await writer.write(b"\n".join(part.lines[first:stop]))
                done = self._read_done + (part.done - self._read_done) * stop / len(part.lines)
                self.settled.sent(part.places[stop - 1], stop - first, done)
            index = due
            if index < len(part.lines):
                await asyncio.sleep(pace.wait(part.times[index], time.monotonic()))

    def _look(self, writer: Writer) -> None:
        self.settled.complete(writer.complete)
        self.acknowledged = max(0, self.settled.points - writer.rejected)
        self.rejected = writer.rejected + self._refused
        if (self.settled.place, self.settled.done) != (self.state.place, self.state.done):
            self.state.place, self.state.done = self.settled.place, self.settled.done
            self._save(self.state)
        self._watcher.show(self)

    def _name(self, refused: Refused) -> None:
        self.codes[refused.code] += 1
        if self.codes.total() <= MOST_NAMED:
            self._watcher.note(f"rejected: {refused.where}: {refused.code}: {refused.reason}")
        elif self.codes.total() == MOST_NAMED + 1:
            self._watcher.note("further rejected points are only counted")


class _Silence:
    """For how long a writer has waited for an outcome in vain."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._settled = 0
        self._since: float | None = None

    def lasts(self, writer: Writer, now: float) -> bool:
        """Whether it has for as long as the patience lasts."""
        if not writer.unacknowledged or writer.settled > self._settled or self._since is None:
            self._settled, self._since = writer.settled, now
        return now - self._since >= self._patience


def _pieces(lines: Sequence[bytes], first: int, stop: int) -> Iterator[tuple[int, int]]:
    """Ranges of lines of about PIECE_BYTES each."""
    size = 0
    for index in range(first, stop):
        size += len(lines[index]) + 1
        if size >= PIECE_BYTES:
            yield first, index + 1
            first, size = index + 1, 0
    if first < stop:
        yield first, stop


def _shown(line: bytes, most: int = 120) -> str:
    text = line.decode("utf-8", "backslashreplace")
    return text if len(text) <= most else f"{text[:most]}…"


def codes_text(codes: Iterable[tuple[str, int]]) -> str:
    """`3 field_type, 1 too_new`."""
    return ", ".join(f"{count} {code}" for code, count in codes)
