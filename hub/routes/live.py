"""`/v1/live`: a dashboard's socket; `/v1/streams/{name}/live`: one that begins with that stream."""

from functools import partial

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from hub.authority import Identity
from hub.codes import Close, SessionOver
from hub.consumer import Consumer
from hub.logs import request_id
from hub.messages import LiveReady, Subscribe
from hub.outbound import Outbound
from hub.ranges import subscription
from hub.reading import RequestRefused
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
        if "name" in websocket.path_params:
            consumer.ask(_named(websocket))
        while (data := await next_message(websocket)) is not None:
            check_pace(pace, hub)
            consumer.receive(data)
    finally:
        consumer.close()


def _named(websocket: WebSocket) -> Subscribe:
    """What the address asks for: some programs can open a socket and listen, and say nothing. SessionOver."""
    try:
        return subscription(websocket.path_params["name"], websocket.query_params.multi_items())
    except RequestRefused as refused:
        raise SessionOver(Close.UNREADABLE, str(refused)) from None


routes = [WebSocketRoute("/v1/live", live), WebSocketRoute("/v1/streams/{name}/live", live)]
