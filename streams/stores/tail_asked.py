"""What is asked of a measurement's points at about the same time, and which of it is answered at one go."""

import asyncio
from collections.abc import Iterable

from streams.queries import Query
from streams.stores.base import Window
from streams.stores.tail_panes import is_put_together
from streams.stores.tail_tables import Points

Found = tuple[list[Window], str]
"""Windows, and the SQL that found them, if any did."""


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
    """The same in lists, each to be answered at one go: what is put together from panes takes little more than that."""
    groups: dict[Points | Asked, list[Asked]] = {}
    for one in asked:
        groups.setdefault(one.points if is_put_together(one.query) else one, []).append(one)
    return list(groups.values())
