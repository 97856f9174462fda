"""An open or shut gate: an asyncio.Event that costs a socket nothing while nobody waits at it."""

import asyncio


class Gate:
    """Open at first. It has the methods of an event that Uvicorn uses."""

    __slots__ = ("_loop", "_open", "_opening")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._open = True
        self._opening: asyncio.Future[None] | None = None

    def set(self) -> None:
        """Open it."""
        self._open = True
        opening, self._opening = self._opening, None
        if opening is not None:
            opening.set_result(None)

    def clear(self) -> None:
        """Shut it."""
        self._open = False

    async def wait(self) -> None:
        """Pass when it is open."""
        while not self._open:
            if self._opening is None:
                self._opening = self._loop.create_future()
            await asyncio.shield(self._opening)
