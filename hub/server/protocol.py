"""Our WebSocket protocol for Uvicorn: prepared frames, bounded buffers, and a close that no peer can hold up.

It offers the app the extension `hub.prepared` in the scope, a `hub.wires.Wire` with `hub.wires.Arrivals`. An app that
has attached an owner to it is asked to stop, by a `websocket.receive` that has `STOP` and no data, once it has had all
that came before; it then closes the socket itself. No other app is asked.
"""

import asyncio
import logging
from asyncio.transports import BaseTransport
from contextlib import suppress
from typing import Any, cast

from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.server import ServerState
from websockets.frames import Frame
from websockets.http11 import Request
from websockets.protocol import State

from hub.codes import Close
from hub.server.gate import Gate
from hub.server.inbox import Inbox
from hub.server.kernel import bound_buffers, lent
from hub.server.restart import reason_to_come_back
from hub.server.wire import TransportWire

logger = logging.getLogger(__name__)
logger.setLevel(logging.WARNING)  # Uvicorn and websockets would write three lines for each connection

EXTENSION = "hub.prepared"

CLOSE_TIMEOUT_S = 3.0
"""How long a peer may take to answer a close frame before it is cut off."""

STOP = "hub.stop"
"""The key of the event that asks an app to stop; its value is the reason to close with."""

SETTLE_TIMEOUT_S = 3.0
"""How long an app that was asked to stop may take to settle what is in flight."""


class HubProtocol(TransportWire):
    """One socket. Beyond Uvicorn's: the wire for prepared frames; reading stops only when much is unread."""

    __slots__ = (  # noqa: RUF023 - in groups
        "closed_here", "failed", "inbox", "message", "owner", "plain", "resumed_at", "returned", "stopping",
        # Uvicorn's own, more than a dictionary can share between sockets: as slots they save 1.5 KiB each
        "app", "app_state", "asgi_version", "client", "close_sent", "close_timeout", "close_timer", "config",
        "conn", "connections", "curr_msg_data_type", "default_headers", "disconnected", "frames",
        "handshake_complete", "handshake_initiated", "initial_response", "last_ping_rtt", "logger", "loop",
        "pending_ping_payload", "ping_interval", "ping_sent_at", "ping_timeout", "ping_timer", "pong_timer",
        "queue", "read_paused", "request", "response", "root_path", "scheme", "scope", "server", "tasks",
        "transport", "writable",
    )  # fmt: skip

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = self.conn.logger = logger
        self.inbox = Inbox(self.loop)
        self.queue = self.inbox  # type: ignore[assignment]
        self.writable = Gate(self.loop)  # type: ignore[assignment]
        self.message = bytearray()
        self.resumed_at = 0.0
        self.closed_here = False
        self.failed = False
        self.returned = False
        self.stopping = False
        self.owner = None
        self.plain = None

    # The connection

    def connection_made(self, transport: BaseTransport) -> None:
        """Bound what the kernel and the transport keep of what we send."""
        before = cast("asyncio.Transport", transport).get_protocol()
        if isinstance(before, HttpToolsProtocol):  # it has asked the kernel for all of that
            self.connections.add(self)
            self.transport = cast("asyncio.Transport", transport)
            self.server, self.client = before.server, before.client
            self.scheme = "wss" if before.scheme == "https" else "ws"
        else:
            super().connection_made(transport)
        bound_buffers(self.transport)
        with suppress(OSError, ValueError):  # it may be closed already
            self.plain = lent(self.transport.get_extra_info("socket"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the wire's owner, and the app by its receive."""
        self.tell_lost()
        if self.plain is not None:
            self.plain.detach()
        super().connection_lost(exc)
        self.let_go()

    def handle_connect(self, event: Request) -> None:
        """Offer the wire to the app."""
        super().handle_connect(event)
        if not self.close_sent:
            self.scope["extensions"][EXTENSION] = self  # type: ignore[assignment]

    # Messages in

    def data_received(self, data: bytes) -> None:
        """Parse, unless the connection has failed: then what still comes is only read to keep the close orderly."""
        if not self.failed:
            super().data_received(data)

    def handle_text(self, event: Frame) -> None:
        """The first frame of a text message."""
        self.curr_msg_data_type = "text"
        self.handle_cont(event)

    def handle_bytes(self, event: Frame) -> None:
        """The first frame of a binary message."""
        self.curr_msg_data_type = "bytes"
        self.handle_cont(event)

    def handle_cont(self, event: Frame) -> None:
        """Gather a message's frames; the gathered bytes, however small the frames, take no more than their size."""
        if event.fin and not self.message:
            self.deliver(event.data)
            return
        self.message += event.data
        if event.fin:
            message, self.message = self.message, bytearray()
            self.deliver(message)

    def deliver(self, data: bytes | bytearray | memoryview) -> None:
        """Give the app a whole message, and read no further when too much is unread."""
        if self.close_sent:
            return
        if self.curr_msg_data_type == "text":
            try:
                text = str(data, "utf-8")
            except UnicodeDecodeError as error:
                # Where the peer's close came with it, that is handled next.
                if self.conn.state is State.OPEN:
                    self.conn.send_close(Close.BAD_UTF8, f"{error.reason} at position {error.start}")
                    self.handle_parser_exception()
                return
            self.inbox.put_nowait({"type": "websocket.receive", "text": text}, len(data))
        else:
            self.inbox.put_nowait({"type": "websocket.receive", "bytes": bytes(data)}, len(data))
        if self.inbox.full and not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    async def receive(self) -> ASGIReceiveEvent:
        """The app's next event."""
        event = await self.inbox.get()
        self.read_on()
        return event  # type: ignore[return-value]

    def receive_more(self, most: int, most_bytes: int) -> list[str | bytes]:
        """The data of messages that have come already."""
        taken = self.inbox.take(most, most_bytes)
        self.read_on()
        return taken

    def read_on(self) -> None:
        """Read again when little is unread."""
        if self.read_paused and self.inbox.low and not self.stopping:
            self.resume_reading()

    def resume_reading(self) -> None:
        """Read again, and note when: what came meanwhile, a pong too, was not seen."""
        self.read_paused = False
        self.resumed_at = self.loop.time()
        self.transport.resume_reading()

    # Closing: never wait for a peer longer than the timeout

    async def send(self, message: ASGISendEvent) -> None:
        """An ASGI event of the app's; a close does not wait until the peer has read what was sent before."""
        if self.closed_here:
            raise ClientDisconnected
        closing = message["type"] == "websocket.close"
        if closing:
            self.tell_lost()
            self.writable.set()
        await super().send(message)
        if closing:
            self.hear_the_end()
        elif message["type"] == "websocket.accept":
            del self.request, self.response  # a tenth of the memory of an idle socket
            if self.stopping:
                self.loop.call_soon(self.shutdown)

    def handle_close(self, event: Frame) -> None:
        """The peer closes, or answers our close."""
        self.tell_lost()
        super().handle_close(event)
        if self.transport.is_closing() and self.transport.get_write_buffer_size():
            self.close_in_time()

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        """The app has returned."""
        super().on_task_complete(task)
        if self.transport.is_closing() and self.transport.get_write_buffer_size():
            self.close_in_time()
        self.returned = True
        self.let_go()

    def let_go(self) -> None:
        """Once nobody is there any more, hold nothing that holds this protocol: see `HubHttpProtocol.let_go`."""
        if self.returned and self.disconnected:
            self.scope = None  # type: ignore[assignment]
            self.conn.parser.close()

    def handle_parser_exception(self) -> None:
        """Fail the connection. What the peer is still sending is read and dropped, or it would never see the reason."""
        self.failed = True
        self.stop_keepalive()
        closing = self.conn.close_sent
        if closing is not None:
            self.inbox.put_nowait({"type": "websocket.disconnect", "code": closing.code, "reason": closing.reason})
        self.write_close()

    def handle_pong(self, event: Frame) -> None:
        """Any pong says that the peer is there: Telegraf's outputs.websocket answers without the ping's payload."""
        if self.pending_ping_payload is not None:
            event = Frame(event.opcode, self.pending_ping_payload)
        super().handle_pong(event)

    def keepalive_timeout(self) -> None:
        """No pong came. Nobody is to blame if we have not been reading since the ping."""
        self.pong_timer = None
        if self.close_sent or self.transport.is_closing():
            return
        if self.read_paused or self.resumed_at > self.ping_sent_at:
            self.ping_sent_at = self.loop.time()
            self.pong_timer = self.loop.call_later(self.ping_timeout or 0.0, self.keepalive_timeout)
            return
        self.conn.fail(Close.SILENT, "no answer to a ping")
        self.handle_parser_exception()

    def shutdown(self) -> None:
        """The server stops: have what is in flight settled, and ask each client to come back at its own time."""
        self.stop_keepalive()
        self.stopping = True
        if not self.handshake_complete:
            return  # a peer that is just being accepted hears of it afterwards: without a handshake it sees 1006
        if self.close_sent or self.transport.is_closing():
            self.close_in_time()
            return
        reason = reason_to_come_back(len(self.connections))
        if self.owner is None:
            self.restart(reason)
            return
        if not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()
        self.inbox.put_nowait({"type": "websocket.receive", STOP: reason})
        self.close_timer = self.loop.call_later(SETTLE_TIMEOUT_S, self.restart, reason)

    def restart(self, reason: str) -> None:
        """Close with 1012, whatever the app is doing."""
        if not self.close_sent and self.conn.state is State.OPEN:
            self.conn.send_close(Close.RESTART, reason)
            self.inbox.put_nowait({"type": "websocket.disconnect", "code": Close.RESTART, "reason": reason})
            self.write_close()

    def write_close(self) -> None:
        """Send the close frame that `conn` has made, and give the peer a while to answer it."""
        self.tell_lost()
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = self.closed_here = True
        if self.failed and self.transport.can_write_eof() and not self.transport.is_closing():
            self.transport.write_eof()
        self.hear_the_end()

    def hear_the_end(self) -> None:
        """Read on, until the peer answers the close: data that nobody reads would reset the connection."""
        if self.read_paused and not self.transport.is_closing():
            self.resume_reading()
        self.close_in_time()

    def close_in_time(self) -> None:
        """Cut the connection off if it is still open after the timeout."""
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(CLOSE_TIMEOUT_S, self.transport.abort)
