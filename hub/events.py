"""Messages as server-sent events, with ids that tell a browser where to go on after an interruption."""

from collections.abc import Iterable, Sequence

import msgspec

from hub.backlog import Form, Prepared
from hub.encodings import Encoding
from hub.messages import Progress, Window
from hub.topics import Topic, window_message
from streams.engine import WindowUpdate

HEARTBEAT = b":\n\n"
"""A comment, which readers skip: proxies keep the connection, and a reader that has gone is noticed."""


class Told(msgspec.Struct):
    """A part of the past; it leaves as an event for each window."""

    windows: Sequence[Window]


def as_windows(name: str, topic: Topic, updates: Sequence[WindowUpdate], more: bool) -> Iterable[msgspec.Struct]:  # noqa: ARG001 - as hub.past.Tell says
    """The past as the same messages as the present."""
    return (Told([window_message(topic.key, update) for update in updates]),)


class EventForm(Form):
    """An event for each message: JSON as its data, and where possible an id.

    The id is a time that the client may give as `after`: all that stopped by then is final, and came before or with
    this event.
    """

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(Encoding.JSON, framed=False)

    def encode(self, message: msgspec.Struct) -> bytes:
        """A message for one reader."""
        if isinstance(message, Told):
            return b"".join(map(self.encode, message.windows))
        return self._event(message, None)

    def publication(self, prepared: Prepared) -> bytes:
        """A message for all readers of a plan."""
        return self._event(prepared.message, prepared.final_until)

    def _event(self, message: msgspec.Struct, final_until: int | None) -> bytes:
        if isinstance(message, Progress):
            final_until = message.final_until
        elif isinstance(message, Window) and message.final:
            final_until = message.stop
        named = b"" if final_until is None else b"id: %d\n" % final_until
        return named + b"data: " + self.encoding.encode(message) + b"\n\n"


EVENTS = EventForm()
