"""What is said on the sockets: the tests have these conversations with a real hub, message by message.

The story and its times are those of `hub.contract.examples`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hub.contract.examples import BEGIN, COLUMNS, DURATIONS, FIRST, LINES, PLAN, SECOND
from hub.contract.refusals import TOKEN


@dataclass(frozen=True, slots=True)
class Said:
    """A message by `client` or `hub`: the name that the AsyncAPI document has for it, and a summary of this one."""

    by: Literal["client", "hub"]
    message: str
    payload: Any
    summary: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """What is said on one socket, in order."""

    path: str
    said: tuple[Said, ...]
    parameters: Mapping[str, str] = field(default_factory=dict)


def _asks(message: str, payload: Any, summary: str) -> Said:
    return Said("client", message, payload, summary)


def _tells(message: str, payload: Any, summary: str) -> Said:
    return Said("hub", message, payload, summary)


_SESSION = "9f2c64a1b0d37e58"
_WRITE_READY = _tells(
    "write_ready",
    {"type": "ready", "session": _SESSION, "max_frame_bytes": 4_194_304, "max_unacked": 64, "time": BEGIN},
    "Frames may follow",
)
_LIVE_READY = _tells("live_ready", {"type": "ready", "session": _SESSION, "time": BEGIN}, "Subscriptions may follow")

LINE_PROTOCOL = Conversation(
    "/v1/write",
    (
        _WRITE_READY,
        _asks("lines", "weather,site=roof temp=21.5,hum=48i\n", "A point without a time, which gets the hub's"),
        _tells("ack", {"type": "ack", "frame": 1, "stored": "store"}, "It is durable"),
        _asks("lines", LINES, "Three points, with precision=ms"),
        _tells("ack", {"type": "ack", "frame": 2, "stored": "store"}, "They are durable"),
        _asks(
            "lines", f"rain,site=roof fallen=0.2 {BEGIN}\nrain,site=roof fallen= {BEGIN}\n", "The second has no value"
        ),
        _tells(
            "reject",
            {
                "type": "reject",
                "frame": 3,
                "accepted": 1,
                "rejected": [
                    {"line": 2, "code": "missing_field_value", "message": "a field has no value after its '='"}
                ],
                "more": 0,
            },
            "The first is durable, the second never will be",
        ),
    ),
    {"precision": "ms"},
)
OBJECTS = Conversation(
    "/v1/write",
    (
        _WRITE_READY,
        _asks(
            "objects",
            [{"measurement": "rain", "tags": {"site": "roof"}, "fields": {"fallen": 0.2}, "time": BEGIN}],
            "A point",
        ),
        _tells("ack", {"type": "ack", "frame": 1, "stored": "store"}, "It is durable"),
    ),
    {"format": "json"},
)
CARBON = Conversation(
    "/v1/write",
    (
        _WRITE_READY,
        _asks("graphite", f"servers.web1.load 0.75 {BEGIN // 1_000}\n", "A value"),
        _tells("ack", {"type": "ack", "frame": 1, "stored": "store"}, "It is durable"),
    ),
    {"format": "graphite", "template": "measurement.host.field"},
)
FULL = Conversation(
    "/v1/write",
    (
        _WRITE_READY,
        _asks("lines", "weather,site=roof temp=21.5\n", "A point, while the database is away and the disk full"),
        _tells("retry", {"type": "retry", "frame": 1, "after_ms": 500}, "Nothing of it was kept"),
    ),
)
"""With a hub that can keep nothing."""

PAST = Conversation(
    "/v1/live",
    (
        _LIVE_READY,
        _asks(
            "subscribe",
            {"type": "subscribe", "id": "a", "stream": "weather", "after": BEGIN},
            "A named stream, from this time on",
        ),
        _tells(
            "subscribed",
            {"type": "subscribed", "id": "a", "plan": PLAN, "columns": COLUMNS, **DURATIONS, "shared_by": 1},
            "Its columns, and the key of its windows",
        ),
        _tells(
            "history",
            {"type": "history", "id": "a", "plan": PLAN, "windows": [FIRST, SECOND], "more": False},
            "The past",
        ),
        _tells("live", {"type": "live", "id": "a", "plan": PLAN, "from": BEGIN + 20_000}, "The past ends here"),
        _asks("explain", {"type": "explain", "id": "a", "stop": BEGIN + 10_000}, "What is this window made of?"),
        _tells(
            "explained",
            {
                "type": "explained",
                "id": "a",
                "plan": PLAN,
                "start": BEGIN,
                "stop": BEGIN + 10_000,
                "way": "duckdb",
                "query": "SELECT …",
                "query_ms": 1.8,
                "points": 2,
                "first": BEGIN + 1_000,
                "last": BEGIN + 6_000,
                "late": 0,
                "revisions": [{"revision": 0, "sent": BEGIN + 20_002, "points": 2}],
                "rows": FIRST["rows"],
            },
            "Of two points",
        ),
        _asks("subscribe", {"type": "subscribe", "id": "b", "stream": "wether"}, "A stream that there is not"),
        _tells(
            "error",
            {
                "type": "error",
                "id": "b",
                "code": "unknown_stream",
                "message": "no stream is named 'wether'; did you mean 'weather'? There are weather",
                "retry_after_ms": None,
            },
            "This request failed; the connection lives on",
        ),
        _asks("unsubscribe", {"type": "unsubscribe", "id": "a"}, "Enough"),
    ),
)
DOOR = "bacce301a31b6d13"
PRESENT = Conversation(
    "/v1/live",
    (
        _LIVE_READY,
        _asks(
            "subscribe",
            {
                "type": "subscribe",
                "id": "c",
                "query": {"measurement": "door", "select": {"opened": ["count"]}, "every": "1s", "grace": "500ms"},
            },
            "A query, from now on",
        ),
        _tells(
            "subscribed",
            {
                "type": "subscribed",
                "id": "c",
                "plan": DOOR,
                "columns": [{"name": "opened.count", "kind": "integer", "unit": None}],
                "window_ms": 1_000,
                "every_ms": 1_000,
                "grace_ms": 500,
                "shared_by": 1,
            },
            "Its columns, and the key of its windows",
        ),
        _tells("live", {"type": "live", "id": "c", "plan": DOOR, "from": BEGIN}, "From here on"),
        _tells(
            "window",
            {
                "type": "window",
                "plan": DOOR,
                "start": BEGIN + 1_000,
                "stop": BEGIN + 2_000,
                "revision": 0,
                "final": False,
                "rows": [[1]],
                "points": 1,
                "late": 0,
                "queried_ms": 0.9,
                "sent": BEGIN + 2_002,
            },
            "A window with one point, as it stops",
        ),
        _tells(
            "progress",
            {"type": "progress", "plan": DOOR, "final_until": BEGIN + 2_000},
            "It is final as it was sent",
        ),
    ),
)
"""While a door opens."""

LISTENING = Conversation(
    "/v1/streams/weather/live",
    (
        _LIVE_READY,
        _tells(
            "subscribed",
            {"type": "subscribed", "id": "weather", "plan": PLAN, "columns": COLUMNS, **DURATIONS, "shared_by": 1},
            "Of the stream that the address names",
        ),
        _tells(
            "history",
            {"type": "history", "id": "weather", "plan": PLAN, "windows": [FIRST, SECOND], "more": False},
            "Its past",
        ),
        _tells("live", {"type": "live", "id": "weather", "plan": PLAN, "from": BEGIN + 20_000}, "Its past ends here"),
    ),
    {"after": str(BEGIN)},
)

SLOW = Conversation(
    "/v1/live",
    (
        _tells(
            "skipped",
            {"type": "skipped", "plan": PLAN, "windows": 12, "from": BEGIN + 10_000, "to": BEGIN + 120_000},
            "Twelve windows were left out, but for the newest",
        ),
    ),
)
"""With a client that does not read."""

RENEWAL = Conversation(
    "/v1/live",
    (
        _asks("auth", {"type": "auth", "token": TOKEN}, "First, where tokens are used; again to renew"),
        _LIVE_READY,
    ),
)
"""With a hub that has tokens."""

CONVERSATIONS = (LINE_PROTOCOL, OBJECTS, CARBON, FULL, PRESENT, PAST, LISTENING, SLOW, RENEWAL)
