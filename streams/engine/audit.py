"""The audit: a few windows, chosen at random, are computed again straight from the store, a while after they were sent.

It finds what nobody told the hub of: points that were written past it or deleted, and faults of its own. A window
that differs is counted, logged, and read again by everybody who has it, as after a late point: so it is corrected.
"""

import logging
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from streams.clock import NEVER, Clock
from streams.engine.engine import Engine
from streams.engine.plan import Plan
from streams.engine.reader import Answering
from streams.errors import StreamsError
from streams.points import Touched
from streams.stores.base import Cell, Row
from streams.windows import WindowUpdate, span_ns

log = logging.getLogger(__name__)

RELATIVE, ABSOLUTE = 1e-9, 1e-12
"""The differences that the order of summing may make."""
LATEST_MS = 60_000
"""Windows are computed again within this time after they were sent, at a random moment."""
SETTLE_MS = 2_000
"""A window that differs is looked at again after this: a correction may have been under way."""
MOST_SAMPLES, MOST_ROWS, MOST_POINTS = 32, 20_000, 1_000_000
DUTY = 50
"""After each audit there is a pause of so many times what it took, however often audits are asked for."""


class Host(Protocol):
    """What is asked of the host, and told."""

    def holds(self, measurement: str, start_ns: int, stop_ns: int) -> bool:
        """Whether points in `[start_ns, stop_ns)` were received and cannot be read yet."""

    def announce(self, touched: Sequence[Touched]) -> None:
        """Tell the other workers that points in these ranges can be read."""


@dataclass(slots=True)
class Sample:
    """A window as last sent, to be audited at a time."""

    plan: Plan
    update: WindowUpdate
    at: int


class Audit:
    """An observer of an engine. `store` is asked directly, `every_ms` is the time between audits.

    `on_audit` hears of each whether the window was as sent.
    """

    def __init__(
        self,
        engine: Engine,
        store: Answering,
        host: Host,
        clock: Clock,
        *,
        every_ms: int,
        chance: random.Random | None = None,
    ) -> None:
        self.on_audit: Callable[[bool], None] = lambda _right: None
        self._engine = engine
        self._store = store
        self._host = host
        self._clock = clock
        self._every_ms = every_ms
        self._chance = chance or random.Random()  # noqa: S311 - nobody gains by guessing it
        self._samples: dict[tuple[str, int], Sample] = {}
        self._chosen: tuple[str, int] | None = None
        self._seen = 0
        self._took_ms = 0
        engine.observers.append(self)

    def window(self, plan: Plan, update: WindowUpdate) -> None:
        """Choose one of the windows since the last audit, each as likely as the others; keep the chosen as sent."""
        key = plan.key, update.stop
        if sample := self._samples.get(key):
            sample.update = update
        elif update.revision == 0 and len(update.rows) <= MOST_ROWS and update.points <= MOST_POINTS:
            self._seen += 1
            if self._chance.randrange(self._seen) == 0:
                if self._chosen:
                    self._samples.pop(self._chosen, None)
                at = update.sent + plan.query.grace_ms + SETTLE_MS + self._chance.randrange(LATEST_MS)
                self._samples[key] = Sample(plan, update, at)
                self._chosen = key

    def progress(self, _plan: Plan, _final_until: int) -> None:
        """Nothing to do."""

    def trouble(self, _plan: Plan, _message: str, _retry_after_ms: int | None) -> None:
        """Nothing to do."""

    async def run(self) -> None:
        """Audit until cancelled."""
        while True:
            await self._clock.sleep_until(self._clock.now() + max(self._every_ms, self._took_ms * DUTY))
            self._took_ms = 0
            self._choose()
            if sample := self._due(self._clock.now()):
                try:
                    await self._audit(sample)
                except StreamsError as error:
                    log.info("a window could not be audited: %s", error)
                except Exception:
                    log.exception("an audit failed")

    def _choose(self) -> None:
        """The window chosen so far stays; among those that follow, choose anew."""
        if len(self._samples) < MOST_SAMPLES:
            self._chosen, self._seen = None, 0

    def _due(self, now: int) -> Sample | None:
        for key, sample in list(self._samples.items()):
            if self._engine.plans.get(sample.plan.key) is not sample.plan:
                del self._samples[key]
            elif sample.at <= now and sample.plan.final_until >= sample.update.stop:
                return sample
        return None

    async def _audit(self, sample: Sample) -> None:
        key = sample.plan.key, sample.update.stop
        try:
            right = await self._is_right(sample)
            if not right:
                await self._clock.sleep_until(self._clock.now() + SETTLE_MS)
                right = await self._is_right(sample)
                if not right and self._is_under_way(sample):
                    return
        finally:
            self._samples.pop(key, None)
            if self._chosen == key:
                self._chosen = None
        self.on_audit(right)
        if not right:
            self._correct(sample)

    async def _is_right(self, sample: Sample) -> bool:
        stop, began = sample.update.stop, self._clock.now()
        try:
            answer = await self._store.answer(sample.plan.query, stop, stop)
        finally:
            self._took_ms += self._clock.now() - began
        return same(sample.update.rows, answer.windows[0].rows)

    def _is_under_way(self, sample: Sample) -> bool:
        """Whether points are on their way into the window, or its correction to the subscribers."""
        plan, stop = sample.plan, sample.update.stop
        held = self._host.holds(plan.query.measurement, *span_ns(plan.query, stop, stop))
        return held or plan.corrections.task is not None or plan.late_due() < NEVER

    def _correct(self, sample: Sample) -> None:
        query, stop = sample.plan.query, sample.update.stop
        log.warning(
            "audit: the window of %r (plan %s) that stopped at %d is not what the store has; it is read again",
            query.measurement,
            sample.plan.key,
            stop,
        )
        start_ns, stop_ns = span_ns(query, stop, stop)
        touched = [Touched(query.measurement, start_ns, stop_ns - 1)]
        self._engine.touched(touched)
        self._host.announce(touched)


def same(rows: Sequence[Row], others: Sequence[Row]) -> bool:
    """Whether these are the same rows but for the last digits of their floats."""
    return len(rows) == len(others) and all(
        len(row) == len(other) and all(map(_same_cell, row, other)) for row, other in zip(rows, others, strict=True)
    )


def _same_cell(cell: Cell, other: Cell) -> bool:
    if isinstance(cell, float) and isinstance(other, float):
        return math.isclose(cell, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return type(cell) is type(other) and cell == other
