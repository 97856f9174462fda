"""One worker without Gunicorn."""

import socket
from collections.abc import Callable
from typing import Any

import uvicorn

from hub import systemd
from hub.server.collector import COLLECTOR
from hub.server.options import BACKLOG, settle, uvicorn_options
from hub.settings import Settings


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; OSError when the address is taken or is not ours."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def serve_one(app: Callable[..., Any], settings: Settings, listener: socket.socket) -> bool:
    """Serve until SIGINT or SIGTERM, then end every socket and return within seconds; False where it did not start."""
    server = _Server(uvicorn.Config(app, log_config=None, **uvicorn_options(settings)))
    settle()
    try:
        server.run(sockets=[listener])
    finally:
        COLLECTOR.stop()  # or DuckDB complains in sixty lines, as the interpreter ends, that its types are still there
    return server.started


class _Server(uvicorn.Server):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        systemd.notify(systemd.STOPPING)
        await super().shutdown(sockets)
