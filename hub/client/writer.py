"""A device's side of `/v1/write`: what is written gets to the hub, once each, whatever happens in between."""

import asyncio
from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from time import monotonic
from types import TracebackType
from typing import Self

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from hub.client.backoff import Backoff
from hub.client.connection import Setback, endpoint, keep_connected, log, log_setback
from hub.client.errors import HubError, NotAcknowledged, ProtocolViolated
from hub.client.messages import Ack, Ready, Reject, Retry, WriteMessage, decode_write
from hub.client.points import Point
from hub.client.unacknowledged import Rejection, Unacknowledged

Line = bytes | str | Point

MOST_LOGGED_REJECTS = 10
"""Rejected points that a writer logs where nobody else hears of them, or a faulty device would fill its disk."""


class Writer:
    """Writes points; leaving the context returns when all of them have an outcome, or raises NotAcknowledged.

        async with Writer("ws://127.0.0.1:8000") as writer:
            await writer.write(Point("weather", {"temp": 21.4}, {"site": "s1"}))

    Connections that break are made again, and what was not acknowledged is sent again, in order.

    Args:
        url: the hub's address, as `ws://127.0.0.1:8000`.
        token: sent as `Authorization: Bearer`; else that of the environment variable HUB_TOKEN.
        parameters: of the query: `{"precision": "s"}`, `{"backfill": "true"}`, `{"template": ["a", "b"]}`.
        on_reject: hears of each point that the hub will never store, else the log of the first; `rejected` counts them.
        on_setback: hears why a connection ended, and in how many seconds the next is tried; else the log has it.
        buffer_bytes: while this much is unacknowledged, `write` waits.
        patience: on leaving, seconds without any outcome after which to give up; None waits for ever.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        parameters: Mapping[str, str | Sequence[str]] | None = None,
        on_reject: Callable[[Rejection], None] | None = None,
        on_setback: Callable[[Setback, float], None] | None = None,
        buffer_bytes: int = 16 * 1024 * 1024,
        patience: float | None = 30.0,
        backoff: Backoff | None = None,
    ) -> None:
        self._address = endpoint(url, "/v1/write", parameters)
        self._token = token
        self._on_reject = on_reject or self._log_reject
        self._on_setback = on_setback or log_setback
        self._buffer_bytes = buffer_bytes
        self.patience = patience
        """As given; it may be changed while the writer works."""
        self._logged_rejects = 0
        self._backoff = backoff or Backoff()
        self._unacknowledged = Unacknowledged()
        self._max_frame_bytes: int | None = None
        self._task: asyncio.Task[None] | None = None
        self._trouble = "the hub has not answered yet"
        self._sendable = asyncio.Event()
        self._moved = asyncio.Event()

    @property
    def unacknowledged(self) -> int:
        """Written lines that have no outcome yet."""
        return len(self._unacknowledged)

    @property
    def settled(self) -> int:
        """Written lines that have their outcome: they are durable, or on_reject has said why not."""
        return self._unacknowledged.settled

    @property
    def complete(self) -> int:
        """How many lines were written before the first without an outcome: none of them need ever be written again."""
        return self._unacknowledged.complete

    @property
    def rejected(self) -> int:
        """Points that the hub will never store."""
        return self._unacknowledged.rejected

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._connect(), name="hub writer")
        self._task.add_done_callback(lambda _task: self._announce())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        task = self._running()
        try:
            if error is None or isinstance(error, Exception):
                await self.flush()
        finally:
            task.cancel()
            await asyncio.wait([task])
        failure = None if task.cancelled() else task.exception()
        if failure is not None and not isinstance(failure, HubError):
            raise failure

    async def write(self, lines: Line | Iterable[Line] | AsyncIterable[Line]) -> None:
        """Take one or many lines, or points, in order; waits while the buffer is full.

        A text may be several complete lines. HubRefused when the hub will take nothing from this client, ValueError
        for a point that line protocol cannot express or a text that is longer than the hub's longest frame.
        """
        if isinstance(lines, bytes | str | Point):
            await self._write_line(lines)
        elif isinstance(lines, AsyncIterable):
            async for line in lines:
                await self._write_line(line)
        else:
            for line in lines:
                await self._write_line(line)

    async def flush(self) -> None:
        """Return when everything written has its outcome; NotAcknowledged."""
        while self._unacknowledged:
            settled = self.settled
            try:
                async with asyncio.timeout(self.patience):
                    await self._until(lambda: self.settled > settled or not self._unacknowledged)  # noqa: B023
            except TimeoutError:
                raise NotAcknowledged(self._unacknowledged.lines(), self._trouble) from None
            except HubError as error:
                raise NotAcknowledged(self._unacknowledged.lines(), str(error)) from error

    async def completed(self, count: int) -> None:
        """Return when the first `count` lines that were written have their outcome; HubRefused."""
        await self._until(lambda: self.complete >= count)

    async def ended(self) -> None:
        """Wait until the hub will take nothing from this client for good, and raise why: HubRefused."""
        task = self._running()
        await asyncio.wait([task])
        await task

    async def _write_line(self, line: Line) -> None:
        data = _encoded(line).rstrip(b"\r\n")
        if self._max_frame_bytes is not None and len(data) > self._max_frame_bytes:
            raise ValueError(f"a text of {len(data)} bytes was written; the hub takes {self._max_frame_bytes} in one")
        await self._until(lambda: self._unacknowledged.held_bytes < self._buffer_bytes)
        if data:
            self._unacknowledged.add(data)
            self._sendable.set()

    async def _until(self, reached: Callable[[], bool]) -> None:
        """Wait for an outcome that makes it so; raises what ended the connections for good."""
        task = self._running()
        while True:
            if task.done():
                await task
            if reached():
                return
            await self._moved.wait()

    def _running(self) -> asyncio.Task[None]:
        if self._task is None:
            raise RuntimeError("a Writer is used inside `async with Writer(…) as writer:`")
        return self._task

    def _announce(self) -> None:
        """Wake those who wait; the next to wait do so for the next outcome."""
        self._moved.set()
        self._moved = asyncio.Event()

    async def _connect(self) -> None:
        await keep_connected(
            self._address,
            self._session,
            read_ready=_read_ready,
            token=self._token,
            backoff=self._backoff,
            on_setback=self._note_setback,
        )

    def _note_setback(self, setback: Setback, delay: float) -> None:
        self._trouble = setback.message
        self._on_setback(setback, delay)

    def _log_reject(self, rejection: Rejection) -> None:
        self._logged_rejects += 1
        if self._logged_rejects <= MOST_LOGGED_REJECTS:
            log.warning("the hub rejects %r, line %d: %s", rejection.text, rejection.line, rejection.message)
        if self._logged_rejects == MOST_LOGGED_REJECTS:
            log.warning("what it rejects from now on is not logged; Writer(on_reject=…) hears of all")

    async def _session(self, socket: ClientConnection, ready: Ready) -> None:
        self._trouble = "the hub has not acknowledged it"
        self._max_frame_bytes = ready.max_frame_bytes
        self._unacknowledged.connected(ready.max_unacked, ready.max_frame_bytes)
        sending = asyncio.create_task(self._send(socket))
        try:
            async for data in socket:
                self._receive(decode_write(data))
        finally:
            sending.cancel()
            # Not `await sending`: to suppress its cancellation is to suppress our own, and then this goes on for ever.
            await asyncio.wait([sending])
        failure = None if sending.cancelled() else sending.exception()
        if failure is not None and not isinstance(failure, ConnectionClosed):
            raise failure

    async def _send(self, socket: ClientConnection) -> None:
        while True:
            now = monotonic()
            frame = self._unacknowledged.next_frame(now)
            if frame is not None:
                await socket.send(frame)
                continue
            self._sendable.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._unacknowledged.resting(now)):
                    await self._sendable.wait()

    def _receive(self, message: WriteMessage | None) -> None:
        match message:
            case Ack(frame=number):
                self._unacknowledged.ack(number)
                self._backoff.succeeded()
            case Reject(frame=number, rejected=points, more=more):
                rejections = self._unacknowledged.reject(number, points, more)
                self._backoff.succeeded()
                for rejection in rejections:
                    self._on_reject(rejection)
            case Retry(frame=number, after_ms=after_ms):
                self._unacknowledged.retry(number, monotonic() + after_ms / 1_000)
        self._sendable.set()
        self._announce()


def _encoded(line: Line) -> bytes:
    if isinstance(line, Point):
        return line.line()
    return line.encode() if isinstance(line, str) else line


def _read_ready(data: str | bytes) -> Ready:
    message = decode_write(data)
    if not isinstance(message, Ready):
        raise ProtocolViolated("the hub's first message is not `ready`")
    return message
