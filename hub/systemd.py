"""What systemd is told of a hub that it has started with `Type=notify`: sd_notify(3) in a few lines.

Gunicorn would tell it that the hub is ready before any worker is, and so may not see whom to tell: see `adopt`.
"""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

SOCKET, WATCHDOG = "NOTIFY_SOCKET", "WATCHDOG_USEC"

READY, STOPPING, ALIVE = "READY=1", "STOPPING=1", "WATCHDOG=1"

_adopted: dict[str, str] = {}


def adopt() -> None:
    """Keep to ourselves, and to the workers that are forked from now on, whom to notify."""
    _adopted.update({name: os.environ.pop(name) for name in (SOCKET, WATCHDOG) if name in os.environ})


def notify(state: str) -> None:
    """Tell systemd, where there is one that wants to know; that it does not listen is not our trouble."""
    address = _given(SOCKET)
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        try:
            sender.connect("\0" + address[1:] if address.startswith("@") else address)
            sender.send(state.encode())
        except OSError:
            return


@contextmanager
def watched() -> Iterator[None]:
    """Say while this is entered that the event loop turns, as often as systemd wants to hear it."""
    microseconds = int(_given(WATCHDOG) or 0)
    beating = asyncio.create_task(_beat(microseconds / 2_000_000)) if microseconds else None
    try:
        yield
    finally:
        if beating:
            beating.cancel()


async def _beat(seconds: float) -> None:
    while True:
        notify(ALIVE)
        await asyncio.sleep(seconds)


def _given(name: str) -> str | None:
    return _adopted.get(name) or os.environ.get(name)
