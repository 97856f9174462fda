"""`/v1/live`: a dashboard's socket."""

import secrets

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from hub.consumer import Consumer
from hub.messages import LiveReady
from hub.routes.sockets import accepted, hub_of, next_message


async def live(websocket: WebSocket) -> None:
    """Take requests; windows go out by themselves."""
    hub = hub_of(websocket)
    async with accepted(websocket, "live") as outbound:
        outbound.message(LiveReady(session=secrets.token_hex(8), time=hub.clock.now()))
        consumer = Consumer(hub.live, outbound, hub.metrics.subscriptions.inc)
        try:
            while (data := await next_message(websocket)) is not None:
                consumer.receive(data)
        finally:
            consumer.close()


routes = [WebSocketRoute("/v1/live", live)]
