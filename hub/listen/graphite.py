"""A TCP door for carbon senders."""

import asyncio
import socket
import time
from contextlib import suppress
from dataclasses import dataclass

from hub.client import HubError, Writer
from hub.listen.lines import LineBuffer, timed

READ_BYTES = 64 * 1024
BACKLOG = 512


@dataclass(slots=True)
class Counts:
    """What has come so far."""

    senders: int = 0
    lines: int = 0
    dropped: int = 0


class GraphiteDoor:
    """Takes `path value [time]` lines from any number of senders, and writes them with the writer.

    While the writer's buffer is full nothing is read, so that the senders wait: TCP tells them.
    """

    def __init__(self, writer: Writer) -> None:
        self.counts = Counts()
        self.unwritten: list[bytes] = []
        """Lines that were read, and that the writer had no room for when the door was closed."""
        self._writer = writer
        self._senders: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._server: asyncio.Server | None = None

    async def open(self, listener: socket.socket) -> None:
        """Take connections from now on."""
        self._server = await asyncio.start_server(self._serve, sock=listener, limit=READ_BYTES, backlog=BACKLOG)

    async def close(self, seconds: float) -> None:
        """Take no more, and give what was read to the writer, as far as it has room within this time."""
        if self._server is None:
            return
        self._server.close()
        for connection in self._senders.values():
            # What this process has received is read to its end; the senders see the end of the connection.
            connection.close()
        if self._senders:
            _, waiting = await asyncio.wait(self._senders, timeout=seconds)
            for task in waiting:
                task.cancel()
            if waiting:
                await asyncio.wait(waiting)

    async def _serve(self, reader: asyncio.StreamReader, connection: asyncio.StreamWriter) -> None:
        sender = asyncio.create_task(self._read(reader))
        self._senders[sender] = connection
        self.counts.senders += 1
        try:
            await asyncio.wait([sender])
        finally:
            del self._senders[sender]
            connection.close()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        lines = LineBuffer()
        try:
            # What the hub refuses ends the command, and the connection with it.
            with suppress(ConnectionError, HubError):
                while data := await reader.read(READ_BYTES):
                    await self._forward(lines.feed(data))
        finally:
            lines.end()
            self.counts.dropped += lines.dropped

    async def _forward(self, lines: list[bytes]) -> None:
        if not lines:
            return
        now = int(time.time())
        text = b"\n".join([timed(line, now) for line in lines])
        self.counts.lines += len(lines)
        try:
            await self._writer.write(text)
        except BaseException:
            self.unwritten.append(text)
            raise
