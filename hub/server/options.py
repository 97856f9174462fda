"""How Uvicorn and Gunicorn are set up: the same for one worker, for many, and for a plain `gunicorn -c`."""

import sys
from functools import partial
from typing import Any

from hub.server.collector import COLLECTOR
from hub.server.http import HubHttpProtocol
from hub.server.protocol import HubProtocol
from hub.settings import Settings

STOP_TIMEOUT_S = 8
"""How long sockets and requests may take to end when the hub stops: to settle what is in flight, then to close."""

LAST_COMMITS_S = 4
"""How long the store may take after that, until Gunicorn kills the worker."""

KEEP_ALIVE_S = 75
"""Longer than agents pause between two writes, so that none meets a connection just being closed."""

BACKLOG = 4_096
"""Connections that the kernel accepts for us while we are busy, as when all clients of a restarted hub come back."""


def uvicorn_options(settings: Settings) -> dict[str, Any]:
    """Keyword arguments of `uvicorn.Config`."""
    return {
        "loop": "asyncio" if sys.platform == "win32" else "uvloop",
        "http": partial(HubHttpProtocol, header_timeout=settings.header_timeout / 1_000),
        "ws": HubProtocol,
        "ws_max_size": settings.max_frame_bytes,
        "ws_ping_interval": settings.ping_interval / 1_000,
        "ws_ping_timeout": settings.ping_timeout / 1_000,
        "ws_per_message_deflate": False,
        "lifespan": "on",
        "access_log": False,
        "server_header": False,
        "backlog": BACKLOG,
        "timeout_keep_alive": KEEP_ALIVE_S,
        "timeout_graceful_shutdown": STOP_TIMEOUT_S,
    }


def gunicorn_options(settings: Settings) -> dict[str, Any]:
    """The settings of a Gunicorn configuration file."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return {
        "bind": [f"{host}:{settings.port}"],
        "workers": settings.workers,
        "worker_class": "hub.server.worker.HubWorker",
        "proc_name": "pxl-hub",
        "loglevel": settings.log_level,
        "logger_class": "hub.server.gunicorn_logger.GunicornLogger",
        "backlog": BACKLOG,
        "timeout": 60,
        "graceful_timeout": STOP_TIMEOUT_S + LAST_COMMITS_S,
        "control_socket_disable": True,
        "post_worker_init": settle,
    }


def settle(_: object = None) -> None:
    """What a worker does once it is loaded."""
    COLLECTOR.start()
