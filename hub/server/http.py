"""Our HTTP protocol for Uvicorn: Uvicorn's, and a way for answers without end to hear that the server stops.

A request that is on its way when the server stops is still answered, and a WebSocket's opened, to be closed in order.
It offers the app the extension `hub.endless` in the scope, which is a `hub.wires.Endless`.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from hub.server.collector import COLLECTOR
from hub.server.kernel import bound_buffers
from hub.server.newcomers import Newcomers
from hub.server.protocol import HubProtocol

EXTENSION = "hub.endless"
SLOW_HEADERS = "hub.slow_headers"
"""What is called for each connection that is cut off, in the state that the app's lifespan gives."""

SERVED = "hub.served"
"""What tells how much has been done for those who are there, in the same state: a number that only grows."""

NEWCOMERS = "hub.newcomers"
"""Where the connections of one server find each other, in the state that they share."""

MOST_UNHEARD = 16_384
"""Bytes that are kept of who waits: a handshake has less. Who sends more is heard at once: nothing grows."""

FIRST_REQUEST_S = 1.0
"""How long a connection without any request yet may take to bring one when the server stops."""


class HubHttpProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, header_timeout: float = 5.0, **kwargs: Any) -> None:
        """`header_timeout`: seconds from the connection, or the next request's first byte, to its last header."""
        super().__init__(*args, **kwargs)
        COLLECTOR.connections = self.connections
        self.header_timeout = header_timeout
        self.header_timer: asyncio.TimerHandle | None = None
        if NEWCOMERS not in self.app_state:
            self.app_state[NEWCOMERS] = Newcomers(self.loop, self.app_state.get(SERVED, int))
        self.newcomers: Newcomers = self.app_state[NEWCOMERS]
        self.is_known = False
        self.unheard: bytes | None = None
        self.header_seconds_left = header_timeout
        self.access_log = False  # Uvicorn's has whole addresses, and some clients put tokens into them
        self.stopping = False
        self.told: asyncio.Future[None] | None = None

    @property
    def last_cycle(self) -> RequestResponseCycle | None:
        """The last request and its answer; None before the first, which Uvicorn's own type does not say."""
        return self.cycle

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody is there, and may be so slow."""
        super().connection_made(transport)
        self.await_headers(self.header_timeout)

    def data_received(self, data: bytes) -> None:
        """Parse; what comes first has to wait for its turn, and meanwhile little more is read."""
        if self.is_known:
            super().data_received(data)
        elif self.unheard is not None:
            self.unheard += data
            self.transport.pause_reading()
            if len(self.unheard) > MOST_UNHEARD:
                self.hear()
        elif len(data) > MOST_UNHEARD or self.newcomers.has_turn():
            self.is_known = True
            super().data_received(data)
        else:
            self.unheard = data
            if self.header_timer:  # our own delay is not theirs
                self.header_seconds_left = self.header_timer.when() - self.loop.time()
            self.stop_awaiting()
            self.newcomers.wait(self.hear)

    def hear(self) -> None:
        """Parse what has come first, unless that is done or nobody is there any more."""
        data, self.unheard = self.unheard, None
        if data is None or self.transport.is_closing():
            return
        self.is_known = True
        self.await_headers(self.header_seconds_left)
        if not self.transport.is_reading():
            self.transport.resume_reading()
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        self.stop_awaiting()
        super().connection_lost(exc)
        self.let_go()

    def await_headers(self, seconds: float) -> None:
        """Give them the time they may take."""
        self.stop_awaiting()
        self.header_timer = self.loop.call_later(seconds, self.on_slow_headers)

    def stop_awaiting(self) -> None:
        """They need no time any more."""
        if self.header_timer:
            self.header_timer.cancel()
            self.header_timer = None

    def on_slow_headers(self) -> None:
        """Cut off whoever sends no request, or a part of one."""
        self.header_timer = None
        self.app_state.get(SLOW_HEADERS, int)()
        self.transport.abort()

    def on_message_begin(self) -> None:
        """A request begins."""
        if self.header_timer is None:
            self.await_headers(self.header_timeout)
        super().on_message_begin()
        self.scope["extensions"] = {EXTENSION: self}  # type: ignore[dict-item]

    def on_headers_complete(self) -> None:
        """A request can be answered."""
        self.stop_awaiting()
        super().on_headers_complete()
        if self.stopping and self.last_cycle:
            self.last_cycle.keep_alive = False

    def handle_websocket_upgrade(self) -> None:
        """Hand over to the WebSocket protocol."""
        self.stop_awaiting()
        super().handle_websocket_upgrade()
        protocol = self.transport.get_protocol()
        if self.stopping and isinstance(protocol, HubProtocol):
            protocol.shutdown()
        self.let_go()

    def let_go(self) -> None:
        """Hold nothing that holds this protocol: it goes when its connection does, not when garbage is looked for."""
        self.parser = self.scope = self.cycle = None  # type: ignore[assignment]

    # See `hub.wires.Endless`

    def begin(self) -> asyncio.Future[None]:
        """Bound what waits for the client; the answer is done when the server stops."""
        bound_buffers(self.transport)
        self.told = self.loop.create_future()
        if self.stopping:
            self.told.set_result(None)
        return self.told

    def abort(self) -> None:
        """Cut the connection at once."""
        if self.last_cycle:
            self.last_cycle.disconnected = True  # or Uvicorn would complain that the answer has no end
        self.transport.abort()

    def shutdown(self) -> None:
        """The server stops."""
        self.stopping = True
        if self.last_cycle is None:
            self.loop.call_later(FIRST_REQUEST_S, self.give_up_waiting)
        else:
            super().shutdown()
        if self.told and not self.told.done():
            self.told.set_result(None)

    def give_up_waiting(self) -> None:
        """No request has come."""
        if self.unheard is not None:
            self.loop.call_later(FIRST_REQUEST_S, self.give_up_waiting)
        elif self.last_cycle is None and self in self.connections:
            self.transport.close()
