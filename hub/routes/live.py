"""`/v1/live`: a dashboard's socket."""

from functools import partial

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from hub.authority import Identity
from hub.consumer import Consumer
from hub.logs import request_id
from hub.messages import LiveReady
from hub.outbound import Outbound
from hub.routes.sockets import check_pace, converse, hub_of, next_message, pace_of


async def live(websocket: WebSocket) -> None:
    """A socket from its first to its last request."""
    await converse(websocket, "live", partial(_serve, websocket))


async def _serve(websocket: WebSocket, outbound: Outbound, identity: Identity) -> None:
    """Take requests; windows go out by themselves."""
    hub = hub_of(websocket)
    outbound.message(LiveReady(session=request_id.get(), time=hub.clock.now()))
    consumer = Consumer(hub.live, outbound, hub.metrics.subscriptions.inc, identity=identity)
    pace = pace_of(hub)
    try:
        while (data := await next_message(websocket)) is not None:
            check_pace(pace, hub)
            consumer.receive(data)
    finally:
        consumer.close()


routes = [WebSocketRoute("/v1/live", live)]
