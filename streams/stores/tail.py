"""The tail: an InfluxDB that is read once, and a DuckDB in memory that answers all windows from what was read.

Each slice of a watched measurement is read as raw points when it has stopped, again when each `grace` of the plans on
it has passed, and again when a late point was written into it. So the database's work does not grow with the number
of plans, and every plan sees the same points.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol, TypeVar

from streams.clock import Clock
from streams.points import NANOSECONDS, Touched
from streams.queries import Query
from streams.stores.base import Answer, InFront, Room, Store, Window
from streams.stores.influxdb_read import RawPoints
from streams.stores.tail_asked import Asked, answer_together, together
from streams.stores.tail_families import family_of
from streams.stores.tail_recent import Recent, digests
from streams.stores.tail_slices import Slices, Span
from streams.stores.tail_tables import Mismatch, Points, Tables

T = TypeVar("T")

KEPT_LONGER_MS = 30_000
"""Points are kept for this much longer than the longest window, for corrections."""
PRUNE_MS = 5_000
READ_ROWS = 50_000
"""About as many points are read at once: more would hold up the loop while they are decoded."""
FIRST_PIECE_MS = 10_000
DENSE_MS = 60_000
"""A measurement that was too dense is answered without the tail for this long, before the tail is tried again."""
THREADS = 2


class PointsReader(Protocol):
    """The flat read, as `influxdb_read.Reader` has it."""

    async def read_points(self, measurement: str, fields: Sequence[str], start_ns: int, stop_ns: int) -> RawPoints: ...


class TooDense(Exception):
    """More points than may be kept."""


class _Watched:
    """One measurement that somebody watches."""

    def __init__(self, points: Points) -> None:
        self.queries: dict[str, Query] = {}
        self.fields: tuple[str, ...] = ()
        self.longest_ms = 0
        self.keep_ms = 0
        self.slices = Slices()
        self.points = points
        self.lock = asyncio.Lock()
        self._piece_ms = FIRST_PIECE_MS
        self.pruned_at = 0
        self.dense_until = 0
        self.text = ""
        self.recent = Recent()
        self.waiting = 0
        self.asked: list[Asked] = []

    def fit(self) -> None:
        """The queries have changed."""
        fields = {field: None for query in self.queries.values() for field in query.fields}
        step = self.slices.step
        if not fields.keys() <= set(self.fields):
            self.slices.forget()
        self.fields = tuple(fields)
        self.longest_ms = max(query.window_ms for query in self.queries.values())
        self.keep_ms = KEPT_LONGER_MS + self.longest_ms + max(query.grace_ms for query in self.queries.values())
        self.slices.fit(self.queries.values())
        if self.slices.step != step:
            self.recent.forget()

    @property
    def piece(self) -> int:
        """How much to read at once, milliseconds: whole slices."""
        return max(self.slices.step, self._piece_ms - self._piece_ms % self.slices.step)

    def learn(self, span: Span, raw: RawPoints) -> None:
        """A span was read: the next may be as long as its points allow, and at most twice as long."""
        self._piece_ms = min(2 * self.piece, (span[1] - span[0]) * READ_ROWS // max(1, len(raw.rows)))
        self.text = raw.query or self.text

    def covers(self, query: Query, start: int, now: int) -> bool:
        """Whether the tail is the way for windows of this query that begin at that time."""
        return query.key in self.queries and start >= now - self.keep_ms and now >= self.dense_until


class Tail(InFront):
    """A `Store` in front of another. `horizon_ms` is the longest window it keeps the points of, `room` what they have
    to fit into; beyond either, windows are asked of the store behind.

    `on_read` hears of each read: measurement, slices, points, milliseconds.
    """

    def __init__(
        self,
        store: Store,
        reader: PointsReader,
        clock: Clock,
        *,
        horizon_ms: int = 900_000,
        room: Room | None = None,
    ) -> None:
        super().__init__(store)
        self.on_read: Callable[[str, int, int, float], None] = lambda *_: None
        self._reader = reader
        self._clock = clock
        self._horizon_ms = horizon_ms
        self._room = room or Room(5_000_000)
        self._room.users.append(lambda: sum(watched.points.rows for watched in self._watched.values()))
        self._tables = Tables()
        self._threads = ThreadPoolExecutor(THREADS, "tail")
        self._watched: dict[str, _Watched] = {}
        self._answering: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """As the contract says."""
        await super().close()
        await asyncio.to_thread(self._threads.shutdown)
        self._tables.close()

    def watch(self, query: Query) -> None:
        """As the contract says: slices of its measurement are read from its first answer on."""
        if query.window_ms > self._horizon_ms:
            return
        watched = self._watched.get(query.measurement)
        if watched is None:
            watched = self._watched[query.measurement] = _Watched(self._tables.create(query.measurement))
        watched.queries[query.key] = query
        watched.fit()

    def unwatch(self, query: Query) -> None:
        """As the contract says: the last query takes the measurement's points with it."""
        watched = self._watched.get(query.measurement)
        if watched is None or watched.queries.pop(query.key, None) is None:
            return
        if watched.queries:
            watched.fit()
        else:
            del self._watched[query.measurement]
            watched.points.retire()

    def touched(self, ranges: Sequence[Touched]) -> None:
        """As the contract says."""
        for measurement, start, stop in ranges:
            if watched := self._watched.get(measurement):
                watched.slices.touch(start, stop)

    def is_dense(self, query: Query) -> bool:
        """Whether the query's measurement has too many points for the tail at present."""
        watched = self._watched.get(query.measurement)
        return watched is not None and self._clock.now() < watched.dense_until

    async def answer(self, query: Query, first_stop: int, last_stop: int) -> Answer:
        """As the contract says; `way` is `tail`, or that of the store behind."""
        now = self._clock.now()
        watched = self._watched.get(query.measurement)
        if watched is None or not watched.covers(query, first_stop - query.window_ms, now):
            return await self.behind.answer(query, first_stop, last_stop)
        began = time.perf_counter()
        watched.waiting += 1
        try:
            async with watched.lock:
                longest = max(first_stop - watched.longest_ms, now - watched.keep_ms)
                await self._refresh(watched, min(first_stop - query.window_ms, longest), last_stop, now)
                if family_of(query) and watched.points.lacks(query):
                    await self._using(watched.points, partial(watched.points.enlist, query))
        except TooDense:
            return await self.behind.answer(query, first_stop, last_stop)
        finally:
            watched.waiting -= 1
            self._answer_asked(watched, only_if=not watched.waiting)
        windows, sql = await self._windows(watched, query, range(first_stop, last_stop + 1, query.every_ms), now)
        text = ";\n".join(part for part in (watched.text, sql) if part)
        return Answer(windows, "tail", text, (time.perf_counter() - began) * 1_000)

    async def _windows(self, watched: _Watched, query: Query, stops: range, now: int) -> tuple[list[Window], str]:
        """Those that did not change since they were answered last as they were, the others asked of the points."""
        known = {stop: window for stop in stops if (window := watched.recent.window(query, stop))}
        missing = [stop for stop in stops if stop not in known]
        sql = ""
        if missing:
            version = watched.recent.version
            asked = Asked(query, range(missing[0], missing[-1] + 1, query.every_ms), watched.points)
            watched.asked.append(asked)
            self._answer_asked(watched, only_if=not watched.waiting)
            found, sql = await asked.answer
            watched.recent.remember(query, found, version, now)
            known |= {window.stop: window for window in found}
        return [known[stop] for stop in stops], sql

    def _answer_asked(self, watched: _Watched, *, only_if: bool = True) -> None:
        """Answer what was asked meanwhile, together what can be: not before everybody has asked who is about to."""
        if watched.asked and only_if:
            asked, watched.asked = watched.asked, []
            for some in together(asked):
                task = asyncio.get_running_loop().create_task(self._answer_together(some))
                self._answering.add(task)
                task.add_done_callback(self._answering.discard)

    async def _answer_together(self, asked: Sequence[Asked]) -> None:
        points = asked[0].points
        try:
            answers = await self._using(points, partial(answer_together, points, asked))
        except Exception as error:  # noqa: BLE001 - whoever asked is told
            for one in asked:
                one.fail(error)
        else:
            for one, answer in zip(asked, answers, strict=True):
                one.succeed(answer)

    async def _refresh(self, watched: _Watched, start: int, stop: int, now: int) -> None:
        """Read what the tail has not of `[start, stop)`: all that any plan needs with it, as they are due together."""
        spans = watched.slices.wanted(start, stop, now)
        if spans:
            self._answer_asked(watched)
        try:
            await self._read_spans(watched, spans)
        except Mismatch:
            self._begin_anew(watched)
            await self._read_spans(watched, watched.slices.wanted(start, stop, now))
        if now - watched.pruned_at >= PRUNE_MS:
            watched.pruned_at = now
            oldest = now - watched.keep_ms
            watched.slices.drop_before(oldest)
            watched.recent.drop_before(oldest)
            watched.recent.expire({key: query.grace_ms for key, query in watched.queries.items()}, now)
            await self._using(watched.points, partial(watched.points.drop_before, oldest))
            await self._using(watched.points, partial(watched.points.dismiss, tuple(watched.queries)))

    async def _read_spans(self, watched: _Watched, spans: Sequence[Span]) -> None:
        for start, stop in spans:
            at = start
            while at < stop:
                end = min(stop, at + watched.piece)
                await self._read(watched, (at, end))
                at = end

    async def _read(self, watched: _Watched, span: Span) -> None:
        """Read the slices of a span, and put them in the place of what there was."""
        slices, points = watched.slices, watched.points
        began, started = self._clock.now(), time.perf_counter()
        slices.begin(span)
        try:
            raw = await self._reader.read_points(
                points.measurement, watched.fields, span[0] * NANOSECONDS, span[1] * NANOSECONDS
            )
            columns = (*(f"{name} {kind}" for name, kind in raw.fields), *raw.tags)
            read = await self._in_thread(partial(digests, raw.rows, span, slices.step, columns))
            changed = watched.recent.changed(read)
            has_room = not changed or self._room.has(len(raw.rows))
            if changed and has_room:
                await self._using(points, partial(points.replace, span, raw))
        except BaseException:
            slices.failed(span)
            raise
        if not has_room:
            self._begin_anew(watched)
            watched.dense_until = began + DENSE_MS
            raise TooDense
        slices.done(span, began)
        watched.recent.loaded(read, slices.step)
        watched.learn(span, raw)
        took_ms = (time.perf_counter() - started) * 1_000
        self.on_read(points.measurement, (span[1] - span[0]) // slices.step, len(raw.rows), took_ms)

    def _begin_anew(self, watched: _Watched) -> None:
        watched.points.retire()
        watched.points = self._tables.create(watched.points.measurement)
        watched.slices.forget()
        watched.recent.forget()

    async def _using(self, points: Points, work: Callable[[], T]) -> T:
        """Do something with a measurement's points, which stay until it is done."""
        points.users += 1
        try:
            return await self._in_thread(work)
        finally:
            points.users -= 1
            points.leave()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
