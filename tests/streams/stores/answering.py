"""A small real HTTP server that answers what a test tells it to."""

import asyncio
from types import TracebackType
from typing import Self


class Answering:
    """Answers every request on a loopback port with the same status, headers and body.

    `requests` has the first line of each request.
    """

    def __init__(self, status: str, body: bytes = b"", **headers: str) -> None:
        self.requests: list[str] = []
        lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
        self._answer = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """`http://…`, without a slash at the end."""
        assert self._server is not None
        return "http://127.0.0.1:{1}".format(*self._server.sockets[0].getsockname())

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode().split("\r\n")
                self.requests.append(first)
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
                await reader.readexactly(int(headers.get("content-length", 0)))
                writer.write(self._answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
