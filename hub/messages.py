"""Every message of the protocol as a type.

Times are integers, milliseconds since the Unix epoch. The OpenAPI and AsyncAPI documents are generated from these
types, so a docstring here is what a reader of the contract sees.
"""

from collections.abc import Sequence
from typing import Literal

from msgspec import UNSET, Struct, UnsetType, field

from streams.points import Kind
from streams.stores.base import Row


class Message(Struct, tag_field="type", tag=str.lower):
    """A message that the hub sends; `type` is the class's name in small letters."""


class Request(Struct, tag_field="type", tag=str.lower, forbid_unknown_fields=True):
    """A message that the hub receives. A key it does not know is refused, so that no misspelling goes unnoticed."""


# Both sockets


class Auth(Request):
    """Who is asking, from a client that can set no header; an open hub takes it and needs none."""

    token: str


# /v1/write: the hub to a device


class WriteReady(Message, tag="ready"):
    """The hub's first message to a device: frames may follow, numbered from 1 in the order sent."""

    session: str
    max_frame_bytes: int
    max_unacked: int
    time: int


class Ack(Message):
    """Every frame up to `frame` that has no outcome of its own is durable.

    `stored` is `spool` if at least one of those newly covered waits on this host's disk for the database.
    """

    frame: int
    stored: Literal["store", "spool"]


class RejectedPoint(Struct, frozen=True):
    """A point that will never be stored; `line` is where it starts in its frame, counting every line from 1."""

    line: int
    code: str
    message: str


class Reject(Message):
    """`accepted` points of the frame are durable, the others never will be; `more` of those are not listed."""

    frame: int
    accepted: int
    rejected: Sequence[RejectedPoint]
    more: int = 0


class Retry(Message):
    """Nothing of the frame was kept: send it again after that many milliseconds, as a new frame."""

    frame: int
    after_ms: int


# /v1/live: a dashboard to the hub


class QueryRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to compute: aggregates of fields, over which windows, of which series, in which groups."""

    measurement: str
    select: dict[str, str | list[str]]
    where: dict[str, str | list[str | None] | None] = field(default_factory=dict)
    group_by: list[str] = field(default_factory=list)
    window: str | None = None
    every: str | None = None
    grace: str | None = None


class Subscribe(Request):
    """Ask for windows: of a named `stream`, which `where` may narrow, or of a `query`.

    `history` asks for every window that stopped less than this duration ago, `after` for every one that stopped
    later than this time. `seen`, the highest `sent` that the dashboard has had, goes with `after`, and adds earlier
    windows that were corrected since then.
    """

    id: str
    stream: str | None = None
    query: QueryRequest | None = None
    where: dict[str, str | list[str | None] | None] | None = None
    history: str | None = None
    after: int | None = None
    seen: int | None = None


class Unsubscribe(Request):
    """End a subscription."""

    id: str


class Explain(Request):
    """Ask what the window of a subscription that stops then is made of."""

    id: str
    stop: int


LiveRequest = Auth | Subscribe | Unsubscribe | Explain


# /v1/live: the hub to a dashboard


class LiveReady(Message, tag="ready"):
    """The hub's first message to a dashboard: subscriptions may follow."""

    session: str
    time: int


class Column(Struct, frozen=True, omit_defaults=True):
    """A column of the rows; the `kind` of a field that nobody has written yet is null, and a tag has no `unit`."""

    name: str
    kind: Kind | None
    unit: str | UnsetType | None = UNSET


class Subscribed(Message):
    """The subscription stands; its windows come under the key `plan`, which `shared_by` sockets share."""

    id: str
    plan: str
    columns: Sequence[Column]
    window_ms: int
    every_ms: int
    grace_ms: int
    shared_by: int


class PastWindow(Struct, frozen=True):
    """A window `[start, stop)` of the history."""

    start: int
    stop: int
    revision: int
    final: bool
    rows: Sequence[Row]


class History(Message):
    """A part of the past, oldest first; `more` says that another part follows."""

    id: str
    plan: str
    windows: Sequence[PastWindow]
    more: bool


class Live(Message):
    """The seam: every window that stops after `from` comes as a `window` message."""

    id: str
    plan: str
    from_: int = field(name="from")


class Window(Message):
    """A window `[start, stop)`; the highest `revision` of one session holds, and `final` ends the provisional ones.

    `points` went into it, `late` of them after it had stopped; the database took `queried_ms`.
    """

    plan: str
    start: int
    stop: int
    revision: int
    final: bool
    rows: Sequence[Row]
    points: int
    late: int
    queried_ms: float
    sent: int


class Progress(Message):
    """Every window that stopped by `final_until` is final as last sent."""

    plan: str
    final_until: int


class Skipped(Message):
    """This client was too slow and got only the newest windows; `after` gets those that stopped from `from` to `to`."""

    plan: str
    windows: int
    from_: int = field(name="from")
    to: int


class SentRevision(Struct, frozen=True):
    """That a window was sent, when, and how many points it was made of."""

    revision: int
    sent: int
    points: int


class Explained(Message):
    """What a window `[start, stop)` is made of, asked of the database anew.

    `query` is what the database was asked, by which `way`, and it took `query_ms`; of the `points`, which lie between
    the times `first` and `last`, `late` came after the window was first sent. `revisions` are as this hub has sent
    them, none where it has not or no longer knows; of many the first and the latest are listed.
    """

    id: str
    plan: str
    start: int
    stop: int
    way: str
    query: str
    query_ms: float
    points: int
    first: int | None
    last: int | None
    late: int
    revisions: Sequence[SentRevision]
    rows: Sequence[Row]


class Error(Message):
    """A request failed, or, where `id` is null, a plan is in trouble; the connection lives on."""

    id: str | None
    code: str
    message: str
    retry_after_ms: int | None = None


WriteMessage = WriteReady | Ack | Reject | Retry
LiveMessage = LiveReady | Subscribed | History | Live | Window | Progress | Skipped | Explained | Error
