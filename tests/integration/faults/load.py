"""Devices that write known points through the hub, and keep what the hub has not acknowledged."""

import asyncio
import random
import time

from hub.client import Backoff, Writer
from hub.client.unacknowledged import Rejection
from tests.integration.faults.checker import Promise

POINTS_PER_BURST = 10
PATIENCE_SECONDS = 90.0
"""Without any outcome for so long, the hub has not come back."""


class Load:
    """Devices, each with a socket of its own, that write a burst of points about once a second until told to end."""

    def __init__(self, url: str, devices: int) -> None:
        start = time.time_ns() - 3_600 * 10**9
        start -= start % 10**9
        self.promises = [Promise(f"d{number}", start) for number in range(devices)]
        self.rejections: list[Rejection] = []
        self.setbacks = 0
        self._url = url
        self._ended = asyncio.Event()

    @property
    def points(self) -> int:
        """Points written, those written again not counted."""
        return sum(promise.points for promise in self.promises)

    async def run(self) -> None:
        """Return when `end` was called and every point is acknowledged. NotAcknowledged names those that are not."""
        async with asyncio.TaskGroup() as devices:
            for promise in self.promises:
                devices.create_task(self._device(promise))

    def end(self) -> None:
        """Write no more."""
        self._ended.set()

    async def _device(self, promise: Promise) -> None:
        async with Writer(
            self._url,
            on_reject=self.rejections.append,
            on_setback=self._count,
            patience=PATIENCE_SECONDS,
            backoff=Backoff(first=0.1, longest=2.0),
        ) as writer:
            while not self._ended.is_set():
                await writer.write(promise.lines(POINTS_PER_BURST))
                await asyncio.sleep(random.uniform(0.5, 1.5))

    def _count(self, _setback: object, _delay: float) -> None:
        self.setbacks += 1
