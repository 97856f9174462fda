"""`/v1/streams/{name}/events`: a named stream's windows as server-sent events, for `curl` and EventSource."""

import asyncio
import random
from contextlib import suppress
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from hub.auth import Grants, Principal
from hub.authority import Identity
from hub.codes import Close, SessionOver
from hub.connections import TooMany
from hub.consumer import Consumer
from hub.encodings import Encoding
from hub.events import EVENTS, HEARTBEAT, as_windows
from hub.messages import Error, Subscribe
from hub.outbound import Outbound
from hub.parts import Hub
from hub.ranges import subscription, whole_number
from hub.routes.answers import RETRY_SECONDS, ErrorResponse, refusal
from hub.routes.peers import address_of, principal_of
from hub.server.http import EXTENSION
from hub.wires import Endless, SendingWire
from streams.errors import StreamsError

HEADERS = {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-accel-buffering": "no",  # or nginx keeps events back until it has a few kilobytes of them
}
FIRST_RECONNECT_MS, LAST_RECONNECT_MS = 1_000, 3_000
"""Between these times clients come back after an interruption, each at its own."""
LAST_WORD_SECONDS = 1.0
"""How long a client may take to read the end of the answer when the hub stops."""


async def events(request: Request) -> Response:
    """The windows of a named stream from now on, or from the past that is asked for."""
    hub: Hub = request.app.state.hub
    try:
        principal = principal_of(request)
        subscribe = _request(request)
        _check(hub, subscribe, principal.grants)
    except StreamsError as error:
        return refusal(error)
    if request.method == "HEAD":
        return Response(headers=HEADERS)
    return _Events(hub, subscribe, principal, address_of(request))


def _request(request: Request) -> Subscribe:
    subscribe = subscription(request.path_params["name"], request.query_params.multi_items())
    # EventSource comes back to the address with which it began, so what it has had since then counts more.
    if last := request.headers.get("last-event-id"):
        subscribe.history, subscribe.after, subscribe.seen = None, whole_number("Last-Event-ID", last), None
    return subscribe


def _check(hub: Hub, subscribe: Subscribe, grants: Grants) -> None:
    """Refuse while there still is a status to say so with: a client that sees 200 would come back for ever."""
    query = hub.live.query(subscribe.stream, None, subscribe.where, grants)
    past = hub.live.past(subscribe)
    if past.after is not None:
        hub.engine.history(query, past.after + 1, hub.clock.now())


class _Events(Response):
    """An answer that ends when the client goes, the hub stops, or the windows cannot be had."""

    def __init__(self, hub: Hub, subscribe: Subscribe, principal: Principal, address: str) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._hub = hub
        self._subscribe = subscribe
        self._principal = principal
        self._address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI says."""
        hub = self._hub
        try:
            with hub.admitted(self._address) as place, hub.identified(self._principal, place) as identity:
                await self._answer(scope, receive, send, identity)
        except TooMany as error:
            headers = {"retry-after": str(RETRY_SECONDS)}
            status = 503 if error.code == "too_many_connections" else 429
            await ErrorResponse(status, error.code, str(error), headers)(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, identity: Identity) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        connection: Endless | None = scope.get("extensions", {}).get(EXTENSION)
        with self._hub.metrics.connections.labels("events").track_inprogress():
            ended = await self._tell(receive, send, connection, identity)
        if ended.client_gone:
            return
        with suppress(TimeoutError):
            if not ended.stalled:
                async with asyncio.timeout(LAST_WORD_SECONDS):
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
                return
        if connection:
            connection.abort()

    async def _tell(self, receive: Receive, send: Send, connection: Endless | None, identity: Identity) -> "_Ended":
        """Send events until there is a reason to end."""
        hub = self._hub

        async def write(data: str | bytes) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": True})

        outbound = Outbound(
            write,
            encoding=Encoding.JSON,
            budget_bytes=hub.settings.socket_budget,
            wire=SendingWire(write, text=False),
            form=EVENTS,
            on_skipped=hub.metrics.skipped.inc,
        )

        def changed(change: int) -> None:
            hub.metrics.subscriptions.inc(change)
            if change < 0:
                outbound.close(Close.GOING_AWAY, "")

        def end(reason: str) -> None:
            hub.metrics.refused("unauthenticated")
            outbound.message(Error(id=None, code="unauthenticated", message=reason))
            outbound.close(Close.UNAUTHENTICATED, reason)

        identity.on_end = end
        consumer = Consumer(hub.live, outbound, changed, as_windows, identity)
        writer, gone = asyncio.create_task(outbound.run()), asyncio.create_task(_gone(receive))
        beating = asyncio.create_task(_beat(outbound, hub.settings.ping_interval / 1_000))
        reasons: list[asyncio.Future[None]] = [writer, gone, *([connection.begin()] if connection else [])]
        outbound.write(b"retry: %d\n\n" % random.randint(FIRST_RECONNECT_MS, LAST_RECONNECT_MS))  # noqa: S311
        try:
            with suppress(SessionOver):  # then `end` has been called
                consumer.subscribe(self._subscribe)
            await asyncio.wait(reasons, return_when=asyncio.FIRST_COMPLETED)
            stalled = outbound.closing is not None and outbound.closing.code == Close.STALLED
            return _Ended(client_gone=gone.done(), stalled=stalled)
        finally:
            consumer.close()
            for task in (*reasons, beating):
                task.cancel()
            await asyncio.gather(*reasons, beating, return_exceptions=True)


class _Ended(NamedTuple):
    client_gone: bool
    stalled: bool


async def _gone(receive: Receive) -> None:
    """Return when the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _beat(outbound: Outbound, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        if outbound.idle:
            outbound.write(HEARTBEAT)


routes = [Route("/v1/streams/{name}/events", events)]
