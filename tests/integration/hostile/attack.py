"""Sends hostile frames to a hub from a process of its own: `python -m …hostile.attack HOST:PORT FRAMES SEED`.

It waits for the outcome of every frame, and prints how many there were of each kind, as JSON.
"""

import asyncio
import json
import os
import random
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Callable

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.integration.hostile import frames

ATTACKERS = 12
PATIENCE_SECONDS = 60.0
REQUESTS_PER_FRAME = 0.02
"""Requests over HTTP, and halves of frames, for each frame."""

GONE = (ConnectionClosed, AttributeError)
"""What websockets raises where the hub has closed; the second, where its transport has gone in the same moment."""


class Attack:
    """Frames on their way; `outcomes` counts what became of them, `silence` those of which nothing did."""

    def __init__(self, address: str, count: int, seed: int) -> None:
        self.outcomes: Counter[str] = Counter()
        self._address = address
        self._left = count
        self._chance = random.Random(seed)
        self._huge = list(frames.huge())

    async def run(self) -> None:
        """Return when every frame has its outcome."""
        kinds: list[Callable[[], Awaitable[None]]] = [
            *(lambda name=name: self._write(name) for name in frames.formats()),
            self._live,
        ]
        async with asyncio.TaskGroup() as attackers:
            for number in range(ATTACKERS):
                attackers.create_task(self._repeat(kinds[number % len(kinds)]))
            attackers.create_task(self._beside())
            attackers.create_task(self._write_huge())

    async def _repeat(self, attack: Callable[[], Awaitable[None]]) -> None:
        while self._left > 0:
            await attack()

    async def _write(self, name: str) -> None:
        """Frames on one socket, until it is closed or has had enough."""
        make = frames.formats()[name]
        async with connect(f"ws://{self._address}/v1/write?format={name}", max_size=None) as socket:
            await socket.recv()
            for _ in range(self._chance.randrange(1, 200)):
                if not await self._one(socket, make(self._chance), text=self._chance.random() < 0.05):
                    return

    async def _one(self, socket: ClientConnection, frame: bytes, *, text: bool) -> bool:
        """Send a frame and wait for its outcome; whether the socket is still open."""
        self._left -= 1
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await socket.send(frame, text=text)
                self.outcomes[json.loads(await socket.recv())["type"]] += 1
        except GONE:
            self.outcomes[f"close {socket.close_code}"] += 1
            return False
        except TimeoutError:
            self.outcomes["silence"] += 1
            return False
        return True

    async def _write_huge(self) -> None:
        """Every frame of the greatest length, one after the other."""
        for name, frame in self._huge:
            async with connect(f"ws://{self._address}/v1/write?format={name}", max_size=None) as socket:
                await socket.recv()
                await self._one(socket, frame, text=False)

    async def _live(self) -> None:
        """Requests on a dashboard's socket; not all of them have an answer of their own."""
        async with connect(f"ws://{self._address}/v1/live", max_size=None) as socket:
            await socket.recv()
            reading = asyncio.create_task(_read_all(socket))
            try:
                for _ in range(self._chance.randrange(1, 200)):
                    self._left -= 1
                    self.outcomes["request"] += 1
                    await asyncio.sleep(0.005)  # nothing else holds them back
                    await socket.send(frames.request(self._chance), text=self._chance.random() < 0.97)
                await asyncio.sleep(0.05)
            except GONE:
                self.outcomes[f"close {socket.close_code} live"] += 1
            finally:
                reading.cancel()

    async def _beside(self) -> None:
        """Halves of frames on bare sockets, and requests over HTTP."""
        bomb = frames.bomb()
        while self._left > 0:
            await self._half()
            data, encoding = (
                (bomb, "gzip") if self._chance.random() < 0.1 else (frames.formats()["line"](self._chance), "")
            )
            if self._chance.random() < 0.2:
                encoding = "gzip"
            status = await asyncio.to_thread(_post, f"http://{self._address}/api/v2/write", data, encoding)
            self.outcomes[f"http {status}"] += 1
            await asyncio.sleep(0.01)

    async def _half(self) -> None:
        """A handshake, or a part of one, then half a frame or noise, and gone."""
        host, port = self._address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        handshake = (
            f"GET /v1/write HTTP/1.1\r\nHost: {self._address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        ).encode()
        frame = b"\x82\xfe\x40\x00\x01\x02\x03\x04" + bytes(100)  # announces more than it has
        unmasked, noise = b"\x82\x05m f=1", self._chance.randbytes(500)
        rest = self._chance.choice((frame, unmasked, noise, b"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff", b""))
        writer.write(handshake[: self._chance.choice((20, len(handshake)))] + rest)
        try:
            async with asyncio.timeout(0.02):
                await reader.read(1_000)
        except (TimeoutError, ConnectionError):
            pass
        writer.transport.abort()
        self.outcomes["half"] += 1


async def _read_all(socket: ClientConnection) -> None:
    try:
        async for _ in socket:
            pass
    except ConnectionClosed:
        pass


def _post(url: str, data: bytes, encoding: str) -> int:
    headers = {"Content-Encoding": encoding} if encoding else {}
    request = urllib.request.Request(url, data=data, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


async def main(address: str, count: int, seed: int) -> None:
    """Attack, and print the outcomes."""
    attack = Attack(address, count, seed)
    await attack.run()
    print(json.dumps(attack.outcomes))


if __name__ == "__main__":
    os.nice(5)  # the hub's answers are what is looked at, not how fast it is attacked
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
