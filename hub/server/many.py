"""Several workers, under Gunicorn."""

import socket
from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication

from hub import systemd
from hub.metrics import add_up, forget
from hub.server.options import gunicorn_options
from hub.server.takeover import guard
from hub.settings import Settings, data_folder


def share_metrics(settings: Settings) -> None:
    """Let each worker that is started from now on answer for all of them."""
    add_up(data_folder(settings) / f"metrics-{settings.port}")


def child_exit(_: Any, worker: Any) -> None:
    """Gunicorn's hook: a worker has ended."""
    forget(worker.pid)


def serve_many(load: Callable[[], Any], settings: Settings, listener: socket.socket, check: Callable[[], None]) -> None:
    """Serve with as many workers as the settings say, each with an app of its own from `load`, until stopped.

    SIGHUP starts new workers, with what `load` and the environment say then, unless `check` raises.
    """
    systemd.adopt()
    share_metrics(settings)
    options = gunicorn_options(settings)
    options |= {
        "bind": [f"fd://{listener.fileno()}"],
        "child_exit": child_exit,
        "on_starting": lambda arbiter: guard(arbiter, check),
    }
    if settings.log_level == "info":
        options["loglevel"] = "warning"  # what Gunicorn tells of its workers concerns nobody who did not ask for it
    _Gunicorn(load, options).run()


class _Gunicorn(BaseApplication):  # type: ignore[misc]
    def __init__(self, load: Callable[[], Any], options: dict[str, Any]) -> None:
        self._load = load
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self._load()
