"""One catalogue of everything the hub says no with: errors, rejects and close codes, each with its remedy."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

Place = Literal["error", "reject", "close", "http", "cut"]


@dataclass(frozen=True, slots=True)
class Code:
    """A code, where it is met, what it means and what the reader of it should do.

    `name` is what a program reads: the `code` of an error, of a rejected point or of an HTTP error's body, or the
    number of a close code as text. A connection that is `cut` is told nothing; the metrics count it by the name.
    """

    name: str
    places: tuple[Place, ...]
    meaning: str
    remedy: str


class Close(IntEnum):
    """The WebSocket close codes that the hub sends."""

    GOING_AWAY = 1001
    WRONG_KIND = 1003
    BAD_UTF8 = 1007
    TOO_BIG = 1009
    INTERNAL = 1011
    RESTART = 1012
    OVERLOADED = 1013
    UNREADABLE = 4400
    UNAUTHENTICATED = 4401
    FORBIDDEN = 4403
    SILENT = 4408
    TOO_MANY = 4413
    TOO_FAST = 4429
    STALLED = 4508


def _close(code: Close, meaning: str, remedy: str) -> Code:
    return Code(str(int(code)), ("close",), meaning, remedy)


def _reject(name: str, meaning: str, remedy: str = "Correct what the device sends.") -> Code:
    return Code(name, ("reject",), meaning, remedy)


CODES: tuple[Code, ...] = (
    Code(
        "invalid_message",
        ("error",),
        "The request names what it is for but cannot be read; the message names the key that is wrong.",
        "Correct that key.",
    ),
    Code(
        "unknown_stream",
        ("error", "http"),
        "No stream of this name is defined.",
        "Use one of those that the message and GET /v1/streams name, or define it in the configuration file.",
    ),
    Code(
        "invalid_query",
        ("error", "http"),
        "The query cannot be answered as it stands; the message names the key and what it wants.",
        "Correct that key.",
    ),
    Code(
        "unauthenticated",
        ("error", "http"),
        "No token was given, or it has expired, was revoked or is not known here.",
        "Send `Authorization: Bearer TOKEN` with a token that `pxl-hub token add` has made, or your issuer.",
    ),
    Code(
        "forbidden",
        ("error", "http", "reject"),
        "The token does not allow this; the message says what it does not allow.",
        "Use a token that does: `pxl-hub token list` shows what each may do.",
    ),
    Code(
        "no_tokens",
        ("http",),
        "The request came over the network to a hub that no token is configured for.",
        "Make a token with `pxl-hub token add`, and start the hub with --tokens.",
    ),
    Code(
        "token_in_address",
        ("http",),
        "The address has a parameter for secrets, and addresses get into logs.",
        "Send the token in the Authorization header, and make another: this one may have been seen.",
    ),
    Code(
        "origin_not_allowed",
        ("http",),
        "A page of another site sent the request.",
        "Name the page's origin in allowed_origins if it may use this hub.",
    ),
    Code(
        "host_not_allowed",
        ("http",),
        "A hub without tokens was called by a name that is not this machine's own.",
        "Use http://127.0.0.1, name the page's origin in allowed_origins, or give the hub tokens.",
    ),
    Code("id_in_use", ("error",), "A subscription with this id is open on this socket.", "Choose another id."),
    Code(
        "unknown_id",
        ("error",),
        "No subscription with this id is open on this socket.",
        "Use an id that a subscribe message named and no unsubscribe has ended.",
    ),
    Code(
        "too_many_subscriptions",
        ("error",),
        "The socket has as many subscriptions as the hub allows it.",
        "Unsubscribe from some, or raise max_subscriptions.",
    ),
    Code(
        "too_many_windows",
        ("error", "http"),
        "More windows of the past are asked for than max_history allows.",
        "Ask for less of the past at once, or for a longer `every`.",
    ),
    Code(
        "range_too_long",
        ("error", "http"),
        "More of the past is asked for than max_range allows.",
        "Ask for less of the past at once.",
    ),
    Code(
        "too_many_groups",
        ("error", "http"),
        "A window has more rows than max_groups allows.",
        "Group by fewer tags, or narrow the query with where.",
    ),
    Code(
        "too_many_requests",
        ("http",),
        "The address sends requests faster than max_request_rate allows.",
        "Send them more slowly; come back after Retry-After.",
    ),
    Code(
        "slow_headers",
        ("cut",),
        "The headers of the request, or of the handshake, took longer than header_timeout.",
        "Send them at once.",
    ),
    Code(
        "too_many_questions",
        ("error",),
        "As many windows are being explained on this socket as the hub allows.",
        "Ask again when an answer has come.",
    ),
    Code(
        "store_unavailable",
        ("error", "http"),
        "The database does not answer, or not in time; nothing is lost, and windows follow when it does.",
        "Wait; a request that failed may be sent again after retry_after_ms.",
    ),
    Code(
        "store_misconfigured",
        ("error", "http"),
        "The database refuses the hub's token, organisation or bucket.",
        "The hub's operator has to correct them.",
    ),
    Code("internal", ("error", "http"), "A fault of the hub's own; its log has the details.", "Report it."),
    Code("invalid_request", ("http",), "The request cannot be understood.", "Correct it as the message says."),
    Code("too_large", ("http",), "The body is larger than max_body_bytes.", "Send less at once."),
    Code("too_slow", ("http",), "The body took too long to arrive.", "Send it again, or less of it."),
    Code(
        "too_many_connections",
        ("http",),
        "The hub has as many connections as max_connections allows.",
        "Come back after Retry-After, with jitter.",
    ),
    Code(
        "too_many_connections_of_address",
        ("http",),
        "The address has as many connections as max_connections_per_address allows.",
        "Close some; come back after Retry-After, with jitter.",
    ),
    Code(
        "too_many_connections_of_token",
        ("http",),
        "The token has as many connections as max_connections_per_token allows.",
        "Close some, or give each device a token of its own.",
    ),
    Code("overloaded", ("http",), "The hub has more to do than it can.", "Send it again after Retry-After."),
    Code("not_found", ("http",), "Nothing is at this address.", "GET /docs lists the addresses."),
    Code(
        "method_not_allowed",
        ("http",),
        "The address exists, but does not take this method.",
        "Use a method that the Allow header names.",
    ),
    _reject("not_utf8", "The line is not UTF-8."),
    _reject("missing_measurement", "The point has no measurement."),
    _reject("missing_tag_key", "A tag has no name."),
    _reject("missing_tag_value", "A tag has no value.", "Leave out tags that have none."),
    _reject("invalid_tag", "A tag cannot be read."),
    _reject("duplicate_tag", "A tag is given twice."),
    _reject("reserved_name", "A tag or field has a name that the database keeps to itself.", "Choose another name."),
    _reject("key_too_long", "Measurement and tags together are longer than the database can index.", "Shorten them."),
    _reject("invalid_name", "A name has characters that cannot be stored.", "Choose another name."),
    _reject("missing_fields", "The point has no field."),
    _reject("missing_field_key", "A field has no name."),
    _reject("missing_field_value", "A field has no value.", "Leave out fields that have none."),
    _reject("invalid_field", "A field cannot be read."),
    _reject("invalid_number", "A number cannot be read, or is none that can be stored, such as NaN."),
    _reject("invalid_boolean", "A boolean is none of t, T, true, True, TRUE, f, F, false, False, FALSE."),
    _reject("invalid_string", "A string has no closing quote, or something follows it."),
    _reject("out_of_range", "A number does not fit its type.", "Send it as a float, or within the range."),
    _reject("invalid_point", "The object is no point: it needs measurement and fields, and may have tags and time."),
    _reject("invalid_time", "The time is no whole number."),
    _reject(
        "too_old",
        "The time is further in the past than accept_from allows.",
        "Check the device's clock and precision; replay old points with backfill=true.",
    ),
    _reject(
        "too_new",
        "The time is further in the future than accept_until allows.",
        "Check the device's clock and precision.",
    ),
    _reject("time_out_of_range", "The time is outside what can be stored.", "Check the device's clock and precision."),
    _reject(
        "field_type",
        "The field is stored with another type, which the message names.",
        "Send the field with that type, or under another name.",
    ),
    _reject("too_many_points", "The frame has more points than max_frame_points.", "Send smaller frames."),
    _reject("too_many_tags", "The point has more tags than max_tags.", "Make fields of some, or leave them out."),
    _reject(
        "too_many_fields",
        "The point has more fields than max_fields.",
        "Send some in another point of the same tags and time: they merge.",
    ),
    _reject("name_too_long", "A measurement, tag or field has a name longer than max_name_bytes.", "Shorten it."),
    _reject("value_too_long", "A tag's value or a string is longer than max_value_bytes.", "Shorten it."),
    _reject(
        "too_many_series",
        "The device has brought as many new series in this hour as max_new_series allows.",
        "Put what changes all the time into fields, not into tags; or raise max_new_series.",
    ),
    _reject("unreadable_frame", "The frame as a whole cannot be read, so none of its points was stored."),
    _reject(
        "stamped_tag",
        "The point has a tag with another value than the token puts on every point.",
        "Leave the tag out: the hub puts it there.",
    ),
    _reject("refused_by_store", "The database refused the point for the reason that the message gives."),
    _close(
        Close.GOING_AWAY,
        "The hub stops.",
        'Reconnect after the time that the reason gives, {"retry_after_ms":N}, with jitter.',
    ),
    _close(
        Close.WRONG_KIND,
        "A text frame came where binary ones are spoken, or the reverse.",
        "Send JSON in text frames and MessagePack in binary ones.",
    ),
    _close(Close.BAD_UTF8, "A text frame is not UTF-8.", "Correct the encoding."),
    _close(Close.TOO_BIG, "A frame is larger than max_frame_bytes.", "Send smaller frames."),
    _close(
        Close.INTERNAL,
        "A fault of the hub's own; its log has the details.",
        "Reconnect after a while, with jitter, and report it.",
    ),
    _close(
        Close.RESTART,
        "The hub restarts.",
        'Reconnect after the time that the reason gives, {"retry_after_ms":N}, with jitter.',
    ),
    _close(
        Close.OVERLOADED,
        "The hub has more to do than it can.",
        'Reconnect after the time that the reason gives, {"retry_after_ms":N}, with jitter.',
    ),
    _close(
        Close.UNREADABLE,
        "A message or a parameter of the address cannot be read; the reason names what is wrong.",
        "Correct the client; the same again fails again.",
    ),
    _close(Close.UNAUTHENTICATED, "No token was given, or it has expired.", "Get a token and reconnect."),
    _close(Close.FORBIDDEN, "The token does not allow this.", "Get a token that does."),
    _close(Close.SILENT, "No auth message came in time, or no answer to a ping.", "Reconnect."),
    _close(Close.TOO_MANY, "There are too many connections.", "Wait before reconnecting, with jitter."),
    _close(Close.TOO_FAST, "Messages come faster than the limit allows.", "Send more slowly."),
    _close(
        Close.STALLED,
        "The client stopped reading and was cut off; it may see 1006 instead.",
        "Reconnect, with after.",
    ),
)


def remedy_of(name: str) -> str:
    """What the catalogue advises; KeyError for a code that it does not have."""
    return _REMEDIES[name]


_REMEDIES = {code.name: code.remedy for code in CODES}


class SessionOver(Exception):
    """The peer did what ends its session: close the socket with this code and reason."""

    def __init__(self, code: Close, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
