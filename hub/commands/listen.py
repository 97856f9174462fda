"""`pxl-hub listen`: doors for senders that speak no WebSocket."""

import asyncio
import socket
import sys
from collections import Counter
from typing import Annotated

import typer

from hub.client import NotAcknowledged, Rejection, Setback, Writer
from hub.commands.running import Token, run_until_stopped
from hub.listen.graphite import GraphiteDoor
from hub.preflight import address
from hub.server.single import listen as listen_on
from hub.settings import SettingInvalid
from hub.units import size
from streams.durations import parse_duration

MOST_NAMED = 10
"""Rejected lines that are named; the others are counted."""

listen = typer.Typer(
    help="Take points from senders that speak another protocol, and forward them to a hub.", no_args_is_help=True
)


@listen.callback()
def _group() -> None:
    """Without it the only command would take the name of the group."""


@listen.command()
def graphite(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="TCP port to listen on.", min=0, max=65_535)] = 2003,
    url: Annotated[str, typer.Option(help="The hub's address.")] = "ws://127.0.0.1:8000",
    token: Token = None,
    template: Annotated[
        list[str] | None,
        typer.Option(help="What the parts of a path are, as in Telegraf: `host.measurement*`; can be repeated."),
    ] = None,
    buffer: Annotated[str, typer.Option(help="Most that may wait for acknowledgements.")] = "64MiB",
    patience: Annotated[str, typer.Option(help="How long to wait for acknowledgements when stopped.")] = "10s",
) -> None:
    """Take lines of a path, a value and perhaps a time over TCP, as carbon does.

    They are kept until the hub has acknowledged them; when too many are, nothing more is read, and the senders wait.
    When it is stopped, it waits for what is under way, and prints the lines that are still not acknowledged.

        pxl-hub listen graphite --port 2003 --template 'servers.* .host.measurement.field*'

        echo "servers.web1.cpu.user 12.5 $(date +%s)" | nc -q 1 127.0.0.1 2003

    Exit codes: 0 stopped, 1 stopped with something unacknowledged, 2 wrong options, or refused by the hub.
    """
    rejections = _Rejections()
    try:
        writer = Writer(
            url,
            token=token,
            parameters={"format": "graphite", **({"template": template} if template else {})},
            on_reject=rejections.add,
            on_setback=_say_setback,
            buffer_bytes=size(buffer),
            patience=parse_duration(patience) / 1_000,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    try:
        listener = listen_on(host, port)
    except OSError as error:
        raise SettingInvalid(f"port: {address(host, port)} cannot be listened on: {error.strerror or error}") from None
    print(f"carbon lines on {address(host, listener.getsockname()[1])} go to {url}; Ctrl-C stops", file=sys.stderr)
    door = GraphiteDoor(writer)

    code = run_until_stopped(lambda stop: _forward(writer, door, listener, stop))
    counts = door.counts
    print(
        f"{counts.lines:,} lines of {counts.senders:,} senders, {counts.dropped:,} cut off or too long,"
        f" {writer.rejected:,} rejected{rejections.text()}",
        file=sys.stderr,
    )
    raise typer.Exit(code)


async def _forward(writer: Writer, door: GraphiteDoor, listener: socket.socket, stop: asyncio.Event) -> int:
    """Until told to stop, or until the hub refuses; then what is not acknowledged goes to stdout."""
    unacknowledged: list[bytes] = []
    code = 0
    try:
        async with writer:
            await door.open(listener)
            stopping, ended = asyncio.create_task(stop.wait()), asyncio.create_task(writer.ended())
            await asyncio.wait([stopping, ended], return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                code = 2
                print(f"pxl-hub: {ended.exception()}", file=sys.stderr)
            stopping.cancel()
            ended.cancel()
            await door.close(writer.patience or 0.0)
    except NotAcknowledged as error:
        print(error, file=sys.stderr)
        unacknowledged += error.lines
        code = code or 1
    for text in (*unacknowledged, *door.unwritten):
        print(text.decode("utf-8", "backslashreplace"))
    return code or int(bool(door.unwritten))


class _Rejections:
    """Names the first rejected lines, and counts them all by code."""

    def __init__(self) -> None:
        self._codes: Counter[str] = Counter()

    def add(self, rejection: Rejection) -> None:
        self._codes[rejection.code] += 1
        if self._codes.total() <= MOST_NAMED:
            print(f"rejected: {rejection.code}: {rejection.message}", file=sys.stderr)
        elif self._codes.total() == MOST_NAMED + 1:
            print("further rejected lines are only counted", file=sys.stderr)

    def text(self) -> str:
        if not self._codes:
            return ""
        return f" ({', '.join(f'{count} {code}' for code, count in self._codes.most_common())})"


def _say_setback(setback: Setback, delay: float) -> None:
    print(f"{setback.message}; trying again in {delay:.1f} s", file=sys.stderr)
