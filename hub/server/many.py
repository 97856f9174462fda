"""Several workers, under Gunicorn."""

import logging
import socket
from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication

from hub.metrics import add_up, forget
from hub.server.options import gunicorn_options
from hub.settings import SettingInvalid, Settings, data_folder
from streams.errors import DefinitionInvalid, StoreMisconfigured

log = logging.getLogger(__name__)


def share_metrics(settings: Settings) -> None:
    """Let each worker that is started from now on answer for all of them."""
    add_up(data_folder(settings) / f"metrics-{settings.port}")


def child_exit(_: Any, worker: Any) -> None:
    """Gunicorn's hook: a worker has ended."""
    forget(worker.pid)


def guard_reload(arbiter: Any, check: Callable[[], None]) -> None:
    """Have a SIGHUP change nothing while `check` raises: workers that cannot start would end the whole hub."""
    reload = arbiter.reload

    def reload_if_possible() -> None:
        try:
            check()
        except (SettingInvalid, DefinitionInvalid, StoreMisconfigured) as error:
            log.error("not reloaded, the hub goes on as it was: %s", error)
        else:
            log.info("reloading: new workers take over")
            reload()

    arbiter.reload = reload_if_possible


def serve_many(load: Callable[[], Any], settings: Settings, listener: socket.socket, check: Callable[[], None]) -> None:
    """Serve with as many workers as the settings say, each with an app of its own from `load`, until stopped.

    SIGHUP starts new workers, with what `load` and the environment say then, unless `check` raises.
    """
    share_metrics(settings)
    options = gunicorn_options(settings)
    options |= {
        "bind": [f"fd://{listener.fileno()}"],
        "child_exit": child_exit,
        "on_starting": lambda arbiter: guard_reload(arbiter, check),
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
