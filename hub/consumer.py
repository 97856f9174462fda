"""A dashboard's session, without its socket: requests come in, subscriptions live, messages go out."""

import asyncio
import difflib
import logging
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from hub.codes import Close, SessionOver
from hub.messages import (
    Auth,
    Column,
    Error,
    Live,
    Subscribe,
    Subscribed,
    Unreadable,
    Unsubscribe,
    decode_request,
)
from hub.outbound import Encoding, Outbound
from hub.past import Teller
from hub.topics import Topic, Topics
from streams.clock import Clock
from streams.durations import parse_duration
from streams.engine import Engine
from streams.errors import QueryInvalid, StoreUnavailable, StreamsError
from streams.points import Kind
from streams.queries import Query, parse_query, refine

log = logging.getLogger(__name__)


class RequestRefused(StreamsError):
    """A request that cannot be granted; `code` is the catalogue's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


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
    ) -> None:
        self.streams = streams
        self.engine = engine
        self.topics = topics
        self.clock = clock
        self.kinds = kinds
        self.max_frame_bytes = max_frame_bytes
        self.max_subscriptions = max_subscriptions

    def named(self, name: str) -> Query:
        """The query of a named stream; RequestRefused names those that exist."""
        query = self.streams.get(name)
        if query is None:
            near = difflib.get_close_matches(name, self.streams, 1)
            known = f"did you mean {near[0]!r}? There are" if near else "there are"
            names = ", ".join(sorted(self.streams)) or "none"
            raise RequestRefused("unknown_stream", f"no stream is named {name!r}; {known} {names}")
        return query


class Subscription:
    """One subscription: its topic, and the task that is opening it, until it is live."""

    __slots__ = ("opening", "topic")

    def __init__(self, topic: Topic) -> None:
        self.topic = topic
        self.opening: asyncio.Task[None] | None = None


class Consumer:
    """Grants and ends the subscriptions of one socket; what it has to say goes to the socket's `outbound`."""

    __slots__ = ("_changed", "_outbound", "_past", "_shared", "_subscriptions")

    def __init__(self, shared: Shared, outbound: Outbound, changed: Callable[[int], None]) -> None:
        """`changed` hears of each subscription more (1) or less (-1)."""
        self._shared = shared
        self._outbound = outbound
        self._changed = changed
        self._past = Teller(shared.engine, outbound)
        self._subscriptions: dict[str, Subscription] = {}

    def receive(self, data: str | bytes) -> None:
        """Take a message from the socket. SessionOver when the dashboard must not go on."""
        if isinstance(data, str) is not (self._outbound.encoding is Encoding.JSON):
            encoding = self._outbound.encoding
            kind = "text" if encoding is Encoding.JSON else "binary"
            raise SessionOver(Close.WRONG_KIND, f"{encoding.subprotocol} is spoken in {kind} frames alone")
        if len(data) > self._shared.max_frame_bytes:
            raise SessionOver(Close.TOO_BIG, f"a frame may have {self._shared.max_frame_bytes} bytes")
        try:
            request = decode_request(data, self._outbound.encoding)
        except Unreadable as error:
            raise SessionOver(Close.UNREADABLE, str(error)) from None
        match request:
            case Subscribe():
                self._grant(request.id, lambda: self._subscribe(request))
            case Unsubscribe():
                self._grant(request.id, lambda: self._unsubscribe(request.id))
            case Error():
                self._send(request)
            case Auth():
                pass  # an open hub asks nobody

    def close(self) -> None:
        """End every subscription: the socket is gone."""
        for name in list(self._subscriptions):
            self._unsubscribe(name)

    def _grant(self, name: str, action: Callable[[], None]) -> None:
        try:
            action()
        except StreamsError as error:
            self._send(Error(id=name, code=error.code, message=str(error)))

    def _subscribe(self, request: Subscribe) -> None:
        if request.id in self._subscriptions:
            raise RequestRefused("id_in_use", f"id {request.id!r} is in use on this socket; choose another")
        if len(self._subscriptions) >= self._shared.max_subscriptions:
            most = self._shared.max_subscriptions
            raise RequestRefused("too_many_subscriptions", f"a socket may have {most} subscriptions")
        query = self._query(request)
        after = self._after(request)
        subscription = Subscription(self._shared.topics.join(query))
        self._subscriptions[request.id] = subscription
        self._changed(1)
        subscription.opening = asyncio.get_running_loop().create_task(self._open(request.id, subscription, after))

    def _unsubscribe(self, name: str) -> None:
        subscription = self._subscriptions.pop(name, None)
        if subscription is None:
            raise RequestRefused("unknown_id", f"no subscription on this socket has the id {name!r}")
        if subscription.opening:
            subscription.opening.cancel()
        else:
            subscription.topic.discard(self._outbound)
        self._shared.topics.leave(subscription.topic)
        self._changed(-1)

    def _query(self, request: Subscribe) -> Query:
        if (request.stream is None) is (request.query is None):
            raise QueryInvalid("stream: name a stream, or give a query; not both, and not neither")
        if request.query is not None:
            query = parse_query(**msgspec.structs.asdict(request.query))
        else:
            query = self._shared.named(request.stream or "")
        return query if request.where is None else refine(query, request.where)

    def _after(self, request: Subscribe) -> int | None:
        """The time after which windows of the past are wanted, if they are."""
        if request.history is not None and request.after is not None:
            raise QueryInvalid("history: it says the same as after in another way; give one of them")
        if request.history is None:
            return request.after
        try:
            return self._shared.clock.now() - parse_duration(request.history)
        except ValueError as error:
            raise QueryInvalid(f"history: {error}") from None

    async def _open(self, name: str, subscription: Subscription, after: int | None) -> None:
        try:
            await self._describe(name, subscription.topic)
            if after is None:
                await subscription.topic.plan.started()
            else:
                await self._past.tell(name, subscription.topic, after)
            # Nothing is awaited from the end of the past to here: no window comes in between.
            self._go_live(name, subscription)
        except StreamsError as error:
            retry_after = round((error.retry_after or 1) * 1_000) if isinstance(error, StoreUnavailable) else None
            self._fail(name, Error(id=name, code=error.code, message=str(error), retry_after_ms=retry_after))
        except Exception:
            log.exception("subscription %r failed", name)
            self._fail(name, Error(id=name, code="internal", message="the hub failed at this; its log says why"))

    async def _describe(self, name: str, topic: Topic) -> None:
        query = topic.plan.query
        kinds = await self._shared.kinds(query.measurement)
        self._send(
            Subscribed(
                id=name,
                plan=topic.key,
                columns=columns(query, kinds),
                window_ms=query.window_ms,
                every_ms=query.every_ms,
                grace_ms=query.grace_ms,
                shared_by=topic.shared_by,
            )
        )

    def _go_live(self, name: str, subscription: Subscription) -> None:
        topic = subscription.topic
        self._send(Live(id=name, plan=topic.key, from_=topic.plan.last_stop))
        topic.add(self._outbound)
        subscription.opening = None

    def _fail(self, name: str, error: Error) -> None:
        subscription = self._subscriptions.pop(name)
        self._shared.topics.leave(subscription.topic)
        self._changed(-1)
        self._send(error)

    def _send(self, message: msgspec.Struct) -> None:
        self._outbound.message(message)


def columns(query: Query, kinds: Mapping[str, Kind]) -> list[Column]:
    """The columns of a query's rows as messages have them."""
    return [
        Column(column.name, column.kind) if column.aggregate is None else Column(column.name, column.kind, None)
        for column in query.columns(kinds)
    ]
