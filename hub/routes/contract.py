"""`/openapi.json`, `/asyncapi.json`: the contract."""

import functools
from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hub import contract
from hub.contract.schemas import Document


async def openapi(_: Request) -> Response:
    """What is asked over HTTP."""
    return Response(_encoded(contract.openapi), media_type="application/json")


async def asyncapi(request: Request) -> Response:
    """The sockets, at the address that the reader has come to."""
    protocol = "wss" if request.url.scheme == "https" else "ws"
    document = contract.asyncapi(request.url.netloc, protocol)
    return Response(msgspec.json.encode(document), media_type="application/json")


@functools.cache
def _encoded(document: Callable[[], Document]) -> bytes:
    return msgspec.json.encode(document())


routes = [Route("/openapi.json", openapi), Route("/asyncapi.json", asyncapi)]
