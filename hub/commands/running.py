"""How the commands that run until they are told to stop are told so."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

Token = Annotated[
    str | None,
    typer.Option("--token", envvar="HUB_TOKEN", help="The token that opens the hub.", show_default=False),
]
"""In the variable it is seen by fewer: other users of this machine can read a command's options."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_until_stopped(main: Callable[[asyncio.Event], Awaitable[int]]) -> int:
    """Run `main`, which returns the exit code soon after the event is set: by Ctrl-C or by SIGTERM."""

    async def run() -> int:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for signal_number in SIGNALS:
            loop.add_signal_handler(signal_number, stop.set)
        return await main(stop)

    return asyncio.run(run())


async def wait_for(stop: asyncio.Event, seconds: float) -> bool:
    """Whether it is time to stop; at the latest after so many seconds."""
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            await stop.wait()
    except TimeoutError:
        return False
    return True
