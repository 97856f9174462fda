"""A hub under hostile frames at every door: it lives on, its memory stays flat, and a healthy device is served.

`PXL_HOSTILE_FRAMES` says how many frames each hub gets.
"""

import asyncio
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import pytest
from websockets.asyncio.client import connect

from tests.integration.faults.harm import hub_settings
from tests.servers.hub import HubProcess

pytestmark = [pytest.mark.anyio, pytest.mark.alone]

FRAMES = int(os.environ.get("PXL_HOSTILE_FRAMES") or (20_000 if os.environ.get("CI") == "true" else 4_000))
LONGEST_PAUSE_SECONDS = 5.0
"""A generous bound, since the machine has other work too; what was measured is printed."""
MOST_GROWTH_BYTES = 256 * 2**20
"""From the memory after the first frames, when caches have filled, to that after the last."""


class Healthy:
    """A device that behaves: one frame at a time, and how long each waits for its ack."""

    def __init__(self, headers: Mapping[str, str] | None = None) -> None:
        self.waits: list[float] = []
        self._headers = headers

    async def run(self, url: str) -> None:
        """Until cancelled."""
        async with connect(f"{url}/v1/write", additional_headers=self._headers) as socket:
            await socket.recv()
            number = 0
            while True:
                number += 1
                sent = time.monotonic()
                await socket.send(f"healthy n={number}i {time.time_ns()}")
                message = json.loads(await socket.recv())
                assert (message["type"], message["frame"]) == ("ack", number), message
                self.waits.append(time.monotonic() - sent)
                await asyncio.sleep(0.02)


@pytest.fixture(params=["duckdb", pytest.param("influxdb2", marks=pytest.mark.influxdb)])
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HubProcess]:
    """A hub on each store."""
    environment = {}
    if request.param == "influxdb2":
        server = request.getfixturevalue("influxdb2")
        environment = hub_settings(server, server.new_bucket())
    with HubProcess(tmp_path, environment=environment) as running:
        yield running


async def attacked(hub: HubProcess, frames: int, seed: int) -> dict[str, int]:
    """The outcomes of so many frames."""
    command = [
        sys.executable,
        "-m",
        "tests.integration.hostile.attack",
        f"127.0.0.1:{hub.port}",
        str(frames),
        str(seed),
    ]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0
    outcomes: dict[str, int] = json.loads(output)
    return outcomes


async def test_hostile_frames_do_no_harm(hub: HubProcess) -> None:
    seed = random.randrange(2**32)
    memory = psutil.Process(hub.process.pid)
    healthy = Healthy()
    device = asyncio.create_task(healthy.run(hub.sockets))
    try:
        await attacked(hub, FRAMES // 4, seed)
        before = memory.memory_info().rss
        outcomes = await attacked(hub, FRAMES - FRAMES // 4, seed + 1)
        after = memory.memory_info().rss
        assert not device.done(), device.exception()
    finally:
        device.cancel()
        await asyncio.wait([device])
    waits = statistics.quantiles(healthy.waits, n=1_000)
    print(
        f"\nseed {seed}: {outcomes}\n{before / 2**20:.0f} to {after / 2**20:.0f} MiB; acks of a healthy device: "
        f"p50 {waits[499] * 1e3:.0f}, p99.9 {waits[998] * 1e3:.0f}, longest {max(healthy.waits) * 1e3:.0f} ms"
    )
    log = hub.log.read_text()
    assert "Traceback" not in log
    assert "ERROR" not in log
    assert hub.process.poll() is None
    assert "silence" not in outcomes
    assert outcomes["reject"] > 0
    assert after - before < MOST_GROWTH_BYTES
    assert max(healthy.waits) < LONGEST_PAUSE_SECONDS
