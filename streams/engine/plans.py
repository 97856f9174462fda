"""The plans that somebody listens to, and for a while those that nobody listens to any more. Pure.

Who loses a connection and comes back asks for what was corrected meanwhile. If the plan had ended, nothing would be
known of that, and everything that can have been corrected would have to be sent again. So it rests: late points are
told to it, and it reads nothing.
"""

from collections.abc import Iterator

from streams.engine.ledger import Memory
from streams.engine.plan import Plan
from streams.queries import Query

REST_MS = 600_000
MOST_RESTING = 100


class Plans:
    """All plans of an engine; times in milliseconds."""

    def __init__(self, memory: Memory) -> None:
        self.running: dict[str, Plan] = {}
        self._resting: dict[str, tuple[Plan, int]] = {}
        self._memory = memory

    def begin(self, query: Query, now: int) -> Plan:
        """A new plan that runs, or the one that rested."""
        self.end_rests(now)
        plan, _ = self._resting.pop(query.key, (None, 0))
        if plan:
            plan.resume(now)
        else:
            plan = Plan(query, now, self._memory)
        self.running[query.key] = plan
        self._count()
        return plan

    def rest(self, plan: Plan, now: int) -> None:
        """Nobody listens to a plan any more."""
        del self.running[plan.key]
        self._resting[plan.key] = plan, now + REST_MS

    def end_rests(self, now: int) -> None:
        """Forget the plans that nobody came back to, those first that rest longest."""
        while self._resting:
            plan, until = next(iter(self._resting.values()))
            if now < until and len(self._resting) <= MOST_RESTING:
                break
            del self._resting[plan.key]
        self._count()

    def of(self, measurement: str) -> Iterator[Plan]:
        """Those of a measurement, running or not."""
        for plan in (*self.running.values(), *(plan for plan, _ in self._resting.values())):
            if plan.query.measurement == measurement:
                yield plan

    def _count(self) -> None:
        self._memory.ledgers = len(self.running) + len(self._resting)
