"""SIGHUP again and again under load: nothing acknowledged is lost, every close is a 1012, every window comes right."""

import asyncio
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from hub.client import Writer
from hub.client.connection import Setback
from tests.integration.faults.harm import hub_settings
from tests.integration.observer import Row, Sent, Subscription, expected_rows, same
from tests.servers.hub import GunicornProcess, HubProcess
from tests.servers.influxdb import InfluxDB2

pytestmark = [pytest.mark.anyio, pytest.mark.influxdb, pytest.mark.alone]

DEVICES, DASHBOARDS = 20, 10
PATIENCE_SECONDS = 60.0
AGAIN_MS = 15_000
RELOADS = 20 if os.environ.get("CI") == "true" else 5
QUERY = {
    "measurement": "weather",
    "select": {"temp": ["count", "mean", "min", "max", "first", "last", "p95", "sum"]},
    "group_by": ["site"],
    "every": "1s",
}


class Device:
    """Writes a point about ten times a second, and knows each that it wrote."""

    def __init__(self, name: str) -> None:
        self.written: list[Sent] = []
        self.closes: Counter[int | None] = Counter()
        self._name = name

    async def run(self, url: str, ended: asyncio.Event) -> None:
        """Write until the end; NotAcknowledged when not everything was taken then."""
        chance = random.Random(self._name)
        async with Writer(url, on_setback=self._count, patience=PATIENCE_SECONDS) as writer:
            while not ended.is_set():
                point = Sent({"site": self._name}, {"temp": round(chance.gauss(20, 5), 3)}, time.time_ns())
                self.written.append(point)
                await writer.write(point.line("weather"))
                await asyncio.sleep(chance.uniform(0.05, 0.15))

    def _count(self, setback: Setback, _delay: float) -> None:
        self.closes[setback.code] += 1


class Dashboard:
    """Watches one plan through every close, asking each time for what it has missed."""

    def __init__(self) -> None:
        self.subscription = Subscription()
        self.closes: Counter[int | None] = Counter()

    async def run(self, url: str) -> None:
        """Until cancelled."""
        while True:
            async with connect(f"{url}/v1/live", compression=None, open_timeout=PATIENCE_SECONDS) as socket:
                await socket.send(json.dumps({"type": "subscribe", "id": "a", "query": QUERY, **self._past()}))
                try:
                    while True:
                        self._take(json.loads(await socket.recv()))
                except ConnectionClosed:
                    pass
            self.closes[socket.close_code or 1006] += 1
            await asyncio.sleep(json.loads(socket.close_reason or "{}").get("retry_after_ms", 0) / 1_000)

    def _past(self) -> dict[str, int]:
        """From a while before what was final: a device's resend may have corrected that meanwhile."""
        known = self.subscription
        if known.seam is None:
            return {}
        for window in known.windows.values():
            window["revision"] = -1  # in a new session the first received replaces the old
        return {"after": max(known.seam, known.final_until - AGAIN_MS)}

    def _take(self, message: dict[str, Any]) -> None:
        known = self.subscription
        if message["type"] == "error" and message["id"] is None:
            return  # the database is slow for a while: windows are late, and come
        assert message["type"] not in {"error", "skipped"}, message
        if message["type"] == "live" and known.seam is not None:
            return  # the first seam is where this dashboard's windows begin
        if message["type"] == "progress":
            message["final_until"] = max(known.final_until + 1, message["final_until"])
        known.take(message)


@pytest.mark.parametrize(("kind", "reloads"), [(HubProcess, RELOADS), (GunicornProcess, 2)])
async def test_reloads_hurt_nobody(kind: type[HubProcess], reloads: int, influxdb2: InfluxDB2, tmp_path: Path) -> None:
    environment = hub_settings(influxdb2, bucket := influxdb2.new_bucket()) | {"HUB_WORKERS": "2"}
    devices = [Device(f"d{number:02}") for number in range(DEVICES)]
    dashboards = [Dashboard() for _ in range(DASHBOARDS)]
    ended = asyncio.Event()
    with kind(tmp_path, environment=environment) as hub:
        watching = [asyncio.create_task(dashboard.run(hub.sockets)) for dashboard in dashboards]
        writing = [asyncio.create_task(device.run(hub.sockets, ended)) for device in devices]
        await asyncio.sleep(2)
        for _ in range(reloads):
            await reload(hub)
        ended.set()
        await asyncio.gather(*writing)
        points = [point for device in devices for point in device.written]
        wanted = all_windows(points)
        until = time.monotonic() + PATIENCE_SECONDS
        while any(holes := [differences(dashboard, wanted) for dashboard in dashboards]):
            assert not any(task.done() for task in watching), [task for task in watching if task.done()]
            assert time.monotonic() < until, f"of {len(wanted)} windows never came right: {list(map(len, holes))}"
            await asyncio.sleep(0.2)
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
    closes: Counter[int | None] = Counter()
    clients: list[Device | Dashboard] = [*devices, *dashboards]
    for client in clients:
        closes += client.closes
    print(f"\n{reloads} reloads: {len(points)} points, {sum(closes.values())} closes")
    assert closes.keys() == {1012}, closes
    assert len(stored(influxdb2, bucket)) == len(points)
    assert "Traceback" not in hub.log.read_text()


async def reload(hub: HubProcess) -> None:
    """SIGHUP; return when every worker is a new one."""
    master = psutil.Process(hub.process.pid)
    old = set(master.children())
    hub.process.send_signal(signal.SIGHUP)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while old & set(master.children()):
            await asyncio.sleep(0.1)


def differences(dashboard: Dashboard, wanted: Mapping[int, list[Row]]) -> list[int]:
    """Stops of the windows that are missing or are not what the points say, from the seam on."""
    known = dashboard.subscription
    assert known.seam is not None
    found = {stop: known.windows.get(stop, {"rows": []})["rows"] for stop in wanted if stop > known.seam}
    return [
        stop for stop, rows in found.items() if len(rows) != len(wanted[stop]) or not all(map(same, rows, wanted[stop]))
    ]


def all_windows(points: list[Sent]) -> dict[int, list[Row]]:
    """The rows of every window from the first point to the last, by its stop."""
    by_stop: dict[int, list[Sent]] = {}
    for point in points:
        by_stop.setdefault(point.time // 10**9 * 1_000 + 1_000, []).append(point)
    return {
        stop: expected_rows(by_stop.get(stop, []), stop - 1_000, stop, group_by="site", field_name="temp")
        for stop in range(min(by_stop), max(by_stop) + 1_000, 1_000)
    }


def stored(server: InfluxDB2, bucket: str) -> list[int]:
    """The times of the points in the database, nanoseconds."""
    return [
        time
        for series in server.query(bucket, "SELECT temp FROM weather GROUP BY site")
        for time, _ in series["values"]
    ]
