"""The hub's messages as a client reads them.

Unlike the hub's own types these let unknown keys and unknown messages pass, so that a client outlives a newer hub.
Times are integers, milliseconds since the Unix epoch.
"""

from typing import Any, get_args

import msgspec
from msgspec import Struct, field

from hub.client.errors import ProtocolViolated

Cell = str | float | int | bool | None
Row = tuple[Cell, ...]


class Ready(Struct, tag="ready", frozen=True):
    """The hub's first message; the limits are those of `/v1/write`."""

    session: str
    time: int
    max_frame_bytes: int = 4 * 1024 * 1024
    max_unacked: int = 64


class Ack(Struct, tag="ack", frozen=True):
    """Every frame up to `frame` that has no outcome of its own is durable."""

    frame: int


class RejectedPoint(Struct, frozen=True):
    """A point that will never be stored; `line` is where it starts in its frame, counted from 1."""

    line: int
    code: str
    message: str


class Reject(Struct, tag="reject", frozen=True):
    """These points of the frame, and `more`, will never be durable; the others are."""

    frame: int
    rejected: tuple[RejectedPoint, ...]
    more: int = 0


class Retry(Struct, tag="retry", frozen=True):
    """Nothing of the frame was kept: it is to be sent again after that many milliseconds."""

    frame: int
    after_ms: int


class Column(Struct, frozen=True):
    """A column of the rows. `kind` is None while nobody has written the field."""

    name: str
    kind: str | None = None
    unit: str | None = None


class Subscribed(Struct, tag="subscribed", frozen=True):
    """The subscription stands; its windows come under `plan`."""

    id: str
    plan: str
    columns: tuple[Column, ...]
    window_ms: int
    every_ms: int
    grace_ms: int


class PastWindow(Struct, frozen=True):
    """A window of the history."""

    start: int
    stop: int
    revision: int
    final: bool
    rows: tuple[Row, ...]


class History(Struct, tag="history", frozen=True):
    """A part of the past, oldest first."""

    id: str
    windows: tuple[PastWindow, ...]


class Live(Struct, tag="live", frozen=True):
    """The seam: every window that stops after `from_` comes by itself."""

    id: str
    from_: int = field(name="from")


class Window(Struct, tag="window", frozen=True):
    """A window `[start, stop)`; the rows have the subscription's columns. Points and times are None in the history.

    `correction` says that it replaces a window that was final: points came late.
    """

    plan: str
    start: int
    stop: int
    revision: int
    final: bool
    rows: tuple[Row, ...]
    points: int | None = None
    late: int | None = None
    queried_ms: float | None = None
    sent: int | None = None
    correction: bool = False


class Progress(Struct, tag="progress", frozen=True):
    """Every window that stopped by `final_until` is final as last sent."""

    plan: str
    final_until: int


class Skipped(Struct, tag="skipped", frozen=True):
    """The client was too slow: windows that stopped from `from_` to `to` were left out, but for the newest."""

    plan: str
    windows: int
    to: int
    from_: int = field(name="from")


class SentRevision(Struct, frozen=True):
    """That a window was sent, when, and how many points it was made of."""

    revision: int
    sent: int
    points: int


class Explained(Struct, tag="explained", frozen=True):
    """What a window `[start, stop)` is made of, asked of the database anew: `query`, which took `query_ms`, by `way`.

    Of its `points`, which lie between the times `first` and `last`, `late` came after the window was first sent;
    `revisions` are as the hub has sent them.
    """

    id: str
    start: int
    stop: int
    way: str
    query: str
    query_ms: float
    points: int
    first: int | None
    last: int | None
    late: int
    revisions: tuple[SentRevision, ...]
    rows: tuple[Row, ...]


class Error(Struct, tag="error", frozen=True):
    """A request failed, or, where `id` is None, a plan is in trouble."""

    id: str | None
    code: str
    message: str
    retry_after_ms: int | None = None


WriteMessage = Ready | Ack | Reject | Retry
LiveMessage = Ready | Subscribed | History | Live | Window | Progress | Skipped | Explained | Error


class _Kind(Struct):
    type: str


_KNOWN = {of.__struct_config__.tag for of in (*get_args(WriteMessage), *get_args(LiveMessage))}
_kind = msgspec.json.Decoder(_Kind)
_write: msgspec.json.Decoder[WriteMessage] = msgspec.json.Decoder(WriteMessage)
_live: msgspec.json.Decoder[LiveMessage] = msgspec.json.Decoder(LiveMessage)


def decode_write(data: str | bytes) -> WriteMessage | None:
    """A message of `/v1/write`; None for a kind this client does not know. ProtocolViolated."""
    message: WriteMessage | None = _decode(_write, data)
    return message


def decode_live(data: str | bytes) -> LiveMessage | None:
    """A message of `/v1/live`; None for a kind this client does not know. ProtocolViolated."""
    message: LiveMessage | None = _decode(_live, data)
    return message


def _decode(decoder: msgspec.json.Decoder[Any], data: str | bytes) -> Any:
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeError) as error:
        reason = str(error)
    try:
        kind = _kind.decode(data).type
    except (msgspec.DecodeError, UnicodeError):
        kind = None
    if kind is None or kind in _KNOWN:
        raise ProtocolViolated(f"the hub sent what is no message of this protocol: {reason}")
    return None
