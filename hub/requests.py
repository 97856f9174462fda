"""Each request and each session has an id: its log lines tell it, and so does the client's answer, as X-Request-ID."""

import logging
import re
import secrets
import time

from starlette.types import Message, Scope, Send

from hub.logs import request_id

log = logging.getLogger(__name__)

HEADER = b"x-request-id"
_TAKEN = re.compile(rb"[A-Za-z0-9._:-]{1,64}")


def begin_session() -> str:
    """A new id for the socket that the current task serves. It is the `session` of `ready`, so no client chooses it."""
    number = secrets.token_hex(8)
    request_id.set(number)
    return number


def begin_request(scope: Scope, send: Send) -> Send:
    """The way out for a request that the current task serves, which adds its id: the one it came with, or a new one."""
    started = time.perf_counter()
    sent = next((value for name, value in scope["headers"] if name == HEADER), b"")
    number = sent if _TAKEN.fullmatch(sent) else secrets.token_hex(8).encode()
    request_id.set(number.decode())

    async def send_identified(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), (HEADER, number)]
            level = logging.WARNING if message["status"] == 500 else logging.DEBUG
            if log.isEnabledFor(level):
                milliseconds = (time.perf_counter() - started) * 1_000
                # As it came, without the query: what is in there may be a secret.
                path = scope.get("raw_path", b"").decode("ascii", "replace")
                log.log(level, "%s %s: %d after %.1f ms", scope["method"], path, message["status"], milliseconds)
        await send(message)

    return send_identified
