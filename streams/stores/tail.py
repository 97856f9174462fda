"""The tail: an InfluxDB that is read once, and a memory that answers all windows from what was read.

Each slice of a watched measurement is read as raw points when it has stopped, again when each `grace` of the plans on
it has passed, and again when a late point was written into it. So the database's work does not grow with the number
of plans, and every plan sees the same points.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event
from typing import Protocol, TypeVar

from streams.clock import Clock
from streams.points import NANOSECONDS, Touched
from streams.queries import Query
from streams.stores.base import Answer, InFront, Room, Store, Window
from streams.stores.influxdb_read import RawPoints
from streams.stores.tail_asked import Asked, together
from streams.stores.tail_recent import digests
from streams.stores.tail_slices import Span
from streams.stores.tail_tables import Mismatch, Points, Tables
from streams.stores.tail_watched import Watched

T = TypeVar("T")

PRUNE_MS = 5_000
DENSE_MS = 60_000
"""A measurement that was too dense is answered without the tail for this long, before the tail is tried again."""
LIVE_SLICES = 4
THREADS = 2


class PointsReader(Protocol):
    """The flat read, as `influxdb_read.Reader` has it."""

    async def read_points(self, measurement: str, fields: Sequence[str], start_ns: int, stop_ns: int) -> RawPoints: ...


class TooDense(Exception):
    """More points than may be kept."""


class Tail(InFront):
    """A `Store` in front of another. `horizon_ms` is the longest window it keeps the points of, `room` what they have
    to fit into; beyond either, windows are asked of the store behind.

    `on_read` hears of each read: measurement, slices, points, milliseconds. `timer` gives seconds.
    """

    def __init__(
        self,
        store: Store,
        reader: PointsReader,
        clock: Clock,
        *,
        horizon_ms: int = 900_000,
        room: Room | None = None,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        super().__init__(store)
        self._timer = timer
        self.on_read: Callable[[str, int, int, float], None] = lambda *_: None
        self._reader = reader
        self._clock = clock
        self._horizon_ms = horizon_ms
        self._room = room or Room(5_000_000)
        self._room.users.append(lambda: sum(watched.points.size for watched in self._watched.values()))
        self._tables = Tables()
        self._threads = ThreadPoolExecutor(THREADS, "tail")
        self._watched: dict[str, Watched] = {}
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
            watched = self._watched[query.measurement] = Watched(self._tables.create(query.measurement))
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
            self._retire_unwatched(watched)

    def _retire_unwatched(self, watched: Watched) -> None:
        """Its points go with the last query, but not from under an answer that is still being found."""
        if not (watched.queries or watched.users):
            watched.points.retire()

    def touched(self, ranges: Sequence[Touched]) -> None:
        """As the contract says."""
        for measurement, start, stop in ranges:
            if watched := self._watched.get(measurement):
                watched.slices.touch(start, stop)

    def is_dense(self, query: Query) -> bool:
        """Whether the query's measurement has too many points for the tail at present, or for so few plans."""
        watched = self._watched.get(query.measurement)
        return watched is not None and watched.is_dense(self._clock.now())

    async def answer(self, query: Query, first_stop: int, last_stop: int) -> Answer:
        """As the contract says; `way` is `tail`, or that of the store behind."""
        watched = self._watched.get(query.measurement)
        if watched is None:
            return await self.behind.answer(query, first_stop, last_stop)
        watched.users += 1
        try:
            return await self._answer(query, first_stop, last_stop)
        finally:
            watched.users -= 1
            self._retire_unwatched(watched)

    async def _answer(self, query: Query, first_stop: int, last_stop: int) -> Answer:
        now = self._clock.now()
        watched = self._watched.get(query.measurement)
        if watched is None:
            return await self.behind.answer(query, first_stop, last_stop)
        if not watched.lock.locked() and watched.choice.review(now, watched.database_cost()):
            self._begin_anew(watched)
        if not watched.covers(query, first_stop - query.window_ms, now):
            answer = await self.behind.answer(query, first_stop, last_stop)
            if watched.choice.direct and watched.is_recent(first_stop - query.window_ms, now):
                watched.choice.spent(answer.query_ms)  # of the past no window is asked for at every tick
            return answer
        began = time.perf_counter()
        watched.waiting += 1
        try:
            async with watched.lock:
                longest = max(first_stop - watched.longest_ms, now - watched.keep_ms)
                span = min(first_stop - query.window_ms, longest), last_stop
                await self._refresh(watched, span, now, provisional=first_stop + query.grace_ms > now)
        except TooDense:
            return await self.behind.answer(query, first_stop, last_stop)
        finally:
            watched.waiting -= 1
            self._answer_asked(watched, only_if=not watched.waiting)
        windows, sql = await self._windows(watched, query, range(first_stop, last_stop + 1, query.every_ms), now)
        text = ";\n".join(part for part in (watched.text, sql) if part)
        return Answer(windows, "tail", text, (time.perf_counter() - began) * 1_000)

    async def _windows(self, watched: Watched, query: Query, stops: range, now: int) -> tuple[list[Window], str]:
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

    def _answer_asked(self, watched: Watched, *, only_if: bool = True) -> None:
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
            answers = await self._using(points, lambda: [points.answer(one.query, one.stops) for one in asked])
        except Exception as error:  # noqa: BLE001 - whoever asked is told
            for one in asked:
                one.fail(error)
        else:
            for one, answer in zip(asked, answers, strict=True):
                one.succeed(answer)

    async def _refresh(self, watched: Watched, span: Span, now: int, *, provisional: bool) -> None:
        """Read what the tail has not of a span: all that any plan needs with it, as they are due together.

        Windows that are `provisional` do not wait for slices that are to be read again for the final ones.
        """
        spans = watched.slices.wanted(*span, now, provisional=provisional)
        if spans:
            self._answer_asked(watched)
        read = Event()
        try:
            if spans:
                self._prepare(watched, spans[-1], now, read)
            await self._read_spans(watched, spans)
        except Mismatch:
            self._begin_anew(watched)
            await self._read_spans(watched, watched.slices.wanted(*span, now, provisional=provisional))
        finally:
            read.set()
        if now - watched.pruned_at >= PRUNE_MS:
            watched.pruned_at = now
            oldest = now - watched.keep_ms
            watched.slices.drop_before(oldest)
            watched.recent.drop_before(oldest)
            watched.recent.expire({key: query.grace_ms for key, query in watched.queries.items()}, now)
            await self._using(watched.points, partial(watched.points.drop_before, oldest))
            if not watched.points.users and not watched.asked:  # an answer under way may be about one that has gone
                await self._using(watched.points, partial(watched.points.dismiss, tuple(watched.queries.values())))

    def _prepare(self, watched: Watched, span: Span, now: int, read: Event) -> None:
        """Until the slice that has just stopped has been read, put its windows together but for it."""
        if now - span[1] < watched.slices.step and span[1] - span[0] <= LIVE_SLICES * watched.slices.step:
            prepare = partial(watched.points.prepare, tuple(watched.queries.values()), span[1], read.is_set)
            task = asyncio.get_running_loop().create_task(self._using(watched.points, prepare))
            self._answering.add(task)
            task.add_done_callback(self._prepared)

    def _prepared(self, task: asyncio.Task[None]) -> None:
        self._answering.discard(task)
        if not task.cancelled():
            task.exception()  # whoever asks for the windows is told, if it is the same then

    async def _read_spans(self, watched: Watched, spans: Sequence[Span]) -> None:
        for start, stop in spans:
            at = start
            while at < stop:
                end = min(stop, at + watched.piece)
                await self._read(watched, (at, end))
                at = end

    async def _read(self, watched: Watched, span: Span) -> None:
        """Read the slices of a span, and put them in the place of what there was."""
        slices, points = watched.slices, watched.points
        began, started = self._clock.now(), self._timer()
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
                part = changed[0] - slices.step, changed[-1]
                news = raw.between(part[0] * NANOSECONDS, part[1] * NANOSECONDS)
                await self._using(points, partial(points.replace, part, news, slices.step))
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
        took_ms = (self._timer() - started) * 1_000
        slices_read = (span[1] - span[0]) // slices.step
        # What is read back for a new plan is read once and says nothing of what each slice costs from now on.
        watched.choice.spent(took_ms * min(1, LIVE_SLICES / slices_read))
        self.on_read(points.measurement, slices_read, len(raw.rows), took_ms)

    def _begin_anew(self, watched: Watched) -> None:
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
