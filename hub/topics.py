"""From a plan to its sockets: each window is encoded once for each encoding and written to every subscriber."""

import time
from collections import Counter
from typing import Protocol

from hub.messages import Error, Progress, Window
from hub.outbound import Outbound, Prepared
from streams.engine import Listener, Plan, WindowUpdate
from streams.queries import Query


class Engine(Protocol):
    """What topics need of the engine."""

    def join(self, query: Query, listener: Listener) -> Plan: ...

    def leave(self, plan: Plan, listener: Listener) -> None: ...


class Topic:
    """The sockets that watch one plan; the engine's listener for it."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.plan: Plan
        self.joined = 0
        self._members: Counter[Outbound] = Counter()

    @property
    def shared_by(self) -> int:
        """How many subscriptions have this plan."""
        return self.joined

    def add(self, outbound: Outbound) -> None:
        """Send every window from now on. A socket added twice gets each once, until discarded as often."""
        self._members[outbound] += 1

    def discard(self, outbound: Outbound) -> None:
        """Take back one `add`; nothing happens to a socket that was not added."""
        if self._members[outbound] <= 1:
            del self._members[outbound]
        else:
            self._members[outbound] -= 1

    def window(self, plan: Plan, update: WindowUpdate) -> None:
        """Publish a window to every member."""
        self._publish(window_message(self.key, update))

    def progress(self, plan: Plan, final_until: int) -> None:
        """Tell every member how far windows are final, milliseconds."""
        self._publish(Progress(plan=self.key, final_until=final_until))

    def trouble(self, plan: Plan, message: str, retry_after_ms: int | None) -> None:
        """Tell every member that the plan's windows are late, and why."""
        for member in tuple(self._members):
            member.message(Error(id=None, code="store_unavailable", message=message, retry_after_ms=retry_after_ms))

    def _publish(self, message: Window | Progress) -> None:
        prepared = Prepared(message)
        for member in tuple(self._members):
            member.frame(self.key, prepared)


class Topics:
    """Every topic of this worker: the first subscription of a plan starts it, the last one stops it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._topics: dict[str, Topic] = {}

    def join(self, query: Query) -> Topic:
        """The query's topic; give it back with `leave`, once for each join."""
        topic = self._topics.get(query.key)
        if topic is None:
            topic = Topic(query.key)
            topic.plan = self._engine.join(query, topic)
            self._topics[query.key] = topic
        topic.joined += 1
        return topic

    def leave(self, topic: Topic) -> None:
        """Give back one `join`."""
        topic.joined -= 1
        if topic.joined == 0:
            del self._topics[topic.key]
            self._engine.leave(topic.plan, topic)


def window_message(plan_key: str, update: WindowUpdate) -> Window:
    """The message that carries a window; `sent` is now where the engine left it open."""
    return Window(
        plan=plan_key,
        start=update.start,
        stop=update.stop,
        revision=update.revision,
        final=update.final,
        rows=update.rows,
        points=update.points,
        late=update.late,
        queried_ms=update.queried_ms,
        sent=update.sent or int(time.time() * 1000),
    )
