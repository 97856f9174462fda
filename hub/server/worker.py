"""The Gunicorn worker: Uvicorn with our protocol and the settings that no flag of Gunicorn's reaches."""

import logging
from typing import Any

from uvicorn_worker import UvicornWorker

from hub.logs import configure_logs
from hub.server.options import uvicorn_options
from hub.settings import load_settings


class HubWorker(UvicornWorker):  # type: ignore[misc]
    """Set up by the `HUB_…` environment variables, as the app is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        settings = load_settings()
        configure_logs(settings)
        self.CONFIG_KWARGS = uvicorn_options(settings)
        super().__init__(*args, **kwargs)
        logging.getLogger("uvicorn.error").propagate = True  # to our own handler; Gunicorn's logger has none
