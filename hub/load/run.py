"""One run of a load: open all sockets, keep the load up, wait for what is under way, and count."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from hub.load.dashboard import Dashboard
from hub.load.device import PATIENCE_S, Device
from hub.load.laggard import Laggard
from hub.load.phases import Phases
from hub.load.report import Report
from hub.load.tally import Tally
from hub.load.wanted import Wanted

OPENING_PATIENCE_S = 20.0
"""How long no further socket may open before the load begins without the rest."""
LOOK_S = 0.1


class HubUnreachable(Exception):
    """Not one socket could be opened; the text says why."""


class Watcher(Protocol):
    """Who looks at a run."""

    def show(self, doing: str, done: float, tally: Tally) -> None:
        """What it does now, and what share of that is done, from 0 to 1; called several times a second."""


class Run:
    """Devices and dashboards of one load. Setting `stop` ends the load; once more, it ends the waiting too."""

    def __init__(self, wanted: Wanted, stop: asyncio.Event, watcher: Watcher) -> None:
        self._wanted = wanted
        self._stop = stop
        self._watcher = watcher
        self._tally = Tally()
        self._phases = Phases()
        self._dashboards = [
            Dashboard(wanted, number, self._tally, keeps_books=number < wanted.plans)
            for number in range(wanted.healthy_dashboards)
        ]
        self._devices = [Device(wanted, number, self._tally) for number in range(wanted.devices)]
        self._tasks: list[asyncio.Task[None]] = []
        self._writing: Sequence[asyncio.Task[None]] = ()

    async def run(self, seconds: float) -> Report:
        """So many seconds of load, and what came of it. HubUnreachable, HubRefused."""
        began = time.monotonic()
        try:
            # The devices come later, so that every point of theirs falls into a window that is watched.
            await self._open("opening", [*self._dashboards, *self._laggards()])
            self._writing = await self._open("opening", self._devices)
            opened = time.monotonic()
            await self._keep_up(seconds)
            over = time.monotonic()
            until = await self._settle()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        return Report.of(
            self._wanted, self._tally, self._dashboards, until,
            sockets=self._phases.open, open_seconds=opened - began, seconds=over - opened,
        )  # fmt: skip

    def _laggards(self) -> list[Laggard]:
        wanted = self._wanted
        paces = [wanted.slow_bytes_per_s] * wanted.slow_dashboards + [0] * wanted.stalled_dashboards
        first = wanted.healthy_dashboards
        return [Laggard(wanted, first + number, self._tally, pace) for number, pace in enumerate(paces)]

    async def _open(self, doing: str, sockets: Sequence[Dashboard | Laggard | Device]) -> Sequence[asyncio.Task[None]]:
        """Start these, and return when all of them are open, or no more will be."""
        phases, clock = self._phases, time.monotonic
        before, seen, seen_at = phases.open, phases.open, clock()
        tasks = [asyncio.create_task(one.run(phases)) for one in sockets]
        self._tasks += tasks

        def share() -> float:
            nonlocal seen, seen_at
            if phases.open == 0 and self._tally.setbacks:
                raise HubUnreachable(next(iter(self._tally.setbacks)))
            if phases.open > seen:
                seen, seen_at = phases.open, clock()
            return 1.0 if not tasks or clock() > seen_at + OPENING_PATIENCE_S else (phases.open - before) / len(tasks)

        await self._until_done(doing, share)
        return tasks

    async def _keep_up(self, seconds: float) -> None:
        began = self._phases.begin(seconds)
        clock = asyncio.get_running_loop().time
        self._tally.measuring = True
        await self._until_done("under load", lambda: (clock() - began) / seconds)
        self._tally.measuring = False
        self._phases.stop()

    async def _settle(self) -> int:
        """Until all is acknowledged and in final windows, or will never be; until when windows should be there."""
        self._stop.clear()
        wanted, clock = self._wanted, time.monotonic
        until = max(self._tally.ledger.last_stop, wanted.stop_of(int(time.time() * 1_000)) - wanted.every_ms)
        give_up = clock() + wanted.every_ms / 1_000 + wanted.grace_ms / 1_000 + PATIENCE_S

        def share() -> float:
            done = [task.done() for task in self._writing]
            done += [dashboard.final_until >= until for dashboard in self._dashboards]
            return 1.0 if clock() >= give_up or not done else sum(done) / len(done)

        await self._until_done("settling", share)
        return until

    async def _until_done(self, doing: str, share: Callable[[], float]) -> None:
        """Look now and then, until it is done or to be stopped; raises what one of the sockets has raised."""
        clock = asyncio.get_running_loop().time
        while (done := share()) < 1:
            self._watcher.show(doing, done, self._tally)
            began = clock()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._stop.wait()
                    return
            self._tally.lags.add((clock() - began - LOOK_S) * 1e3)
            for task in self._tasks:
                if task.done():
                    task.result()
