"""What the kernel is told of a connection, and what it tells: sizes in bytes. Linux tells most, others less."""

import asyncio
import fcntl
import socket
import struct
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress

SEND_BUFFER_BYTES = 131_072
"""The kernel's buffer for a socket: a larger one hides for a minute that the reader of small frames has stopped."""

TCP_USER_TIMEOUT_MS = 20_000
"""How long the peer's machine may leave sent bytes unacknowledged before the kernel gives the connection up."""

# Where Linux's tcp_info has them.
BYTES_ACKED = struct.Struct("=120xQ")
PEERS_WINDOW = struct.Struct("=228xI")


def bound_buffers(transport: asyncio.Transport) -> None:
    """Bound what the transport and the kernel keep of what is sent, and for how long."""
    transport.set_write_buffer_limits(high=0)
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.family in {socket.AF_INET, socket.AF_INET6}:
        with suppress(OSError, ValueError), borrowed(connection) as options:  # it may be closed already
            options.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                options.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, TCP_USER_TIMEOUT_MS)


def lent(connection: socket.socket) -> socket.SocketType:
    """The transport's connection as a plain socket. OSError, ValueError where it is closed.

    It has to be detached before the transport closes the connection: afterwards the number may be another's. uvloop's
    own would duplicate the descriptor and find out its family at each call: all that costs three times as much.
    """
    return socket.SocketType(socket.AF_INET, socket.SOCK_STREAM, 0, connection.fileno())


@contextmanager
def borrowed(connection: socket.socket) -> Iterator[socket.SocketType]:
    """As `lent`, for one use."""
    plain = lent(connection)
    try:
        yield plain
    finally:
        plain.detach()


def unacknowledged(connection: socket.SocketType) -> int:
    """What was given to the kernel and the peer's machine has not acknowledged; 0 where that is not known."""
    try:
        return int.from_bytes(fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    except (OSError, ValueError):
        return 0


def acknowledged(connection: socket.SocketType) -> int | None:
    """What the peer's machine has acknowledged so far; None where that is not known."""
    return _tcp_info(connection, BYTES_ACKED)


def peers_window(connection: socket.SocketType) -> int | None:
    """How much the peer's machine says it has room for: less when what came is not read. None where it is unknown."""
    return _tcp_info(connection, PEERS_WINDOW)


def reset_when_closed(connection: socket.SocketType) -> None:
    """Have the kernel keep nothing of what the peer has not taken; the peer sees a reset."""
    with suppress(AttributeError, OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _tcp_info(connection: socket.SocketType, field: struct.Struct) -> int | None:
    try:
        return int(field.unpack(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, field.size))[0])
    except (AttributeError, OSError, struct.error):
        return None
