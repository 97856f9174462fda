"""One socket's way out. Adding never waits: what the socket does not take is kept in its backlog."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

import msgspec

from hub.backlog import FORMS, Backlog, Prepared
from hub.codes import Close
from hub.messages import Encoding

__all__ = ["Closing", "Encoding", "Outbound", "Prepared", "Wire"]

WRITE_BYTES = 65_536
"""Bytes given to a socket at once: what it has been given can no longer give way to newer windows."""

JUDGED_EVERY_S = 1.0


class Closing(NamedTuple):
    """Why the hub closes a socket."""

    code: int
    reason: str


class Wire(Protocol):
    """What carries the bytes: our own server's extension `hub.prepared`, or any ASGI server's send."""

    framed: bool
    """It takes whole WebSocket frames; otherwise payloads."""

    def attach(self, drained: Callable[[], None], failed: Callable[[BaseException], None]) -> None:
        """Whom to tell when it takes bytes again, and when it is broken."""

    def write(self, parts: list[bytes]) -> bool:
        """Take all of it. False when nothing more should be written before `drained` is called."""

    def unsent(self) -> int:
        """Bytes that were written and that the peer's machine has not taken yet, as far as is known."""

    def abort(self) -> None:
        """Drop what was written, and cut the connection where that is possible."""

    def detach(self) -> None:
        """Forget whom to tell."""


class Stall:
    """Judges whether a socket takes nothing. Pure: seconds and bytes are arguments."""

    __slots__ = ("_limit", "_progress_at", "_unsent")

    def __init__(self, limit: float, unsent: int, now: float) -> None:
        self._limit = limit
        self._unsent = unsent
        self._progress_at = now

    def over(self, unsent: int, now: float) -> bool:
        """True when nothing was taken for as long as the limit."""
        if unsent < self._unsent:
            self._progress_at = now
        self._unsent = unsent
        return now - self._progress_at >= self._limit


class Outbound:
    """One socket's writer, with a budget of bytes that may wait; `run` returns when the socket is to be closed.

    A socket that takes nothing for `stalled_after_s` while something waits is cut off with 4508.
    `wire` is the server's extension `hub.prepared`, if it has one; `send` is used without it. All that is added in
    one turn of the event loop leaves in one write.
    """

    __slots__ = (
        "_backlog",
        "_blocked",
        "_finished",
        "_form",
        "_loop",
        "_low_bytes",
        "_room",
        "_scheduled",
        "_stall",
        "_stalled_after_s",
        "_timer",
        "_wire",
        "closing",
        "encoding",
    )

    def __init__(
        self,
        send: Callable[[str | bytes], Awaitable[None]],
        *,
        encoding: Encoding,
        budget_bytes: int,
        wire: Wire | None = None,
        stalled_after_s: float = 10.0,
    ) -> None:
        self.encoding = encoding
        self.closing: Closing | None = None
        self._loop = asyncio.get_running_loop()
        self._wire = wire or SendingWire(send, encoding)
        self._wire.attach(self._on_drained, self._on_failed)
        self._form = FORMS[encoding, self._wire.framed]
        self._backlog = Backlog(self._form, budget_bytes)
        self._low_bytes = budget_bytes // 2
        self._blocked = False
        self._scheduled = False
        self._finished: asyncio.Future[None] = self._loop.create_future()
        self._room: asyncio.Future[None] | None = None
        self._stall: Stall | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stalled_after_s = stalled_after_s

    def message(self, message: msgspec.Struct) -> None:
        """Send a message that is never dropped. A reader who lets too many of them wait is cut off with 4508."""
        if self.closing:
            return
        if not self._backlog.add(self._form.encode(message)):
            self._cut_off("more messages wait than the hub keeps for a socket")
        elif not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self.flush)

    def frame(self, plan_key: str, prepared: Prepared) -> None:
        """Send a publication of a plan; it may give way to a newer one when the reader is too slow."""
        if self.enqueue(plan_key, prepared):
            self._loop.call_soon(self.flush)

    def enqueue(self, plan_key: str, prepared: Prepared) -> bool:
        """As `frame`, but if the answer is True it is the caller who has to `flush` soon."""
        if self.closing:
            return False
        self._backlog.publish(plan_key, prepared)
        if self._scheduled or self._blocked:
            return False
        self._scheduled = True
        return True

    def flush(self) -> None:
        """Write what waits, as far as the socket takes it."""
        self._scheduled = False
        backlog = self._backlog
        while backlog.bytes_waiting and not self._blocked:
            if not self._wire.write(backlog.take(WRITE_BYTES)):
                self._block()
        if self._room and backlog.bytes_waiting <= self._low_bytes:
            self._give_room()
        if self.closing and not self._blocked:
            self._finish()

    def close(self, code: int, reason: str) -> None:
        """Have `run` return when the messages that wait are written; windows are left out. The first reason stays."""
        if self.closing is None:
            self.closing = Closing(code, reason)
            self._backlog.drop_publications()
            self._give_room()
            self._loop.call_soon(self.flush)

    async def drained(self) -> None:
        """Wait until at most half the budget waits, or the socket is closing: for senders of much, such as history."""
        while self._backlog.bytes_waiting > self._low_bytes and not self.closing:
            if self._room is None:
                self._room = self._loop.create_future()
            await asyncio.shield(self._room)

    async def run(self) -> None:
        """Return when the socket is to be closed; `closing` says why. What `send` raises is raised here."""
        try:
            await self._finished
        finally:
            self.closing = self.closing or Closing(Close.GOING_AWAY, "")
            self._give_room()
            self._wire.detach()
            if self._timer:
                self._timer.cancel()

    def _block(self) -> None:
        self._blocked = True
        self._stall = Stall(self._stalled_after_s, self._wire.unsent(), self._loop.time())
        if self._timer is None:
            self._timer = self._loop.call_later(min(JUDGED_EVERY_S, self._stalled_after_s / 10), self._judge)

    def _judge(self) -> None:
        self._timer = None
        if not self._blocked or self._stall is None:
            return
        if self._stall.over(self._wire.unsent(), self._loop.time()):
            self._cut_off(f"nothing was read for {self._stalled_after_s:g} s")
        else:
            self._timer = self._loop.call_later(min(JUDGED_EVERY_S, self._stalled_after_s / 10), self._judge)

    def _on_drained(self) -> None:
        self._blocked = False
        self.flush()

    def _on_failed(self, error: BaseException) -> None:
        if not self._finished.done():
            self._finished.set_exception(error)

    def _cut_off(self, reason: str) -> None:
        self.closing = Closing(Close.STALLED, reason)
        self._wire.abort()
        self._give_room()
        self._finish()

    def _finish(self) -> None:
        if not self._finished.done():
            self._finished.set_result(None)

    def _give_room(self) -> None:
        if self._room and not self._room.done():
            self._room.set_result(None)
        self._room = None


class SendingWire:
    """Any ASGI server: one payload after the other, each when the server has taken the one before."""

    framed = False

    def __init__(self, send: Callable[[str | bytes], Awaitable[None]], encoding: Encoding) -> None:
        self._send = send
        self._text = encoding is Encoding.JSON
        self._unsent = 0
        self._task: asyncio.Task[None] | None = None

    def attach(self, drained: Callable[[], None], failed: Callable[[BaseException], None]) -> None:
        self._drained = drained
        self._failed = failed

    def write(self, parts: list[bytes]) -> bool:
        self._unsent = sum(map(len, parts))
        self._task = asyncio.get_running_loop().create_task(self._send_each(parts))
        self._task.add_done_callback(self._on_sent)
        return False

    def unsent(self) -> int:
        return self._unsent

    def abort(self) -> None:
        self.detach()

    def detach(self) -> None:
        if self._task:
            self._task.remove_done_callback(self._on_sent)
            self._task.cancel()

    async def _send_each(self, parts: list[bytes]) -> None:
        for part in parts:
            await self._send(part.decode() if self._text else part)
            self._unsent -= len(part)

    def _on_sent(self, task: asyncio.Task[None]) -> None:
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error:
            self._failed(error)
        else:
            self._drained()
