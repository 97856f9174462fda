"""Asking the store: a bounded number of readings at once, and no answer taken that is not what was asked for."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from streams.points import Touched
from streams.queries import Query
from streams.stores.base import Answer

SLOW_SECONDS = 1.0
"""A reading that takes longer gives up its place, so that a few that hang do not stop all others."""


class Answering(Protocol):
    """What the engine needs of a store; see `streams.stores.base.Store`."""

    name: str

    async def answer(self, query: Query, first_stop: int, last_stop: int) -> Answer:
        """Every window of the query that stops in `[first_stop, last_stop]`."""

    def watch(self, query: Query) -> None:
        """Windows of this query will be asked for as they stop."""

    def unwatch(self, query: Query) -> None:
        """They will not any more."""

    def touched(self, ranges: Sequence[Touched]) -> None:
        """Points in these ranges can be read now."""


class Reader:
    """A door to the store through which so many readings go at once."""

    def __init__(self, store: Answering, at_once: int) -> None:
        self._store = store
        self._places = asyncio.Semaphore(at_once)

    async def read(self, query: Query, first_stop: int, last_stop: int) -> Answer:
        """As the store's `answer`. Also RuntimeError, where the answer lacks a window or has one too many."""
        async with self._place():
            answer = await self._store.answer(query, first_stop, last_stop)
        expected = range(first_stop, last_stop + 1, query.every_ms)
        if [window.stop for window in answer.windows] != list(expected):
            raise RuntimeError(f"{self._store.name} answered other windows than those from {first_stop} to {last_stop}")
        return answer

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        await self._places.acquire()
        free = _Once(self._places.release)
        timer = asyncio.get_running_loop().call_later(SLOW_SECONDS, free)
        try:
            yield
        finally:
            timer.cancel()
            free()


class _Once:
    """A function that does its work at the first call only."""

    def __init__(self, function: Callable[[], None]) -> None:
        self._function: Callable[[], None] | None = function

    def __call__(self) -> None:
        function, self._function = self._function, None
        if function:
            function()
