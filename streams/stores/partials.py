"""Long windows without their points: of each pane what is needed of it is kept, and joined to windows.

A store in front of another, which answers the panes: they are short windows of a query of their own. So each pane is
asked for when it has stopped, again when `grace` has passed, and again when late points touched it, and a window of
a day costs little more than its newest pane.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from streams.clock import Clock
from streams.errors import StoreUnavailable
from streams.partials import Parts, parts_of
from streams.points import Touched
from streams.queries import Query
from streams.stores.base import Answer, InFront, Room, Store
from streams.stores.influxdb_queries import read_as
from streams.stores.partial_kept import IDLE_MS, Kept
from streams.stores.partial_panes import Panes
from streams.stores.partial_states import KindsUnknown
from streams.stores.partial_work import Workshop
from streams.stores.tail_slices import Slices, Span

PANES_AT_ONCE = 64
LIVE_PANES = 4
"""Where no more than these are asked for, the window is put together but for the newest of them meanwhile."""
FULL_MS = 60_000
"""For how long a query that had no room is answered without panes, before they are tried again."""
ATTEMPTS = 3
PRUNED_PARTS = 32
"""Panes are dropped when this part of a window's is too old."""


class Full(Exception):
    """There is no room for the panes."""


class Changed(Exception):
    """What is kept does not fit what the measurement has become: begin anew."""


class Partials(InFront):
    """A `Store` in front of another. Windows longer than `horizon_ms` are put together from panes that are kept, and
    hopping ones that `is_dense`, which the store behind would have to answer from all their points.

    Panes are kept as long as a window has them, and `longer_ms` for corrections. They have to fit into `room`; where
    they do not, windows are asked of the store behind for a minute. Where that has its points at hand, it answers
    windows that do not overlap, and those of up to `few_points`, as fast itself.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        horizon_ms: int = 900_000,
        longer_ms: int = 3_600_000,
        room: Room | None = None,
        few_points: int | None = None,
        is_dense: Callable[[Query], bool] = lambda _: False,
    ) -> None:
        super().__init__(store)
        self._clock = clock
        self._horizon_ms = horizon_ms
        self._longer_ms = longer_ms
        self._room = room or Room(5_000_000)
        self._room.users.append(lambda: sum(kept.rows for kept in self._kept.values()))
        self._few_points = few_points
        self._is_dense = is_dense
        self._workshop = Workshop()
        self._kept: dict[str, Kept] = {}
        self._watched: dict[str, Query] = {}
        self._watched_behind: Counter[Query] = Counter()

    async def close(self) -> None:
        """As the contract says."""
        await super().close()
        await self._workshop.close()

    def watch(self, query: Query) -> None:
        """As the contract says."""
        self._watched[query.key] = query
        if query.window_ms <= self._horizon_ms:
            self._watch_behind(query)

    def unwatch(self, query: Query) -> None:
        """As the contract says: the panes go with it."""
        del self._watched[query.key]
        if query.window_ms <= self._horizon_ms:
            self._unwatch_behind(query)
        kept = self._kept.get(query.key)
        if kept and not kept.lock.locked():
            self._end(kept)
            del self._kept[query.key]

    def touched(self, ranges: Sequence[Touched]) -> None:
        """As the contract says."""
        for kept in self._kept.values():
            for measurement, start, stop in ranges:
                if measurement == kept.query.measurement:
                    kept.slices.touch(start, stop)
        self.behind.touched(ranges)

    async def answer(self, query: Query, first_stop: int, last_stop: int) -> Answer:
        """As the contract says; `way` is `partials`, or that of the store behind."""
        now = self._clock.now()
        self._forget_idle(now)
        if self._is_put_together(query):
            kept = self._kept.get(query.key)
            if kept is None:
                kept = self._kept[query.key] = Kept(query)
            kept.asked_at = now
            async with kept.lock:
                answer = await self._choose(kept, first_stop, last_stop, now)
            kept.points = max(window.points for window in answer.windows)
            return answer
        return await self.behind.answer(query, first_stop, last_stop)

    async def _choose(self, kept: Kept, first_stop: int, last_stop: int, now: int) -> Answer:
        few = self._few_points is not None and kept.points <= self._few_points
        if not few and now >= kept.direct_until:
            try:
                return await self._put_together(kept, first_stop, last_stop, now)
            except Full:
                self._end(kept)
                kept.direct_until = now + FULL_MS
        return await self.behind.answer(kept.query, first_stop, last_stop)

    def _is_put_together(self, query: Query) -> bool:
        hops = query.window_ms > query.every_ms
        if self._few_points is not None and not hops:
            return False
        return query.window_ms > self._horizon_ms or (hops and self._is_dense(query))

    async def _put_together(self, kept: Kept, first_stop: int, last_stop: int, now: int) -> Answer:
        began = time.perf_counter()
        start = first_stop - kept.query.window_ms
        for _ in range(ATTEMPTS):
            parts, panes = await self._begun(kept)
            try:
                await self._refresh(kept, parts, panes, (start, last_stop), now)
            except Changed:
                self._end(kept)
                continue
            found = panes.known(first_stop, last_stop)
            if found is None:
                found = await self._workshop.do(partial(panes.answer, first_stop, last_stop), math.inf)
            windows, how = found
            if not self._room.has(0):
                raise Full
            await self._prune(kept, panes, kept.oldest(start, now, self._longer_ms))
            return Answer(windows, "partials", f"{kept.text};\n{how}", (time.perf_counter() - began) * 1_000)
        raise StoreUnavailable(f"the fields or tags of {kept.query.measurement!r} are changing")

    async def _refresh(self, kept: Kept, parts: Parts, panes: Panes, wanted: Span, now: int) -> None:
        """Ask for the panes that are missing or out of date."""
        pane_ms = parts.query.every_ms
        for first, last in kept.slices.wanted(*wanted, now):
            for start in range(first, last, PANES_AT_ONCE * pane_ms):
                span = start, min(start + PANES_AT_ONCE * pane_ms, last)
                newest = span[1] == wanted[1] and span[1] - span[0] <= LIVE_PANES * pane_ms
                began = self._clock.now()
                kept.slices.begin(span)
                try:
                    prepare, first_time = partial(panes.prepare, wanted[1]), newest and not panes.knows(wanted[1])
                    async with self._workshop.meanwhile(prepare, panes.cells_of_latest, only_if=first_time):
                        answer = await self.behind.answer(parts.query, span[0] + pane_ms, span[1])
                    await self._put(kept, parts, panes, answer, wanted[1] if newest else None)
                except BaseException:
                    kept.slices.failed(span)
                    raise
                kept.slices.done(span, began)
                if not self._room.has(0):
                    raise Full

    async def _put(self, kept: Kept, parts: Parts, panes: Panes, answer: Answer, stop: int | None) -> None:
        """Keep panes that were asked for; where they are the last of the window that stops then, find that too."""
        kept.text = answer.query
        if parts.by_series and not await self._tags(kept.query) <= set(parts.query.group_by):
            raise Changed
        if panes.has(answer.windows):
            return
        replace = partial(
            self._workshop.do, partial(panes.replace, answer.windows, stop), panes.cells_of(answer.windows)
        )
        try:
            await replace()
        except KindsUnknown:
            schema = await self.behind.schema(kept.query.measurement)
            kinds = {field: read_as(several) for field, several in schema.fields.items()}
            if not panes.learn(kinds):
                raise Changed from None
            try:
                await replace()
            except KindsUnknown:
                raise Changed from None

    async def _tags(self, query: Query) -> frozenset[str]:
        return (await self.behind.schema(query.measurement)).tags

    async def _begun(self, kept: Kept) -> tuple[Parts, Panes]:
        """What is kept, for now nothing where nothing was."""
        if kept.parts is None or kept.panes is None:
            kept.parts = parts_of(kept.query, ())
            if kept.parts.by_series:
                kept.parts = parts_of(kept.query, tuple(await self._tags(kept.query)))
            kept.panes = Panes(kept.query, kept.parts)
            kept.slices = Slices()
            kept.slices.fit([kept.parts.query])
            kept.watched_behind = kept.query.key in self._watched
            if kept.watched_behind:
                self._watch_behind(kept.parts.query)
        return kept.parts, kept.panes

    def _end(self, kept: Kept) -> None:
        """Let go of what is kept."""
        parts, kept.parts, kept.panes = kept.parts, None, None
        if parts and kept.watched_behind:
            kept.watched_behind = False
            self._unwatch_behind(parts.query)

    async def _prune(self, kept: Kept, panes: Panes, oldest: int) -> None:
        """Drop what is older, but not for each pane alone: to look through all of them takes its time."""
        if 0 <= oldest - kept.pruned_to < kept.query.window_ms // PRUNED_PARTS:
            return
        kept.pruned_to = oldest
        kept.slices.drop_before(oldest)
        await self._workshop.do(partial(panes.drop_before, oldest), math.inf)

    def _forget_idle(self, now: int) -> None:
        for key, kept in list(self._kept.items()):
            if key not in self._watched and now - kept.asked_at > IDLE_MS and not kept.lock.locked():
                self._end(kept)
                del self._kept[key]

    def _watch_behind(self, query: Query) -> None:
        """Several queries may have the same panes, or one have those that another asks for as its windows."""
        self._watched_behind[query] += 1
        if self._watched_behind[query] == 1:
            self.behind.watch(query)

    def _unwatch_behind(self, query: Query) -> None:
        self._watched_behind[query] -= 1
        if not self._watched_behind[query]:
            del self._watched_behind[query]
            self.behind.unwatch(query)
