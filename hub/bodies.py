"""The bodies of answers over HTTP as types; the OpenAPI document is generated from them."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from hub.messages import Column, PastWindow, QueryRequest
from streams.points import Kind


class Problem(Struct, frozen=True):
    """Why a request failed, and what to do; the body of every answer from 400 on."""

    code: str
    message: str
    remedy: str


class Stream(Struct, frozen=True):
    """A named stream; `plan` is the key under which its windows come when nothing narrows it."""

    name: str
    measurement: str
    plan: str
    where: dict[str, list[str | None]]
    columns: Sequence[Column]
    window_ms: int
    every_ms: int
    grace_ms: int


class Streams(Struct, frozen=True):
    """The named streams, sorted by name."""

    streams: Sequence[Stream]


class WindowsRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Which windows: of a named `stream`, which `where` may narrow, or of a `query`, as in `subscribe`.

    Those that stopped later than `start` and not later than `stop`, or than now; `history` gives how long before
    that the start is. Times are milliseconds since the Unix epoch, or RFC 3339.
    """

    stream: str | None = None
    query: QueryRequest | None = None
    where: dict[str, str | list[str | None] | None] | None = None
    start: int | str | None = None
    stop: int | str | None = None
    history: str | None = None


class Windows(Struct, frozen=True):
    """Final windows, oldest first: all that were asked for and that stopped by `final_until`."""

    plan: str
    columns: Sequence[Column]
    window_ms: int
    every_ms: int
    grace_ms: int
    final_until: int
    windows: Sequence[PastWindow]


class TagDescription(Struct, frozen=True):
    """A tag and its first values, sorted; `more` says that there are others."""

    name: str
    values: Sequence[str]
    more: bool


class FieldDescription(Struct, frozen=True):
    """A field and the kind of its values, or several kinds where an InfluxDB has other ones in other shards."""

    name: str
    kinds: Sequence[Kind]


class MeasurementDescription(Struct, frozen=True):
    """A measurement, its tags and its fields, sorted by name."""

    name: str
    tags: Sequence[TagDescription]
    fields: Sequence[FieldDescription]


class Schema(Struct, frozen=True):
    """The measurements that there are, sorted by name; `more` says that there are others."""

    measurements: Sequence[MeasurementDescription]
    more: bool


class StoreState(Struct, frozen=True):
    """Whether the database could take a write now; if not, `message` says why."""

    name: str
    ok: bool
    message: str | None


class SpoolState(Struct, frozen=True):
    """What waits on this host's disk for the database; if nothing more can be put there, `message` says why."""

    ok: bool
    message: str | None
    entries: int
    bytes: int
    oldest: int | None
    damaged: int


class QueriesState(Struct, frozen=True):
    """How many distinct queries this worker answers, and how many streams are defined."""

    plans: int
    streams: int


class Readiness(Struct, frozen=True):
    """Whether the hub can acknowledge what devices send."""

    ready: bool
    store: StoreState
    spool: SpoolState | None
    queries: QueriesState


class InfluxError(Struct, frozen=True, omit_defaults=True):
    """An error as InfluxDB 2 words it; `line` is the first bad one, counted from 1."""

    code: str
    message: str
    line: int | None = None


class InfluxError1(Struct, frozen=True):
    """An error as InfluxDB 1 words it."""

    error: str


class Check(Struct, frozen=True):
    """A part of what `/health` tells."""

    name: str
    status: Literal["pass", "fail"]
    message: str | None


class Health(Struct, frozen=True):
    """What InfluxDB's clients ask for; `status` is `pass` while the hub can acknowledge what is written."""

    name: str
    message: str
    status: Literal["pass", "fail"]
    checks: Sequence[Check]
    version: str
    commit: str
