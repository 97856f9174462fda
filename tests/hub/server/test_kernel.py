"""What the kernel tells of real connections."""

import asyncio
import socket
import sys
import time
from collections.abc import Iterator

import pytest

from hub.server.kernel import acknowledged, bound_buffers, peers_window, reset_when_closed, unacknowledged

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform != "linux", reason="other kernels tell less"),
]


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of one connection; the first does not block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        there = socket.create_connection(listener.getsockname())
        here, _ = listener.accept()
    here.setblocking(False)
    with here, there:
        yield here, there


def fill(here: socket.socket) -> int:
    """Send until the kernel takes no more."""
    sent = 0
    try:
        while True:
            sent += here.send(bytes(10_000))
    except BlockingIOError:
        return sent


def read_all(there: socket.socket) -> None:
    """Read until the end."""
    while there.recv(65_536):
        pass


def test_what_is_not_read_leaves_less_room_and_stays_unacknowledged(pair: tuple[socket.socket, socket.socket]) -> None:
    here, _ = pair
    room = peers_window(here)
    assert room
    sent = fill(here)
    until = time.monotonic() + 20
    while (left := peers_window(here)) is None or left >= room / 2:  # the peer's kernel takes its time to say so
        assert time.monotonic() < until, left
        time.sleep(0.01)
    taken = acknowledged(here)
    assert taken is not None
    assert 0 < taken < sent
    assert 0 < unacknowledged(here) <= sent


def test_asking_changes_nothing(pair: tuple[socket.socket, socket.socket]) -> None:
    here, there = pair
    assert peers_window(here)
    assert not here.getblocking()
    here.send(b"still open")
    assert there.recv(100) == b"still open"


def test_nothing_is_told_of_what_is_no_connection_or_closed() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert peers_window(ours) is None
        assert acknowledged(ours) is None
    assert peers_window(ours) is None
    assert unacknowledged(ours) == 0


async def test_the_buffers_of_a_connection_that_has_closed_are_left_alone() -> None:
    async with await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0) as server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        writer.close()
        await writer.wait_closed()
        assert isinstance(writer.transport, asyncio.Transport)
        bound_buffers(writer.transport)


def test_a_connection_that_is_to_be_reset_is(pair: tuple[socket.socket, socket.socket]) -> None:
    here, there = pair
    fill(here)
    reset_when_closed(here)
    here.close()
    with pytest.raises(ConnectionResetError):
        read_all(there)
