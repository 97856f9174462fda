"""A connection to the hub, made again for as long as that can help."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from hub.client.backoff import Backoff
from hub.client.errors import HubRefused, ProtocolViolated
from hub.client.messages import Ready

log = logging.getLogger("hub.client")

TOKEN_VARIABLE = "HUB_TOKEN"  # noqa: S105 - a name
"""Where the token is looked for when none is given."""

READY_TIMEOUT = 10.0
"""Seconds for the handshake, and again for the hub's first message."""

_FINAL_CLOSES = {
    1003: "it does not take this kind of frame",
    1007: "a frame was not valid UTF-8",
    1009: "a frame was longer than it takes",
    4400: "it could not read a message",
    4401: "it needs a valid token",
    4403: "the token does not allow this",
}
_NO_AUTH = 4408
"""Before the hub's first message it says that the hub waits for a token."""
_PASSING_STATUSES = {408, 425, 429}
_LONGEST_MESSAGE = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Setback:
    """Why a connection ended, and whether coming back can help."""

    message: str
    final: bool = False
    code: int | None = None
    retry_after: float = 0.0
    """Seconds for which the hub asked to be left alone."""


def log_setback(setback: Setback, delay: float) -> None:
    """What hears of setbacks where nobody else does; Python shows it on stderr, unless told otherwise."""
    log.warning("%s; trying again in %.1f s", setback.message, delay)


class _Reason(msgspec.Struct):
    retry_after_ms: int = 0


def endpoint(url: str, path: str, parameters: Mapping[str, str | Sequence[str]] | None = None) -> str:
    """The WebSocket address of a path of the hub at `url` (ws, wss, http or https); ValueError.

    A parameter with several values is given several times.
    """
    parts = urlsplit(url)
    scheme = {"ws": "ws", "http": "ws", "wss": "wss", "https": "wss"}.get(parts.scheme)
    if scheme is None or not parts.hostname:
        raise ValueError(f"{url!r} is no address of a hub; write for instance ws://127.0.0.1:8000")
    return urlunsplit(
        (scheme, parts.netloc, parts.path.rstrip("/") + path, urlencode(parameters or {}, doseq=True), "")
    )


async def keep_connected(
    address: str,
    session: Callable[[ClientConnection, Ready], Awaitable[None]],
    *,
    read_ready: Callable[[str | bytes], Ready],
    token: str | None,
    backoff: Backoff,
    on_setback: Callable[[Setback, float], None],
    subprotocol: str | None = None,
) -> None:
    """Run `session` on one connection after the other; HubRefused when none can succeed.

    `on_setback` hears why a connection ended and in how many seconds the next is tried. The session calls
    `backoff.succeeded()` when it gets somewhere.
    """
    headers = _authorization(token)
    while True:
        try:
            async with connect(
                address,
                additional_headers=headers,
                subprotocols=[Subprotocol(subprotocol)] if subprotocol else None,
                compression=None,
                open_timeout=READY_TIMEOUT,
                close_timeout=2,
                max_size=_LONGEST_MESSAGE,
            ) as socket:
                setback = await _run_session(socket, session, read_ready)
        except (OSError, InvalidHandshake, ProtocolViolated) as error:
            setback = setback_of_error(error)
        if setback.final:
            raise HubRefused(setback.message, setback.code)
        delay = backoff.delay(setback.retry_after)
        on_setback(setback, delay)
        await asyncio.sleep(delay)


def _authorization(token: str | None) -> dict[str, str]:
    token = (token or os.environ.get(TOKEN_VARIABLE, "")).strip()
    return {"Authorization": f"Bearer {token}"} if token else {}


async def _run_session(
    socket: ClientConnection,
    session: Callable[[ClientConnection, Ready], Awaitable[None]],
    read_ready: Callable[[str | bytes], Ready],
) -> Setback:
    first = None
    try:
        async with asyncio.timeout(READY_TIMEOUT):
            first = await socket.recv()
        await session(socket, read_ready(first))
    except ConnectionClosed:
        if first is None and socket.close_code == _NO_AUTH:
            return Setback("the hub needs a token: give one, or set HUB_TOKEN", True, _NO_AUTH)
    except asyncio.CancelledError:
        await socket.close()  # we leave, and nothing is wrong: websockets would tell the hub of an error
        raise
    return setback_of_close(socket.close_code, socket.close_reason)


def setback_of_close(code: int | None, reason: str | None) -> Setback:
    """What a close of the hub means for the client."""
    if code in _FINAL_CLOSES:
        detail = f" ({reason})" if reason else ""
        return Setback(f"the hub closed the connection with {code}: {_FINAL_CLOSES[code]}{detail}", True, code)
    return Setback(f"the connection was closed with {code or 1006}", False, code, _retry_after(reason))


def setback_of_error(error: Exception) -> Setback:
    """What a connection that failed, or a hub that is none, means for the client."""
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        final = 400 <= status < 500 and status not in _PASSING_STATUSES
        wait = error.response.headers.get("Retry-After", "")
        return Setback(f"the hub answered HTTP {status}", final, status, float(wait) if wait.isdigit() else 0.0)
    if isinstance(error, TimeoutError):
        return Setback(f"the hub did not answer within {READY_TIMEOUT:g} s")
    if isinstance(error, OSError):
        return Setback(f"the hub cannot be reached: {error.strerror or str(error) or type(error).__name__}")
    return Setback(str(error) or type(error).__name__)


def _retry_after(reason: str | None) -> float:
    try:
        return max(0, msgspec.json.decode(reason or "", type=_Reason).retry_after_ms) / 1_000
    except msgspec.DecodeError:
        return 0.0
