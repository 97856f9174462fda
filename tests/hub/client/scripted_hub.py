"""A hub on a real socket that does what a test's script says, connection by connection."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed


class Peer:
    """One connection, as the hub sees it."""

    def __init__(self, socket: ServerConnection) -> None:
        self._socket = socket
        assert socket.request is not None
        self.path = socket.request.path
        self.headers = socket.request.headers

    async def say(self, **message: Any) -> None:
        await self._socket.send(json.dumps(message))

    async def ready(self, session: str = "s1", **limits: int) -> None:
        await self.say(type="ready", session=session, time=0, **limits)

    async def frame(self) -> bytes:
        """What the client sends next."""
        data = await self._socket.recv()
        return data if isinstance(data, bytes) else data.encode()

    async def request(self) -> dict[str, Any]:
        """What the client asks next."""
        request: dict[str, Any] = json.loads(await self.frame())
        return request

    async def close(self, code: int = 1000, reason: str = "") -> None:
        await self._socket.close(code, reason)

    def abort(self) -> None:
        """Vanish without a word."""
        self._socket.transport.abort()

    async def stay(self) -> int | None:
        """Until the client goes; its close code."""
        await self._socket.wait_closed()
        return self._socket.close_code


Script = Callable[[Peer], Awaitable[None]]


@asynccontextmanager
async def scripted_hub(*scripts: Script) -> AsyncIterator[str]:
    """The address of a hub that plays the first script on its first connection, the second on its second.

    A script that fails, or one that was not played to its end, fails the test.
    """
    remaining = list(scripts)
    failures: list[BaseException] = []

    async def play(socket: ServerConnection) -> None:
        try:
            await remaining.pop(0)(Peer(socket))
        except ConnectionClosed:
            pass
        except (Exception, asyncio.CancelledError) as failure:
            failures.append(failure)
            await socket.close(4400, "the script failed")

    async with serve(
        play, "127.0.0.1", 0, select_subprotocol=lambda _socket, offered: next(iter(offered), None)
    ) as hub:
        yield f"ws://127.0.0.1:{hub.sockets[0].getsockname()[1]}"
    if failures:
        raise failures[0]
    assert not remaining, f"{len(remaining)} more connections were expected"
