"""`/openapi.json`, `/asyncapi.json`: the contract."""

import asyncio
import functools

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hub import contract

MOST_NAMES = 8
"""Names of this hub for which the document of the sockets is kept."""


async def openapi(_: Request) -> Response:
    """What is asked over HTTP."""
    # Made once, and beside the event loop: it takes as long as many windows do.
    return Response(await asyncio.to_thread(_openapi), media_type="application/json")


async def asyncapi(request: Request) -> Response:
    """The sockets, at the address that the reader has come to."""
    protocol = "wss" if request.url.scheme == "https" else "ws"
    return Response(await asyncio.to_thread(_asyncapi, request.url.netloc, protocol), media_type="application/json")


@functools.cache
def _openapi() -> bytes:
    return msgspec.json.encode(contract.openapi())


@functools.lru_cache(MOST_NAMES)
def _asyncapi(host: str, protocol: str) -> bytes:
    return msgspec.json.encode(contract.asyncapi(host, protocol))


routes = [Route("/openapi.json", openapi), Route("/asyncapi.json", asyncapi)]
