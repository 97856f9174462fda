"""What a window was made of: asked of the store anew, beside what was sent of it."""

from collections.abc import Sequence
from typing import NamedTuple

from streams.engine.plan import Plan
from streams.engine.records import Sending, digest
from streams.errors import QueryInvalid
from streams.points import NANOSECONDS, TIME_MIN, Touched
from streams.stores.base import Answer, Window
from streams.windows import boundary, span_ns


class Explanation(NamedTuple):
    """A window as the store answers it now, how it was asked, and every sending of it that is still on record.

    `late` of its points came after it was first sent.
    """

    window: Window
    way: str
    query: str
    query_ms: float
    late: int
    sendings: Sequence[Sending]


def times_of(plan: Plan, stop: int, now: int) -> Touched:
    """Where the points are of the window that stops then. QueryInvalid where there is no such window yet, or ever."""
    every = plan.query.every_ms
    if stop % every:
        raise QueryInvalid(f"stop: {stop} is no boundary of these windows; they stop every {every} ms from 0 on")
    if stop > boundary(now, every):
        raise QueryInvalid(f"stop: {stop} has not come yet; the latest window stopped at {boundary(now, every)}")
    start_ns, stop_ns = span_ns(plan.query, stop, stop)
    if start_ns < TIME_MIN:
        raise QueryInvalid(f"stop: no point can be as early as {stop}; the earliest time is {TIME_MIN // NANOSECONDS}")
    return Touched(plan.query.measurement, start_ns, stop_ns - 1)


def explain(plan: Plan, answer: Answer) -> Explanation:
    """The explanation of the only window of an answer."""
    (window,) = answer.windows
    record = plan.ledger.records.get(window.stop)
    late, sendings = (record.late(window.points), record.sendings) if record else (0, ())
    return Explanation(window, answer.way, answer.query, answer.query_ms, late, sendings)


def contradicts(plan: Plan, window: Window) -> bool:
    """Whether a final window was sent with other rows than these."""
    record = plan.ledger.records.get(window.stop)
    return record is not None and window.stop <= plan.final_until and record.digest != digest(window.rows)
