"""Answers over HTTP: JSON of the message types, and errors that say what to do."""

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from hub.bodies import Problem
from hub.codes import remedy_of

_CODES = {404: "not_found", 405: "method_not_allowed"}


def answer(body: msgspec.Struct, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A type of `hub.messages` as JSON."""
    return Response(msgspec.json.encode(body), status, headers, "application/json")


def problem(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    """An error with the catalogue's remedy."""
    return answer(Problem(code=code, message=message, remedy=remedy_of(code)), status, headers)


def on_http_error(request: Request, error: Exception) -> Response:
    """What Starlette refuses by itself."""
    if not isinstance(error, HTTPException):
        raise error
    code = _CODES.get(error.status_code, "invalid_request")
    message = f"{request.method} {request.url.path}: {error.detail.lower()}"
    return problem(error.status_code, code, message, dict(error.headers or {}))


def on_defect(request: Request, _: Exception) -> Response:
    """A fault of ours; Starlette logs it."""
    return problem(500, "internal", f"{request.method} {request.url.path}: the hub failed at this; its log says why")
