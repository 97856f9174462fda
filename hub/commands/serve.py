"""`pxl-hub serve`: run the hub."""

import logging
import os
import signal
from typing import Annotated, Any

import typer
from rich.markup import escape

from hub.app import create_app
from hub.logs import configure_logs
from hub.preflight import address, preflight, try_reload
from hub.server.many import serve_many
from hub.server.single import serve_one
from hub.settings import load_settings, table, variable

log = logging.getLogger(__name__)

_ROWS = {row.name: row for row in table()}


def _option(name: str) -> Any:
    row = _ROWS[name]
    default = f" [default: {row.default}]" if row.default else ""
    return typer.Option(f"--{name}", help=escape(row.help + default), metavar=row.unit.upper())


def serve(
    *,
    host: Annotated[str | None, _option("host")] = None,
    port: Annotated[str | None, _option("port")] = None,
    store: Annotated[str | None, _option("store")] = None,
    workers: Annotated[str | None, _option("workers")] = None,
    config: Annotated[str | None, _option("config")] = None,
    tokens: Annotated[str | None, _option("tokens")] = None,
) -> None:
    """Take points, and serve their windows and the page.

    Every setting is an environment variable HUB_NAME too, and may stand in the configuration file.

        pxl-hub serve

        pxl-hub serve --port 9000 --config hub.toml

        pxl-hub serve --host 0.0.0.0 --tokens tokens.toml

        HUB_INFLUX_TOKEN=… HUB_INFLUX_ORG=… HUB_INFLUX_BUCKET=… pxl-hub serve --store influxdb:http://127.0.0.1:8086

    Exit codes: 0 stopped; 1 a part of it failed, which the log names: start it again; 2 wrong options or settings, or
    the port is taken. Of several workers one that fails is replaced.
    """
    options = {"host": host, "port": port, "store": store, "workers": workers, "config": config, "tokens": tokens}
    settings = load_settings(options)
    # Gunicorn's workers read the settings anew, and know of these only through the environment.
    os.environ.update({variable(name): value for name, value in options.items() if value is not None})
    configure_logs(settings)
    listener = preflight(settings)
    place = address(settings.host, listener.getsockname()[1])
    log.info("pxl-hub listens on http://%s/ with %s", place, settings.store)
    if settings.workers > 1:
        serve_many(
            load=lambda: create_app(load_settings()),
            settings=settings,
            listener=listener,
            check=lambda: try_reload(load_settings()),
        )
    else:
        # Uvicorn ends by raising the signal that stopped it again: without this the exit code would not be 0.
        signal.signal(signal.SIGTERM, lambda *_: None)
        # Nobody can take over from a lone process: it stops in order, and whoever started it may start it again.
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
        app = create_app(settings)
        if not serve_one(app, settings, listener) or app.state.hub.has_failed:
            raise typer.Exit(1)
