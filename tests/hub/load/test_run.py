"""Whole runs: against a real hub, and against hubs that lose something."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from hub.client import HubRefused
from hub.load import device
from hub.load.report import Report
from hub.load.run import HubUnreachable, Run
from hub.load.tally import Tally
from hub.load.wanted import Wanted
from hub.settings import Settings
from tests.hub.client.scripted_hub import Peer, scripted_hub
from tests.hub.running import RunningHub, running_hub

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    settings = Settings(store="duckdb::memory:", data_folder=str(tmp_path_factory.mktemp("hub")))
    with running_hub(settings) as hub:
        yield hub


def now() -> int:
    return int(time.time() * 1_000)


class Silent:
    """Nobody looks."""

    def __init__(self) -> None:
        self.doings: list[str] = []

    def show(self, doing: str, done: float, _: Tally) -> None:
        assert 0 <= done <= 1
        if doing not in self.doings:
            self.doings.append(doing)


async def loaded(url: str, seconds: float = 0.5, **wanted: Any) -> Report:
    return await Run(Wanted(url=url, **wanted), asyncio.Event(), Silent()).run(seconds)


async def test_a_hub_that_keeps_its_promises_loses_nothing(hub: RunningHub) -> None:
    report = await loaded(
        hub.sockets, devices=3, rate=20, points=4, dashboards=6, plans=2, every_ms=100, slow=0.2, stalled=0.2
    )
    assert report.exit_code == 0, report
    assert (report.slow, report.stalled) == (1, 1)
    assert report.sockets.opened == report.sockets.wanted == 9
    points = report.points
    assert points.written == points.acknowledged == points.checked >= 3 * 20 * 4 * 0.5
    assert (points.lost, points.unacknowledged, report.windows.lost) == (0, 0, 0)
    assert report.windows.received >= report.windows.different >= 4 * 5
    assert report.ack_ms.count * 4 <= points.written
    assert report.stop_to_receipt_ms.count > 0
    assert json.loads(report.json())["points"]["written"] == points.written


async def test_points_that_are_refused_are_counted_and_looked_for_nowhere(hub: RunningHub) -> None:
    report = await loaded(
        hub.sockets, devices=1, rate=20, points=30, dashboards=1, every_ms=100, measurement="m" * 2_000
    )
    assert report.exit_code == 3
    assert report.points.rejected == {"name_too_long": report.points.written}
    assert (report.points.acknowledged, report.points.checked, report.points.lost) == (0, 0, 0)


async def test_a_query_that_the_hub_refuses_ends_the_run(hub: RunningHub) -> None:
    with pytest.raises(HubRefused, match="shorter than 100ms"):
        await loaded(hub.sockets, devices=0, dashboards=1, every_ms=50)


async def test_a_hub_that_is_not_there_is_said_at_once() -> None:
    with pytest.raises(HubUnreachable, match="cannot be reached"):
        await loaded("ws://127.0.0.1:1")


async def test_to_be_stopped_ends_the_load_and_waits_for_the_last_windows(hub: RunningHub) -> None:
    stop = asyncio.Event()
    watcher = Silent()
    running = asyncio.create_task(
        Run(Wanted(url=hub.sockets, devices=1, dashboards=1, rate=20, every_ms=100), stop, watcher).run(3_600)
    )
    while "under load" not in watcher.doings:
        await asyncio.sleep(0.01)
    stop.set()
    report = await asyncio.wait_for(running, 10)
    assert report.exit_code == 0
    assert report.points.checked == report.points.written > 0


# Hubs that lose something. They speak to one device and one dashboard, both of which they know by the path.


class Losing:
    """A hub for one device and one dashboard, which says of the points what its test wants."""

    def __init__(self, *, acknowledges: bool = True, shows: float = 1.0, passes_over: int | None = None) -> None:
        self._acknowledges = acknowledges
        self._shows = shows
        self._passes_over = passes_over
        self._points: Counter[int] = Counter()
        self._live = asyncio.Event()

    async def __call__(self, peer: Peer) -> None:
        await peer.ready()
        await (self._show(peer) if peer.path == "/v1/live" else self._take(peer))

    async def _take(self, peer: Peer) -> None:
        await self._live.wait()
        number = 0
        while True:
            number += 1
            for line in (await peer.frame()).split(b"\n"):
                self._points[int(line.rpartition(b" ")[2]) // 10**8 * 100 + 100] += 1
            if self._acknowledges or number == 1:
                await peer.say(type="ack", frame=number, stored="store")

    async def _show(self, peer: Peer) -> None:
        await peer.request()
        durations = {"window_ms": 100, "every_ms": 100, "grace_ms": 1_000}
        await peer.say(type="subscribed", id="1", plan="P", columns=[], shared_by=1, **durations)
        first = stop = now() // 100 * 100
        await peer.say(type="live", id="1", plan="P", **{"from": first})
        self._live.set()
        while True:
            stop += 100
            while now() < stop + 30:
                await asyncio.sleep(0.005)
            rows = [[int(self._points[stop] * self._shows), 20.0, 20.0]]
            window = {"start": stop - 100, "stop": stop, "revision": 0, "final": True, "rows": rows, "sent": now()}
            if self._passes_over is None or stop != first + 100 * self._passes_over:
                await peer.say(type="window", plan="P", points=1, late=0, queried_ms=0.1, **window)
            await peer.say(type="progress", plan="P", final_until=stop)


async def lossy(**losses: Any) -> Report:
    losing = Losing(**losses)
    async with scripted_hub(losing, losing) as url:
        return await loaded(url, devices=1, rate=20, points=4, dashboards=1, every_ms=100)


async def test_a_hub_that_loses_nothing_is_not_accused() -> None:
    report = await lossy()
    assert report.exit_code == 0, report
    assert report.points.checked > 0


async def test_points_that_were_acknowledged_and_are_in_no_window_are_lost() -> None:
    report = await lossy(shows=0.5)
    assert report.exit_code == 1
    assert report.points.lost == pytest.approx(report.points.checked / 2, abs=10)
    assert report.windows.lost == 0


async def test_a_window_that_never_came_is_lost() -> None:
    report = await lossy(passes_over=3)
    assert report.exit_code == 1
    assert report.windows.lost == 1


async def test_frames_without_an_outcome_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "PATIENCE_S", 0.2)
    report = await lossy(acknowledges=False)
    assert report.exit_code == 1
    assert report.points.acknowledged == 4
    assert report.points.unacknowledged == report.points.written - 4 > 0
