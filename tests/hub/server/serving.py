"""A server with our protocol in the test's own event loop, and an app that does what its test says."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import uvicorn
from starlette.websockets import WebSocket

from hub.server.options import uvicorn_options
from hub.server.single import listen
from hub.settings import Settings

Session = Callable[[WebSocket], Awaitable[None]]


class Served:
    """The address, and the server to be stopped."""

    def __init__(self, server: uvicorn.Server, port: int) -> None:
        self.server = server
        self.port = port
        self.url = f"ws://127.0.0.1:{port}/"

    @property
    def stopping(self) -> bool:
        """The server accepts no more, and every connection has been told."""
        return not any(server.is_serving() for server in self.server.servers)

    async def connect_raw(self, *, receive_buffer: int | None = None) -> socket.socket:
        """A client that reads only when the test does."""
        return await connect_raw(self.port, receive_buffer=receive_buffer)


def handshake(path: str = "/") -> bytes:
    """A client's request to open a WebSocket."""
    return (
        b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n" % path.encode()
    )


async def connect_raw(port: int, path: str = "/", *, receive_buffer: int | None = None) -> socket.socket:
    """A non-blocking socket with nothing but the WebSocket handshake done; `receive_buffer` in bytes."""
    loop = asyncio.get_running_loop()
    client = socket.socket()
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.setblocking(False)
    await loop.sock_connect(client, ("127.0.0.1", port))
    await loop.sock_sendall(client, handshake(path))
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += await loop.sock_recv(client, 1)
    assert b" 101 " in answer
    return client


@asynccontextmanager
async def serving(session: Session, **changes: Any) -> AsyncIterator[Served]:
    """Serve each WebSocket with `session`; `changes` are arguments of uvicorn.Config."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            websocket = WebSocket(scope, receive, send)
            await websocket.accept()
            await session(websocket)

    listener = listen("127.0.0.1", 0)
    options = uvicorn_options(Settings()) | {"lifespan": "off", "log_config": None} | changes
    server = uvicorn.Server(uvicorn.Config(app, **options))
    running = asyncio.create_task(server._serve([listener]))
    while not server.started:
        await asyncio.sleep(0)
    try:
        yield Served(server, listener.getsockname()[1])
    finally:
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await running
