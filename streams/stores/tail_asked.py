"""What is asked of a measurement's points at about the same time, and which of it one statement answers."""

import asyncio
from collections.abc import Iterable, Sequence

from streams.queries import Query
from streams.stores.base import Window
from streams.stores.tail_families import Family, family_of
from streams.stores.tail_tables import Points

Found = tuple[list[Window], str]
"""Windows, and the SQL that found them."""


class Asked:
    """Windows of one query that somebody waits for: `answer` is what they wait on."""

    def __init__(self, query: Query, stops: range, points: Points) -> None:
        self.query = query
        self.stops = stops
        self.points = points
        self.answer: asyncio.Future[Found] = asyncio.get_running_loop().create_future()

    def succeed(self, found: Found) -> None:
        """There it is, if somebody still waits."""
        if not self.answer.done():
            self.answer.set_result(found)

    def fail(self, error: Exception) -> None:
        """It cannot be answered."""
        if not self.answer.done():
            self.answer.set_exception(error)


def together(asked: Iterable[Asked]) -> list[list[Asked]]:
    """The same in lists that one statement answers; what is of no family is alone."""
    groups: dict[tuple[Points, Family, range] | Asked, list[Asked]] = {}
    for one in asked:
        family = family_of(one.query)
        groups.setdefault((one.points, family, one.stops) if family else one, []).append(one)
    return list(groups.values())


def answer_together(points: Points, asked: Sequence[Asked]) -> list[Found]:
    """What such a list finds; blocking."""
    stops = asked[0].stops
    if family_of(asked[0].query) is None:
        return [points.answer(one.query, stops[0], stops[-1]) for one in asked]
    return points.answer_family([one.query for one in asked], stops)
