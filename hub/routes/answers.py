"""Answers over HTTP: JSON of the message types, and errors that say what to do."""

import math

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hub.bodies import Problem
from hub.codes import remedy_of
from hub.parts import Hub
from hub.request_bodies import BodyRefused
from streams.errors import StoreUnavailable, StreamsError

_CODES = {404: "not_found", 405: "method_not_allowed"}
_STATUSES = {
    "unauthenticated": 401,
    "forbidden": 403,
    "unknown_stream": 404,
    "store_unavailable": 503,
    "store_misconfigured": 503,
    "internal": 500,
}
RETRY_SECONDS = 1


def answer(body: msgspec.Struct, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A type of `hub.messages` as JSON."""
    return Response(msgspec.json.encode(body), status, headers, "application/json")


class ErrorResponse(Response):
    """An error with the catalogue's remedy. It is counted when it is sent."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        body = Problem(code=code, message=message, remedy=remedy_of(code))
        super().__init__(msgspec.json.encode(body), status, headers, "application/json")
        self._code = code

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI says."""
        hub: Hub = scope["app"].state.hub
        hub.metrics.refused(self._code)
        await super().__call__(scope, receive, send)


def refusal(error: StreamsError) -> Response:
    """Why a request cannot be granted."""
    headers = {"www-authenticate": "Bearer"} if error.code == "unauthenticated" else None
    if isinstance(error, StoreUnavailable):
        headers = {"retry-after": str(math.ceil(error.retry_after or RETRY_SECONDS))}
    return ErrorResponse(_STATUSES.get(error.code, 400), error.code, str(error), headers)


def body_refusal(refused: BodyRefused) -> Response:
    """Why a request's body is not taken."""
    headers = {"retry-after": str(refused.retry_seconds)} if refused.retry_seconds else None
    return ErrorResponse(refused.status, refused.code, str(refused), headers)


def on_http_error(request: Request, error: Exception) -> Response:
    """What Starlette refuses by itself."""
    if not isinstance(error, HTTPException):
        raise error
    code = _CODES.get(error.status_code, "invalid_request")
    message = f"{request.method} {request.url.path}: {error.detail.lower()}"
    return ErrorResponse(error.status_code, code, message, dict(error.headers or {}))


def on_defect(request: Request, _: Exception) -> Response:
    """A fault of ours; Starlette logs it."""
    message = f"{request.method} {request.url.path}: the hub failed at this; its log says why"
    return ErrorResponse(500, "internal", message)
