"""Our HTTP protocol for Uvicorn: Uvicorn's, and a way for answers without end to hear that the server stops.

It offers the app the extension `hub.endless` in the scope, which is a `hub.wires.Endless`.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hub.server.protocol import bound_buffers

EXTENSION = "hub.endless"


class HubHttpProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stopping = False
        self.told: asyncio.Future[None] | None = None

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self.scope["extensions"] = {EXTENSION: self}  # type: ignore[dict-item]

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
        super().shutdown()
        if self.told and not self.told.done():
            self.told.set_result(None)
