"""Where panes are worked on: little is done at once on the event loop, more of it in a thread."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

T = TypeVar("T")

THREADS = 2
LITTLE = 2_000
"""Cells that are looked at in some 2 ms: to hand fewer to a thread and to be told of it takes as long as to look."""
ON_ITS_WAY_S = 0.002
"""After so long a request for panes has been sent, and its answer takes longer."""


class Workshop:
    """Does one piece of work after the other, each of so many `cells` that are looked at."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, "partials")

    async def close(self) -> None:
        """Wait for what is under way."""
        await asyncio.to_thread(self._threads.shutdown)

    async def do(self, work: Callable[[], T], cells: float) -> T:
        """Its result, or its error."""
        if cells <= LITTLE:
            return work()
        doing = asyncio.get_running_loop().run_in_executor(self._threads, work)
        await _ended(doing)
        return doing.result()

    @asynccontextmanager
    async def meanwhile(self, work: Callable[[], object], cells: float, *, only_if: bool) -> AsyncIterator[None]:
        """Do it during what is awaited inside, unless that is soon over.

        What goes wrong goes wrong again when it is needed.
        """
        loop = asyncio.get_running_loop()
        doing: list[asyncio.Future[object]] = []

        def begin() -> None:
            if cells <= LITTLE:
                with suppress(Exception):
                    work()
            else:
                doing.append(loop.run_in_executor(self._threads, work))

        # Not at once: what is to be awaited has to be on its way first, and the work would hold it up.
        timer = loop.call_later(ON_ITS_WAY_S, begin)
        if not only_if:
            timer.cancel()
        try:
            yield
        finally:
            timer.cancel()
            for one in doing:
                await _ended(one)


async def _ended(doing: asyncio.Future[T]) -> None:
    """Return when it is done, even when cancelled: nobody else may begin meanwhile."""
    try:
        await asyncio.wait([doing])
    except asyncio.CancelledError:
        while not doing.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([doing])
        raise
    finally:
        if not doing.cancelled():
            doing.exception()  # seen: nobody may wait for it any more
