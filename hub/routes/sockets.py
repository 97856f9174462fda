"""What both WebSocket endpoints do alike: choose an encoding, accept, count, write, close."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from hub.codes import Close, SessionOver
from hub.messages import Encoding
from hub.outbound import Outbound
from hub.parts import Hub
from hub.server.protocol import EXTENSION, STOP

log = logging.getLogger(__name__)

LONGEST_REASON = 123
"""Bytes of a close frame's reason, by RFC 6455."""


def hub_of(websocket: WebSocket) -> Hub:
    """The hub that this socket came to."""
    hub: Hub = websocket.app.state.hub
    return hub


async def converse(websocket: WebSocket, endpoint: str, session: Callable[[Outbound], Awaitable[None]]) -> None:
    """Accept a socket and run a session on it, which gets the way out and returns when the socket has closed.

    SessionOver closes the socket with its code, once what waits has been sent.
    """
    hub = hub_of(websocket)
    encoding = _encoding(websocket)
    await websocket.accept(encoding.subprotocol if encoding and websocket.scope["subprotocols"] else None)
    outbound = _outbound(websocket, encoding or Encoding.JSON)
    writer = asyncio.create_task(_write(websocket, outbound, hub))
    hub.connections += 1
    try:
        with hub.metrics.connections.labels(endpoint).track_inprogress():
            _admit(hub, encoding)
            await session(outbound)
    except SessionOver as over:
        outbound.close(over.code, over.reason)
        await writer
    except Exception:
        log.exception("a session of /v1/%s failed", endpoint)
        outbound.close(Close.INTERNAL, "the hub failed at this; its log says why")
        await writer
    finally:
        hub.connections -= 1
        writer.cancel()
        with suppress(asyncio.CancelledError):
            await writer


def _admit(hub: Hub, encoding: Encoding | None) -> None:
    most = hub.settings.max_connections
    if hub.connections > most:
        raise SessionOver(Close.TOO_MANY, f"this hub has {most} connections already")
    if encoding is None:
        known = " and ".join(known.subprotocol for known in Encoding)
        raise SessionOver(Close.UNREADABLE, f"no subprotocol of those offered is known; there are {known}")


def _outbound(websocket: WebSocket, encoding: Encoding) -> Outbound:
    async def send(data: str | bytes) -> None:
        await (websocket.send_text(data) if isinstance(data, str) else websocket.send_bytes(data))

    budget = hub_of(websocket).settings.socket_budget
    wire = websocket.scope.get("extensions", {}).get(EXTENSION)
    return Outbound(send, encoding=encoding, budget_bytes=budget, wire=wire)


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
