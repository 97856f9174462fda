"""How a subscriber is told the past: in parts that its socket has room for, up to the seam."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from hub.messages import History, PastWindow
from hub.outbound import Outbound
from hub.topics import Topic, too_many_groups
from streams.engine import Engine, Seam, WindowUpdate

PART_CELLS = 20_000
"""A part has at most so many cells, some 200 kB, unless one window alone has more."""
LAST_CELLS = 2_000
"""What is left for the last part, which cannot wait for room."""

Tell = Callable[[str, Topic, Sequence[WindowUpdate], bool], Iterable[msgspec.Struct]]
"""Messages that tell a part of the past, for the subscription of this name; the last says whether more follows."""


def as_history(name: str, topic: Topic, updates: Sequence[WindowUpdate], more: bool) -> Iterable[msgspec.Struct]:
    """One message for all windows of a part."""
    windows = [PastWindow(u.start, u.stop, u.revision, u.final, u.rows) for u in updates]
    return (History(id=name, plan=topic.key, windows=windows, more=more),)


class Teller:
    """Tells one socket the past of its subscriptions, one part at a time, however many of them are asked for."""

    __slots__ = ("_engine", "_messages", "_most_groups", "_outbound", "_turn")

    def __init__(self, engine: Engine, outbound: Outbound, messages: Tell, most_groups: int) -> None:
        self._engine = engine
        self._outbound = outbound
        self._messages = messages
        self._most_groups = most_groups
        self._turn = asyncio.Lock()

    async def tell(self, name: str, topic: Topic, after: int, seen: int | None) -> None:
        """Send every window that stopped after this time, for the subscription of this name.

        With `seen`, the highest `sent` that its subscriber has had, also those that were corrected since then.
        When it returns, and until something is awaited, no window has stopped that was not sent.
        """
        query = topic.plan.query
        columns = len(query.group_by) + sum(len(aggregates) for _, aggregates in query.select)
        first_stop = after - after % query.every_ms + query.every_ms
        told: dict[int, int] = {}
        with Seam(self._engine, query) as seam:
            async for updates in seam.past(first_stop, seen):
                check_groups(updates, self._most_groups)
                for part in _parts(updates, PART_CELLS // columns):
                    await self._send(name, topic, part)
            while True:
                present = [update for update in seam.present() if told.get(update.stop, -1) < update.revision]
                new = [u for u in present if u.final or u.stop > after or (seen is not None and u.sent >= seen)]
                if sum(len(update.rows) for update in new) <= LAST_CELLS // columns:
                    self._say(name, topic, new, more=False)
                    return
                for part in _parts(new, PART_CELLS // columns):
                    await self._send(name, topic, part)
                told.update((update.stop, update.revision) for update in new)

    async def _send(self, name: str, topic: Topic, part: Sequence[WindowUpdate]) -> None:
        async with self._turn:
            await self._outbound.drained()
            self._say(name, topic, part, more=True)

    def _say(self, name: str, topic: Topic, part: Sequence[WindowUpdate], *, more: bool) -> None:
        for message in self._messages(name, topic, part, more):
            self._outbound.message(message)


def check_groups(updates: Sequence[WindowUpdate], most: int) -> None:
    """TooManyGroups where one of the windows has more rows than that."""
    groups = max((len(update.rows) for update in updates), default=0)
    if groups > most:
        raise too_many_groups(groups, most)


def _parts(updates: Sequence[WindowUpdate], most_rows: int) -> Iterator[Sequence[WindowUpdate]]:
    first = rows = 0
    for index, update in enumerate(updates):
        if index > first and rows + len(update.rows) > most_rows:
            yield updates[first:index]
            first, rows = index, 0
        rows += len(update.rows)
    if first < len(updates):
        yield updates[first:]
