"""Whether a measurement's points are read into the tail, or each plan asks the database for its aggregates. Pure.

One reading serves every plan, and costs as much as it has points. InfluxQL costs little for a point and more for each
series and plan: with one or two plans over dense series it is cheaper. What either costs is measured while it is the
way; what the database would take is reckoned, until it has been measured too.
"""

from collections.abc import Iterable

from streams.queries import Query

REVIEW_MS = 10_000
MARGIN = 1.5
"""The other way has to be cheaper by as much before it is taken."""
LEAST_COST = 0.02
"""Of the time; below it nothing is worth changing."""
TRIED_MS = 600_000
"""What was measured is good for so long."""

QUERY_MS, SERIES_MS, POINT_MS = 3.0, 0.018, 0.002
"""What an InfluxQL query takes, and for each series and point of its window."""


def reckoned(queries: Iterable[Query], series: int, points_per_ms: float) -> float:
    """Of the time, what the database would take for these; each window is asked for when it stops and for its grace."""
    return sum(
        2 * (QUERY_MS + SERIES_MS * series + POINT_MS * points_per_ms * query.every_ms) / query.every_ms
        for query in queries
    )


class Choice:
    """Of one measurement. `direct` says that the database is asked by each plan; times in milliseconds."""

    def __init__(self) -> None:
        self.direct = False
        self._spent = 0.0
        self._reviewed_at = 0
        self._tail_cost = 0.0
        self._until = 0

    def spent(self, milliseconds: float) -> None:
        """The present way took so long for what had stopped since it was last asked."""
        self._spent += milliseconds

    def review(self, now: int, database: float | None) -> bool:
        """Look at what was measured, from time to time; whether the way has changed.

        `database` is the cost reckoned of the other way, None where that cannot answer all plans.
        """
        if self.direct and database is None:
            self._turn(now)
            return True
        elapsed = now - self._reviewed_at
        if elapsed < REVIEW_MS:
            return False
        measured, first = self._spent / elapsed, self._reviewed_at == 0
        self._spent, self._reviewed_at = 0.0, now
        if first or not (
            self._leaves_database(measured, now) if self.direct else self._leaves(measured, database, now)
        ):
            return False
        self._turn(now)
        return True

    def _leaves(self, measured: float, database: float | None, now: int) -> bool:
        self._tail_cost = measured
        return database is not None and now >= self._until and measured > max(LEAST_COST, MARGIN * database)

    def _leaves_database(self, measured: float, now: int) -> bool:
        return measured > self._tail_cost or now >= self._until

    def _turn(self, now: int) -> None:
        """Take the other way, and do not turn again too soon."""
        too_dear = self.direct and now < self._until
        self.direct = not self.direct
        self._until = now + TRIED_MS if self.direct or too_dear else 0
        self._spent, self._reviewed_at = 0.0, now
