"""What carries a socket's bytes: our own server's extension, or any ASGI server's send."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol


class Owner(Protocol):
    """Whom a wire tells what has become of it."""

    def on_full(self) -> None:
        """Write nothing more before `on_drained`. It may be called from within a write."""

    def on_drained(self) -> None:
        """The wire takes bytes again."""

    def on_lost(self, error: BaseException | None) -> None:
        """Write nothing more at all. Where there is no error, the app hears of it by its receive."""


class Wire(Protocol):
    """A way to one peer. It is `hub.prepared` in the scope's extensions where the server is our own."""

    framed: bool
    """It takes whole WebSocket frames, one or more at once; otherwise a payload at a time."""

    def attach(self, owner: Owner) -> Callable[[bytes], None]:
        """Tell this owner; the answer writes bytes at once, without waiting."""

    def direct(self) -> Callable[[bytes], int]:
        """What gives the owner's bytes past all buffers of the wire, and says how many were taken: `write` the others.

        Only while nothing that was written waits, which is until `on_full` and from `on_drained` on. OSError where none
        were taken: that is to be written, too.
        """

    def detach(self) -> None:
        """Tell nobody any more."""

    def unsent(self) -> int:
        """Bytes that were written and that the peer's machine has not taken yet, as far as is known."""

    def taken(self) -> int | None:
        """Bytes that the peer's machine has taken so far; None where that is not known."""

    def room(self) -> int | None:
        """Bytes that the peer's machine has room for, as it said last; None where that is not known."""

    def abort(self) -> None:
        """Drop what was written, and cut the connection where that is possible."""


class Arrivals(Protocol):
    """What has come in on a socket and was not received. It is the same `hub.prepared`."""

    def receive_more(self, most: int, most_bytes: int) -> list[str | bytes]:
        """The data of so many messages at most, of no more than so many bytes together, without waiting."""


class Endless(Protocol):
    """The connection of an answer without end. It is `hub.endless` in the scope's extensions with our own server."""

    def begin(self) -> asyncio.Future[None]:
        """Bound what waits for the client; done when the server stops."""

    def abort(self) -> None:
        """Cut the connection."""


class SendingWire:
    """Any ASGI server's send, of texts or of bytes. It is full while a payload is being sent."""

    framed = False

    def __init__(self, send: Callable[[str | bytes], Awaitable[None]], *, text: bool) -> None:
        self._send = send
        self._text = text
        self._unsent: list[bytes] = []
        self._task: asyncio.Task[None] | None = None
        self._owner: Owner | None = None

    def attach(self, owner: Owner) -> Callable[[bytes], None]:
        self._owner = owner
        return self._write

    def direct(self) -> Callable[[bytes], int]:
        return self._give

    def detach(self) -> None:
        self._owner = None
        if self._task:
            self._task.cancel()

    def unsent(self) -> int:
        return sum(map(len, self._unsent))

    def taken(self) -> int | None:
        return None

    def room(self) -> int | None:
        return None

    def abort(self) -> None:
        self.detach()

    def _write(self, payload: bytes) -> None:
        self._unsent.append(payload)
        if self._task is None and self._owner:
            self._task = asyncio.get_running_loop().create_task(self._send_all())
            self._task.add_done_callback(self._on_sent)
            self._owner.on_full()

    def _give(self, payload: bytes) -> int:
        self._write(payload)
        return len(payload)

    async def _send_all(self) -> None:
        while self._unsent:
            payload = self._unsent[0]
            await self._send(payload.decode() if self._text else payload)
            del self._unsent[0]

    def _on_sent(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if self._owner is None or task.cancelled():
            return
        error = task.exception()
        if error:
            self._owner.on_lost(error)
        else:
            self._owner.on_drained()
