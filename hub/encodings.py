"""How messages are written on a socket, and read from it."""

from collections.abc import Callable
from enum import Enum
from typing import Any, Literal

import msgspec
from msgspec import Struct

from hub.hints import with_names
from hub.messages import Auth, Error, Explain, LiveRequest, QueryRequest, Request, Subscribe, Unsubscribe


class Unreadable(ValueError):
    """A message that is no request; the text names what is wrong in it."""


class Encoding(Enum):
    """How messages are written on a socket: `json` in text frames, `msgpack` in binary ones."""

    JSON = "json"
    MSGPACK = "msgpack"

    @property
    def subprotocol(self) -> str:
        """The name by which a client asks for it."""
        return f"hub.v1.{self.value}"

    def encode(self, message: Struct) -> bytes:
        """The message as a frame's payload."""
        return _encoders[self](message)


_encoders: dict[Encoding, Callable[[Struct], bytes]] = {
    Encoding.JSON: msgspec.json.Encoder().encode,
    Encoding.MSGPACK: msgspec.msgpack.Encoder().encode,
}
_decoders: dict[Encoding, Any] = {
    Encoding.JSON: msgspec.json.Decoder(LiveRequest),
    Encoding.MSGPACK: msgspec.msgpack.Decoder(LiveRequest),
}
_auth = msgspec.json.Decoder(Auth)


class _Addressed(Struct):
    """As much of a request as an error reply needs."""

    type: Literal["subscribe", "unsubscribe", "explain"]
    id: str


_requests: dict[str, type[Request]] = {"subscribe": Subscribe, "unsubscribe": Unsubscribe, "explain": Explain}
_addressed: dict[Encoding, Any] = {
    Encoding.JSON: msgspec.json.Decoder(_Addressed),
    Encoding.MSGPACK: msgspec.msgpack.Decoder(_Addressed),
}


def decode_request(data: str | bytes, encoding: Encoding) -> LiveRequest | Error:
    """What a dashboard asks, or the error to answer if it is wrong but says whose it is.

    Unreadable when it is no message of this protocol at all.
    """
    try:
        request: LiveRequest = _decoders[encoding].decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        reason = str(error)
    else:
        return request
    try:
        addressed = _addressed[encoding].decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Unreadable(reason) from None
    objects: dict[str, type[Struct]] = {"": _requests[addressed.type], "query": QueryRequest}
    return Error(id=addressed.id, code="invalid_message", message=with_names(reason, objects))


def decode_auth(data: bytes) -> Auth | None:
    """The `auth` message in a device's frame; None where the frame is data."""
    try:
        return _auth.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
