"""Reading rolled-up windows: a store that answers what is old enough from the rollups' targets."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from streams.clock import Clock
from streams.engine.positions import PositionFile
from streams.engine.reader import Answering
from streams.queries import Query
from streams.rollups import Rollup, read_back_stop, windows_back
from streams.stores.base import Answer, AskedAnew
from streams.windows import Stops, boundary, span_ns


class Target(NamedTuple):
    """A rollup, how far it is, and the store that has its measurement."""

    rollup: Rollup
    position: PositionFile
    store: Answering


class Holds(Protocol):
    """What is asked of the host."""

    def holds(self, measurement: str, start_ns: int, stop_ns: int) -> bool:
        """Whether points in `[start_ns, stop_ns)` were received and cannot be read yet."""


class RolledUp(AskedAnew):
    """A store in front of another, for history: the windows that a target has exactly are read there.

    They are at least as old as the rollup's `after_ms`, and too old to be corrected, so nobody can have seen newer
    ones. Of such a window `points` says how many rows it has, since nobody knows its points any more.
    """

    def __init__(
        self, store: Answering, targets: Sequence[Target], host: Holds, clock: Clock, correct_for_ms: int
    ) -> None:
        self.name = store.name
        self._store = store
        self._targets = [target for target in targets if target.rollup.after_ms is not None]
        self._host = host
        self._clock = clock
        self._correct_for_ms = correct_for_ms

    async def answer(self, query: Query, first_stop: int, last_stop: int) -> Answer:
        """As the contract says; `way` and `query` are those of the target where it has any of the windows."""
        for target in self._targets:
            back = target.rollup.read_back(query)
            if back and (stops := self._rolled(target, back, query, first_stop, last_stop)):
                return await self._in_parts(target, back, query, (first_stop, last_stop), stops)
        return await self._store.answer(query, first_stop, last_stop)

    def _rolled(self, target: Target, back: Query, query: Query, first_stop: int, last_stop: int) -> Stops | None:
        """Those of the windows that can be read at the target."""
        position = target.position.load()
        if position is None:
            return None
        age = max(target.rollup.after_ms or 0, self._correct_for_ms)
        oldest_live = boundary(self._clock.now() - age, query.every_ms)
        first, last = max(first_stop, position.first), min(last_stop, position.last, oldest_live)
        if first > last:
            return None
        span = span_ns(back, read_back_stop(query, first), read_back_stop(query, last))
        # What is in the spool was written, and cannot be read yet.
        return None if self._host.holds(back.measurement, *span) else (first, last)

    async def _in_parts(self, target: Target, back: Query, query: Query, wanted: Stops, rolled: Stops) -> Answer:
        every = query.every_ms
        before = await self._part(query, wanted[0], rolled[0] - every)
        answer = await target.store.answer(back, *(read_back_stop(query, stop) for stop in rolled))
        after = await self._part(query, rolled[1] + every, wanted[1])
        parts = [part for part in (before, after) if part]
        return Answer(
            [*(before.windows if before else ()), *windows_back(query, answer), *(after.windows if after else ())],
            answer.way,
            answer.query,
            answer.query_ms + sum(part.query_ms for part in parts),
        )

    async def _part(self, query: Query, first_stop: int, last_stop: int) -> Answer | None:
        return await self._store.answer(query, first_stop, last_stop) if first_stop <= last_stop else None
