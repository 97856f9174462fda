"""A dashboard's session, without its socket: requests come in, subscriptions live, messages go out."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial

import msgspec

from hub.authority import Identity, anybody
from hub.codes import Close, SessionOver
from hub.encodings import Unreadable, decode_request
from hub.explaining import Explainer, error_message
from hub.messages import Auth, Column, Error, Explain, Live, Subscribe, Subscribed, Unsubscribe
from hub.outbound import Encoding, Outbound
from hub.past import Tell, Teller, as_history
from hub.reading import RequestRefused
from hub.shared import Past, Shared
from hub.topics import Topic
from streams.errors import StreamsError
from streams.points import Kind
from streams.queries import Query

log = logging.getLogger(__name__)


class Subscription:
    """One subscription: what was asked, its topic, and the task that is opening it, until it is live."""

    __slots__ = ("opening", "request", "topic")

    def __init__(self, request: Subscribe, topic: Topic) -> None:
        self.request = request
        self.topic = topic
        self.opening: asyncio.Task[None] | None = None


class Consumer:
    """Grants and ends the subscriptions of one socket; what it has to say goes to the socket's `outbound`."""

    __slots__ = ("_changed", "_explainer", "_identity", "_outbound", "_past", "_refuse", "_shared", "_subscriptions")

    def __init__(
        self,
        shared: Shared,
        outbound: Outbound,
        changed: Callable[[int], None],
        tell: Tell = as_history,
        identity: Identity | None = None,
    ) -> None:
        """`changed` hears of each subscription more (1) or less (-1); `tell` makes messages of the past.

        `identity` is who asks, anybody on an open hub; when it may read less, subscriptions end.
        """
        self._shared = shared
        self._outbound = outbound
        self._changed = changed
        self._identity = identity or anybody()
        self._identity.on_change.append(self._hold_against_grants)
        self._past = Teller(shared.engine, outbound, tell, shared.max_groups)
        self._refuse = partial(refuse, shared, outbound)
        self._explainer = Explainer(shared.engine, outbound, self._refuse)
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
        if isinstance(request, Auth):
            self._identity.show(request.token)
            return
        _ = self._identity.grants  # or the session is over
        match request:
            case Subscribe():
                self.ask(request)
            case Unsubscribe():
                self._grant(request.id, lambda: self._unsubscribe(request.id))
            case Explain():
                self._grant(request.id, lambda: self._explain(request))
            case Error():
                self._refuse(request)

    def ask(self, request: Subscribe) -> None:
        """Open a subscription, or tell the socket why not. SessionOver where nothing is granted any more."""
        self._grant(request.id, lambda: self.subscribe(request))

    def close(self) -> None:
        """End every subscription: the socket is gone."""
        for name in list(self._subscriptions):
            self._unsubscribe(name)

    def subscribe(self, request: Subscribe) -> None:
        """Open a subscription. StreamsError where it cannot be granted, SessionOver where nothing is any more."""
        if request.id in self._subscriptions:
            raise RequestRefused("id_in_use", f"id {request.id!r} is in use on this socket; choose another")
        if len(self._subscriptions) >= self._shared.max_subscriptions:
            most = self._shared.max_subscriptions
            raise RequestRefused("too_many_subscriptions", f"a socket may have {most} subscriptions")
        query = self._query(request)
        past = self._shared.past(request)
        subscription = Subscription(request, self._shared.topics.join(query))
        self._subscriptions[request.id] = subscription
        subscription.topic.enders[subscription] = partial(self._end, request.id)
        self._changed(1)
        subscription.opening = asyncio.get_running_loop().create_task(self._open(request.id, subscription, past))

    def _grant(self, name: str, action: Callable[[], None]) -> None:
        try:
            action()
        except StreamsError as error:
            self._refuse(Error(id=name, code=error.code, message=str(error)))

    def _query(self, request: Subscribe) -> Query:
        return self._shared.query(request.stream, request.query, request.where, self._identity.grants)

    def _hold_against_grants(self) -> None:
        """The grants are others now: end what they do not allow, or would make another query of."""
        for name, subscription in list(self._subscriptions.items()):
            try:
                same = self._query(subscription.request).key == subscription.topic.key
                message = "the token reads other series now: subscribe again"
            except StreamsError as error:
                same, message = False, str(error)
            if not same:
                self._end(name, RequestRefused("forbidden", message))

    def _end(self, name: str, error: StreamsError) -> None:
        """A subscription cannot go on; nothing happens where it has ended."""
        if name in self._subscriptions:
            self._unsubscribe(name)
            self._refuse(error_message(name, error))

    def _unsubscribe(self, name: str) -> None:
        subscription = self._known(name)
        del self._subscriptions[name]
        self._explainer.forget(name)
        if subscription.opening:
            subscription.opening.cancel()
            subscription.opening = None  # its traceback holds the subscription
        else:
            subscription.topic.discard(self._outbound)
        self._leave(subscription)

    def _leave(self, subscription: Subscription) -> None:
        subscription.topic.enders.pop(subscription, None)
        self._shared.topics.leave(subscription.topic)
        self._changed(-1)

    def _explain(self, request: Explain) -> None:
        subscription = self._known(request.id)
        self._query(subscription.request)
        self._explainer.ask(request, subscription.topic)

    def _known(self, name: str) -> Subscription:
        subscription = self._subscriptions.get(name)
        if subscription is None:
            raise RequestRefused("unknown_id", f"no subscription on this socket has the id {name!r}")
        return subscription

    async def _open(self, name: str, subscription: Subscription, past: Past) -> None:
        try:
            await self._describe(name, subscription.topic)
            if past.after is None:
                await subscription.topic.plan.started()
            else:
                await self._past.tell(name, subscription.topic, past.after, past.seen)
            # Nothing is awaited from the end of the past to here: no window comes in between.
            self._go_live(name, subscription)
        except StreamsError as error:
            self._fail(name, error_message(name, error))
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
        self._explainer.forget(name)
        self._leave(subscription)
        self._refuse(error)

    def _send(self, message: msgspec.Struct) -> None:
        self._outbound.message(message)


def refuse(shared: Shared, outbound: Outbound, error: Error) -> None:
    """Tell a socket that something cannot be."""
    shared.refused(error.code)
    outbound.message(error)


def columns(query: Query, kinds: Mapping[str, Kind]) -> list[Column]:
    """The columns of a query's rows as messages have them."""
    return [
        Column(column.name, column.kind) if column.aggregate is None else Column(column.name, column.kind, None)
        for column in query.columns(kinds)
    ]
