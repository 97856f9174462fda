"""What a subscription has received, so that it can go on where it was cut off. Pure: no socket, no clock."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from hub.client.errors import HubRefused
from hub.client.messages import (
    Column,
    Error,
    History,
    Live,
    LiveMessage,
    PastWindow,
    Progress,
    Skipped,
    Subscribed,
    Window,
)

REMEMBERED = 10_000
"""Windows whose revision is remembered. One that is sent again after it was forgotten is delivered twice."""


class Subscription:
    """One subscription over all its connections: what to ask next, and which windows are news.

    Within one session the highest revision of a window holds; in a new session the first received replaces the old.
    """

    def __init__(
        self,
        asked: Mapping[str, Any],
        history: str | None = None,
        *,
        after: int | None = None,
        seen: int | None = None,
        remembered: int = REMEMBERED,
    ) -> None:
        """`asked` is a `stream`, or a `query`, and perhaps `where`; `history` a duration such as `5m`.

        Instead of it `after` and `seen` go on where another subscription was with its `final_until` and `seen`.
        """
        self.columns: tuple[Column, ...] = ()
        """What the rows mean; none until the hub has granted the subscription."""
        self.final_until: int | None = after
        """Every window that stopped by then is final as last received, or was not asked for."""
        self._asked = asked
        self._history = history
        self._remembered = remembered
        self._session: str | None = None
        self._plan: str | None = None
        self._revisions: dict[int, int] = {}
        self.seen: int | None = seen
        """The highest `sent` of what was received without a hole; None until connected."""
        self.is_live = False
        """Whether the past has come, and windows come by themselves."""
        self._number = 0

    def subscribe(self) -> bytes:
        """The request to make now: for the history at first, later for all that is not known to be final."""
        self._plan, self.is_live = None, False
        self._number += 1
        past: dict[str, Any] = {}
        if self.final_until is not None:
            past["after"] = self.final_until
            if self.seen is not None:
                past["seen"] = self.seen
        elif self._history is not None:
            past["history"] = self._history
        return msgspec.json.encode({"type": "subscribe", "id": self.id, **self._asked, **past})

    @property
    def id(self) -> str:
        """Another for each request, so that what the hub still says of an earlier one is not taken for this one's."""
        return str(self._number)

    def unsubscribe(self) -> bytes:
        """The request that ends it, so that it can be made anew."""
        return msgspec.json.encode({"type": "unsubscribe", "id": self.id})

    def explain(self, stop: int) -> bytes:
        """The question what the window that stops then is made of."""
        return msgspec.json.encode({"type": "explain", "id": self.id, "stop": stop})

    def connected(self, session: str, time: int | None = None) -> None:
        """A new connection, at this time of the hub's. In another session revisions begin anew."""
        # Whoever has seen no window yet has seen none of what is sent from now on.
        self.seen = time if self.seen is None else self.seen
        if session != self._session:
            self._session = session
            self._revisions.clear()

    def receive(self, message: LiveMessage | None) -> list[Window]:
        """The windows in a message that are news; HubRefused when the request will never be granted."""
        match message:
            case Subscribed():
                self.columns, self._plan = message.columns, message.plan
            case History():
                return self._take_history(message.windows)
            case Live():
                self.is_live = True
                if self.final_until is None and self._history is None:
                    self.final_until = message.from_
            case Window() if message.plan == self._plan:
                if self.is_live:
                    self.seen = max(self.seen or 0, message.sent or 0)
                return [self._marked(message)] if self._is_news(message) else []
            case Progress() if message.plan == self._plan:
                self.final_until = max(self.final_until or 0, message.final_until)
            case Skipped() if message.plan == self._plan:
                self.final_until = min(self.final_until or message.from_, message.from_ - 1)
            case Error(id=name, retry_after_ms=None) if name == self.id and not self.is_live:
                raise HubRefused(message.message, message.code)
        return []

    def _take_history(self, windows: Sequence[PastWindow]) -> list[Window]:
        if windows and self.final_until is None:
            self.final_until = windows[0].stop - 1
        news = [
            self._marked(Window(self._plan or "", past.start, past.stop, past.revision, past.final, past.rows))
            for past in windows
            if self._is_news(past)
        ]
        for window in windows:
            if not window.final:
                break
            self.final_until = max(self.final_until or 0, window.stop)
        return news

    def _marked(self, window: Window) -> Window:
        """The window, which is a correction if it was final already."""
        was_final = self.final_until is not None and window.stop <= self.final_until
        return msgspec.structs.replace(window, correction=True) if was_final else window

    def _is_news(self, window: Window | PastWindow) -> bool:
        known = self._revisions.pop(window.stop, None)
        self._revisions[window.stop] = window.revision if known is None else max(known, window.revision)
        if len(self._revisions) > self._remembered:
            del self._revisions[next(iter(self._revisions))]
        return known is None or window.revision > known
