"""Our HTTP protocol for Uvicorn: Uvicorn's, and a way for answers without end to hear that the server stops.

A request that is on its way when the server stops is still answered, and a WebSocket's opened, to be closed in order.
It offers the app the extension `hub.endless` in the scope, which is a `hub.wires.Endless`.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from hub.server.protocol import HubProtocol, bound_buffers

EXTENSION = "hub.endless"

FIRST_REQUEST_S = 1.0
"""How long a connection without any request yet may take to bring one when the server stops."""


class HubHttpProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access_log = False  # Uvicorn's has whole addresses, and some clients put tokens into them
        self.stopping = False
        self.told: asyncio.Future[None] | None = None

    @property
    def last_cycle(self) -> RequestResponseCycle | None:
        """The last request and its answer; None before the first, which Uvicorn's own type does not say."""
        return self.cycle

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self.scope["extensions"] = {EXTENSION: self}  # type: ignore[dict-item]

    def on_headers_complete(self) -> None:
        """A request can be answered."""
        super().on_headers_complete()
        if self.stopping and self.last_cycle:
            self.last_cycle.keep_alive = False

    def handle_websocket_upgrade(self) -> None:
        """Hand over to the WebSocket protocol."""
        super().handle_websocket_upgrade()
        protocol = self.transport.get_protocol()
        if self.stopping and isinstance(protocol, HubProtocol):
            protocol.shutdown()

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
        self.cycle.disconnected = True  # or Uvicorn would complain that the answer has no end
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
        if self.last_cycle is None and self in self.connections:
            self.transport.close()
