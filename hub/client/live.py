"""A dashboard's side of `/v1/live`: the windows of one subscription, without a hole, whatever happens in between."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from hub.client.backoff import Backoff
from hub.client.connection import Setback, endpoint, keep_connected, log_setback
from hub.client.errors import HubError, HubRefused, ProtocolViolated
from hub.client.messages import Column, Error, Explained, LiveMessage, Ready, Skipped, Subscribed, Window, decode_live
from hub.client.messages import Live as Seam
from hub.client.questions import Question, Questions
from hub.client.rows import T, typed_rows
from hub.client.subscription import Subscription

_AHEAD = 1_000
"""Windows that may wait for the caller; while they do, the socket is not read."""


class Live:
    """The windows of a named stream or of a query, as they come: the history first, then live ones.

        async with Live("ws://127.0.0.1:8000", stream="weather", history="5m") as windows:
            async for window in windows:
                print(window.stop, window.rows)

    A window comes again when its revision grows, and when another session of the hub sends it: the last one holds.
    Iterating raises HubRefused when the request will never be granted.

    Args:
        url: the hub's address, as `ws://127.0.0.1:8000`.
        stream: the name of a stream; or else
        query: a query as the protocol has it: `{"measurement": …, "select": …, "every": "10s"}`.
        where: further conditions, `{"site": ["s1", "s2"]}`.
        history: how much of the past comes first, as `5m`; or else
        after: every window comes first that stopped later than this time, such as the `final_until` of an earlier Live;
        seen: with `after`, that one's `seen`: windows that were corrected since then come, too.
        token: sent as `Authorization: Bearer`; else that of the environment variable HUB_TOKEN.
        on_setback: hears why a connection ended or windows are late, and in how many seconds the next try is made; else
            the log has it.
    """

    def __init__(
        self,
        url: str,
        *,
        stream: str | None = None,
        query: Mapping[str, Any] | None = None,
        where: Mapping[str, Any] | None = None,
        history: str | None = None,
        after: int | None = None,
        seen: int | None = None,
        token: str | None = None,
        on_setback: Callable[[Setback, float], None] | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        asked = {"stream": stream, "query": query, "where": where}
        self._address = endpoint(url, "/v1/live")
        self._token = token
        self._on_setback = on_setback or log_setback
        self._backoff = backoff or Backoff()
        self._subscription = Subscription(
            {key: value for key, value in asked.items() if value is not None}, history, after=after, seen=seen
        )
        self._questions = Questions()
        self._socket: ClientConnection | None = None
        self._windows: deque[Window] = deque()
        self._skipped = 0
        self._granted = asyncio.Event()
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the rows; known before the first window comes, and none until then."""
        return self._subscription.columns

    @property
    def final_until(self) -> int | None:
        """Every window that stopped by then is final as last delivered; None while none is known to be."""
        return self._subscription.final_until

    @property
    def seen(self) -> int | None:
        """The highest `sent` that came, by the hub's clock: keep it beside `final_until` to go on from there later."""
        return self._subscription.seen

    @property
    def skipped(self) -> int:
        """Windows that the hub left out because this client was too slow; they were asked for again."""
        return self._skipped

    async def granted(self) -> None:
        """Return when the subscription stands and every window to come is delivered; HubRefused."""
        task = self._running()
        await self._granted.wait()
        if task.done():
            await task

    async def explain(self, stop: int) -> Explained:
        """What the window that stops then is made of, asked of the database anew.

        It waits while the hub cannot be reached. HubRefused where there is no such window, HubError where the
        database does not answer.
        """
        task = self._running()
        question = self._questions.ask(stop)
        if self._socket is not None:
            await self._ask(self._socket, question)
        either: list[asyncio.Future[Any]] = [question.answer, task]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not question.answer.done():
            question.answer.cancel()
            await task
        return question.answer.result()

    def typed_rows(self, window: Window, of: type[T]) -> list[T]:
        """The window's rows as a dataclass, a TypedDict or a msgspec.Struct; see `hub.client.rows`."""
        return typed_rows(self.columns, window.rows, of)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._connect(), name="hub live")
        self._task.add_done_callback(lambda _task: self._wake_all())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            failure = None if self._task.cancelled() else self._task.exception()
            if failure is not None and error is None and not isinstance(failure, HubError):
                raise failure

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Window:
        task = self._running()
        while not self._windows:
            if task.done():
                await task
            self._arrived.clear()
            await self._arrived.wait()
        self._room.set()
        return self._windows.popleft()

    def _running(self) -> asyncio.Task[None]:
        if self._task is None:
            raise RuntimeError("Live is used inside `async with Live(…) as windows:`")
        return self._task

    def _wake_all(self) -> None:
        self._arrived.set()
        self._granted.set()

    async def _deliver(self, window: Window) -> None:
        while len(self._windows) >= _AHEAD:
            self._room.clear()
            await self._room.wait()
        self._windows.append(window)
        self._arrived.set()

    async def _connect(self) -> None:
        await keep_connected(
            self._address,
            self._session,
            read_ready=_read_ready,
            token=self._token,
            backoff=self._backoff,
            on_setback=self._on_setback,
            subprotocol="hub.v1.json",
        )

    async def _session(self, socket: ClientConnection, ready: Ready) -> None:
        self._subscription.connected(ready.session, ready.time)
        await socket.send(self._subscription.subscribe(), text=True)
        try:
            async for data in socket:
                message = decode_live(data)
                for window in self._subscription.receive(message):
                    await self._deliver(window)
                await self._react(socket, message)
        finally:
            self._socket = None

    async def _react(self, socket: ClientConnection, message: LiveMessage | None) -> None:
        match message:
            case Subscribed():
                self._backoff.succeeded()
            case Seam():
                self._granted.set()
                self._socket = socket
                for question in self._questions.again():
                    await self._ask(socket, question)
            case Explained():
                self._questions.answered(message)
            case Error(id=None):
                self._on_setback(Setback(message.message), (message.retry_after_ms or 0) / 1_000)
            case Error(id=name) if name == self._subscription.id:
                if self._subscription.is_live and self._questions.failed(message):
                    return
                if message.retry_after_ms is None:
                    raise HubRefused(message.message, message.code)
                await self._try_again(socket, message)
            case Skipped(windows=windows):
                self._skipped += windows
                self._socket = None
                await socket.send(self._subscription.unsubscribe(), text=True)
                await socket.send(self._subscription.subscribe(), text=True)

    async def _ask(self, socket: ClientConnection, question: Question) -> None:
        with suppress(ConnectionClosed):  # it is asked again on the next one
            await socket.send(self._subscription.explain(question.stop), text=True)

    async def _try_again(self, socket: ClientConnection, error: Error) -> None:
        """The request failed for a reason that will pass: make it again after a while."""
        delay = self._backoff.delay((error.retry_after_ms or 0) / 1_000)
        self._on_setback(Setback(error.message), delay)
        await asyncio.sleep(delay)
        await socket.send(self._subscription.subscribe(), text=True)


def _read_ready(data: str | bytes) -> Ready:
    message = decode_live(data)
    if not isinstance(message, Ready):
        raise ProtocolViolated("the hub's first message is not `ready`")
    return message
