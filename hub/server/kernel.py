"""What the kernel is told of a connection, and what it tells: sizes in bytes. Linux tells most, others less."""

import asyncio
import fcntl
import socket
import struct
import sys
import termios
from contextlib import suppress
from types import TracebackType

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


class borrowed:  # noqa: N801 - used like a function; a generator would cost as much as a system call
    """The connection's file descriptor as a socket that does not close it. OSError, ValueError where it is closed.

    uvloop's own would duplicate the descriptor and find out its family: all that costs three times as much.
    """

    __slots__ = ("_socket",)

    def __init__(self, connection: socket.socket) -> None:
        self._socket = socket.SocketType(socket.AF_INET, socket.SOCK_STREAM, 0, connection.fileno())

    def __enter__(self) -> socket.SocketType:
        return self._socket

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.detach()


def unacknowledged(connection: socket.socket) -> int:
    """What was given to the kernel and the peer's machine has not acknowledged; 0 where that is not known."""
    try:
        return int.from_bytes(fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    except (OSError, ValueError):
        return 0


def acknowledged(connection: socket.socket) -> int | None:
    """What the peer's machine has acknowledged so far; None where that is not known."""
    return _tcp_info(connection, BYTES_ACKED)


def peers_window(connection: socket.socket) -> int | None:
    """How much the peer's machine says it has room for: less when what came is not read. None where it is unknown."""
    return _tcp_info(connection, PEERS_WINDOW)


def reset_when_closed(connection: socket.socket) -> None:
    """Have the kernel keep nothing of what the peer has not taken; the peer sees a reset."""
    with suppress(AttributeError, OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _tcp_info(connection: socket.socket, field: struct.Struct) -> int | None:
    try:
        with borrowed(connection) as options:
            return int(field.unpack(options.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, field.size))[0])
    except (AttributeError, OSError, ValueError, struct.error):
        return None
