"""What the dashboards' sessions of one worker share: named streams, the engine, limits."""

import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from hub.auth import Grants
from hub.messages import QueryRequest, Subscribe
from hub.reading import Where, effective
from hub.topics import Topics
from streams.clock import Clock
from streams.durations import format_duration, parse_duration
from streams.engine import Engine
from streams.errors import QueryInvalid, RangeTooLong
from streams.points import Kind
from streams.queries import Query


class Past(NamedTuple):
    """Which windows of the past a subscriber wants: those that stopped later than `after`, where it wants any.

    Also earlier ones that were corrected since `seen`.
    """

    after: int | None
    seen: int | None


class Shared:
    """What the dashboards' sessions of a worker have in common."""

    def __init__(
        self,
        streams: Mapping[str, Query],
        engine: Engine,
        topics: Topics,
        clock: Clock,
        kinds: Callable[[str], Awaitable[Mapping[str, Kind]]],
        *,
        max_frame_bytes: int,
        max_subscriptions: int,
        max_groups: int = sys.maxsize,
        max_range_ms: int = 0,
        refused: Callable[[str], None] = lambda _code: None,
    ) -> None:
        """`max_range_ms` is how much of the past one request may ask for, 0 all of it.

        `refused` hears the code of each error that one of them is told.
        """
        self.streams = streams
        self.engine = engine
        self.topics = topics
        self.clock = clock
        self.kinds = kinds
        self.max_frame_bytes = max_frame_bytes
        self.max_subscriptions = max_subscriptions
        self.max_groups = max_groups
        self.refused = refused
        self._max_range_ms = max_range_ms

    def query(
        self,
        stream: str | None,
        asked: QueryRequest | None,
        where: Where | None,
        grants: Grants,
    ) -> Query:
        """What a request asks for, as `hub.reading.effective` says. QueryInvalid, RequestRefused."""
        return effective(self.streams, stream, asked, where, grants)

    def past(self, request: Subscribe) -> Past:
        """Which windows of the past a request asks for. QueryInvalid."""
        if request.history is not None and request.after is not None:
            raise QueryInvalid("history: it says the same as after in another way; give one of them")
        if request.seen is not None and request.after is None:
            raise QueryInvalid("seen: it adds to after; give both, or history alone")
        now = self.clock.now()
        try:
            after = request.after if request.history is None else now - parse_duration(request.history)
        except ValueError as error:
            raise QueryInvalid(f"history: {error}") from None
        if after is not None:
            self.check_range(after, now)
        return Past(after, request.seen)

    def check_range(self, start: int, stop: int) -> None:
        """RangeTooLong where that is more of the past than one request may ask for."""
        if self._max_range_ms and stop - start > self._max_range_ms:
            most = format_duration(self._max_range_ms)
            raise RangeTooLong(f"history: one request may ask for {most} of the past (max_range)")
