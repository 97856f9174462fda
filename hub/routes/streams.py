"""`/v1/streams`: the named streams and their columns."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hub.bodies import Stream, Streams
from hub.consumer import columns
from hub.parts import Hub
from hub.reading import RequestRefused, readable
from hub.routes.answers import answer, refusal
from hub.routes.peers import grants_of
from streams.queries import Query


async def all_streams(request: Request) -> Response:
    """Every named stream that the sender may read, sorted by name."""
    hub: Hub = request.app.state.hub
    try:
        streams = readable(hub.streams, grants_of(request))
    except RequestRefused as error:
        return refusal(error)
    descriptions = [_describe(hub, name, query) for name, query in sorted(streams.items())]
    return answer(Streams(await asyncio.gather(*descriptions)))


async def one_stream(request: Request) -> Response:
    """One named stream."""
    hub: Hub = request.app.state.hub
    name = request.path_params["name"]
    try:
        query = hub.live.query(name, None, None, grants_of(request))
        return answer(await _describe(hub, name, query))
    except RequestRefused as error:
        return refusal(error)


async def _describe(hub: Hub, name: str, query: Query) -> Stream:
    kinds = await hub.kinds.of(query.measurement)
    return Stream(
        name=name,
        measurement=query.measurement,
        plan=query.key,
        where={tag: list(values) for tag, values in query.where},
        columns=columns(query, kinds),
        window_ms=query.window_ms,
        every_ms=query.every_ms,
        grace_ms=query.grace_ms,
    )


routes = [Route("/v1/streams", all_streams), Route("/v1/streams/{name}", one_stream)]
