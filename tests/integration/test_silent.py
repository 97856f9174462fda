"""Thousands that say nothing: a healthy device's acks come as fast as before, and they are all gone after the time-out.

`PXL_SILENT_SOCKETS` says how many there are; a tenth as many more stop in the middle of their handshake.
"""

import asyncio
import os
import resource
import statistics
import sys
import time
from pathlib import Path

import psutil
import pytest

from hub.auth import Grants
from hub.tokens import change, hash_of, with_token
from tests.conftest import missing
from tests.integration.test_hostile import Healthy
from tests.servers.hub import HubProcess

pytestmark = [pytest.mark.anyio, pytest.mark.alone]

SILENT = int(os.environ.get("PXL_SILENT_SOCKETS") or 5_000)
MOST_SECONDS = 60.0
MOST_DELAY_SECONDS = 1.0
"""Generous bounds, since the machine has other work too; what was measured is printed."""

HANDSHAKE = (
    b"GET /v1/live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


async def silent(port: int, sockets: int, halves: int, *, at_once: bool) -> None:
    """Open so many, say nothing, and print how many were closed, and how many seconds after the last had asked.

    `at_once`: all ask in the same moment to be let in; otherwise one after the other.
    """
    opened = []
    for number in range(sockets + halves):
        opened.append(await asyncio.open_connection("127.0.0.1", port))
        if not at_once:
            opened[-1][1].write(HANDSHAKE if number < sockets else HANDSHAKE[:60])
        if number % 100 == 0:
            await asyncio.sleep(0.02)
    for number, (_, writer) in enumerate(opened if at_once else ()):
        writer.write(HANDSHAKE if number < sockets else HANDSHAKE[:60])
    began = time.monotonic()
    print("open", flush=True)

    async def gone(reader: asyncio.StreamReader) -> bool:
        try:
            async with asyncio.timeout(90):
                while await reader.read(4_096):
                    pass
        except TimeoutError:
            return False
        except ConnectionError:
            pass
        return True

    found = await asyncio.gather(*(gone(reader) for reader, _ in opened))
    print(sum(found), round(time.monotonic() - began, 1), flush=True)


def quantiles(waits: list[float]) -> str:
    cuts = statistics.quantiles(waits, n=100)
    return f"p50 {cuts[49] * 1e3:.1f}, p99 {cuts[98] * 1e3:.1f}, longest {max(waits) * 1e3:.0f} ms of {len(waits)}"


@pytest.mark.parametrize("at_once", [False, True], ids=["one by one", "at once"])
async def test_silent_sockets_and_half_handshakes_harm_nobody_and_go(tmp_path: Path, *, at_once: bool) -> None:
    halves = SILENT // 10
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < SILENT + halves + 200:
        missing(f"{SILENT} sockets need more open files than the {hard} that are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, SILENT + halves + 200), hard))
    tokens = tmp_path / "tokens.toml"
    change(tokens, lambda text: with_token(text, "device", hash_of("device"), Grants(write=("*",)), None))
    with HubProcess(tmp_path, "--tokens", str(tokens)) as hub:
        process = psutil.Process(hub.process.pid)
        healthy = Healthy({"Authorization": "Bearer device"})
        device = asyncio.create_task(healthy.run(hub.sockets))
        await asyncio.sleep(5)
        before, healthy.waits = healthy.waits, []
        numbers = map(str, (hub.port, SILENT, halves, int(at_once)))
        command = [sys.executable, "-m", "tests.integration.test_silent", *numbers]
        crowd = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert crowd.stdout
        assert (await crowd.stdout.readline()).strip() == b"open"
        coming, healthy.waits = healthy.waits, []
        closed, seconds = (await crowd.stdout.readline()).split()
        await crowd.wait()
        staying = healthy.waits[:]
        async with asyncio.timeout(10):
            while len(process.net_connections("tcp")) > 2:
                await asyncio.sleep(0.1)
        assert not device.done(), device.exception()
        device.cancel()
        await asyncio.wait([device])
        left = len(process.net_connections("tcp"))
    print(
        f"\nacks of a healthy device before: {quantiles(before)}; while {SILENT} sockets and {halves} half handshakes "
        f"came: {quantiles(coming)}; while they were silent, and went: {quantiles(staying)}; the last was gone "
        f"{seconds.decode()} s after all had asked"
    )
    assert int(closed) == SILENT + halves
    assert float(seconds) < MOST_SECONDS
    assert left <= 2
    assert max(coming + staying) < MOST_DELAY_SECONDS


if __name__ == "__main__":
    os.nice(5)
    port, sockets, halves, at_once = map(int, sys.argv[1:])
    asyncio.run(silent(port, sockets, halves, at_once=bool(at_once)))
