"""The work of rollups: follow a stream as any listener does, and write each window when it is final.

Nothing is lost whatever happens, because writing again changes nothing: what follows a rollup begins where the last
one was, but no later than the oldest window that can still be corrected. So the windows of a downtime are filled in,
and a correction that a worker took to its grave is made again. While the target does not answer, writing waits; while
the source does not, no window becomes final.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Protocol, TypeVar

from streams.clock import Clock
from streams.engine.attempts import retry_delay
from streams.engine.engine import Engine
from streams.engine.plan import Plan
from streams.engine.positions import Position, PositionFile
from streams.errors import PointRefused, Remedy, StoreUnavailable, StreamsError
from streams.formats.line import batch_of, encode_line
from streams.points import Batch, Kind, Point
from streams.rollups import Rollup
from streams.stores.base import MeasurementSchema
from streams.windows import WindowUpdate, boundary

log = logging.getLogger(__name__)

T = TypeVar("T")

ROLE = "rollup"
LEAD_SECONDS = 1.0
PIECE = 500
"""Windows of the past that are asked for at once, at the end of which the position moves on."""
BATCH_POINTS = 5_000
MOST_ROWS = 200_000
"""Rows that may wait for a target that does not answer. Beyond, they are forgotten, and read again when it does."""
SAVE_MS = 10_000
AGAIN_MS = 5_000


class Target(Protocol):
    """Where the points go."""

    async def write(self, batch: Batch) -> None:
        """Return when what can be stored is durable. StreamsError: write it again."""


SchemaOf = Callable[[str], Awaitable[MeasurementSchema]]
"""As `Store.schema`."""


class Overrun(StreamsError):
    """More rows waited than may: begin again where the position is."""

    remedy = Remedy.WAIT


class Follower:
    """One rollup's listener and writer."""

    def __init__(
        self,
        rollup: Rollup,
        engine: Engine,
        target: Target,
        position: PositionFile,
        *,
        schema: SchemaOf,
        clock: Clock,
        correct_for_ms: int,
        piece: int = PIECE,
    ) -> None:
        """`piece` is how many windows of the past to ask the engine for at once, which has a limit of its own."""
        self._rollup = rollup
        self._query = rollup.query
        self._engine = engine
        self._target = target
        self._schema = schema
        self._file = position
        self._clock = clock
        self._correct_for_ms = correct_for_ms
        self._piece = piece
        self._waiting: dict[int, WindowUpdate] = {}
        self._rows = 0
        self._news = asyncio.Event()
        self._known: Mapping[str, Kind] = {}
        self._position = Position(0, 0)
        self._saved_at = 0

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                await self._follow()
            except StreamsError as error:
                log.warning("rollup of %s: %s", self._rollup.stream, error)
            except Exception:
                log.exception("rollup of %s failed", self._rollup.stream)
            await self._clock.sleep_until(self._clock.now() + AGAIN_MS)

    def window(self, plan: Plan, update: WindowUpdate) -> None:
        """Keep a window until it is final and written."""
        before = self._waiting.get(update.stop)
        self._rows += len(update.rows) - (len(before.rows) if before else 0)
        self._waiting[update.stop] = update
        if self._rows > MOST_ROWS:
            self._waiting.clear()
        if update.stop <= plan.final_until:
            self._news.set()

    def progress(self, _plan: Plan, _final_until: int) -> None:
        """There is something to write."""
        self._news.set()

    def trouble(self, _plan: Plan, _message: str, _retry_after_ms: int | None) -> None:
        """The source does not answer: nothing is final."""

    async def _follow(self) -> None:
        first = self._begin(await asyncio.to_thread(self._file.load))
        plan = self._engine.join(self._query, self)
        try:
            self._waiting = {update.stop: update for update in plan.recent()}
            self._rows = sum(len(update.rows) for update in self._waiting.values())
            await self._catch_up(first, plan.final_until)
            while True:
                self._news.clear()
                await self._flush(plan)
                await self._news.wait()
        finally:
            self._engine.leave(plan, self)

    def _begin(self, known: Position | None) -> int:
        """The first stop to write: where a new rollup begins, or from where on windows may have changed."""
        every, now = self._query.every_ms, self._clock.now()
        oldest_correctable = boundary(now - self._correct_for_ms, every) + every
        if known is None:
            oldest = now - max(self._correct_for_ms, self._rollup.after_ms or 0)
            first = boundary(oldest, every) + every
            self._position = Position(first, first - every)
            return first
        self._position = known
        return min(known.last + every, oldest_correctable)

    async def _catch_up(self, first: int, last: int) -> None:
        """Write windows that were final before this worker listened."""
        every = self._query.every_ms
        while first <= last:
            end = min(last, first + (self._piece - 1) * every)
            async for updates in self._engine.history(self._query, first, end):
                await self._write(updates)
            await self._advance(end)
            first = end + every

    async def _flush(self, plan: Plan) -> None:
        """Write the windows that are final."""
        until = plan.final_until
        updates = [self._waiting[stop] for stop in sorted(self._waiting) if stop <= until]
        if self._rows > MOST_ROWS:
            raise Overrun("too many rows wait to be written; they are read again")
        for update in updates:
            del self._waiting[update.stop]
            self._rows -= len(update.rows)
        await self._write(updates)
        await self._advance(until)

    async def _advance(self, last: int) -> None:
        if last <= self._position.last:
            return
        self._position = Position(self._position.first, last)
        now = self._clock.now()
        if now - self._saved_at < SAVE_MS:
            return
        self._saved_at = now
        try:
            await asyncio.to_thread(self._file.save, self._position)
        except OSError as error:
            log.warning("rollup of %s: its position cannot be kept: %s", self._rollup.stream, error)

    async def _write(self, updates: Sequence[WindowUpdate]) -> None:
        if not any(update.rows for update in updates):
            return
        columns = self._query.columns(await self._insist(self._kinds))
        points = [point for one in updates for point in self._rollup.points(one.start, one.rows, columns)]
        for first in range(0, len(points), BATCH_POINTS):
            batch = self._batch(points[first : first + BATCH_POINTS])
            await self._insist(partial(self._target.write, batch))

    async def _kinds(self) -> Mapping[str, Kind]:
        """The kinds of the stream's fields; asked again as long as one is not known."""
        if not self._known.keys() >= set(self._query.fields):
            schema = await self._schema(self._query.measurement)
            self._known = {name: next(iter(kinds)) for name, kinds in schema.fields.items() if len(kinds) == 1}
        return self._known

    async def _insist(self, work: Callable[[], Awaitable[T]]) -> T:
        """Try until it is done, while waiting may help."""
        failures = 0
        while True:
            try:
                return await work()
            except StreamsError as error:
                if error.remedy not in (Remedy.WAIT, Remedy.KEEP):
                    raise
                if failures == 0:
                    log.warning("rollup of %s waits: %s", self._rollup.stream, error)
                failures += 1
                wish = error.retry_after if isinstance(error, StoreUnavailable) else None
                delay = retry_delay(failures, None if wish is None else int(wish * 1_000))
                await self._clock.sleep_until(self._clock.now() + delay)

    def _batch(self, points: Sequence[Point]) -> Batch:
        """A batch of the points that line protocol can say; a tag written past the hub may be another."""
        try:
            return batch_of(points, range(len(points)))
        except PointRefused as error:
            log.warning("rollup of %s leaves out rows: %s", self._rollup.stream, error)
        good = [point for point in points if _can_be_said(point)]
        return batch_of(good, range(len(good)))


class Host(Protocol):
    """What is asked of the host."""

    def lead(self, role: str) -> bool:
        """Whether this worker is the one that does `role`."""


async def roll_up(followers: Sequence[Follower], host: Host) -> None:
    """Do the work of all rollups until cancelled, if this is the worker of its host that does."""
    while not host.lead(ROLE):  # noqa: ASYNC110 - the other worker cannot tell when it dies
        await asyncio.sleep(LEAD_SECONDS)
    async with asyncio.TaskGroup() as tasks:
        for follower in followers:
            tasks.create_task(follower.run())


def _can_be_said(point: Point) -> bool:
    try:
        encode_line(point)
    except PointRefused:
        return False
    return True
