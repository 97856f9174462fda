"""The ASGI app: `create_app(settings)`, and `app`, made from the environment for `gunicorn hub.app:app`."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from hub.origins import Asked, Refusal, refusal
from hub.parts import Hub
from hub.requests import begin_request, begin_session
from hub.routes import answers, contract, events, influx, live, operations, page, schema, streams, windows, write
from hub.server.http import SERVED, SLOW_HEADERS
from hub.settings import Settings, load_settings
from hub.tracing import tracing

SOCKETS = {route.path: route.endpoint for route in (*write.routes, *live.routes)}


class HubApp(Starlette):
    """Starlette, but a socket goes straight to its endpoint: the layers above would keep 4 KiB for each open one."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI says."""
        scope["app"] = self
        if scope["type"] != "lifespan" and (refused := self._refusal(scope)):
            await _refuse(refused, scope, receive, send)
            return
        endpoint = SOCKETS.get(scope["path"]) if scope["type"] == "websocket" else None
        if endpoint is not None:
            begin_session()
            await endpoint(WebSocket(scope, receive, send))
            return
        await super().__call__(scope, receive, begin_request(scope, send) if scope["type"] == "http" else send)

    def _refusal(self, scope: Scope) -> Refusal | None:
        """Why nobody is to see this request or handshake at all."""
        hub: Hub = self.state.hub
        connection = HTTPConnection(scope)
        here = scope.get("server")
        asked = Asked(
            scope["path"],
            connection.headers.get("origin"),
            connection.headers.get("host"),
            tuple(connection.query_params) if scope["query_string"] else (),
            here[0] if here and here[1] is not None else None,
        )
        refused = refusal(asked, hub.settings.allowed_origins, is_open=hub.authority.is_open)
        address = connection.client.host if connection.client else "unknown"
        if not refused and not hub.request_rates.allows(address, time.monotonic()):
            most = hub.settings.max_request_rate
            refused = Refusal(
                429, "too_many_requests", f"{address} may send {most} requests a second (max_request_rate)"
            )
        return refused


async def _refuse(refused: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    headers = {"retry-after": str(answers.RETRY_SECONDS)} if refused.status == 429 else None
    response = answers.ErrorResponse(*refused, headers)
    if scope["type"] == "http":
        await response(scope, receive, send)
    else:
        # Before it is accepted, so that the page never has a socket; its browser says no more than 1006.
        await WebSocket(scope, receive, send).send_denial_response(response)


def create_app(settings: Settings) -> Starlette:
    """The whole hub for one worker. SettingInvalid, DefinitionInvalid where the configuration cannot be used."""
    hub = Hub(settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Any]]:
        async with tracing(settings) as traces:
            if traces:
                hub.metrics.on_commit, hub.metrics.on_window = traces.committed, traces.sent
            async with hub.running():
                # What our HTTP protocol tells of headers that are too slow to come, and what it asks.
                yield {
                    SLOW_HEADERS: partial(hub.metrics.refused, "slow_headers"),
                    SERVED: lambda: hub.metrics.served,
                }

    app = HubApp(
        routes=[
            *write.routes,
            *influx.routes,
            *live.routes,
            *streams.routes,
            *windows.routes,
            *events.routes,
            *schema.routes,
            *operations.routes,
            *contract.routes,
            *page.routes,
        ],
        exception_handlers={HTTPException: answers.on_http_error, Exception: answers.on_defect},
        lifespan=lifespan,
    )
    app.state.hub = hub
    return app


def __getattr__(name: str) -> Starlette:
    # Made when a server asks for it, so that importing this module reads no settings and opens nothing.
    if name != "app":
        raise AttributeError(name)
    app = globals()["app"] = create_app(load_settings())
    return app
