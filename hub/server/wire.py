"""The way out of our WebSocket protocol for whole frames: see `hub.wires.Wire`."""

import socket
from collections.abc import Callable

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from hub.server.kernel import acknowledged, peers_window, reset_when_closed, unacknowledged
from hub.wires import Owner


class TransportWire(WebSocketsSansIOProtocol):
    """The protocol's part that is a wire. Its buffer is full as soon as anything waits in it."""

    __slots__ = ()

    framed = True

    owner: Owner | None
    plain: socket.SocketType | None
    """The connection, until the transport is about to close it."""
    closed_here: bool

    def attach(self, owner: Owner) -> Callable[[bytes], None]:
        """Tell this owner; until it is told that the wire is lost it may write whole frames."""
        self.owner = owner
        if self.close_sent:
            self.loop.call_soon(self.tell_lost)
        return self.transport.write

    def direct(self) -> Callable[[bytes], int]:
        """The kernel's own send, unless what it is given has to be encrypted before.

        Through the transport, which is never full here without telling, each costs a tenth more.
        """
        if self.plain is None or self.transport.get_extra_info("sslcontext"):
            return self.give
        return self.plain.send

    def give(self, data: bytes) -> int:
        """Write all of it."""
        self.transport.write(data)
        return len(data)

    def detach(self) -> None:
        """Tell nobody any more."""
        self.owner = None

    def tell_lost(self) -> None:
        """Have nothing more written: after a close frame nothing may follow."""
        owner, self.owner = self.owner, None
        if owner is not None:
            owner.on_lost(None)

    def pause_writing(self) -> None:
        """The kernel takes no more."""
        super().pause_writing()
        if self.owner is not None:
            self.owner.on_full()

    def resume_writing(self) -> None:
        """The kernel has taken everything."""
        super().resume_writing()
        if self.owner is not None:
            self.owner.on_drained()

    def unsent(self) -> int:
        """Bytes in our buffer and in the kernel's that the peer's machine has not acknowledged."""
        if self.disconnected or self.plain is None:
            return 0
        return self.transport.get_write_buffer_size() + unacknowledged(self.plain)

    def taken(self) -> int | None:
        """Bytes that the peer's machine has acknowledged; None where the kernel does not tell."""
        return None if self.disconnected or self.plain is None else acknowledged(self.plain)

    def room(self) -> int | None:
        """Bytes that the peer's machine says it has room for; None where the kernel does not tell."""
        return None if self.disconnected or self.plain is None else peers_window(self.plain)

    def abort(self) -> None:
        """Cut the connection at once: the peer sees a reset."""
        self.tell_lost()
        self.close_sent = self.closed_here = True
        if self.plain is not None:
            reset_when_closed(self.plain)
        self.transport.abort()
