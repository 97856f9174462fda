"""What came in on one socket and the app has not read. It replaces a queue per socket: one reader, little memory."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

Event = MutableMapping[str, Any]
"""An ASGI event."""

UNREAD_MESSAGES, UNREAD_BYTES = 64, 1_048_576
"""What may wait for the app before the socket is read no further; it is read again at half of that."""


class Inbox:
    """Events in order, with the number and the size of the messages among them."""

    __slots__ = ("_bytes", "_events", "_loop", "_reader", "_sizes")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._events: list[Event] = []
        self._sizes: list[int] = []
        self._bytes = 0
        self._reader: asyncio.Future[None] | None = None

    @property
    def full(self) -> bool:
        """So much is unread that no more should come."""
        return len(self._events) >= UNREAD_MESSAGES or self._bytes >= UNREAD_BYTES

    @property
    def low(self) -> bool:
        """More may come again."""
        return len(self._events) <= UNREAD_MESSAGES // 2 and self._bytes <= UNREAD_BYTES // 2

    def put_nowait(self, event: Event, size: int = 0) -> None:
        """Add an event; `size` is that of a message's data in bytes."""
        self._events.append(event)
        self._sizes.append(size)
        self._bytes += size
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def get(self) -> Event:
        """The next event; waits until there is one."""
        while not self._events:
            self._reader = self._loop.create_future()
            await self._reader
        self._bytes -= self._sizes.pop(0)
        return self._events.pop(0)

    def take(self, most: int, most_bytes: int) -> list[str | bytes]:
        """The data of the messages that come next, of no more than so many bytes together, without waiting."""
        count = size = 0
        taken: list[str | bytes] = []
        for event in self._events[:most]:
            size += self._sizes[count]
            data = event.get("text", event.get("bytes"))
            if data is None or size > most_bytes:
                break
            taken.append(data)
            count += 1
        self._bytes -= sum(self._sizes[:count])
        del self._events[:count], self._sizes[:count]
        return taken
