"""One socket's way out. Adding never waits: what the socket does not take is kept in its backlog."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from hub.backlog import FORMS, Backlog, Form, Prepared
from hub.codes import Close
from hub.encodings import Encoding
from hub.wires import SendingWire, Wire

__all__ = ["Closing", "Encoding", "Outbound", "Prepared"]

WRITE_BYTES = 65_536
"""Bytes given to a socket at once: what it has been given can no longer give way to newer windows."""

JUDGED_EVERY_S = 1.0

KEEPS_UP = 0.75
"""A reader who keeps up has this share of the most room that it ever had: what it was sent does not lie unread."""


class Closing(NamedTuple):
    """Why the hub closes a socket."""

    code: int
    reason: str


class Stall:
    """Judges whether a socket takes nothing. Pure: seconds and bytes are arguments."""

    __slots__ = ("_limit", "_unsent", "progress_at")

    def __init__(self, limit: float, unsent: int, since: float) -> None:
        self._limit = limit
        self._unsent = unsent
        self.progress_at = since

    def over(self, unsent: int, now: float) -> bool:
        """True when nothing was taken for as long as the limit."""
        if unsent < self._unsent:
            self.progress_at = now
        self._unsent = unsent
        return now - self.progress_at >= self._limit


class Outbound:
    """One socket's writer, with a budget of bytes that may wait; `run` returns when the socket is to be closed.

    A socket that takes nothing for `stalled_after_s` while something waits is cut off with 4508.
    `wire` is the server's extension `hub.prepared`, if it has one; `send` is used without it. All that is added in
    one turn of the event loop leaves in one write. While it is `idle`, what is in its `form` may be given to `write`
    or `send`, see `hub.wires.Wire.direct`, at once; otherwise it is queued.
    """

    __slots__ = (
        "_backlog",
        "_blocked",
        "_finished",
        "_is_lost",
        "_loop",
        "_low_bytes",
        "_most_room",
        "_room",
        "_scheduled",
        "_stall",
        "_stalled_after_s",
        "_timer",
        "_wire",
        "closing",
        "encoding",
        "form",
        "idle",
        "lags",
        "plans",
        "send",
        "write",
    )

    def __init__(
        self,
        send: Callable[[str | bytes], Awaitable[None]],
        *,
        encoding: Encoding,
        budget_bytes: int,
        wire: Wire | None = None,
        form: Form | None = None,
        stalled_after_s: float = 10.0,
        on_skipped: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.encoding = encoding
        self.closing: Closing | None = None
        self.idle = True
        self.lags = False
        """Its reader does not keep up, as far as `gauge` could see."""
        self.plans = 0
        """How many plans it is a member of."""
        self._loop = asyncio.get_running_loop()
        self._wire = wire or SendingWire(send, text=encoding is Encoding.JSON)
        self.write = self._wire.attach(self)
        self.send = self._wire.direct()
        self.form = form or FORMS[encoding, self._wire.framed]
        self._backlog = Backlog(self.form, budget_bytes, on_skipped)
        self._low_bytes = budget_bytes // 2
        self._most_room = 0
        self._blocked = False
        self._is_lost = False
        self._scheduled = False
        self._finished: asyncio.Future[None] = self._loop.create_future()
        self._room: asyncio.Future[None] | None = None
        self._stall: Stall | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stalled_after_s = stalled_after_s

    # What others want sent

    def message(self, message: msgspec.Struct) -> None:
        """Send a message that is never dropped. A reader who lets too many of them wait is cut off with 4508."""
        if self.closing:
            return
        if not self._backlog.add(self.form.encode(message)):
            self._cut_off("more messages wait than the hub keeps for a socket")
        elif self._schedule():
            self._loop.call_soon(self.flush)

    def frame(self, prepared: Prepared) -> None:
        """Send a publication of a plan; it may give way to a newer one when the reader is too slow."""
        if self.enqueue(prepared):
            self._loop.call_soon(self.flush)

    def enqueue(self, prepared: Prepared) -> bool:
        """As `frame`, but if the answer is True it is the caller who has to `flush` soon."""
        if self.closing:
            return False
        self._backlog.publish(prepared)
        return self._schedule()

    def flush(self) -> None:
        """Write what waits, as far as the socket takes it."""
        self._scheduled = False
        backlog = self._backlog
        while backlog.bytes_waiting and not self._blocked:
            parts = backlog.take(WRITE_BYTES)
            for data in [b"".join(parts)] if self._wire.framed else parts:
                self.write(data)
        self.idle = not (self._blocked or self.closing)
        if self._room and backlog.bytes_waiting <= self._low_bytes:
            self._give_room()
        if self.closing and not self._blocked:
            self._finish()

    def close(self, code: int, reason: str) -> None:
        """Have `run` return when the messages that wait are written; windows are left out. The first reason stays."""
        if self._is_lost:
            self._finish()
        elif self.closing is None:
            self._end(Closing(code, reason))
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
            self._end(Closing(Close.GOING_AWAY, ""))
            self._wire.detach()
            if self._timer:
                self._timer.cancel()

    def look(self) -> None:
        """To be called every few seconds: judge a socket of which the kernel still takes what its peer does not.

        While little is written, the kernel's buffer hides for a minute that nobody reads.
        """
        if self._blocked or self.closing:
            return
        taken = self._wire.taken() if self._wire.unsent() else None
        if taken is None:
            self._stall = None
        elif self._stall is None:
            self._stall = Stall(self._stalled_after_s, -taken, self._loop.time())
        elif self._stall.over(-taken, self._loop.time()):
            self._cut_off_stalled()

    def gauge(self) -> bool:
        """To be called now and then: see whether the reader `lags`. True when that is otherwise than it was."""
        lags = self._blocked
        if not lags and (room := self._wire.room()) is not None:
            self._most_room = max(self._most_room, room)
            lags = room < KEEPS_UP * self._most_room
        lagged, self.lags = self.lags, lags
        return lags is not lagged

    # What the wire tells: see `hub.wires.Owner`

    def on_full(self) -> None:
        """Queue from now on, and watch whether anything is taken."""
        self.idle = False
        self._blocked = True
        since = self._stall.progress_at if self._stall else self._loop.time()
        self._stall = Stall(self._stalled_after_s, self._wire.unsent(), since)
        if self._timer is None:
            self._judge_later()

    def on_drained(self) -> None:
        """Write what has been queued."""
        self._blocked = False
        self._stall = None
        self.flush()

    def on_lost(self, error: BaseException | None) -> None:
        """Take and write nothing more."""
        self._is_lost = True
        if self.closing:
            self._finish()  # the session has ended, and waits for `run`
        self._end(Closing(Close.GOING_AWAY, ""))
        self._blocked = True
        self._stall = None
        if error and not self._finished.done():
            self._finished.set_exception(error)

    def _schedule(self) -> bool:
        if self._scheduled or self._blocked:
            return False
        self.idle = False
        self._scheduled = True
        return True

    def _judge_later(self) -> None:
        self._timer = self._loop.call_later(min(JUDGED_EVERY_S, self._stalled_after_s / 10), self._judge)

    def _judge(self) -> None:
        self._timer = None
        if not self._blocked or self._stall is None:
            return
        if self._stall.over(self._wire.unsent(), self._loop.time()):
            self._cut_off_stalled()
        else:
            self._judge_later()

    def _cut_off_stalled(self) -> None:
        self._cut_off(f"nothing was read for {self._stalled_after_s:g} s")

    def _cut_off(self, reason: str) -> None:
        self._end(Closing(Close.STALLED, reason))
        self._wire.abort()
        self._finish()

    def _end(self, closing: Closing) -> None:
        """Take nothing more, and keep only what must arrive."""
        self.idle = False
        self.closing = self.closing or closing
        self._backlog.drop_publications()
        self._give_room()

    def _finish(self) -> None:
        if not self._finished.done():
            self._finished.set_result(None)

    def _give_room(self) -> None:
        if self._room and not self._room.done():
            self._room.set_result(None)
        self._room = None
