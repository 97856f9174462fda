"""What goes wrong with a hub and its InfluxDB: killed without warning or held still, at random, and mended again."""

import asyncio
import json
import random
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Callable

import psutil

from tests.servers.hub import HubProcess
from tests.servers.influxdb import InfluxDB2

SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 4.0
"""Seconds between two faults."""
LONGEST_OUTAGE = 3.0
"""Seconds that InfluxDB is away."""
DRAIN_SECONDS = 120.0


def hub_settings(server: InfluxDB2, bucket: str) -> dict[str, str]:
    """The environment of a hub in front of this bucket."""
    return {
        "HUB_STORE": f"influxdb:{server.url}",
        "HUB_INFLUX_TOKEN": server.token,
        "HUB_INFLUX_ORG": server.organization,
        "HUB_INFLUX_BUCKET": bucket,
    }


class Harm:
    """Does harm to a running hub with several workers and to the InfluxDB behind it; `done` counts what it did."""

    def __init__(self, hub: HubProcess, server: InfluxDB2, chance: random.Random) -> None:
        self.done: Counter[str] = Counter()
        self._hub = hub
        self._server = server
        self._chance = chance
        self._faults: list[Callable[[], Awaitable[None]]] = [
            self._kill_hub,
            self._kill_worker,
            self._kill_influxdb,
            self._pause_influxdb,
        ]

    async def run(self, seconds: float) -> None:
        """One fault after another, and everything is mended when this returns; each kind happens at least once."""
        until = asyncio.get_running_loop().time() + seconds
        schedule = self._chance.sample(self._faults, len(self._faults))
        while asyncio.get_running_loop().time() < until or schedule:
            await asyncio.sleep(self._chance.uniform(SHORTEST_PAUSE, LONGEST_PAUSE))
            fault = schedule.pop() if schedule else self._chance.choice(self._faults)
            await fault()

    async def _kill_hub(self) -> None:
        self._hub.kill()
        self._hub.start()
        await asyncio.to_thread(self._hub.wait)
        self.done["hub killed"] += 1

    async def _kill_worker(self) -> None:
        workers = psutil.Process(self._hub.process.pid).children()
        self._chance.choice(workers).kill()
        self.done["worker killed"] += 1

    async def _kill_influxdb(self) -> None:
        self._server.kill()
        await asyncio.sleep(self._chance.uniform(0, LONGEST_OUTAGE))
        await asyncio.to_thread(self._server.start)
        self.done["InfluxDB killed"] += 1

    async def _pause_influxdb(self) -> None:
        self._server.pause()
        try:
            await asyncio.sleep(self._chance.uniform(0, LONGEST_OUTAGE))
        finally:
            self._server.resume()
        self.done["InfluxDB paused"] += 1


async def drained(hub: HubProcess) -> None:
    """Return when nothing waits in the spool any more."""
    async with asyncio.timeout(DRAIN_SECONDS):
        while (await asyncio.to_thread(_spool_entries, hub)) != 0:
            await asyncio.sleep(0.1)


def _spool_entries(hub: HubProcess) -> int | None:
    try:
        with urllib.request.urlopen(f"{hub.url}/readyz", timeout=10) as answer:
            state = json.load(answer)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return None
    return int(state["spool"]["entries"]) if state["store"]["ok"] else None
