"""`pxl-hub load`: devices and dashboards, as many as wanted, and how the hub holds."""

import asyncio
import resource
import sys
from typing import Annotated

import typer

from hub.client import HubRefused
from hub.commands.running import run_until_stopped
from hub.load.progress import make_watcher
from hub.load.run import HubUnreachable, Run
from hub.load.wanted import Wanted
from streams.durations import parse_duration

SPARE_FILES = 50
"""Files that the process itself has open."""


def load(
    *,
    url: Annotated[str, typer.Option(help="The hub's address.")] = "ws://127.0.0.1:8000",
    token: Annotated[
        str | None, typer.Option(envvar="HUB_TOKEN", help="A token that may write and read the measurement.")
    ] = None,
    devices: Annotated[int, typer.Option(min=0, help="Sockets that write.")] = 10,
    rate: Annotated[float, typer.Option(help="Frames a second of each device.")] = 1.0,
    points: Annotated[int, typer.Option(min=1, max=5_000, help="Points of each frame.")] = 10,
    dashboards: Annotated[int, typer.Option(min=0, help="Sockets that watch.")] = 10,
    every: Annotated[str, typer.Option(help="How often a window stops.")] = "1s",
    plans: Annotated[int, typer.Option(min=1, help="Different queries that the dashboards ask.")] = 1,
    slow: Annotated[float, typer.Option(min=0, max=1, help="Share of the dashboards that read little.")] = 0.0,
    slow_bytes: Annotated[int, typer.Option(min=1, help="What each of these reads a second.")] = 1_000,
    stalled: Annotated[float, typer.Option(min=0, max=1, help="Share of the dashboards that read nothing.")] = 0.0,
    duration: Annotated[str, typer.Option(help="How long the load lasts; Ctrl-C ends it before.")] = "30s",
    measurement: Annotated[str, typer.Option(help="Where the points go.")] = "load",
    json: Annotated[bool, typer.Option("--json", help="Print the report as one line of JSON.")] = False,
) -> None:
    """Put a hub under load, and report delays and losses.

    Devices write at their pace whether or not the hub keeps up: a delay counts from when a frame was due. At the end
    every acknowledged point is looked for in the final windows, and every window at every dashboard that reads at
    once. Delays of windows compare the hub's clock with this machine's. The points stay in the hub's store.

        pxl-hub load --devices 100 --rate 10 --dashboards 500 --every 100ms --slow 0.1 --stalled 0.1

    Exit codes: 0 nothing lost; 1 something lost, or not all sockets opened; 2 wrong options, no hub there, or refused
    by it; 3 nothing lost, and some points rejected.
    """
    try:
        wanted = Wanted(
            url=url, token=token, measurement=measurement, devices=devices, rate=rate, points=points,
            dashboards=dashboards, plans=plans, every_ms=parse_duration(every), slow=slow, slow_bytes_per_s=slow_bytes,
            stalled=stalled,
        )  # fmt: skip
        seconds = parse_duration(duration) / 1_000
        if seconds == 0:
            raise ValueError("--duration: a load lasts longer than that; write for instance 30s")
        _allow_files(devices + dashboards)
        code = run_until_stopped(lambda stop: _run(wanted, seconds, stop, as_json=json))
    except (ValueError, HubUnreachable, HubRefused) as error:
        print(f"pxl-hub: {error}", file=sys.stderr)
        code = 2
    raise typer.Exit(code)


async def _run(wanted: Wanted, seconds: float, stop: asyncio.Event, *, as_json: bool) -> int:
    with make_watcher() as watcher:
        report = await Run(wanted, stop, watcher).run(seconds)
    print(report.json() if as_json else "\n".join(report.lines()))
    return report.exit_code


def _allow_files(sockets: int) -> None:
    """Raise this process's limit of open files as far as needed. ValueError where that is not allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = sockets + SPARE_FILES
    if hard != resource.RLIM_INFINITY and needed > hard:
        raise ValueError(
            f"{sockets:,} sockets need {needed:,} open files, and this process may have {hard:,}: raise the limit"
            " (ulimit -Hn), or start several loads"
        )
    if soft != resource.RLIM_INFINITY and needed > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
