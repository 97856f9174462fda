"""The bodies of answers over HTTP as types; the OpenAPI document is generated from them."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from hub.messages import Column


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
