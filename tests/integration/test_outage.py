"""InfluxDB away for long under a steady load: every frame is acknowledged out of the spool, and everything is stored.

`PXL_OUTAGE_MINUTES` says how long it is away. How long acks take is printed, since a busy machine is no fault.
"""

import asyncio
import json
import os
import random
import statistics
import time
import urllib.error
import urllib.request
from collections import deque
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.integration.faults.checker import Differences, Promise, check
from tests.integration.faults.harm import drained, hub_settings
from tests.servers.hub import HubProcess
from tests.servers.influxdb import InfluxDB2

pytestmark = [pytest.mark.anyio, pytest.mark.influxdb, pytest.mark.alone]

SECONDS = 60 * float(os.environ.get("PXL_OUTAGE_MINUTES") or (0.5 if os.environ.get("CI") == "true" else 0.3))
DEVICES, FRAMES_PER_SECOND, POINTS_PER_FRAME = 20, 5, 20
"""2,000 points a second together."""


class Device:
    """Sends frames at an even rate and notes how long each waits for its ack."""

    def __init__(self, url: str, promise: Promise) -> None:
        self.promise = promise
        self.waits: list[float] = []
        self.places: set[str] = set()
        self._url = f"{url}/v1/write"
        self._sent: deque[float] = deque()

    async def run(self, ended: asyncio.Event) -> None:
        """Send until `ended`; return when everything is acknowledged."""
        async with connect(self._url) as socket:
            await socket.recv()
            acks = asyncio.create_task(self._follow(socket))
            while not ended.is_set():
                self._sent.append(time.monotonic())
                await socket.send(b"\n".join(self.promise.lines(POINTS_PER_FRAME)))
                await asyncio.sleep(1 / FRAMES_PER_SECOND)
            while self._sent:
                await asyncio.sleep(0.01)
            acks.cancel()

    async def _follow(self, socket: ClientConnection) -> None:
        acknowledged = 0
        async for data in socket:
            message = json.loads(data)
            assert message["type"] == "ack", message
            self.places.add(message["stored"])
            for _ in range(message["frame"] - acknowledged):
                self.waits.append(time.monotonic() - self._sent.popleft())
            acknowledged = message["frame"]


async def test_everything_is_stored_after_a_long_outage(own_influxdb2: InfluxDB2, tmp_path: Path) -> None:
    server, bucket = own_influxdb2, own_influxdb2.new_bucket()
    with HubProcess(tmp_path, environment=hub_settings(server, bucket)) as hub:
        start = time.time_ns() // 10**9 * 10**9 - 3_600 * 10**9
        devices = [Device(hub.sockets, Promise(f"d{number}", start)) for number in range(DEVICES)]
        ended = asyncio.Event()
        async with asyncio.TaskGroup() as running:
            for device in devices:
                running.create_task(device.run(ended))
            await asyncio.sleep(2)
            server.kill()
            await asyncio.sleep(SECONDS)
            await asyncio.to_thread(server.start)
            await asyncio.sleep(2)
            ended.set()
        began = time.monotonic()
        await drained(hub)
        took = time.monotonic() - began
        differences = await asyncio.to_thread(check, server, bucket, [device.promise for device in devices])
    waits = statistics.quantiles((wait for device in devices for wait in device.waits), n=100)
    points = sum(device.promise.points for device in devices)
    print(
        f"\n{points} points, InfluxDB away for {SECONDS:.0f} s: acks p50 {waits[49] * 1e3:.0f} ms, "
        f"p99 {waits[98] * 1e3:.0f} ms; the spool was empty {took:.1f} s after the end"
    )
    assert all("spool" in device.places for device in devices)
    assert differences == Differences([], [], []), str(differences)
    assert "Traceback" not in hub.log.read_text()


async def test_a_hub_whose_spool_was_full_is_ready_again_by_itself(own_influxdb2: InfluxDB2, tmp_path: Path) -> None:
    server, bucket = own_influxdb2, own_influxdb2.new_bucket()
    settings = {**hub_settings(server, bucket), "HUB_SPOOL_BYTES": "1KiB"}
    with HubProcess(tmp_path, environment=settings) as hub:
        server.kill()
        async with connect(f"{hub.sockets}/v1/write") as socket:
            await socket.recv()
            told: list[str] = []
            while not told or told[-1] == "ack":
                await socket.send("\n".join(f"m,n={len(told)} v={random.random()}" for _ in range(10)))
                told.append(json.loads(await socket.recv())["type"])
        assert told[-1] == "retry"
        assert told.count("ack") > 0
        with pytest.raises(urllib.error.HTTPError, match="503"):
            await asyncio.to_thread(urllib.request.urlopen, f"{hub.url}/readyz", timeout=5)
        await asyncio.to_thread(server.start)
        await asyncio.to_thread(hub.wait)
