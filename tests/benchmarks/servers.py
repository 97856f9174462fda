"""Servers that send the same windows to every socket, each its own way: `python -m tests.benchmarks.servers KIND …`.

Each prints its port; when all sockets are there and all rounds are sent, a line of JSON; it ends with its stdin.
"""

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.server import ServerConnection, broadcast, serve

from hub.backlog import Prepared
from hub.delivery import Delivery, Members
from hub.encodings import Encoding
from hub.messages import Window
from hub.outbound import Outbound
from hub.server.options import settle, uvicorn_options
from hub.server.protocol import EXTENSION
from hub.server.single import listen
from hub.settings import Settings
from tests.benchmarks.processes import processor_time, resident_kib

PACED_EVERY = 50
"""Rounds without an interval between two waits until every socket has room: no rival may send into memory alone."""


def window(size: int) -> Window:
    """A window whose frame has so many bytes."""
    now = int(time.time() * 1_000)
    message = Window(plan="0123456789abcdef", start=now - 1_000, stop=now, revision=0, final=False, rows=[("",)],
                     points=120, late=0, queried_ms=4.1, sent=now)  # fmt: skip
    short = size - 4 - len(Encoding.JSON.encode(message))
    return Window(plan=message.plan, start=message.start, stop=now, revision=0, final=False, rows=[("x" * short,)],
                  points=120, late=0, queried_ms=4.1, sent=now)  # fmt: skip


class Way:
    """One way of sending to many: `members` are the sockets; `publish` returns when a round has been written."""

    def __init__(self) -> None:
        self.members: Any = {}

    async def publish(self, message: Window) -> None:
        raise NotImplementedError

    async def pace(self) -> None:
        """Wait until nothing is unsent."""

    async def serve(self, whole: Callable[[], Awaitable[None]]) -> None:
        """Serve, and call `whole` once, when a listener is there."""
        raise NotImplementedError


class Hub(Way):
    """Our protocol, topics' delivery and outbound; every socket is a member of so many plans, which tick together."""

    def __init__(self, plans: int = 1) -> None:
        self.plans = [Members() for _ in range(plans)]
        self.members: Members = self.plans[0]
        self.delivery = Delivery()

    async def publish(self, message: Window) -> None:
        for number, members in enumerate(self.plans):
            self.delivery.publish(Prepared(f"{number}", message), members)
        while self.delivery.busy:
            await asyncio.sleep(0)

    async def pace(self) -> None:
        for member in self.members.sockets:
            await member.drained()

    async def session(self, websocket: WebSocket) -> None:
        await websocket.accept()
        wire = websocket.scope["extensions"][EXTENSION]
        outbound = Outbound(websocket.send, encoding=Encoding.JSON, budget_bytes=2**20, wire=wire)  # type: ignore[arg-type]
        for members in self.plans:
            members.add(outbound)
        writer = asyncio.create_task(outbound.run())
        await websocket.receive()
        for members in self.plans:
            members.discard(outbound)
        writer.cancel()

    async def serve(self, whole: Callable[[], Awaitable[None]]) -> None:
        app = Starlette(routes=[WebSocketRoute("/", self.session)])
        settle()
        await serve_app(app, uvicorn_options(Settings()) | {"lifespan": "off"}, whole)


class Plain(Way):
    """Starlette's send_text to one socket after the other, on Uvicorn's own protocol."""

    async def publish(self, message: Window) -> None:
        text = Encoding.JSON.encode(message).decode()
        for websocket in tuple(self.members):
            await websocket.send_text(text)
        await asyncio.sleep(0)

    async def session(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.members[websocket] = 1
        await websocket.receive()
        del self.members[websocket]

    async def serve(self, whole: Callable[[], Awaitable[None]]) -> None:
        app = Starlette(routes=[WebSocketRoute("/", self.session)])
        options = {"loop": "uvloop", "ws": "websockets-sansio", "ws_per_message_deflate": False, "lifespan": "off",
                   "access_log": False}  # fmt: skip
        await serve_app(app, options, whole)


class Broadcast(Way):
    """websockets' own server and its broadcast()."""

    async def publish(self, message: Window) -> None:
        broadcast(self.members, Encoding.JSON.encode(message).decode())
        await asyncio.sleep(0)

    async def pace(self) -> None:
        while any(member.transport.get_write_buffer_size() for member in self.members):
            await asyncio.sleep(0.001)

    async def session(self, connection: ServerConnection) -> None:
        self.members[connection] = 1
        await connection.wait_closed()
        del self.members[connection]

    async def serve(self, whole: Callable[[], Awaitable[None]]) -> None:
        async with serve(self.session, "127.0.0.1", 0, compression=None) as server:
            print(server.sockets[0].getsockname()[1], flush=True)
            await whole()


async def serve_app(app: Starlette, options: dict[str, Any], whole: Callable[[], Awaitable[None]]) -> None:
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, **options))
    serving = asyncio.create_task(server._serve([listener]))
    print(listener.getsockname()[1], flush=True)
    await whole()
    server.should_exit = True
    await serving


class Stalls:
    """The longest time for which the event loop served nobody else, and the most CPU that it used meanwhile."""

    def __init__(self) -> None:
        self.longest_ms = self.busiest_ms = 0.0

    async def watch(self) -> None:
        before, used_before = time.perf_counter(), time.thread_time()
        while True:
            await asyncio.sleep(0.001)
            now, used = time.perf_counter(), time.thread_time()
            self.longest_ms = max(self.longest_ms, (now - before) * 1e3 - 1)
            self.busiest_ms = max(self.busiest_ms, (used - used_before) * 1e3)
            before, used_before = now, used


async def run(way: Way, sockets: int, rounds: int, size: int, interval_ms: float) -> None:
    """Wait for the sockets, send the rounds, say what it took, and stay until stdin ends."""

    async def whole() -> None:
        while len(way.members) < sockets:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        stalls = Stalls()
        watching = asyncio.create_task(stalls.watch() if interval_ms else asyncio.sleep(0))  # a cost, too
        began, used = time.perf_counter(), processor_time(os.getpid())
        for number in range(rounds):
            due = began + number * interval_ms / 1e3
            if due > time.perf_counter():
                await asyncio.sleep(due - time.perf_counter())
            await way.publish(window(size))
            if not interval_ms and number % PACED_EVERY == 0:
                await way.pace()
        if not interval_ms:
            await way.pace()
        took = {
            "seconds": time.perf_counter() - began,
            "cpu_s": processor_time(os.getpid()) - used,
            "stall_ms": stalls.longest_ms,
            "busy_ms": stalls.busiest_ms,
            "memory_kib": resident_kib(os.getpid()),
        }
        watching.cancel()
        print(json.dumps(took), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

    await way.serve(whole)


WAYS: dict[str, Callable[..., Way]] = {"hub": Hub, "send_text": Plain, "broadcast": Broadcast}

if __name__ == "__main__":
    kind, *numbers = sys.argv[1:]
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    plans = [int(number) for number in numbers[4:]]
    uvloop.run(run(WAYS[kind](*plans), *map(int, numbers[:4])))
