"""Where a run stands: opening sockets, under load, waiting for the last outcomes."""

import asyncio
import math

OPENING_AT_ONCE = 64
"""Sockets that are being opened: with more of them, it is the queue at the hub's door that is measured."""


class Phases:
    """Shared by all devices and dashboards of a run. Times are the event loop's, seconds."""

    def __init__(self) -> None:
        self.open = 0
        """Sockets that have come as far as the load needs."""
        self._slots = asyncio.Semaphore(OPENING_AT_ONCE)
        self._begin: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._over = asyncio.Event()
        self._end = math.inf

    async def may_open(self) -> None:
        """Wait until it is this socket's turn to be opened; `opened` gives the turn back."""
        await self._slots.acquire()

    def opened(self) -> None:
        """A socket more is open."""
        self.open += 1
        self._slots.release()

    def begin(self, seconds: float) -> float:
        """The load begins now, and is over in so many seconds; the time now."""
        now = asyncio.get_running_loop().time()
        self._end = now + seconds
        self._begin.set_result(now)
        return now

    def stop(self) -> None:
        """The load is over; who has not begun has nothing to do."""
        self._end = -math.inf
        self._over.set()
        if not self._begin.done():
            self._begin.set_result(asyncio.get_running_loop().time())

    async def begun(self) -> float:
        """Wait for the begin; its time."""
        return await asyncio.shield(self._begin)

    def is_over(self, at: float) -> bool:
        """Whether nothing is to be written any more at this time."""
        return at >= self._end

    async def until(self, at: float) -> None:
        """Wait until this time, or until the load is over."""
        seconds = at - asyncio.get_running_loop().time()
        if seconds > 0 and not self._over.is_set():
            try:
                async with asyncio.timeout(seconds):
                    await self._over.wait()
            except TimeoutError:
                pass
