"""From a plan to its sockets: each window is encoded once for each encoding and written to every subscriber."""

import asyncio
import sys
from collections.abc import Callable
from typing import Protocol

from hub.backlog import Prepared, Publication
from hub.delivery import Delivery, Members
from hub.messages import Error, Progress, Window
from hub.outbound import Outbound
from streams.engine import Listener, Plan, WindowUpdate
from streams.errors import StreamsError, TooManyGroups
from streams.queries import Query


class Engine(Protocol):
    """What topics need of the engine."""

    def join(self, query: Query, listener: Listener) -> Plan: ...

    def leave(self, plan: Plan, listener: Listener) -> None: ...


class Topic:
    """The sockets that watch one plan; the engine's listener for it."""

    def __init__(self, key: str, delivery: Delivery, most_groups: int) -> None:
        self.key = key
        self.plan: Plan
        self.shared_by = 0
        self.enders: dict[object, Callable[[StreamsError], None]] = {}
        """Who is told, soon after, that there will be no more windows."""
        self._delivery = delivery
        self._most_groups = most_groups
        self._members = Members()

    def add(self, outbound: Outbound) -> None:
        """Send every window published from now on. A socket that is added twice gets each once."""
        self._members.add(outbound)

    def discard(self, outbound: Outbound) -> None:
        """Take back one `add`; nothing happens to a socket that was not added."""
        self._members.discard(outbound)

    def window(self, plan: Plan, update: WindowUpdate) -> None:
        """Publish a window to every member."""
        if len(update.rows) > self._most_groups:
            error = too_many_groups(len(update.rows), self._most_groups)
            for end in self.enders.values():
                asyncio.get_running_loop().call_soon(end, error)
            return
        self._publish(window_message(self.key, update), plan.final_until)

    def progress(self, _: Plan, final_until: int) -> None:
        """Tell every member that windows are final until then, milliseconds."""
        self._publish(Progress(plan=self.key, final_until=final_until))

    def trouble(self, _: Plan, message: str, retry_after_ms: int | None) -> None:
        """Tell every member that the plan's windows are late, and why."""
        self._publish(Error(id=None, code="store_unavailable", message=message, retry_after_ms=retry_after_ms))

    def _publish(self, message: Publication, final_until: int | None = None) -> None:
        if self._members:
            self._delivery.publish(Prepared(self.key, message, final_until), self._members)


class Topics:
    """Every topic of this worker: the first subscription of a plan starts it, the last one stops it."""

    def __init__(
        self,
        engine: Engine,
        subscribed: Callable[[Plan, int], None] = lambda _plan, _change: None,
        most_groups: int = sys.maxsize,
    ) -> None:
        """`subscribed` hears of each subscription more (1) or less (-1) that shares a plan."""
        self._engine = engine
        self._subscribed = subscribed
        self._most_groups = most_groups
        self._delivery = Delivery()
        self._topics: dict[str, Topic] = {}

    def join(self, query: Query) -> Topic:
        """The query's topic; give it back with `leave`, once for each join."""
        topic = self._topics.get(query.key)
        if topic is None:
            topic = Topic(query.key, self._delivery, self._most_groups)
            topic.plan = self._engine.join(query, topic)
            self._topics[query.key] = topic
        topic.shared_by += 1
        self._subscribed(topic.plan, 1)
        return topic

    def leave(self, topic: Topic) -> None:
        """Give back one `join`."""
        topic.shared_by -= 1
        self._subscribed(topic.plan, -1)
        if topic.shared_by == 0:
            del self._topics[topic.key]
            self._engine.leave(topic.plan, topic)


def too_many_groups(groups: int, most: int) -> TooManyGroups:
    """The error that ends a query whose window has so many rows."""
    return TooManyGroups(f"a window has {groups} rows, and may have {most} (max_groups): group by less, or narrow it")


def window_message(plan_key: str, update: WindowUpdate) -> Window:
    """The message that carries a window of the plan."""
    return Window(
        plan=plan_key,
        start=update.start,
        stop=update.stop,
        revision=update.revision,
        final=update.final,
        rows=update.rows,
        points=update.points,
        late=update.late,
        queried_ms=round(update.queried_ms, 3),
        sent=update.sent,
    )
