"""`pxl-hub watch STREAM`: the live windows of a stream in the terminal."""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live as Screen

from hub.client import HubRefused, Live, Setback, Window
from hub.commands.completion import stream_names
from hub.commands.running import Token, run_until_stopped
from hub.commands.watch_view import Status, WindowsView, header_line, json_line, plain_lines
from streams.durations import parse_duration


def watch(
    stream: Annotated[str, typer.Argument(help="A named stream of the hub.", autocompletion=stream_names)],
    url: Annotated[str, typer.Option(help="The hub's address.")] = "ws://127.0.0.1:8000",
    history: Annotated[str, typer.Option(help="How much of the past to begin with, such as 1m.")] = "40s",
    token: Token = None,
    json: Annotated[bool, typer.Option("--json", help="Print each window as a line of JSON.")] = False,
) -> None:
    """Show the live windows of a stream: a table in a terminal, lines divided by tabs in a pipe.

    A window comes again with a higher revision when its rows have changed.

        pxl-hub watch weather --history 5m

        pxl-hub watch weather --json | jq .rows

    Exit codes: 0 stopped, 2 wrong options, an unknown stream, or refused by the hub.
    """
    try:
        parse_duration(history)
        watcher = _Watcher(stream, url, history, token)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if json:
        code = run_until_stopped(lambda stop: watcher.print_lines(stop, as_json=True))
    elif sys.stdout.isatty():
        code = run_until_stopped(watcher.draw_table)
    else:
        code = run_until_stopped(lambda stop: watcher.print_lines(stop, as_json=False))
    raise typer.Exit(code)


class _Watcher:
    def __init__(self, stream: str, url: str, history: str, token: str | None) -> None:
        self._stream = stream
        self._url = url
        self._trouble: str | None = f"connecting to {url}"
        self._changed: Callable[[], None] = lambda: None
        self._live = Live(url, stream=stream, history=history, token=token, on_setback=self._note_setback)

    async def draw_table(self, stop: asyncio.Event) -> int:
        """The latest window, drawn anew with each."""
        view = WindowsView()
        with Screen(console=Console(), auto_refresh=False) as screen:

            def draw() -> None:
                status = Status(self._stream, self._live.final_until, self._trouble)
                screen.update(view.render(self._live.columns, status), refresh=True)

            def take(window: Window) -> None:
                view.take(window)
                draw()

            self._changed = draw
            draw()
            return await self._follow(stop, take)

    async def print_lines(self, stop: asyncio.Event, *, as_json: bool) -> int:
        """Each window as it comes. A reader that has gone ends it like a signal."""
        self._changed = self._say_trouble
        has_header = as_json

        def write(window: Window) -> None:
            nonlocal has_header
            columns = self._live.columns
            lines = [json_line(self._stream, columns, window)] if as_json else plain_lines(columns, window)
            try:
                print(*([] if has_header else [header_line(columns)]), *lines, sep="\n", flush=True)
            except BrokenPipeError:
                stop.set()
                sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - or Python complains at its end
            has_header = True

        return await self._follow(stop, write)

    async def _follow(self, stop: asyncio.Event, take: Callable[[Window], None]) -> int:
        stopping = asyncio.create_task(stop.wait())
        following = asyncio.create_task(self._receive(take))
        await asyncio.wait([stopping, following], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        following.cancel()
        with suppress(asyncio.CancelledError):
            try:
                await following
            except HubRefused as error:
                print(f"pxl-hub: {error}", file=sys.stderr)
                return 2
        return 0

    async def _receive(self, take: Callable[[Window], None]) -> None:
        async with self._live:
            async for window in self._live:
                self._trouble = None
                take(window)

    def _note_setback(self, setback: Setback, delay: float) -> None:
        self._trouble = f"{setback.message}; trying again in {delay:.1f} s"
        self._changed()

    def _say_trouble(self) -> None:
        print(self._trouble, file=sys.stderr)
