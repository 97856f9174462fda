"""`pxl-hub agent`: a real device, which pushes this machine's own metrics."""

import asyncio
import socket
import sys
import time
from typing import Annotated

import typer

from hub.client import HubError, HubRefused, Rejection, Setback, Writer
from hub.commands.agent_metrics import points_between, read_machine
from hub.commands.running import Token, run_until_stopped, wait_for
from streams.durations import parse_duration

PATIENCE = 5.0
"""Seconds to wait for acknowledgements when told to stop."""

PHASE = 0.8
"""Where in its period a reading is made: late, so that it is of the window it falls into, yet in time for its stop."""


def agent(
    url: Annotated[str, typer.Option(help="The hub's address.")] = "ws://127.0.0.1:8000",
    every: Annotated[str, typer.Option(help="Time between two readings, such as 1s or 500ms.")] = "1s",
    token: Token = None,
) -> None:
    """Push this machine's CPU, memory, disks, network and load to a hub.

    What the hub has not acknowledged is kept and sent again.

        pxl-hub agent --url ws://hub.example:8000 --every 5s

    Exit codes: 0 stopped, 1 stopped with something unacknowledged, 2 wrong options or refused by the hub.
    """
    try:
        period = parse_duration(every) / 1_000
        if period < 0.1:
            raise ValueError(f"{every} is shorter than 100ms, the least possible")
        writer = Writer(url, token=token, on_reject=_say_reject, on_setback=_say_setback, patience=PATIENCE)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    print(f"pushing this machine's metrics to {url} every {every}; Ctrl-C stops", file=sys.stderr)
    raise typer.Exit(run_until_stopped(lambda stop: _run(writer, period, stop)))


async def _run(writer: Writer, period: float, stop: asyncio.Event) -> int:
    try:
        await push_metrics(writer, period, stop)
    except HubError as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, HubRefused) or isinstance(error.__cause__, HubRefused) else 1
    return 0


async def push_metrics(writer: Writer, period: float, stop: asyncio.Event) -> None:
    """Write a reading in each period, in seconds, until told to stop. HubRefused, NotAcknowledged."""
    host = socket.gethostname()
    async with writer:
        before = await asyncio.to_thread(read_machine)
        while not await wait_for(stop, seconds_until_reading(time.time(), period)):
            after = await asyncio.to_thread(read_machine)
            await writer.write(points_between(before, after, host))
            before = after


def seconds_until_reading(now: float, period: float) -> float:
    """How long from `now`, seconds since the epoch, until the next reading is due.

    One that is all but due has been made: a timer may fire a little early.
    """
    wait = period - (now - PHASE * period) % period
    return wait if wait > period / 10 else wait + period


def _say_reject(rejection: Rejection) -> None:
    print(f"refused ({rejection.code}): {rejection.message}", file=sys.stderr)


def _say_setback(setback: Setback, delay: float) -> None:
    print(f"{setback.message}; trying again in {delay:.1f} s", file=sys.stderr)
