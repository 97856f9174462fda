"""What both WebSocket endpoints do alike: choose an encoding, accept, count, write, close."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

from starlette.websockets import WebSocket, WebSocketDisconnect

from hub.auth import ANYBODY, Principal, Unauthenticated
from hub.authority import Identity
from hub.codes import Close, SessionOver
from hub.connections import TooMany
from hub.encodings import Encoding, Unreadable, decode_request
from hub.logs import request_id
from hub.messages import Auth
from hub.outbound import Outbound
from hub.parts import Hub
from hub.producer import LONGEST_AUTH, auth_in
from hub.rates import Rate
from hub.requests import HEADER
from hub.routes.peers import address_of, shown_token
from hub.server.protocol import EXTENSION, STOP
from hub.wires import Arrivals

log = logging.getLogger(__name__)

LONGEST_REASON = 123
"""Bytes of a close frame's reason, by RFC 6455."""


def hub_of(websocket: WebSocket) -> Hub:
    """The hub that this socket came to."""
    hub: Hub = websocket.app.state.hub
    return hub


async def converse(
    websocket: WebSocket, endpoint: str, session: Callable[[Outbound, Identity], Awaitable[None]]
) -> None:
    """Accept a socket and run a session on it: with the way out, and who is there; it returns when the socket closed.

    SessionOver closes the socket with its code, once what waits has been sent.
    """
    hub = hub_of(websocket)
    encoding = _encoding(websocket)
    subprotocol = encoding.subprotocol if encoding and websocket.scope["subprotocols"] else None
    await websocket.accept(subprotocol, headers=[(HEADER, request_id.get().encode())])
    outbound = _outbound(websocket, encoding or Encoding.JSON)
    writer = asyncio.create_task(_write(websocket, outbound, hub))
    hub.readers.add(outbound)
    try:
        with hub.metrics.connections.labels(endpoint).track_inprogress(), hub.admitted(address_of(websocket)) as place:
            _check_encoding(encoding)
            principal = await _authenticated(websocket, hub, outbound.encoding)
            if principal is not None:
                with hub.identified(principal, place) as identity:
                    identity.on_end = partial(outbound.close, Close.UNAUTHENTICATED)
                    await session(outbound, identity)
    except SessionOver as over:
        outbound.close(over.code, over.reason)
        await writer
    except TooMany as error:
        hub.metrics.refused(error.code)
        outbound.close(Close.TOO_MANY, str(error))
        await writer
    except Exception:
        log.exception("a session of /v1/%s failed", endpoint)
        outbound.close(Close.INTERNAL, "the hub failed at this; its log says why")
        await writer
    finally:
        hub.readers.discard(outbound)
        writer.cancel()
        with suppress(asyncio.CancelledError):
            await writer


async def _authenticated(websocket: WebSocket, hub: Hub, encoding: Encoding) -> Principal | None:
    """Who is there: by the header, or else by the first message. None where the socket has closed. SessionOver."""
    if hub.authority.is_open:
        return ANYBODY
    seconds = hub.settings.auth_timeout / 1_000
    try:
        token = shown_token(websocket)
        if token is None:
            async with asyncio.timeout(seconds):
                data = await next_message(websocket)
            if data is None:
                return None
            token = _token_in(data, encoding)
        return hub.authority.principal(token)
    except TimeoutError:
        raise SessionOver(Close.SILENT, f"no token in the header, and no auth message in {seconds:g} s") from None
    except Unauthenticated as error:
        raise SessionOver(Close.UNAUTHENTICATED, str(error)) from None


def _token_in(data: str | bytes, encoding: Encoding) -> str:
    """The token in the first message, which has to be `auth`. Unauthenticated where it is not."""
    auth = auth_in(data)
    if auth is None and len(data) < LONGEST_AUTH:
        with suppress(Unreadable):
            request = decode_request(data, encoding)
            auth = request if isinstance(request, Auth) else None
    if auth is None:
        raise Unauthenticated('no token was given: send it in the header, or {"type":"auth","token":…} first')
    return auth.token


def _check_encoding(encoding: Encoding | None) -> None:
    if encoding is None:
        known = " and ".join(known.subprotocol for known in Encoding)
        raise SessionOver(Close.UNREADABLE, f"no subprotocol of those offered is known; there are {known}")


def _outbound(websocket: WebSocket, encoding: Encoding) -> Outbound:
    async def send(data: str | bytes) -> None:
        await (websocket.send_text(data) if isinstance(data, str) else websocket.send_bytes(data))

    hub = hub_of(websocket)
    wire = websocket.scope.get("extensions", {}).get(EXTENSION)
    budget, skipped = hub.settings.socket_budget, hub.metrics.skipped.inc
    return Outbound(send, encoding=encoding, budget_bytes=budget, wire=wire, on_skipped=skipped)


async def next_message(websocket: WebSocket) -> str | bytes | None:
    """The next message, or None when the socket has closed. SessionOver when the hub stops."""
    event = await websocket.receive()
    if event["type"] == "websocket.disconnect":
        return None
    if STOP in event:
        raise SessionOver(Close.RESTART, event[STOP])
    text: str | None = event.get("text")
    data: bytes = event.get("bytes") or b""
    return data if text is None else text


def more_messages(websocket: WebSocket, most: int, most_bytes: int) -> list[str | bytes]:
    """Those of the next messages that have come already, of so many bytes together; none with another server."""
    arrivals: Arrivals | None = websocket.scope.get("extensions", {}).get(EXTENSION)
    return [] if arrivals is None else arrivals.receive_more(most, most_bytes)


def pace_of(hub: Hub) -> Rate:
    """How fast messages may come on a socket that has just opened."""
    return Rate(hub.settings.max_message_rate, time.monotonic())


def check_pace(pace: Rate, hub: Hub) -> None:
    """One more message has come. SessionOver where it came too soon."""
    if not pace.allows(time.monotonic()):
        most = hub.settings.max_message_rate
        raise SessionOver(Close.TOO_FAST, f"a socket may send {most} messages a second (max_message_rate)")


async def _write(websocket: WebSocket, outbound: Outbound, hub: Hub) -> None:
    """Send until the socket is to be closed, and close it."""
    try:
        await outbound.run()
        if outbound.closing:
            hub.metrics.closes.labels(int(outbound.closing.code)).inc()
            await websocket.close(outbound.closing.code, _fitting(outbound.closing.reason))
    except (WebSocketDisconnect, RuntimeError):
        pass  # the peer was quicker
    except Exception:
        log.exception("a socket could not be written")


def _encoding(websocket: WebSocket) -> Encoding | None:
    """The first encoding that the client offers and the hub knows; JSON where it offers none."""
    offered = websocket.scope["subprotocols"]
    if not offered:
        return Encoding.JSON
    known = {encoding.subprotocol: encoding for encoding in Encoding}
    return next((known[name] for name in offered if name in known), None)


def _fitting(reason: str) -> str:
    return reason.encode()[:LONGEST_REASON].decode(errors="ignore")
