"""The engine: one loop that wakes when windows of any plan are due, asks the store, and tells the listeners."""

import asyncio
import logging
from bisect import bisect_left
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol

from streams.clock import Clock
from streams.engine.attempts import Attempts
from streams.engine.explanation import Explanation, contradicts, explain, times_of
from streams.engine.history import History
from streams.engine.ledger import Memory, Stale
from streams.engine.plan import HELD_POLL_MS, Listener, Plan
from streams.engine.plans import Plans
from streams.engine.reader import Answering, Reader
from streams.errors import StoreUnavailable, StreamsError, TooManyWindows
from streams.points import NANOSECONDS, Touched
from streams.queries import Query
from streams.stores.base import Answer
from streams.windows import Stops, WindowUpdate, boundary, span_ns

log = logging.getLogger(__name__)

IDLE_MS = 3_600_000
HISTORY_READINGS = 4
"""Readings of history at once, beside those of live windows, which must not wait for them."""


class Host(Protocol):
    """What the engine asks the workers of its host, and tells them (`streams.host`)."""

    def holds(self, measurement: str, start_ns: int, stop_ns: int) -> bool:
        """Whether points in `[start_ns, stop_ns)` were received and cannot be read yet."""

    def publish_final(self, until_ms: int) -> None:
        """From now on tell of points that come before this time: their windows are final, or about to be."""

    def poll(self) -> None:
        """Tell now what other workers have announced."""


class Engine:
    """Plans, and who listens to them. Call everything from one event loop, in which `run` is running.

    Points that arrive are told to `touched`, after they can be read. `readings` is how many live readings of the
    store may be under way at once, `history_windows` how many windows of the past one request may ask for; `past` is
    the store that history is read from, where it is another; `lag_ms` how much later than this worker another one
    may send a correction. `observers` hear of every plan.
    """

    def __init__(
        self,
        store: Answering,
        clock: Clock,
        host: Host,
        *,
        correct_for_ms: int = 3_600_000,
        remembered_windows: int = 200_000,
        history_windows: int = 20_000,
        readings: int = 1_000,
        past: Answering | None = None,
        lag_ms: int = 30_000,
    ) -> None:
        self.observers: list[Listener] = []
        self._store = store
        self._clock = clock
        self._host = host
        self._history_windows = history_windows
        self._lag_ms = lag_ms
        self._plans = Plans(Memory(correct_for_ms, remembered_windows))
        self.plans = self._plans.running
        self._reader = Reader(store, readings)
        self._past = Reader(store, HISTORY_READINGS)
        self._history = History(Reader(past, HISTORY_READINGS) if past else self._past, clock, host, self._tell_window)
        self._claimed: dict[str, int] = {}
        self._published = 0
        self._tasks: asyncio.TaskGroup
        self._sleep: asyncio.Task[None] | None = None
        self._sleeps_until = 0

    def join(self, query: Query, listener: Listener) -> Plan:
        """The plan of this query, with one more listener; the first one starts it."""
        plan = self.plans.get(query.key)
        if plan is None:
            plan = self._plans.begin(query, self._clock.now())
            self._store.watch(query)
            self._claim(plan, plan.final_until)
            self._publish(plan.final_until)
            self._wake(plan.wake_at())
        plan.listeners.append(listener)
        return plan

    def leave(self, plan: Plan, listener: Listener) -> None:
        """Take a listener back; the last one stops the plan."""
        plan.listeners.remove(listener)
        if not plan.listeners:
            self._plans.rest(plan, self._clock.now())
            self._store.unwatch(plan.query)
            for attempts in (plan.live, plan.corrections):
                if attempts.task:
                    attempts.task.cancel()
            self._end_rests(self._clock.now())

    def _end_rests(self, now: int) -> None:
        self._plans.end_rests(now)
        for measurement in [name for name in self._claimed if not any(self._plans.of(name))]:
            del self._claimed[measurement]

    def touched(self, ranges: Sequence[Touched]) -> None:
        """Points in these ranges can be read now: have the final windows among theirs corrected."""
        self._store.touched(ranges)
        now = self._clock.now()
        for touched in ranges:
            if touched.start >= self._claimed.get(touched.measurement, 0) * NANOSECONDS:
                continue
            for plan in self._plans.of(touched.measurement):
                if plan.touch(touched, now) and plan.listeners:
                    self._wake(plan.wake_at())

    def final_until(self, query: Query) -> int:
        """How far `history` can go for this query now: the latest stop that is final, milliseconds."""
        plan = self.plans.get(query.key)
        return plan.final_until if plan else boundary(self._clock.now() - query.grace_ms, query.every_ms)

    def history(
        self, query: Query, first_stop: int, last_stop: int, *, patience_ms: int | None = None
    ) -> AsyncIterator[list[WindowUpdate]]:
        """Every final window that stops in `[first_stop, last_stop]`, oldest first, in chunks.

        It ends at `final_until` where more is asked for, and waits for points under way. Windows have the revision of
        the running plan, if there is one. Stop reading at any time. QueryInvalid at once where more is asked for than
        one request may; StoreUnavailable where the store gives no answer for as long as `patience_ms`, without which
        it is asked again until it does.
        """
        first_stop = -boundary(-first_stop, query.every_ms)
        last_stop = min(boundary(last_stop, query.every_ms), self.final_until(query))
        windows = (last_stop - first_stop) // query.every_ms + 1
        if windows > self._history_windows:
            raise TooManyWindows(
                f"history: {windows} windows are asked for, and one request may have {self._history_windows};"
                " ask for less of the past, or for a longer `every`"
            )
        return self._history.read(query, self.plans.get(query.key), first_stop, last_stop, patience_ms)

    def changed_since(self, plan: Plan, seen: int, last_stop: int) -> list[Stops]:
        """The final windows that stopped by `last_stop` and may have been corrected from the time `seen` on.

        Who has seen that time may have seen it of another worker, which had corrections to send that this one had sent
        before. No more windows, the latest, than one request may have.
        """
        now, every = self._clock.now(), plan.query.every_ms
        last_stop = min(boundary(last_stop, every), plan.final_until)
        oldest = last_stop - (self._history_windows - 1) * every
        ranges = plan.ledger.changed_since(seen - self._lag_ms, last_stop, now)
        return [(max(first, oldest), last) for first, last in ranges if last >= oldest]

    async def explain(self, plan: Plan, stop: int) -> Explanation:
        """What the window of this plan that stops then is made of, asked of the store anew.

        QueryInvalid where no such window has stopped. A final window that was sent otherwise is corrected.
        """
        times = times_of(plan, stop, self._clock.now())
        self._store.touched([times])  # whatever the store keeps of these times, somebody may have written past the hub
        answer = await self._past.read(plan.query, stop, stop)
        if contradicts(plan, answer.windows[0]):
            self.touched([times])
        return explain(plan, answer)

    async def run(self) -> None:
        """Send windows until cancelled."""
        async with asyncio.TaskGroup() as self._tasks:
            while True:
                now = self._clock.now()
                self._end_rests(now)
                for plan in tuple(self.plans.values()):
                    self._start(plan, now)
                self._sleeps_until = min((plan.wake_at() for plan in self.plans.values()), default=now + IDLE_MS)
                self._sleep = self._tasks.create_task(self._clock.sleep_until(self._sleeps_until))
                await asyncio.wait([self._sleep])

    def _wake(self, time: int) -> None:
        """Have the loop look again at this time, if it would not before."""
        if self._sleep and time < self._sleeps_until:
            self._sleeps_until = time
            self._sleep.cancel()

    def _start(self, plan: Plan, now: int) -> None:
        if trouble := plan.trouble(now):
            self._tell(plan, lambda listener: listener.trouble(plan, *trouble))
        if plan.live.ready(plan.live_due(), now):
            plan.live.task = self._tasks.create_task(self._serve(plan, plan.live, self._advance))
        if plan.corrections.ready(plan.late_due(), now):
            plan.corrections.task = self._tasks.create_task(self._serve(plan, plan.corrections, self._correct))

    async def _serve(self, plan: Plan, attempts: Attempts, step: Callable[[Plan], Awaitable[bool]]) -> None:
        """Take one step after the other until nothing is due, or the store fails."""
        try:
            while await step(plan):
                pass
        except StoreUnavailable as error:
            wish = None if error.retry_after is None else int(error.retry_after * 1_000)
            attempts.failed(self._clock.now(), str(error), wish)
        except StreamsError as error:
            attempts.failed(self._clock.now(), str(error))
        except Exception:
            log.exception("windows of %s could not be read", plan.query)
            attempts.failed(self._clock.now(), "an error that is in the hub's log")
        finally:
            attempts.task = None
            self._wake(plan.wake_at())

    async def _advance(self, plan: Plan) -> bool:
        """Read and send the first windows that are due; False when none are."""
        now = self._clock.now()
        read = plan.next_read(now, self._may_be_final(plan, now))
        if read is None:
            return False
        self._claim(plan, read.final_until)
        answer = await self._ask(plan, plan.live, read.first, read.last)
        before = plan.final_until
        for update in plan.ledger.answered(read, answer.windows, answer.query_ms, self._clock.now()):
            self._tell_window(plan, update)
        plan.advanced()
        if plan.final_until > before:
            self._tell(plan, lambda listener: listener.progress(plan, plan.final_until))
        return True

    async def _correct(self, plan: Plan) -> bool:
        """Read the first final windows again that late points have touched, and send what changed; False if none."""
        now = self._clock.now()
        stops = plan.next_late(now)
        if stops is None:
            return False
        if not plan.ledger.knows(*stops) and self._holds(plan, *stops):
            plan.late.again(stops, now + HELD_POLL_MS)  # some of these would be sent for the first time, and as final
            return True
        since = plan.ledger.change
        try:
            answer = await self._ask(plan, plan.corrections, *stops)
        except BaseException:
            plan.late.again(stops)
            raise
        for window in answer.windows:
            try:
                update = plan.ledger.corrected(window, since, answer.query_ms, self._clock.now())
            except Stale:
                plan.late.again((window.stop, window.stop))
            else:
                if update:
                    self._tell_window(plan, update)
        return True

    async def _ask(self, plan: Plan, attempts: Attempts, first_stop: int, last_stop: int) -> Answer:
        attempts.asked(self._clock.now())
        self._wake(plan.wake_at())
        answer = await self._reader.read(plan.query, first_stop, last_stop)
        attempts.answered()
        plan.stride.learn(len(answer.windows), sum(len(window.rows) for window in answer.windows), answer.query_ms)
        return answer

    def _may_be_final(self, plan: Plan, now: int) -> int:
        """How far windows may be made final: to the first that still waits for points under way."""
        every, first = plan.query.every_ms, plan.final_until + plan.query.every_ms
        stops = range(first, plan.ledger.settled(now) + 1, every)
        if not stops or now < plan.held_until:
            return plan.final_until
        # The order matters: whoever takes a point after this question has heard how far windows are final.
        self._publish(stops[-1])
        free = bisect_left(stops, True, key=lambda stop: self._holds(plan, first, stop))
        plan.held_until = now + HELD_POLL_MS if free < len(stops) else 0
        # What another worker has let go of it announced before: the store has to know before it is read.
        self._host.poll()
        return plan.final_until + free * every

    def _holds(self, plan: Plan, first_stop: int, last_stop: int) -> bool:
        return self._host.holds(plan.query.measurement, *span_ns(plan.query, first_stop, last_stop))

    def _claim(self, plan: Plan, final_until: int) -> None:
        """Windows up to here are final or about to be: points that come from now on correct them."""
        plan.ledger.claimed_until = max(plan.ledger.claimed_until, final_until)
        measurement = plan.query.measurement
        self._claimed[measurement] = max(self._claimed.get(measurement, 0), final_until)

    def _publish(self, final_until: int) -> None:
        if final_until > self._published:
            self._published = final_until
            self._host.publish_final(final_until)

    def _tell_window(self, plan: Plan, update: WindowUpdate) -> None:
        self._tell(plan, lambda listener: listener.window(plan, update))

    def _tell(self, plan: Plan, say: Callable[[Listener], None]) -> None:
        for listener in (*plan.listeners, *self.observers):
            try:
                say(listener)
            except Exception:
                log.exception("a listener of %s failed", plan.query)
