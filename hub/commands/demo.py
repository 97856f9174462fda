"""`pxl-hub demo`: the hub, this machine as its device, and streams to look at, with one command."""

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from hub.client import HubError, Writer
from hub.commands.agent import push_metrics
from hub.commands.running import Token, run_until_stopped
from hub.server.single import listen
from hub.settings import SettingInvalid, Settings, load_settings, variable

STREAMS = Path(__file__).with_name("demo.toml")
STOP_SECONDS = 15.0


def demo(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[str | None, typer.Option(help="Port to listen on.", show_default="8000")] = None,
    store: Annotated[
        str | None, typer.Option(help="Where points are kept, as for serve.", show_default="duckdb")
    ] = None,
    config: Annotated[
        str | None, typer.Option(help="TOML file with settings and streams.", show_default="the demo's own streams")
    ] = None,
    token: Token = None,
) -> None:
    """Serve the hub, push this machine's metrics to it, and print the address of the page.

        pxl-hub demo --port 9000

    Exit codes: 0 stopped, 1 the hub ended by itself, 2 wrong options, or the port is taken.
    """
    options = {"host": host, "port": port, "store": store, "config": config}
    settings = load_settings(options)
    if not settings.config:
        options["config"] = str(STREAMS)
    _check_port(settings)
    environment = {**os.environ, **{variable(name): value for name, value in options.items() if value is not None}}
    raise typer.Exit(run_until_stopped(lambda stop: _run(settings, environment, token, stop)))


def _check_port(settings: Settings) -> None:
    """Say that the port is taken before anything starts, or the demo would watch another's hub."""
    if settings.port == 0:
        raise SettingInvalid("port: the demo has to know its port; name one, as in --port 8000")
    try:
        listen(settings.host, settings.port).close()
    except OSError as error:
        raise SettingInvalid(
            f"port: {settings.host}:{settings.port} cannot be listened on: {error.strerror or error}; "
            "choose another, as in --port 8001"
        ) from None


async def _run(settings: Settings, environment: dict[str, str], token: str | None, stop: asyncio.Event) -> int:
    """The hub as a process of its own in our process group; the agent in this one."""
    hub = await asyncio.create_subprocess_exec(sys.executable, "-m", "hub", "serve", env=environment)
    ended = asyncio.create_task(hub.wait())
    ended.add_done_callback(lambda _: stop.set())
    try:
        if await _answers(settings, stop):
            print(f"\n  PXL Hub is at http://{_place(settings)}/   (Ctrl-C stops it)\n", flush=True)
            writer = Writer(f"ws://{_place(settings)}", token=token, patience=1.0, on_setback=lambda *_: None)
            with suppress(HubError):  # the hub was stopped along with us, or has said why it ended
                await push_metrics(writer, 1.0, stop)
        if ended.done():
            return ended.result()
    finally:
        if not ended.done():
            hub.terminate()
            await asyncio.wait([ended], timeout=STOP_SECONDS)
        if not ended.done():
            hub.kill()
            await ended
    return 0


async def _answers(settings: Settings, stop: asyncio.Event) -> bool:
    """Whether the hub listens at last; False when it is time to stop before."""
    while not stop.is_set():
        try:
            _, writer = await asyncio.open_connection(settings.host, settings.port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return True
    return False


def _place(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{host}:{settings.port}"
