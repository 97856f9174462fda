"""From the past into the present: history, then live windows, with nothing missing and nothing contradicted."""

from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

from streams.engine.engine import Engine
from streams.engine.plan import Plan
from streams.queries import Query
from streams.windows import WindowUpdate

MOST_KEPT = 64
"""While the past is read, windows go on becoming final. So many may be left for the present; more are read as past."""


class Seam:
    """One subscriber's way in. While it is open, it listens in the subscriber's place.

        with Seam(engine, query) as seam:
            async for chunk in seam.past(first_stop): ...    # send it; take as long as you like
            for update in seam.present(): ...                # send it, and without awaiting anything
            ...                                              # say that it is live from seam.plan.last_stop, and listen

    What was sent meanwhile is kept, the latest of each window, and belongs to the present where the past lacks it.
    """

    def __init__(self, engine: Engine, query: Query) -> None:
        self._engine = engine
        self.plan = engine.join(query, self)
        self._present = {update.stop: update for update in self.plan.recent()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._engine.leave(self.plan, self)

    async def past(self, first_stop: int, seen: int | None = None) -> AsyncIterator[list[WindowUpdate]]:
        """The final windows that stop from `first_stop` on, oldest first, until few are left for the present.

        With `seen`, the highest `sent` that the subscriber has had, earlier windows come first that may have been
        corrected since then.
        """
        await self.plan.started()
        every = self.plan.query.every_ms
        for first, last in self._engine.changed_since(self.plan, seen, first_stop - 1) if seen is not None else ():
            async for chunk in self._part(first, last):
                yield chunk
        behind = 0
        while first_stop + behind * every <= (last_stop := self.plan.final_until):
            async for chunk in self._part(first_stop, last_stop):
                yield chunk
            first_stop, behind = last_stop + every, MOST_KEPT

    async def _part(self, first_stop: int, last_stop: int) -> AsyncIterator[list[WindowUpdate]]:
        async for chunk in self._engine.history(self.plan.query, first_stop, last_stop):
            for update in chunk:
                kept = self._present.get(update.stop)
                if kept and kept.revision <= update.revision:
                    del self._present[update.stop]
            yield chunk

    def present(self) -> list[WindowUpdate]:
        """What to send before going live, ascending: windows after the past, and corrections of it."""
        return [self._present[stop] for stop in sorted(self._present)]

    def window(self, _plan: Plan, update: WindowUpdate) -> None:
        """Keep a window."""
        self._present[update.stop] = update

    def progress(self, _plan: Plan, _final_until: int) -> None:
        """Nothing to keep: the next progress says it too."""

    def trouble(self, _plan: Plan, _message: str, _retry_after_ms: int | None) -> None:
        """Nothing to keep: the store's state is not the past."""
