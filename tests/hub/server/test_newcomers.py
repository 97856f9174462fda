import asyncio
import socket
from collections.abc import Callable
from functools import partial

import pytest
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect

from hub.server.http import HubHttpProtocol
from hub.server.newcomers import APART_S, EACH_S, SERVING_S, WITHIN_S, Newcomers
from tests.hub.server.serving import handshake, serving

pytestmark = pytest.mark.anyio


class Clock:
    """Of seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Loop:
    """A loop that runs what is due when its clock is put on; `served` is what Newcomers ask for."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.served = 0
        self.due: list[tuple[float, Callable[[], object]]] = []

    def call_soon(self, callback: Callable[[], object]) -> None:
        self.due.append((self.clock.now, callback))

    def call_later(self, delay: float, callback: Callable[[], object]) -> None:
        self.due.append((self.clock.now + delay, callback))

    def newcomers(self) -> Newcomers:
        return Newcomers(self, lambda: self.served, self.clock)

    def turn(self) -> None:
        """Do what is due next, at its time."""
        at, callback = self.due.pop(0)
        self.clock.now = at
        callback()


def test_who_comes_first_is_heard_at_once_and_the_next_in_some_time_while_others_are_served() -> None:
    loop = Loop()
    newcomers, heard = loop.newcomers(), list[float]()
    loop.served += 1
    assert newcomers.has_turn()
    assert not newcomers.has_turn()
    for _ in range(3):
        newcomers.wait(lambda: heard.append(loop.clock.now))
    while loop.due:
        loop.turn()
    assert heard == pytest.approx([APART_S, 2 * APART_S, 3 * APART_S])
    assert newcomers.has_turn()


def test_nobody_waits_for_others_that_are_not_being_served_any_more() -> None:
    loop = Loop()
    newcomers = loop.newcomers()

    def second_waits() -> float:
        began, heard = loop.clock.now, list[float]()
        assert newcomers.has_turn()
        newcomers.wait(lambda: heard.append(loop.clock.now))
        while loop.due:
            loop.turn()
        return heard[0] - began

    assert second_waits() == 0
    loop.served += 1
    assert second_waits() == pytest.approx(APART_S)
    assert second_waits() == pytest.approx(APART_S)
    loop.clock.now += SERVING_S
    assert second_waits() == 0
    loop.served += 1
    assert second_waits() == pytest.approx(APART_S)


@pytest.mark.parametrize("crowd", [100, 3_000, 6_000, 20_000])
def test_nobody_of_a_crowd_waits_long_after_all_where_the_hub_is_fast_enough(crowd: int) -> None:
    loop = Loop()
    newcomers, heard = loop.newcomers(), list[float]()

    def hear() -> None:
        loop.clock.now += EACH_S
        heard.append(loop.clock.now)

    assert newcomers.has_turn()
    for _ in range(crowd):
        newcomers.wait(hear)
    while loop.due:
        loop.served += 1
        loop.due = [(max(at, loop.clock.now), callback) for at, callback in loop.due]
        loop.turn()
    assert len(heard) == crowd
    assert heard[-1] <= max(WITHIN_S, crowd * EACH_S) * 1.01
    assert heard[99] > 40 * APART_S or crowd * EACH_S > WITHIN_S / 2


async def test_one_is_heard_in_each_turn_of_the_loop_in_the_order_in_which_they_came() -> None:
    newcomers, heard = Newcomers(asyncio.get_running_loop(), clock=Clock()), list[int]()
    assert newcomers.has_turn()
    for number in range(3):
        assert not newcomers.has_turn()
        newcomers.wait(lambda number=number: heard.append(number))  # type: ignore[misc]
    for turn in range(1, 4):
        await asyncio.sleep(0)
        assert heard == list(range(turn))
        assert not newcomers.has_turn()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert newcomers.has_turn()


async def test_more_are_heard_where_the_others_take_long() -> None:
    clock = Clock()
    newcomers, heard = Newcomers(asyncio.get_running_loop(), clock=clock), list[int]()
    assert newcomers.has_turn()
    for number in range(20):
        newcomers.wait(lambda number=number: heard.append(number))  # type: ignore[misc]
    counts = []
    for took in (0.0, 0.001, 0.0045, 0.0105, 0.0):
        clock.now += took
        await asyncio.sleep(0)
        counts.append(len(heard))
    assert counts == [1, 2, 5, 11, 12]
    assert heard == list(range(12))


async def test_one_that_fails_keeps_nobody_waiting() -> None:
    loop, heard = asyncio.get_running_loop(), list[str]()
    loop.set_exception_handler(lambda _, context: heard.append(type(context["exception"]).__name__))
    newcomers = Newcomers(loop, clock=Clock())
    assert newcomers.has_turn()
    newcomers.wait(lambda: heard.remove("nobody"))
    newcomers.wait(lambda: heard.append("next"))
    for _ in range(3):
        await asyncio.sleep(0)
    assert heard == ["ValueError", "next"]


async def crowd_at(port: int, number: int, request: bytes) -> list[socket.socket]:
    """So many that have connected, been accepted, and asked at the same moment."""
    loop = asyncio.get_running_loop()
    crowd = []
    for _ in range(number):
        client = socket.socket()
        client.setblocking(False)
        await loop.sock_connect(client, ("127.0.0.1", port))
        crowd.append(client)
    for _ in range(10):
        await asyncio.sleep(0)
    for client in crowd:
        client.send(request)
    return crowd


async def test_who_is_there_already_is_answered_before_a_crowd_has_been_let_in() -> None:
    opened = 0

    async def echo(websocket: WebSocket) -> None:
        nonlocal opened
        opened += 1
        async for text in websocket.iter_text():
            await websocket.send_text(text)

    async with serving(echo) as server, connect(server.url) as device:
        crowd = await crowd_at(server.port, 200, handshake())
        await device.send("a point")
        assert await device.recv() == "a point"
        assert opened < 50
        for client in crowd:
            assert (await asyncio.get_running_loop().sock_recv(client, 12)) == b"HTTP/1.1 101"
            client.close()
        assert opened == 201


async def test_half_a_handshake_has_its_time_beyond_the_wait_for_its_turn_and_no_more() -> None:
    async def nothing(websocket: WebSocket) -> None:
        await websocket.receive()

    async with serving(nothing, http=partial(HubHttpProtocol, header_timeout=0.2)) as server:
        crowd = await crowd_at(server.port, 20, handshake()[:60])
        for client in crowd:
            assert await asyncio.get_running_loop().sock_recv(client, 1) == b""
            client.close()


async def test_who_leaves_while_waiting_leaves_nothing_behind() -> None:
    async def stay(websocket: WebSocket) -> None:
        await websocket.receive()

    async with serving(stay) as server:
        for client in await crowd_at(server.port, 100, handshake()):
            client.close()
        async with connect(server.url):
            connections = server.server.server_state.connections
            while len(connections) > 1:
                await asyncio.sleep(0)


async def test_a_handshake_that_comes_in_pieces_while_it_waits_is_heard_as_a_whole() -> None:
    async def stay(websocket: WebSocket) -> None:
        await websocket.receive()

    loop, request = asyncio.get_running_loop(), handshake()
    async with serving(stay) as server:
        crowd = await crowd_at(server.port, 50, request[:20])
        for piece in (request[20:90], request[90:]):
            await asyncio.sleep(0)
            crowd[-1].send(piece)
        assert await loop.sock_recv(crowd[-1], 12) == b"HTTP/1.1 101"
        for client in crowd:
            client.close()


@pytest.mark.parametrize("first", [10, 20_000])
async def test_who_sends_much_while_waiting_is_refused_at_once_and_not_kept(first: int) -> None:
    async def stay(websocket: WebSocket) -> None:
        await websocket.receive()

    loop, much = asyncio.get_running_loop(), b"x" * 40_000
    async with serving(stay) as server:
        crowd = await crowd_at(server.port, 50, much[:first])
        await asyncio.sleep(0)
        for client in crowd:
            await loop.sock_sendall(client, much)
            assert await loop.sock_recv(client, 12) == b"HTTP/1.1 400"
            client.close()
