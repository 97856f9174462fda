"""Two workers on a real InfluxDB, of which one rolls up and is killed: one row for each window and group, and right."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from websockets.asyncio.client import connect

from tests.integration.observer import acknowledged
from tests.servers.hub import HubProcess
from tests.servers.influxdb import InfluxDB2

pytestmark = [pytest.mark.anyio, pytest.mark.influxdb]

DEVICES = ("a", "b")
CONFIG = """\
[streams.weather]
measurement = "weather"
select = {{ temp = ["count", "sum"] }}
group_by = ["dev"]
every = "1s"
grace = "500ms"
into = "{into}"
"""


class Hub:
    """A hub of two workers that rolls up into `into`; `bucket` has the points, `target` the rows."""

    def __init__(self, folder: Path, influxdb2: InfluxDB2, *, apart: bool) -> None:
        self.influxdb2 = influxdb2
        self.folder = folder
        self.bucket = self.target = influxdb2.new_bucket()
        if apart:
            self.target = influxdb2.new_bucket()
        into = f"{self.target}/weather_1s" if apart else "weather_1s"
        (folder / "hub.toml").write_text(CONFIG.format(into=into))
        environment = {
            "HUB_STORE": f"influxdb:{influxdb2.url}",
            "HUB_INFLUX_TOKEN": influxdb2.token,
            "HUB_INFLUX_ORG": influxdb2.organization,
            "HUB_INFLUX_BUCKET": self.bucket,
            "HUB_CONFIG": str(folder / "hub.toml"),
            "HUB_AUDIT_EVERY": "200ms",
        }
        self.process = HubProcess(folder, "--workers", "2", environment=environment)

    def rows(self) -> list[tuple[int, str, int, float]]:
        """Every row of the target: window start, device, count, sum."""
        text = 'SELECT "temp_count"::field, "temp_sum"::field, "dev"::tag FROM "weather_1s"'
        found = self.influxdb2.query(self.target, text)
        return [(time // 1_000_000, dev, n, total) for s in found for time, n, total, dev in s["values"]]

    def windows(self) -> dict[tuple[int, str], tuple[int, float]]:
        """What the rows should be, from the points, each of which is in one window."""
        found = self.influxdb2.query(self.bucket, 'SELECT "temp"::field, "dev"::tag FROM "weather"')
        groups: dict[tuple[int, str], list[float]] = {}
        for series in found:
            for at, value, dev in series["values"]:
                start = at // 1_000_000 // 1_000 * 1_000
                groups.setdefault((start, dev), []).append(value)
        return {key: (len(values), sum(values)) for key, values in groups.items()}

    def leader(self) -> psutil.Process:
        """The worker that rolls up: it holds the lock."""
        [path] = self.folder.glob("workers-*/rollup.lock")
        for worker in psutil.Process(self.process.process.pid).children(recursive=True):
            if _locks(worker.pid, path):
                return worker
        raise AssertionError("no worker rolls up")

    async def until_rolled_up(self, until_ms: int) -> None:
        """Return when each window that has points and started before then has its row, and it is right.

        There has to be one: the first, whenever its device has come to send it.
        """
        async with asyncio.timeout(20):
            while not self._is_rolled_up(until_ms):
                await asyncio.sleep(0.2)

    def _is_rolled_up(self, until_ms: int) -> bool:
        rows = {(start, dev): (count, total) for start, dev, count, total in self.rows()}
        windows = self.windows()
        until_ms = max(until_ms, 1 + min((start for start, _ in windows), default=0))
        wanted = {key: value for key, value in windows.items() if key[0] < until_ms}
        return bool(wanted) and all(rows.get(key) == value for key, value in wanted.items())


def _locks(pid: int, path: Path) -> bool:
    inode = path.stat().st_ino
    return any(
        line.split()[4] == str(pid) and line.split()[5].endswith(f":{inode}")
        for line in Path("/proc/locks").read_text().splitlines()
        if line.split()[1] == "FLOCK"
    )


async def send(hub: Hub, stop: asyncio.Event) -> None:
    """A device that sends a point of each second for both sensors, and never gives up."""
    number = 0
    while not stop.is_set():
        try:
            async with connect(f"{hub.process.sockets}/v1/write") as socket:
                await socket.recv()
                frame = 0
                while not stop.is_set():
                    at = time.time_ns()
                    await socket.send("\n".join(f"weather,dev={dev} temp={number} {at}" for dev in DEVICES))
                    frame, number = frame + 1, number + 1
                    await acknowledged(socket, frame)
                    await asyncio.sleep(0.1)
        except Exception:  # its worker was killed
            await asyncio.sleep(0.1)


@pytest.fixture(params=["its own bucket", "another bucket"])
async def hub(request: pytest.FixtureRequest, tmp_path: Path, influxdb2: InfluxDB2) -> AsyncIterator[Hub]:
    made = Hub(tmp_path, influxdb2, apart=request.param == "another bucket")
    with made.process:
        yield made


async def test_one_row_for_each_window_and_group_whichever_worker_dies(hub: Hub) -> None:
    stop = asyncio.Event()
    device = asyncio.create_task(send(hub, stop))
    try:
        began = int(time.time()) * 1_000
        await hub.until_rolled_up(began + 1_000)
        hub.leader().kill()
        killed = int(time.time()) * 1_000
        await asyncio.sleep(2)
        await late_point(hub, began)
        await hub.until_rolled_up(killed + 2_000)
    finally:
        stop.set()
        await device
    await hub.until_rolled_up(int(time.time()) * 1_000 - 3_000)
    rows = hub.rows()
    assert [key for key, times in Counter((start, dev) for start, dev, *_ in rows).items() if times > 1] == []
    assert {dev for _, dev, *_ in rows} == set(DEVICES)
    windows = hub.windows()
    assert all(windows[start, dev] == (count, total) for start, dev, count, total in rows)


async def late_point(hub: Hub, window_ms: int) -> None:
    """A point that comes after its window was rolled up."""
    async with connect(f"{hub.process.sockets}/v1/write") as socket:
        await socket.send(f"weather,dev=a temp=1000 {(window_ms + 999) * 1_000_000}")
        await acknowledged(socket, 1)


async def test_the_windows_of_a_downtime_are_filled_in(hub: Hub) -> None:
    began = int(time.time()) * 1_000
    lines = [f"weather,dev={dev} temp={n} {(began + n * 100) * 1_000_000}" for n in range(30) for dev in DEVICES]
    async with connect(f"{hub.process.sockets}/v1/write") as socket:
        await socket.send("\n".join(lines))
        await acknowledged(socket, 1)
    hub.process.kill()
    await asyncio.sleep(max(0, began / 1_000 + 5 - time.time()))
    assert not any(start >= began + 1_000 for start, *_ in hub.rows())
    hub.process.start()
    hub.process.wait()
    await hub.until_rolled_up(began + 3_000)
    assert len(hub.rows()) == len(hub.windows())


@pytest.mark.parametrize("apart", [False, True])
async def test_an_outage_of_the_database_leaves_no_hole(tmp_path: Path, apart: bool) -> None:
    folder = tmp_path / "influxdb"
    folder.mkdir()
    with InfluxDB2(folder) as server:
        hub = Hub(tmp_path, server, apart=apart)
        with hub.process:
            stop = asyncio.Event()
            device = asyncio.create_task(send(hub, stop))
            try:
                began = int(time.time()) * 1_000
                await hub.until_rolled_up(began + 1_000)
                server.kill()
                await asyncio.sleep(4)
                server.start()
                await hub.until_rolled_up(int(time.time()) * 1_000)
            finally:
                stop.set()
                await device
            rows, windows = hub.rows(), hub.windows()
            starts = sorted({start for start, *_ in rows})
            assert starts == [*range(starts[0], starts[-1] + 1, 1_000)]
            assert all(windows[start, dev] == (count, total) for start, dev, count, total in rows)


@pytest.mark.parametrize("hub", ["another bucket"], indirect=True)
async def test_the_audit_finds_what_was_written_past_the_hub(hub: Hub) -> None:
    """The windows that it finds are corrected for dashboards, and in the rollup."""
    async with connect(f"{hub.process.sockets}/v1/live") as socket:
        await socket.send(json.dumps({"type": "subscribe", "id": "a", "stream": "weather"}))
        corrected: list[dict[str, Any]] = []
        # Audits choose at random: alter one window after the other until one is chosen.
        async with asyncio.timeout(60):
            while not corrected:
                message = json.loads(await socket.recv())
                if message["type"] == "progress":
                    altered = message["final_until"] - 1
                    hub.influxdb2.write(hub.bucket, b"weather,dev=a temp=7 %d" % (altered * 1_000_000))
                if message["type"] == "window" and message["final"] and message["rows"]:
                    corrected.append(message)
    assert corrected[0]["revision"] == 1
    assert corrected[0]["rows"] == [["a", 1, 7]]
    assert "audit: the window of 'weather'" in hub.process.log.read_text()
    async with asyncio.timeout(10):
        while not any(row == (corrected[0]["start"], "a", 1, 7) for row in hub.rows()):
            await asyncio.sleep(0.1)
