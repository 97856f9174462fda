"""The addresses of the sockets: what each is for, and the parameters that it takes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.formats import FORMATS, PRECISIONS

WRITE = """\
A frame is a batch of points. Frames are numbered from 1 on each connection, in the order sent; nothing in the frame
carries that number. Each gets exactly one outcome: an `ack` covers every frame up to its number that has no outcome of
its own. After a reconnect a device sends every unacknowledged frame again: points are idempotent, and count once.
"""
LIVE = """\
Subscriptions in, windows out. A window is sent when it stops, with `final` false, and again with a higher `revision`
when its rows change: `grace` after its stop it is final, and a late point still corrects it. Who reconnects gives
`after`, the highest `final_until` it has had, and `seen`, the highest `sent`, and misses nothing.

`/v1/streams/NAME/live` is the same socket with that stream subscribed to already, for programs that can only listen;
`history`, `after`, `seen` and `where.TAG` are parameters of its address.

The subprotocol chooses the encoding: `hub.v1.json`, the default, in text frames, or `hub.v1.msgpack` in binary ones.
"""
STREAM = """\
For programs that can open a socket and listen, but say nothing: a subscription to the stream that the address names,
with its name as `id`. What may be said on `/v1/live` may be said here, too.
"""

Schemas = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Channel:
    """An address; `query` has the schema of each parameter, `parameters` the meaning of each part of the address."""

    name: str
    address: str
    title: str
    description: str
    query: Schemas
    parameters: Schemas = field(default_factory=dict)


_WRITE_QUERY: Schemas = {
    "format": {"type": "string", "enum": [*FORMATS], "default": "line", "description": "What frames are."},
    "precision": {
        "type": "string",
        "enum": [*PRECISIONS],
        "description": "The unit of times: ns for line and msgpack, ms for json, s for graphite, if not given.",
    },
    "template": {
        "type": "string",
        "description": "For graphite: what the parts of a path are, as in Telegraf; can be repeated.",
    },
    "backfill": {
        "type": "string",
        "enum": ["true", "false"],
        "default": "false",
        "description": (
            "Old points are coming: the limit on old times does not hold, and the windows that they touch are "
            "corrected once, when the device has paused for 10 s or closed."
        ),
    },
}
_STREAM_QUERY: Schemas = {
    "history": {"type": "string", "description": "Begin with the windows that stopped less than this ago: 10m."},
    "after": {"type": "integer", "description": "Begin with the windows that stopped later than this."},
    "seen": {"type": "integer", "description": "With after: the highest sent that came, to hear of corrections."},
}

CHANNELS = (
    Channel("write", "/v1/write", "Points in, acknowledgements out", WRITE, _WRITE_QUERY),
    Channel("live", "/v1/live", "Subscriptions in, windows out", LIVE, {}),
    Channel(
        "stream",
        "/v1/streams/{name}/live",
        "A stream's windows out",
        STREAM,
        _STREAM_QUERY,
        {"name": {"description": "The stream's name, as in the configuration file."}},
    ),
)
