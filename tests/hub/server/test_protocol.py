import asyncio
import json
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from hub.backlog import Prepared
from hub.encodings import Encoding
from hub.messages import Ack, Progress, Window
from hub.outbound import Outbound
from hub.server.inbox import UNREAD_MESSAGES
from hub.server.kernel import SEND_BUFFER_BYTES, TCP_USER_TIMEOUT_MS
from hub.server.protocol import (
    CLOSE_TIMEOUT_S,
    EXTENSION,
    SETTLE_TIMEOUT_S,
    STOP,
)
from tests.hub.server.serving import handshake, serving

pytestmark = pytest.mark.anyio

MIB = 2**20


@pytest.fixture(scope="module", params=["uvloop", "asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": request.param == "uvloop"}


def outbound_of(websocket: WebSocket, budget_bytes: int = MIB, stalled_after_s: float = 10) -> Outbound:
    return Outbound(
        websocket.send_text,  # type: ignore[arg-type]
        encoding=Encoding.JSON,
        budget_bytes=budget_bytes,
        wire=websocket.scope["extensions"][EXTENSION],
        stalled_after_s=stalled_after_s,
    )


def window(stop: int, size: int) -> Prepared:
    return Prepared(
        "P",
        Window(plan="P", start=stop - 10, stop=stop, revision=0, final=False, rows=[("x" * size,)],
               points=1, late=0, queried_ms=1.0, sent=stop),
    )  # fmt: skip


async def echo(websocket: WebSocket) -> None:
    while (message := await websocket.receive())["type"] == "websocket.receive":
        await websocket.send({**message, "type": "websocket.send"})


async def ignore(websocket: WebSocket) -> None:
    while (await websocket.receive())["type"] == "websocket.receive":
        pass


async def closed(client: ClientConnection) -> tuple[int | None, str | None]:
    with suppress(ConnectionClosed):
        while True:
            await asyncio.wait_for(client.recv(), 10)
    return client.close_code, client.close_reason


def masked(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


# Messages


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 3 * MIB])
async def test_messages_of_every_size_come_and_go_as_they_are(size: int) -> None:
    async with serving(echo) as served, connect(served.url, max_size=None) as client:
        await client.send("é" * (size // 2))
        assert await client.recv() == "é" * (size // 2)
        await client.send(b"\xff" * size)
        assert await client.recv() == b"\xff" * size


async def test_a_message_in_fragments_with_a_ping_between_them_is_one_message() -> None:
    async with serving(echo) as served:
        client = await served.connect_raw()
        loop = asyncio.get_running_loop()
        for part in (
            masked(Opcode.TEXT, "é".encode()[:1], fin=False),
            masked(Opcode.PING, b"here?"),
            masked(Opcode.CONT, b"", fin=False),
            masked(Opcode.CONT, "é".encode()[1:] + b"!"),
        ):
            for byte in part:
                await loop.sock_sendall(client, bytes([byte]))
        received = b""
        while len(received) < 12:
            received += await loop.sock_recv(client, 100)
        assert received == b"\x8a\x05here?" + b"\x81\x03\xc3\xa9!"
        client.close()


async def test_a_million_tiny_fragments_take_no_more_memory_than_the_message() -> None:
    async with serving(echo) as served, connect(served.url, max_size=None) as client:
        await client.send("x" for _ in range(20_000))
        assert await client.recv() == "x" * 20_000


async def test_prepared_frames_and_plain_sends_keep_their_order() -> None:
    async def session(websocket: WebSocket) -> None:
        await websocket.send_text("first")
        outbound_of(websocket).write(b"\x81\x06second" + b"\x82\x05third")
        await websocket.send_text("last")
        await websocket.close(4400, "enough")

    async with serving(session) as served, connect(served.url) as client:
        assert [await client.recv() for _ in range(4)] == ["first", "second", b"third", "last"]
        assert await closed(client) == (4400, "enough")


async def test_what_the_kernel_keeps_of_a_socket_is_bounded_and_leaves_at_once() -> None:
    found: list[int] = []

    async def session(websocket: WebSocket) -> None:
        connection = websocket.scope["extensions"][EXTENSION].transport.get_extra_info("socket")
        found.append(connection.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF))
        found.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT))
        found.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    async with serving(session) as served, connect(served.url) as client:
        await closed(client)
    assert found == [2 * SEND_BUFFER_BYTES, TCP_USER_TIMEOUT_MS, 1]  # Linux doubles the first


async def test_what_is_sent_past_the_transport_keeps_its_order_and_ends_before_the_number_is_anothers() -> None:
    async def session(websocket: WebSocket) -> None:
        wire = websocket.scope["extensions"][EXTENSION]
        outbound = outbound_of(websocket)
        outbound.write(b"\x81\x05first")
        assert outbound.send(b"\x81\x06second") == 8
        await websocket.send_text("last")
        await ignore(websocket)
        while wire.plain.fileno() >= 0:
            await asyncio.sleep(0.001)
        with pytest.raises(OSError, match="Bad file descriptor"):
            outbound.send(b"\x81\x04late")
        over.set()

    over = asyncio.Event()
    async with serving(session) as served:
        async with connect(served.url) as client:
            assert [await client.recv() for _ in range(3)] == ["first", "second", "last"]
        await asyncio.wait_for(over.wait(), 30)


# What ends a connection


async def test_a_frame_too_big_is_closed_with_1009_and_the_client_that_is_still_sending_sees_why() -> None:
    async with serving(ignore, ws_max_size=MIB) as served:
        client = await served.connect_raw()
        loop = asyncio.get_running_loop()
        sending = asyncio.create_task(loop.sock_sendall(client, masked(Opcode.BINARY, b"x" * 8 * MIB)))
        received = b""
        with suppress(ConnectionResetError):
            while part := await asyncio.wait_for(loop.sock_recv(client, 1_000), 10):
                received += part
        sending.cancel()
        await asyncio.wait([sending])
        client.close()
    assert received[0] == 0x88
    assert int.from_bytes(received[2:4], "big") == 1009
    assert b"1048576" in received


@pytest.mark.parametrize("fin", [True, False])
async def test_bad_utf8_is_closed_with_1007(fin: bool) -> None:
    reported: list[int] = []

    async def session(websocket: WebSocket) -> None:
        reported.append((await websocket.receive())["code"])

    async with serving(session) as served:
        client = await served.connect_raw()
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(client, masked(Opcode.TEXT, b"ok \xff", fin=fin))
        if not fin:
            await loop.sock_sendall(client, masked(Opcode.CONT, b"\xff"))
        answer = await asyncio.wait_for(loop.sock_recv(client, 1_000), 5)
        assert answer[0] == 0x88
        assert int.from_bytes(answer[2:4], "big") == 1007
        client.close()
        while not reported:
            await asyncio.sleep(0)
        assert reported == [1007]


async def test_bad_utf8_that_comes_with_a_close_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    reported: list[int] = []

    async def session(websocket: WebSocket) -> None:
        reported.append((await websocket.receive())["code"])

    async with serving(session) as served:
        client = await served.connect_raw()
        both = masked(Opcode.TEXT, b"\xff") + masked(Opcode.CLOSE, (1000).to_bytes(2, "big"))
        await asyncio.get_running_loop().sock_sendall(client, both)
        while not reported:
            await asyncio.sleep(0)
        client.close()
    assert reported == [1000]
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x81\x01x", 1002),
        (b"\xc1\x80\x00\x00\x00\x00", 1002),
        (masked(Opcode.CONT, b"x"), 1002),
        (b"\x83\x80\x00\x00\x00\x00", 1002),
    ],
    ids=["unmasked", "reserved bit", "continuation of nothing", "unknown opcode"],
)
async def test_what_breaks_the_protocol_is_closed_with_1002(data: bytes, code: int) -> None:
    async with serving(ignore) as served:
        client = await served.connect_raw()
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(client, data)
        answer = await asyncio.wait_for(loop.sock_recv(client, 1_000), 5)
        assert answer[0] == 0x88
        assert int.from_bytes(answer[2:4], "big") == code
        client.close()


async def test_the_close_of_a_client_is_told_to_the_app_and_answered() -> None:
    told: list[tuple[int, str]] = []

    async def session(websocket: WebSocket) -> None:
        message = await websocket.receive()
        told.append((message["code"], message["reason"]))

    async with serving(session) as served:
        async with connect(served.url) as client:
            await client.close(4000, "bye")
        assert client.close_code == 4000
        assert told == [(4000, "bye")]


# Pings


async def test_a_client_that_answers_pings_stays() -> None:
    async with (
        serving(echo, ws_ping_interval=0.02, ws_ping_timeout=0.5) as served,
        connect(served.url, ping_interval=None) as client,
    ):
        pings = 0
        until = time.perf_counter() + 0.3
        while time.perf_counter() < until:
            await client.send("still here?")
            assert await client.recv() == "still here?"
            pings += 1
        assert pings > 3


async def test_a_client_that_answers_no_ping_is_closed_with_4408() -> None:
    async with serving(ignore, ws_ping_interval=0.02, ws_ping_timeout=0.05) as served:
        client = await served.connect_raw()
        loop = asyncio.get_running_loop()
        received = b""
        while b"\x88" not in received:
            received += await asyncio.wait_for(loop.sock_recv(client, 1_000), 5)
        close = received[received.index(b"\x88") :]
        assert int.from_bytes(close[2:4], "big") == 4408
        client.close()


async def test_a_pong_without_the_pings_payload_is_an_answer() -> None:
    async with serving(ignore, ws_ping_interval=0.02, ws_ping_timeout=0.05) as served:
        client = await served.connect_raw()
        loop = asyncio.get_running_loop()
        for _ in range(6):
            ping = await asyncio.wait_for(loop.sock_recv(client, 1_000), 5)
            assert (ping[:2], len(ping)) == (b"\x89\x04", 6)
            await loop.sock_sendall(client, masked(Opcode.PONG, b""))
        client.close()


async def test_no_pong_is_missed_while_the_app_does_not_read() -> None:
    go_on = asyncio.Event()

    async def session(websocket: WebSocket) -> None:
        await go_on.wait()
        await echo(websocket)

    async with (
        serving(session, ws_ping_interval=0.02, ws_ping_timeout=0.05) as served,
        connect(served.url, ping_interval=None) as client,
    ):
        for number in range(2 * UNREAD_MESSAGES):
            await client.send(str(number))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.recv(), 0.3)
        go_on.set()
        assert [await client.recv() for _ in range(2 * UNREAD_MESSAGES)] == [
            str(number) for number in range(2 * UNREAD_MESSAGES)
        ]


# Reading


async def test_reading_stops_when_much_is_unread_and_goes_on_when_it_was_read() -> None:
    go_on = asyncio.Event()
    protocols: list[Any] = []

    async def session(websocket: WebSocket) -> None:
        protocols.append(websocket.scope["extensions"][EXTENSION])
        await go_on.wait()
        await echo(websocket)

    async with serving(session) as served, connect(served.url) as client:
        for _ in range(UNREAD_MESSAGES - 1):
            await client.send("x")
        await asyncio.sleep(0.05)
        assert not protocols[0].read_paused
        await client.send("x")
        while not protocols[0].read_paused:
            await asyncio.sleep(0)
        go_on.set()
        for _ in range(UNREAD_MESSAGES):
            assert await client.recv() == "x"
        assert not protocols[0].read_paused


# Slow readers


def publishing(
    until: asyncio.Event, size: int, outbounds: list[Outbound], **limits: Any
) -> Callable[[WebSocket], Awaitable[None]]:
    """A session that publishes windows, each of that size, until told to stop."""

    async def session(websocket: WebSocket) -> None:
        outbound = outbound_of(websocket, **limits)
        outbounds.append(outbound)
        running, leaving = asyncio.create_task(outbound.run()), asyncio.create_task(ignore(websocket))
        stop = 0
        while not (until.is_set() or running.done() or leaving.done()):
            stop += 10
            outbound.frame(window(stop, size))
            await asyncio.sleep(0)
        await asyncio.wait([running, leaving], return_when=asyncio.FIRST_COMPLETED)
        for task in (running, leaving):
            task.cancel()
        await asyncio.wait([running, leaving])

    return session


async def test_a_reader_that_has_stopped_is_cut_off_while_others_get_everything() -> None:
    outbounds: list[Outbound] = []
    until = asyncio.Event()
    session = publishing(until, 20_000, outbounds, budget_bytes=100_000, stalled_after_s=0.3)
    async with serving(session) as served:
        client = await served.connect_raw(receive_buffer=4_096)
        while not (outbounds and outbounds[0].closing):
            await asyncio.sleep(0.01)
        assert outbounds[0].closing.code == 4508
        loop = asyncio.get_running_loop()
        with suppress(ConnectionResetError):
            while await asyncio.wait_for(loop.sock_recv(client, 65_536), 5):
                pass
        client.close()
        until.set()


async def test_a_slow_reader_gets_the_newest_and_is_told_what_it_missed() -> None:
    outbounds: list[Outbound] = []
    until = asyncio.Event()
    received: list[int] = []
    missed: set[int] = set()
    session = publishing(until, 20_000, outbounds, budget_bytes=100_000)
    async with serving(session) as served, connect(served.url, max_queue=1) as client:
        await asyncio.sleep(0.3)
        until.set()
        with suppress(TimeoutError):
            while True:
                message = json.loads(await asyncio.wait_for(client.recv(), 0.5))
                if message["type"] == "window":
                    received.append(message["stop"])
                    continue
                gap = set(range(message["from"], message["to"] + 10, 10))
                assert len(gap) == message["windows"]
                missed |= gap
    assert missed
    assert received == sorted(set(received))
    assert missed.isdisjoint(received)
    assert missed | set(received) == set(range(10, received[-1] + 10, 10))


# The server stops


async def test_the_stop_closes_each_socket_with_1012_and_a_time_to_come_back() -> None:
    async with serving(echo) as served:
        clients = [await connect(served.url) for _ in range(3)]
        await clients[0].send("x")
        served.server.should_exit = True
        endings = [await closed(client) for client in clients]
    for code, reason in endings:
        assert code == 1012
        assert 0 <= json.loads(reason or "")["retry_after_ms"] <= 1_000


async def test_what_was_sent_before_the_stop_is_answered_before_the_close() -> None:
    begun, settled = asyncio.Event(), asyncio.Event()

    async def session(websocket: WebSocket) -> None:
        outbound = outbound_of(websocket)
        writing = asyncio.create_task(outbound.run())
        while STOP not in (event := await websocket.receive()):
            begun.set()
            await settled.wait()
            outbound.message(Ack(frame=int(event["text"]), stored="store"))
        outbound.close(1012, event[STOP])
        await writing
        await websocket.close(1012, event[STOP])

    async with serving(session) as served, connect(served.url) as client:
        await client.send("1")
        await client.send("2")
        await begun.wait()
        served.server.should_exit = True
        while not served.stopping:
            await asyncio.sleep(0)
        settled.set()
        assert [json.loads(await client.recv())["frame"] for _ in range(2)] == [1, 2]
        code, reason = await closed(client)
    assert code == 1012
    assert json.loads(reason or "").keys() == {"retry_after_ms"}


async def test_an_app_that_settles_nothing_in_time_is_closed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.server.protocol.SETTLE_TIMEOUT_S", 0.05)

    async def session(websocket: WebSocket) -> None:
        outbound_of(websocket)
        await asyncio.Event().wait()

    async with serving(session, timeout_graceful_shutdown=1) as served, connect(served.url) as client:
        served.server.should_exit = True
        assert (await closed(client))[0] == 1012


async def test_a_handshake_that_comes_after_the_stop_is_done_and_closed_in_order() -> None:
    async with serving(echo) as served:
        loop = asyncio.get_running_loop()
        client = socket.socket()
        client.setblocking(False)
        await loop.sock_connect(client, ("127.0.0.1", served.port))
        while not served.server.server_state.connections:
            await asyncio.sleep(0)
        served.server.should_exit = True
        while not served.stopping:
            await asyncio.sleep(0)
        await loop.sock_sendall(client, handshake())
        received = b""
        while part := await loop.sock_recv(client, 1_000):
            received += part
            if b"retry_after_ms" in received:
                await loop.sock_sendall(client, masked(Opcode.CLOSE, (1012).to_bytes(2, "big")))
        client.close()
    head, _, frames = received.partition(b"\r\n\r\n")
    assert b" 101 " in head
    assert frames[0] == 0x88
    assert int.from_bytes(frames[2:4], "big") == 1012


async def test_the_stop_does_not_wait_for_a_reader_that_has_stopped() -> None:
    outbounds: list[Outbound] = []
    until = asyncio.Event()
    async with serving(publishing(until, 20_000, outbounds)) as served:
        client = await served.connect_raw(receive_buffer=4_096)
        await asyncio.sleep(0.2)
        started = time.perf_counter()
    assert time.perf_counter() - started < SETTLE_TIMEOUT_S + CLOSE_TIMEOUT_S + 2
    client.close()


async def test_an_app_that_goes_on_after_the_stop_is_told_that_the_client_is_gone() -> None:
    errors: list[BaseException] = []

    async def session(websocket: WebSocket) -> None:
        await ignore(websocket)
        try:
            await websocket.send_text("too late")
        except WebSocketDisconnect as error:
            errors.append(error)

    async with serving(session) as served, connect(served.url) as client:
        served.server.should_exit = True
        assert (await closed(client))[0] == 1012
    assert len(errors) == 1


async def test_a_device_in_full_flight_sees_the_close_and_not_a_reset() -> None:
    async def push(client: ClientConnection) -> None:
        while True:
            await client.send(b"x" * 100_000)

    async with serving(ignore) as served:
        client = await connect(served.url)
        pushing = asyncio.create_task(push(client))
        await asyncio.sleep(0.1)
        served.server.should_exit = True
        assert (await closed(client))[0] == 1012
        await asyncio.wait([pushing])
        assert isinstance(pushing.exception(), ConnectionClosed)


async def test_an_ack_message_of_the_app_arrives_before_its_close() -> None:
    async def session(websocket: WebSocket) -> None:
        outbound = outbound_of(websocket)
        for frame in range(1_000):
            outbound.message(Ack(frame=frame, stored="store"))
        outbound.frame(Prepared("P", Progress(plan="P", final_until=10)))
        outbound.close(1013, "overloaded")
        await outbound.run()
        assert outbound.closing
        await websocket.close(*outbound.closing)

    async with serving(session) as served, connect(served.url) as client:
        assert [json.loads(await client.recv())["frame"] for _ in range(1_000)] == list(range(1_000))
        assert await closed(client) == (1013, "overloaded")
