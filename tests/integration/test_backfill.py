"""A backfill into windows that dashboards have seen as final: corrected once, when it ends, or when its worker dies."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.integration.observer import acknowledged
from tests.servers.hub import HubProcess
from tests.servers.influxdb import InfluxDB2

pytestmark = pytest.mark.anyio

QUERY = {"measurement": "weather", "select": {"temp": ["count"]}, "every": "1s", "grace": "0s"}
QUIET_SECONDS = 1.5
"""Longer than the gathering of late points and the polls of host and backfills together."""


class Dashboard:
    """Follows one query; `windows` has every window message after the history."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.windows: list[dict[str, Any]] = []
        self.final_until = 0
        self._live: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._following = asyncio.create_task(self._follow())

    async def live_from(self) -> int:
        """The stop of the last window that is no longer sent, as it stopped before this dashboard was live."""
        async with asyncio.timeout(20):
            return await self._live

    async def until(self, final_until: int) -> None:
        async with asyncio.timeout(20):
            while self.final_until < final_until:
                await asyncio.sleep(0.02)

    def of(self, stop: int) -> list[dict[str, Any]]:
        return [window for window in self.windows if window["stop"] == stop]

    async def corrected(self, stops: list[int]) -> None:
        async with asyncio.timeout(20):
            while not all(self.of(stop)[-1]["rows"] for stop in stops):
                await asyncio.sleep(0.02)

    async def _follow(self) -> None:
        await self.socket.send(json.dumps({"type": "subscribe", "id": "a", "query": QUERY}))
        async for data in self.socket:
            message = json.loads(data)
            if message["type"] == "live":
                self._live.set_result(message["from"])
            if message["type"] == "window":
                self.windows.append(message)
            self.final_until = max(self.final_until, message.get("final_until", 0))
            if message.get("final"):
                self.final_until = max(self.final_until, message["stop"])


def line(stop: int, value: float, offset_ms: int = 500) -> str:
    return f"weather temp={value} {(stop - offset_ms) * 1_000_000}"


async def final_windows(dashboard: Dashboard) -> list[int]:
    """The stops of two windows that have been sent, empty and final."""
    first = await dashboard.live_from() + 1_000
    await dashboard.until(first + 1_000)
    stops = [first, first + 1_000]
    assert [[w["rows"] for w in dashboard.of(stop)] for stop in stops] == [[[]], [[]]]
    return stops


async def test_the_windows_of_a_backfill_are_corrected_once_when_it_ends(tmp_path: Path) -> None:
    with HubProcess(tmp_path) as hub:
        async with connect(f"{hub.sockets}/v1/live") as socket:
            dashboard = Dashboard(socket)
            stops = await final_windows(dashboard)
            async with connect(f"{hub.sockets}/v1/write?backfill=true") as device:
                for frame in range(4):
                    for stop in stops:
                        await device.send(line(stop, frame, offset_ms=100 + frame))
                    await asyncio.sleep(0.3)
                await acknowledged(device, 8)
                await asyncio.sleep(QUIET_SECONDS)
                assert [len(dashboard.of(stop)) for stop in stops] == [1, 1]
            await dashboard.corrected(stops)
            await asyncio.sleep(QUIET_SECONDS)
            assert [[w["rows"] for w in dashboard.of(stop)] for stop in stops] == [[[], [[4]]], [[], [[4]]]]


async def test_a_backfill_takes_old_points_and_refuses_those_of_the_future(tmp_path: Path) -> None:
    with HubProcess(tmp_path) as hub:
        async with connect(f"{hub.sockets}/v1/write?backfill=true") as device:
            await device.recv()
            await device.send("weather temp=1 1000000000")
            assert json.loads(await device.recv()) == {"type": "ack", "frame": 1, "stored": "store"}
            await device.send(f"weather temp=1 {time.time_ns() + 10**12}")
            assert json.loads(await device.recv())["rejected"][0]["code"] == "too_new"
        async with connect(f"{hub.sockets}/v1/write?backfill=perhaps") as device:
            await device.wait_closed()
            assert device.close_code == 4400


def worker_of(hub: HubProcess, socket: ClientConnection) -> psutil.Process:
    """The worker that has the other end of this connection."""
    port = socket.local_address[1]
    for worker in psutil.Process(hub.process.pid).children(recursive=True):
        if any(c.raddr and c.raddr.port == port for c in worker.net_connections("tcp")):
            return worker
    raise AssertionError(f"no worker of the hub has the connection from port {port}")


async def socket_of_another(hub: HubProcess, worker: psutil.Process) -> ClientConnection:
    """A dashboard's connection that another worker has."""
    while True:
        socket = await connect(f"{hub.sockets}/v1/live")
        if worker_of(hub, socket) != worker:
            return socket
        await socket.close()


async def test_a_worker_that_dies_in_a_backfill_leaves_no_window_uncorrected(
    tmp_path: Path, influxdb2: InfluxDB2
) -> None:
    environment = {
        "HUB_STORE": f"influxdb:{influxdb2.url}",
        "HUB_INFLUX_TOKEN": influxdb2.token,
        "HUB_INFLUX_ORG": influxdb2.organization,
        "HUB_INFLUX_BUCKET": influxdb2.new_bucket(),
    }
    with HubProcess(tmp_path, "--workers", "2", environment=environment) as hub:
        async with connect(f"{hub.sockets}/v1/write?backfill=true") as device:
            worker = worker_of(hub, device)
            async with await socket_of_another(hub, worker) as socket:
                dashboard = Dashboard(socket)
                stops = await final_windows(dashboard)
                await device.send("\n".join(line(stop, 1.0) for stop in stops))
                await acknowledged(device, 1)
                await asyncio.sleep(QUIET_SECONDS)
                assert [len(dashboard.of(stop)) for stop in stops] == [1, 1]
                worker.kill()
                await dashboard.corrected(stops)
                await asyncio.sleep(QUIET_SECONDS)
                assert [[w["rows"] for w in dashboard.of(stop)] for stop in stops] == [[[], [[1]]], [[], [[1]]]]
