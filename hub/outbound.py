"""One socket's way out: messages are never dropped, windows give way to newer ones when the reader is slow."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from enum import StrEnum
from typing import NamedTuple

import msgspec

from hub.messages import Progress, Skipped, Window

STALLED = 4508


class Encoding(StrEnum):
    """How messages are written on a socket: text frames of JSON or binary frames of MessagePack."""

    JSON = "json"
    MSGPACK = "msgpack"

    def encode(self, message: msgspec.Struct) -> bytes:
        """The message as a frame's payload."""
        return _ENCODERS[self](message)


_ENCODERS: dict[Encoding, Callable[[msgspec.Struct], bytes]] = {
    Encoding.JSON: msgspec.json.Encoder().encode,
    Encoding.MSGPACK: msgspec.msgpack.Encoder().encode,
}


class Prepared:
    """A message for many sockets, encoded at most once for each encoding."""

    __slots__ = ("_payloads", "message")

    def __init__(self, message: Window | Progress) -> None:
        self.message = message
        self._payloads: dict[Encoding, bytes] = {}

    def payload(self, encoding: Encoding) -> bytes:
        """The bytes of the message, the same object for every socket of that encoding."""
        payload = self._payloads.get(encoding)
        if payload is None:
            payload = self._payloads[encoding] = encoding.encode(self.message)
        return payload


class Closing(NamedTuple):
    """Why the hub closes a socket."""

    code: int
    reason: str


class _Entry(NamedTuple):
    payload: bytes
    plan: str | None  # None for what is never dropped
    message: Window | Progress | None


class Backlog:
    """What waits for one socket, in order. Pure: it knows neither time nor sockets.

    Beyond `budget_bytes` each plan keeps only its newest window and its newest progress; what was left out is told
    by a `skipped` message just before the plan's next window. One frame always has room.
    """

    def __init__(self, encoding: Encoding, budget_bytes: int) -> None:
        self._encoding = encoding
        self._budget = budget_bytes
        self._entries: deque[_Entry] = deque()
        self._skipped: dict[str, set[int]] = {}
        self.waiting_bytes = 0
        self.message_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def overfull(self) -> bool:
        """The messages alone, which cannot be dropped, are over the budget."""
        return self.message_bytes > self._budget and len(self._entries) > 1

    def add_message(self, payload: bytes) -> None:
        """Queue what must arrive."""
        self._entries.append(_Entry(payload, None, None))
        self.waiting_bytes += len(payload)
        self.message_bytes += len(payload)
        self._keep_budget()

    def add_frame(self, plan: str, prepared: Prepared) -> None:
        """Queue what a newer one of the same plan may replace."""
        entry = _Entry(prepared.payload(self._encoding), plan, prepared.message)
        self._entries.append(entry)
        self.waiting_bytes += len(entry.payload)
        self._keep_budget()

    def pop(self) -> bytes | None:
        """The next payload to send, or None."""
        if not self._entries:
            return None
        entry = self._entries[0]
        if entry.plan is not None and isinstance(entry.message, Window):
            stops = self._skipped.pop(entry.plan, None)
            if stops:
                skipped = Skipped(plan=entry.plan, windows=len(stops), from_=min(stops), to=max(stops))
                return self._encoding.encode(skipped)
        self._entries.popleft()
        self._account(entry)
        return entry.payload

    def drop_frames(self) -> None:
        """Forget every window: the socket is about to be closed."""
        self._keep(lambda entry: entry.plan is None)

    def _keep_budget(self) -> None:
        if self.waiting_bytes <= self._budget or len(self._entries) == 1:
            return
        newest = {id(entry) for entry in self._newest()}
        self._keep(lambda entry: entry.plan is None or id(entry) in newest)

    def _newest(self) -> Iterator[_Entry]:
        windows: dict[str, _Entry] = {}
        progress: dict[str, _Entry] = {}
        for entry in self._entries:
            if entry.plan is None:
                continue
            if not isinstance(entry.message, Window):
                progress[entry.plan] = entry
            elif entry.plan not in windows or _age(entry) >= _age(windows[entry.plan]):
                windows[entry.plan] = entry
        for entry in self._entries:
            kept = windows.get(entry.plan) if entry.plan else None
            if kept and isinstance(entry.message, Window) and _age(entry)[0] != _age(kept)[0]:
                self._skipped.setdefault(kept.plan or "", set()).add(entry.message.stop)
        yield from windows.values()
        yield from progress.values()

    def _keep(self, wanted: Callable[[_Entry], bool]) -> None:
        kept = deque(entry for entry in self._entries if wanted(entry))
        for entry in self._entries:
            if not wanted(entry):
                self._account(entry)
        self._entries = kept

    def _account(self, entry: _Entry) -> None:
        self.waiting_bytes -= len(entry.payload)
        if entry.plan is None:
            self.message_bytes -= len(entry.payload)


def _age(entry: _Entry) -> tuple[int, int]:
    assert isinstance(entry.message, Window)
    return entry.message.stop, entry.message.revision


class Outbound:
    """One socket's writer. Adding never waits; `run` sends, in order, until the socket is to be closed."""

    def __init__(
        self, send: Callable[[str | bytes], Awaitable[None]], *, encoding: Encoding, budget_bytes: int
    ) -> None:
        self._send = send
        self._backlog = Backlog(encoding, budget_bytes)
        self._low_bytes = budget_bytes // 2
        self._changed = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self.encoding = encoding
        self.closing: Closing | None = None

    def message(self, message: msgspec.Struct) -> None:
        """Send a message that is never dropped. A reader who lets too many of them wait is closed with 4508."""
        if self.closing:
            return
        self._backlog.add_message(self.encoding.encode(message))
        if self._backlog.overfull:
            self.close(STALLED, "stopped reading")
        self._changed.set()
        if self._backlog.waiting_bytes > self._low_bytes:
            self._drained.clear()

    def frame(self, plan_key: str, prepared: Prepared) -> None:
        """Send a window or a progress of a plan; it may be left out when the reader is too slow."""
        if self.closing:
            return
        self._backlog.add_frame(plan_key, prepared)
        self._changed.set()

    def close(self, code: int, reason: str) -> None:
        """Have `run` send the messages that wait, without the windows, and return. The first reason stays."""
        if self.closing is None:
            self.closing = Closing(code, reason)
            self._backlog.drop_frames()
            self._changed.set()

    async def drained(self) -> None:
        """Wait until less than half the budget waits: for long histories, which are messages."""
        await self._drained.wait()

    async def run(self) -> None:
        """Send until closed; then `closing` says why. What `send` raises ends it too."""
        while True:
            payload = self._backlog.pop()
            if payload is None:
                if self.closing:
                    return
                self._changed.clear()
                await self._changed.wait()
                continue
            if self._backlog.waiting_bytes <= self._low_bytes:
                self._drained.set()
            await self._send(payload.decode() if self.encoding is Encoding.JSON else payload)
