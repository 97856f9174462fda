"""`/asyncapi.json`: the messages of both sockets as AsyncAPI 3.1. Sending and receiving are the hub's."""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version

from msgspec import Struct

from hub.codes import CODES, Place
from hub.contract import security
from hub.contract.channels import CHANNELS, Channel
from hub.contract.conversations import CONVERSATIONS
from hub.contract.schemas import Document, reference, schemas
from hub.messages import (
    Ack,
    Auth,
    Error,
    Explain,
    Explained,
    History,
    Live,
    LiveReady,
    Progress,
    Reject,
    Retry,
    Skipped,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Window,
    WriteReady,
)
from streams.formats.objects import SentPoint

DESCRIPTION = """\
Devices push points to `/v1/write`, and each frame is acknowledged when it is durable, never earlier. Dashboards
subscribe on `/v1/live`, and get windows of aggregates as they stop, provisional, final and corrected. What is asked
over HTTP is in `/openapi.json`.

Times are integers, milliseconds since the Unix epoch; durations are texts such as `250ms`, `10s`, `5m`, `1h`, `30d`.
Windows are half-open, `[start, stop)`, aligned to the epoch, and named by their `stop`.
"""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message of the document; `of` is its type, several of which may be in an array, or None for a text."""

    name: str
    of: type[Struct] | None
    media_type: str = "application/json"
    summary: str = ""
    is_batch: bool = False

    def payload(self) -> Document:
        """Its schema."""
        if self.of is None:
            return {"type": "string"}
        one = reference(self.of)
        return {"anyOf": [one, {"type": "array", "items": one}]} if self.is_batch else one


_LINES = "text/plain"
AUTH = Spoken("auth", Auth)
FRAMES = (
    Spoken("lines", None, _LINES, "`format=line`, the default: lines of InfluxDB line protocol."),
    Spoken("objects", SentPoint, summary="`format=json`: a point, or an array of them.", is_batch=True),
    Spoken("packed", SentPoint, "application/msgpack", "`format=msgpack`: the same, in binary frames.", is_batch=True),
    Spoken("graphite", None, _LINES, "`format=graphite`: lines of path, value and perhaps time."),
)
OUTCOMES = (Spoken("ack", Ack), Spoken("reject", Reject), Spoken("retry", Retry))
WRITE_READY, LIVE_READY = Spoken("write_ready", WriteReady), Spoken("live_ready", LiveReady)
SUBSCRIBE, UNSUBSCRIBE = Spoken("subscribe", Subscribe), Spoken("unsubscribe", Unsubscribe)
EXPLAIN, EXPLAINED, ERROR = Spoken("explain", Explain), Spoken("explained", Explained), Spoken("error", Error)
GRANTED = (Spoken("subscribed", Subscribed), Spoken("history", History), Spoken("live", Live), ERROR)
WINDOWS = (Spoken("window", Window), Spoken("progress", Progress), Spoken("skipped", Skipped))


@dataclass(frozen=True, slots=True)
class Operation:
    """What the hub does on a channel: messages that it takes, with its replies, or messages that it sends unasked."""

    name: str
    channel: str
    action: str
    summary: str
    messages: tuple[Spoken, ...]
    replies: tuple[Spoken, ...] = ()


OPERATIONS = (
    Operation("greet_device", "write", "send", "Say that frames may follow, and how large", (WRITE_READY,)),
    Operation("take_frame", "write", "receive", "Take points, and say what became of them", FRAMES, OUTCOMES),
    Operation("authenticate_device", "write", "receive", "Learn who a device is", (AUTH,), (WRITE_READY,)),
    Operation("greet_dashboard", "live", "send", "Say that subscriptions may follow", (LIVE_READY,)),
    Operation("subscribe", "live", "receive", "Grant a subscription, and tell it the past", (SUBSCRIBE,), GRANTED),
    Operation("unsubscribe", "live", "receive", "End a subscription", (UNSUBSCRIBE,), (ERROR,)),
    Operation("explain", "live", "receive", "Say what a window is made of", (EXPLAIN,), (EXPLAINED, ERROR)),
    Operation("authenticate_dashboard", "live", "receive", "Learn who a dashboard is", (AUTH,), (LIVE_READY,)),
    Operation("send_windows", "live", "send", "Send windows as they stop, are final, or change", WINDOWS),
    Operation("tell_stream", "stream", "send", "Tell the past of the stream", (LIVE_READY, *GRANTED)),
    Operation("send_stream", "stream", "send", "Send its windows as they stop, are final, or change", WINDOWS),
)


def asyncapi(host: str = "127.0.0.1:8000", protocol: str = "ws") -> Document:
    """The document, for the hub at this host and port."""
    return {**_document(), "servers": {"hub": _server(host, protocol)}}


def _server(host: str, protocol: str) -> Document:
    return {
        "host": host,
        "protocol": protocol,
        "description": "This hub. Where it has no tokens, it asks for none.",
        "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in security.ASYNCAPI],
    }


@functools.cache
def _document() -> Document:
    spoken = {message.name: message for operation in OPERATIONS for message in operation.messages + operation.replies}
    return {
        "asyncapi": "3.1.0",
        "info": {
            "title": "PXL Hub over WebSocket",
            "version": version("pxl-hub"),
            "description": DESCRIPTION,
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "channels": {channel.name: _channel(channel) for channel in CHANNELS},
        "operations": {operation.name: _operation(operation) for operation in OPERATIONS},
        "components": {
            "messages": {message.name: _message(message) for message in spoken.values()},
            "schemas": schemas(_types(spoken.values())),
            "securitySchemes": security.ASYNCAPI,
        },
        "x-codes": [
            {"name": code.name, "places": list(code.places), "meaning": code.meaning, "remedy": code.remedy}
            for code in CODES
        ],
    }


def _types(messages: Iterable[Spoken]) -> list[type[Struct]]:
    return list({message.of: None for message in messages if message.of})


def _channel(channel: Channel) -> Document:
    operations = [operation for operation in OPERATIONS if operation.channel == channel.name]
    messages = {message.name for operation in operations for message in operation.messages + operation.replies}
    query = {"type": "object", "properties": channel.query}
    described: Document = {
        "address": channel.address,
        "title": channel.title,
        "description": channel.description + _table("How the hub closes it", "close"),
        "servers": [{"$ref": "#/servers/hub"}],
        "messages": {message: {"$ref": f"#/components/messages/{message}"} for message in sorted(messages)},
        "bindings": {"ws": {"method": "GET", "query": query, "bindingVersion": "0.1.0"}},
    }
    return {**described, "parameters": channel.parameters} if channel.parameters else described


def _operation(operation: Operation) -> Document:
    described: Document = {
        "action": operation.action,
        "channel": {"$ref": f"#/channels/{operation.channel}"},
        "summary": operation.summary,
        "messages": _references(operation, operation.messages),
    }
    if operation.replies:
        described["reply"] = {
            "channel": {"$ref": f"#/channels/{operation.channel}"},
            "messages": _references(operation, operation.replies),
        }
    return described


def _references(operation: Operation, messages: Iterable[Spoken]) -> list[Document]:
    return [{"$ref": f"#/channels/{operation.channel}/messages/{message.name}"} for message in messages]


def _message(message: Spoken) -> Document:
    described: Document = {
        "name": message.name,
        "title": message.of.__name__ if message.of and not message.is_batch else message.name.capitalize(),
        "contentType": message.media_type,
        "payload": message.payload(),
    }
    if message.summary:
        described["summary"] = message.summary
    places: Mapping[str, Place] = {"reject": "reject", "error": "error"}
    if place := places.get(message.name):
        described["description"] = _table("Codes", place)
    examples = {
        said.summary: {"name": f"{message.name}_{number}", "summary": said.summary, "payload": said.payload}
        for number, said in enumerate(
            (said for conversation in CONVERSATIONS for said in conversation.said if said.message == message.name), 1
        )
    }
    return {**described, "examples": [*examples.values()]} if examples else described


def _table(title: str, place: Place) -> str:
    rows = [f"| {code.name} | {code.meaning} | {code.remedy} |" for code in CODES if place in code.places]
    return "\n".join(["", f"{title}:", "", "| code | meaning | what to do |", "|---|---|---|", *rows, ""])
