"""Gunicorn's own log lines, shown as the hub's are."""

from typing import Any

from gunicorn.glogging import Logger


class GunicornLogger(Logger):  # type: ignore[misc]
    """Leaves to `hub.logs` how lines look and where they go; Gunicorn decides which there are."""

    def setup(self, cfg: Any) -> None:
        """Called at the start and at each reload."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
