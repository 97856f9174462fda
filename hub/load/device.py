"""A device of the load: frames at their time, and how long each took to be acknowledged."""

import asyncio
import time
from collections import deque
from typing import NamedTuple

from hub.client import NotAcknowledged, Rejection, Setback, Writer
from hub.load.phases import Phases
from hub.load.tally import Tally
from hub.load.wanted import Wanted

PATIENCE_S = 10.0
"""How long the hub may give no outcome at the end."""


class _Frame(NamedTuple):
    due: float
    """The loop's time at which it was to be written: waiting for a slow hub counts."""
    stop: int
    measured: bool


class Device:
    """One writer. The first frame opens it, and the others follow at the pace that is wanted, acknowledged or not."""

    def __init__(self, wanted: Wanted, number: int, tally: Tally) -> None:
        self._wanted = wanted
        self._number = number
        self._tally = tally
        self._writer = Writer(
            wanted.url, token=wanted.token, on_reject=self._on_reject, on_setback=self._on_setback, patience=PATIENCE_S
        )
        self._under_way: deque[_Frame] = deque()
        self._written = 0
        self._last_ms = 0
        self._settled = 0
        self._rejected = 0

    async def run(self, phases: Phases) -> None:
        """From the first frame to the last outcome. HubRefused."""
        loop = asyncio.get_running_loop()
        await phases.may_open()
        try:
            async with self._writer:
                watching = asyncio.create_task(self._watch())
                try:
                    await self._write(loop.time())
                    await self._writer.flush()
                    phases.opened()
                    await self._write_on_time(await phases.begun(), phases)
                    await self._writer.flush()
                finally:
                    watching.cancel()
        except NotAcknowledged as error:
            if error.__cause__:
                raise error.__cause__ from None
        finally:
            self._settle()
            self._tally.unacknowledged += self._wanted.points * len(self._under_way)

    async def _write_on_time(self, begin: float, phases: Phases) -> None:
        """Every period; the devices are spread over it."""
        loop = asyncio.get_running_loop()
        period = 1 / self._wanted.rate
        due = begin + period * self._number / self._wanted.devices
        while not phases.is_over(due):
            await phases.until(due)
            if not phases.is_over(loop.time()):
                await self._write(due)
            due += period

    async def _write(self, due: float) -> None:
        now = self._last_ms = max(int(time.time() * 1_000), self._last_ms + 1)
        stop = self._wanted.stop_of(now)
        self._tally.frames += 1
        self._tally.written += self._wanted.points
        self._tally.ledger.write(stop)
        self._under_way.append(_Frame(due, stop, self._tally.measuring))
        self._written += 1
        await self._writer.write(self._wanted.frame(self._number, now))

    async def _watch(self) -> None:
        """Look at each outcome as it comes."""
        while True:
            await self._writer.completed(self._settled + 1)
            self._settle()

    def _settle(self) -> None:
        now, points = asyncio.get_running_loop().time(), self._wanted.points
        while self._under_way and self._settled < self._writer.complete:
            frame = self._under_way.popleft()
            self._settled += 1
            self._tally.acknowledge(self._wanted.plan_of(self._number), frame.stop, points)
            if frame.measured:
                self._tally.acks.add((now - frame.due) * 1e3)

    def _on_reject(self, rejection: Rejection) -> None:
        """Take back what the frame's outcome is going to say of its rejected points: all of one window."""
        points, self._rejected = self._writer.rejected - self._rejected, self._writer.rejected
        line = rejection.text.split(b"\n")[rejection.line - 1]
        stop = self._wanted.stop_of(int(line.rpartition(b" ")[2]) // 1_000_000)
        self._tally.reject(self._wanted.plan_of(self._number), stop, points, rejection.code, rejection.message)

    def _on_setback(self, setback: Setback, _: float) -> None:
        self._tally.setbacks[setback.message] += 1
