"""A hub under steady load and coming and going clients: memory, tasks and open files stay as they are.

`PXL_SOAK_MINUTES` says how long it goes on.
"""

import asyncio
import json
import os
import random
import re
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from hub.client import Writer
from tests.integration.faults.harm import hub_settings
from tests.servers.hub import HubProcess
from tests.servers.influxdb import InfluxDB2

MINUTES = float(os.environ.get("PXL_SOAK_MINUTES") or 3)
DEVICES, DASHBOARDS, VISITORS = 20, 10, 5
SAMPLE_SECONDS = 1.0
WARM_UP_SECONDS = 300.0
"""Until then what is kept for a time fills, and an allocator takes its time."""
KEPT = {"HUB_TAIL_HORIZON": "1m", "HUB_CORRECT_FOR": "4m"}
"""How long points are kept in memory, and what was sent of windows: for less than the warm-up, since what grows until
it is full would look like what grows for ever."""
MIB = 2**20


class Sample(NamedTuple):
    """A process at one moment."""

    memory: int
    tasks: int
    files: int


ALLOWED = Sample(memory=8 * MIB, tasks=10, files=10)
"""What a median may be more in the end than after the warm-up; of memory also a twentieth."""


def grown(samples: Sequence[Sample]) -> list[str]:
    """What has grown between the first and the last third, in words. Pure."""
    third = len(samples) // 3
    found = []
    for name, first, last, allowed in zip(
        Sample._fields, zip(*samples[:third], strict=True), zip(*samples[-third:], strict=True), ALLOWED, strict=True
    ):
        before, after = median(first), median(last)
        if after - before > max(allowed, before / 20 if name == "memory" else 0):
            found.append(f"{name}: from {before:.0f} to {after:.0f}")
    return found


def test_growth_is_seen_and_noise_is_not() -> None:
    chance = random.Random(1)
    noise = [
        Sample(200 * MIB + chance.randrange(MIB), 100 + chance.randrange(30), 80 + chance.randrange(30))
        for _ in range(300)
    ]
    assert grown(noise) == []
    for name, step in {"memory": 0.1 * MIB, "tasks": 0.1, "files": 0.1}.items():
        leaking = [one._replace(**{name: getattr(one, name) + round(step * i)}) for i, one in enumerate(noise)]
        assert [words.partition(":")[0] for words in grown(leaking)] == [name]


class Clients:
    """Devices and dashboards that stay, and visitors who come, ask and go, some without a word."""

    def __init__(self, hub: HubProcess) -> None:
        self.visits = 0
        self._hub = hub
        self._ended = asyncio.Event()

    async def run(self, seconds: float) -> None:
        """Return when the time is over and everybody has gone; NotAcknowledged where a point was not taken."""
        async with asyncio.TaskGroup() as everybody:
            for number in range(DEVICES):
                everybody.create_task(self._device(number))
            for _ in range(DASHBOARDS):
                everybody.create_task(self._dashboard())
            for number in range(VISITORS):
                everybody.create_task(self._visitor(random.Random(number)))
            await asyncio.sleep(seconds)
            self._ended.set()

    async def _device(self, number: int) -> None:
        async with Writer(self._hub.sockets) as writer:
            while not self._ended.is_set():
                await writer.write([f"soak,site=s{number} temp={random.random()},n={i}i" for i in range(5)])
                await asyncio.sleep(random.uniform(0.1, 0.3))

    async def _dashboard(self) -> None:
        async with connect(f"{self._hub.sockets}/v1/live", compression=None) as socket:
            await self._subscribe(socket, "10s", None)
            while not self._ended.is_set():
                await socket.recv()

    async def _visitor(self, chance: random.Random) -> None:
        visits = [self._watch, self._write, self._ask]
        while not self._ended.is_set():
            await chance.choice(visits)(chance)
            self.visits += 1

    async def _watch(self, chance: random.Random) -> None:
        async with connect(f"{self._hub.sockets}/v1/live", compression=None) as socket:
            await self._subscribe(socket, chance.choice(["2s", "5s", "10s", "30s"]), "1m")
            with suppress(TimeoutError):
                async with asyncio.timeout(chance.uniform(0.1, 2)):
                    while True:
                        await socket.recv()
            if chance.random() < 0.5:
                socket.transport.abort()

    async def _write(self, chance: random.Random) -> None:
        with suppress(ConnectionClosed):
            async with connect(f"{self._hub.sockets}/v1/write", compression=None) as socket:
                for _ in range(chance.randrange(20)):
                    await socket.send(f"soak,site=visitor temp={chance.random()}")
                await asyncio.sleep(chance.uniform(0, 0.5))
                if chance.random() < 0.5:
                    socket.transport.abort()

    async def _ask(self, chance: random.Random) -> None:
        path = chance.choice(["/v1/schema", "/metrics", "/readyz", "/v1/streams", "/nothing"])
        with suppress(urllib.error.HTTPError):
            await asyncio.to_thread(get, self._hub.url + path)
        await asyncio.sleep(chance.uniform(0, 0.5))

    @staticmethod
    async def _subscribe(socket: object, window: str, history: str | None) -> None:
        query = {"measurement": "soak", "select": {"temp": ["mean", "p95"]}, "group_by": ["site"], "every": "1s"}
        past = {"history": history} if history else {}
        request = {"type": "subscribe", "id": "a", "query": query | {"window": window}, **past}
        await socket.send(json.dumps(request))  # type: ignore[attr-defined]


def get(url: str) -> str:
    """The body of an answer."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def sample(hub: HubProcess) -> Sample:
    """The hub as it is now."""
    process = psutil.Process(hub.process.pid)
    [tasks] = re.findall(r"^hub_tasks (\d+)", get(f"{hub.url}/metrics"), re.MULTILINE)
    return Sample(process.memory_info().rss, int(tasks), process.num_fds())


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.influxdb
@pytest.mark.anyio
async def test_nothing_grows(influxdb2: InfluxDB2, tmp_path: Path) -> None:
    environment = hub_settings(influxdb2, influxdb2.new_bucket()) | KEPT
    seconds = 60 * MINUTES
    warm_up = min(WARM_UP_SECONDS, seconds / 2)
    with HubProcess(tmp_path, environment=environment) as hub:
        idle = await asyncio.to_thread(sample, hub)
        clients = Clients(hub)
        running = asyncio.create_task(clients.run(seconds))
        started, samples = time.monotonic(), list[Sample]()
        while not running.done():
            await asyncio.wait([running], timeout=SAMPLE_SECONDS)
            if warm_up < time.monotonic() - started < seconds:
                samples.append(await asyncio.to_thread(sample, hub))
        await running
        await asyncio.sleep(5)
        left = await asyncio.to_thread(sample, hub)
    medians = [
        Sample(*(round(median(each)) for each in zip(*part, strict=True))) for part in (samples[:60], samples[-60:])
    ]
    print(
        f"\n{MINUTES:g} minutes, {clients.visits} visits; idle {idle}, from {medians[0]} to {medians[1]}, left {left}"
    )
    assert grown(samples) == []
    # Everybody has gone: what was theirs has gone with them.
    assert left.tasks <= idle.tasks + 2
    assert left.files <= idle.files + 10
    assert "Traceback" not in hub.log.read_text()
