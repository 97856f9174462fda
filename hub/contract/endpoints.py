"""Every address that the hub answers over HTTP: what it takes, what it answers, and how it says no.

The tests hold this table against the routes, and its examples against a real hub.
"""

from collections.abc import Mapping

from msgspec import Struct

from hub.bodies import (
    Health,
    InfluxError,
    InfluxError1,
    Problem,
    Readiness,
    Schema,
    Stream,
    Streams,
    Windows,
    WindowsRequest,
)
from hub.contract.shapes import CSV, EVENTS, HTML, JSON, TEXT, Answer, Endpoint, Parameter
from hub.formats import PRECISIONS
from hub.http_write import V1
from hub.schema import DEFAULT_VALUES, MOST_VALUES

RETRY_AFTER = {"Retry-After": "Seconds after which it is worth another try."}


def _problem(meaning: str, *codes: str, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(meaning, {JSON: Problem}, codes, headers or {})


_NAME = Parameter("name", "path", "The stream's name, as in the configuration file.")
_WHERE = Parameter(
    "where",
    "query",
    "`where.TAG=value` narrows to series with this value of the tag; given several times, to any of the values; an "
    "empty value means that the tag is missing.",
    {"type": "object", "patternProperties": {r"^where\.": {"type": "array", "items": {"type": "string"}}}},
)
_TIME = {"type": "string", "description": "Milliseconds since the Unix epoch, or RFC 3339 with a time zone."}
_DURATION = {"type": "string", "pattern": "^[0-9]{1,15}(ms|s|m|h|d|w)$"}
_MILLISECONDS = {"type": "integer", "format": "int64"}

_COSTLY = ("too_many_windows", "range_too_long", "too_many_groups")
_ASKING = {
    400: _problem("The request, or its query, cannot be understood.", "invalid_request", "invalid_query", *_COSTLY),
    503: _problem(
        "The database does not answer.", "store_unavailable", "store_misconfigured", "overloaded", headers=RETRY_AFTER
    ),
}
_KNOWN = {
    401: _problem(
        "The hub has tokens, and none that it knows was sent.",
        "unauthenticated",
        headers={"WWW-Authenticate": "`Bearer`."},
    ),
    403: _problem("The token does not allow this.", "forbidden"),
}
_UNKNOWN = {404: _problem("There is no such stream.", "unknown_stream")}
_BODY = {
    408: _problem("The body took too long to arrive.", "too_slow"),
    413: _problem("The body is too large.", "too_large"),
}
_WINDOWS = {200: Answer("Final windows, oldest first.", {JSON: Windows, CSV: None})}

STREAMS = (
    Endpoint(
        name="streams",
        method="GET",
        path="/v1/streams",
        group="Windows",
        summary="List the named streams",
        answers={200: Answer("Those that the token may read, and their columns.", {JSON: Streams}), **_KNOWN},
    ),
    Endpoint(
        name="stream",
        method="GET",
        path="/v1/streams/{name}",
        group="Windows",
        summary="Describe a stream",
        parameters=(_NAME,),
        answers={200: Answer("The stream and its columns.", {JSON: Stream}), **_KNOWN, **_UNKNOWN},
    ),
    Endpoint(
        name="windows",
        method="GET",
        path="/v1/streams/{name}/windows",
        group="Windows",
        summary="Get a stream's final windows",
        details=(
            "Those that stopped later than `start` and not later than `stop`; without times the latest hundred. With "
            "`Accept: text/csv` as CSV, a line for each row."
        ),
        parameters=(
            _NAME,
            Parameter("start", "query", "Windows that stop later than this.", _TIME),
            Parameter("stop", "query", "Windows that stop no later than this; now, if not given.", _TIME),
            Parameter("history", "query", "How long before `stop` the start is; instead of `start`.", _DURATION),
            _WHERE,
        ),
        answers={**_WINDOWS, **_ASKING, **_KNOWN, **_UNKNOWN},
    ),
    Endpoint(
        name="events",
        method="GET",
        path="/v1/streams/{name}/events",
        group="Windows",
        summary="Follow a stream's windows as server-sent events",
        details=(
            "The messages of `/v1/live` as the data of events, without end. A browser's EventSource goes on where it "
            "was cut off; with tokens, which it cannot send, read events with `fetch`."
        ),
        parameters=(
            _NAME,
            Parameter("history", "query", "Begin with the windows that stopped less than this ago.", _DURATION),
            Parameter("after", "query", "Begin with the windows that stopped later than this.", _MILLISECONDS),
            Parameter(
                "seen", "query", "With `after`: the highest `sent` that came, to hear of corrections.", _MILLISECONDS
            ),
            _WHERE,
            Parameter("Last-Event-ID", "header", "What EventSource sends when it comes back.", _MILLISECONDS),
        ),
        answers={
            200: Answer("Events, as they come.", {EVENTS: None}),
            400: _ASKING[400],
            429: _problem(
                "The address or the token has too many connections.",
                "too_many_connections_of_address",
                "too_many_connections_of_token",
                headers=RETRY_AFTER,
            ),
            503: _problem("There are too many connections.", "too_many_connections", headers=RETRY_AFTER),
            **_KNOWN,
            **_UNKNOWN,
        },
    ),
    Endpoint(
        name="query",
        method="POST",
        path="/v1/query",
        group="Windows",
        summary="Get the windows of any query",
        details="Final windows of a `query`, or of a named `stream`, without a subscription.",
        body={JSON: WindowsRequest},
        answers={**_WINDOWS, **_ASKING, **_KNOWN, **_UNKNOWN, **_BODY},
    ),
    Endpoint(
        name="schema",
        method="GET",
        path="/v1/schema",
        group="Windows",
        summary="See what there is to ask for",
        parameters=(
            Parameter("measurement", "query", "Only this one."),
            Parameter(
                "values",
                "query",
                "Values of each tag that are listed.",
                {"type": "integer", "minimum": 0, "maximum": MOST_VALUES, "default": DEFAULT_VALUES},
            ),
        ),
        answers={200: Answer("Measurements, tags with values, and fields.", {JSON: Schema}), **_ASKING, **_KNOWN},
    ),
)

_UNKEPT = "Nothing can be kept now: send all of it again later."
_WRITE_DETAILS = (
    "The same checks and the same promise as on `/v1/write`: 204 says that every line is durable. Good lines are "
    "stored when others are bad. The body may be compressed with gzip."
)


def _ignored(*names: str) -> tuple[Parameter, ...]:
    return tuple(Parameter(name, "query", "Accepted and ignored.") for name in names)


def _influx_answers(error: type[Struct]) -> dict[int, Answer]:
    return {
        204: Answer("Every line is durable."),
        400: Answer("Some lines are no line protocol; the message names them. The others are stored.", {JSON: error}),
        401: Answer("The hub has tokens, and none that it knows was sent.", {JSON: error}),
        408: Answer("The body took too long to arrive.", {JSON: error}),
        413: Answer("The body is larger than `max_body_bytes`.", {JSON: error}),
        503: Answer(_UNKEPT, {JSON: error}, headers=RETRY_AFTER),
    }


INFLUXDB = (
    Endpoint(
        name="write",
        method="POST",
        path="/api/v2/write",
        group="InfluxDB's clients",
        summary="Write line protocol, as to InfluxDB 2",
        details=_WRITE_DETAILS,
        parameters=(
            Parameter(
                "precision", "query", "The unit of times.", {"type": "string", "enum": [*PRECISIONS], "default": "ns"}
            ),
            *_ignored("org", "bucket"),
        ),
        body={TEXT: None},
        answers={
            **_influx_answers(InfluxError),
            422: Answer("Some points cannot be stored; the message names them. The others are.", {JSON: InfluxError}),
        },
    ),
    Endpoint(
        name="write_v1",
        method="POST",
        path="/write",
        group="InfluxDB's clients",
        summary="Write line protocol, as to InfluxDB 1",
        details=_WRITE_DETAILS,
        parameters=(
            Parameter(
                "precision",
                "query",
                "The unit of times.",
                {"type": "string", "enum": [name for name in V1.precisions if name], "default": "ns"},
            ),
            *_ignored("db", "rp", "consistency"),
            Parameter("u", "query", "Ignored by a hub without tokens; others take no secrets in addresses."),
            Parameter("p", "query", "Ignored by a hub without tokens; others take no secrets in addresses."),
        ),
        body={TEXT: None},
        answers=_influx_answers(InfluxError1),
    ),
    Endpoint(
        name="ping",
        method="GET",
        path="/ping",
        group="InfluxDB's clients",
        summary="Ask whether the hub is there",
        answers={204: Answer("It is.")},
        is_open=True,
    ),
    Endpoint(
        name="health",
        method="GET",
        path="/health",
        group="InfluxDB's clients",
        summary="Ask for the health, as of InfluxDB 2",
        answers={200: Answer("It can acknowledge.", {JSON: Health}), 503: Answer("It cannot.", {JSON: Health})},
        is_open=True,
    ),
)

OPERATIONS = (
    Endpoint(
        name="alive",
        method="GET",
        path="/healthz",
        group="Operation",
        summary="Ask whether the process works",
        answers={200: Answer("It does.", {JSON: None})},
        is_open=True,
    ),
    Endpoint(
        name="ready",
        method="GET",
        path="/readyz",
        group="Operation",
        summary="Ask whether the hub can acknowledge",
        answers={
            200: Answer("It can.", {JSON: Readiness}),
            503: Answer("It cannot; the body says what keeps it.", {JSON: Readiness}),
        },
        is_open=True,
    ),
    Endpoint(
        name="metrics",
        method="GET",
        path="/metrics",
        group="Operation",
        summary="Get the metrics, for Prometheus",
        details="With tokens it takes one with the grant `admin`.",
        answers={200: Answer("Prometheus's text format.", {TEXT: None}), **_KNOWN},
    ),
)

DOCUMENTS = (
    Endpoint(
        name="openapi",
        method="GET",
        path="/openapi.json",
        group="This contract",
        summary="Get this document",
        answers={200: Answer("OpenAPI 3.1.", {JSON: None})},
        is_open=True,
    ),
    Endpoint(
        name="asyncapi",
        method="GET",
        path="/asyncapi.json",
        group="This contract",
        summary="Get the contract of the sockets",
        answers={200: Answer("AsyncAPI 3.1.", {JSON: None})},
        is_open=True,
    ),
    Endpoint(
        name="docs",
        method="GET",
        path="/docs",
        group="This contract",
        summary="Read and try all of this",
        answers={200: Answer("A page.", {HTML: None})},
        is_open=True,
    ),
    Endpoint(
        name="page",
        method="GET",
        path="/",
        group="This contract",
        summary="See the live charts",
        answers={200: Answer("The dashboard.", {HTML: None})},
        is_open=True,
    ),
)

ENDPOINTS = (*STREAMS, *INFLUXDB, *OPERATIONS, *DOCUMENTS)
