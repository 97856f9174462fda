"""What is asked over HTTP, and what a hub answers: the tests make these requests of a real one, in this order.

The story is a weather station's first minute. The tests move its times, which all lie within a minute of BEGIN, to
the present, and let what differs from run to run differ: see `VARYING`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

BEGIN = 1_767_225_600_000
"""When the story begins, milliseconds since the epoch: 2026-01-01T00:00:00Z."""

VARYING = frozenset({"from", "query", "session", "time", "sent", "queried_ms", "query_ms"})
"""Keys whose values are another at each run."""

CONFIGURATION = """\
[streams.weather]
measurement = "weather"
select = { temp = ["mean", "max"], hum = ["last"] }
group_by = ["site"]
every = "10s"
"""
"""The stream of the story."""

PLAN = "555fd12cd71f23fa"
COLUMNS = [
    {"name": "site", "kind": "tag"},
    {"name": "temp.mean", "kind": "float", "unit": None},
    {"name": "temp.max", "kind": "float", "unit": None},
    {"name": "hum.last", "kind": "integer", "unit": None},
]
DURATIONS = {"window_ms": 10_000, "every_ms": 10_000, "grace_ms": 1_000}
WEATHER = {
    "name": "weather",
    "measurement": "weather",
    "plan": PLAN,
    "where": {},
    "columns": COLUMNS,
    **DURATIONS,
}
LINES = f"""\
weather,site=roof temp=21.5,hum=48i {BEGIN + 1_000}
weather,site=roof temp=22.5,hum=47i {BEGIN + 6_000}
weather,site=yard temp=19.0,hum=60i {BEGIN + 11_000}
"""
FIRST = {
    "start": BEGIN,
    "stop": BEGIN + 10_000,
    "revision": 0,
    "final": True,
    "rows": [["roof", 22.0, 22.5, 47]],
}
SECOND = {
    "start": BEGIN + 10_000,
    "stop": BEGIN + 20_000,
    "revision": 0,
    "final": True,
    "rows": [["yard", 19.0, 19.0, 60]],
}
TIMES = {"start": str(BEGIN), "stop": str(BEGIN + 20_000)}
WINDOWS = {
    "plan": PLAN,
    "columns": COLUMNS,
    **DURATIONS,
    "final_until": BEGIN + 20_000,
    "windows": [FIRST, SECOND],
}

_SUBSCRIBED = {"type": "subscribed", "id": "weather", "plan": PLAN, "columns": COLUMNS, **DURATIONS, "shared_by": 1}
_LIVE = {"type": "live", "id": "weather", "plan": PLAN, "from": BEGIN + 20_000}


def _told(window: Mapping[str, Any], points: int) -> bytes:
    sent = {"points": points, "late": 0, "queried_ms": 0.9, "sent": BEGIN + 20_000}
    return msgspec.json.encode({"type": "window", "plan": PLAN, **window, **sent})


EVENTS = f"""\
retry: 1862

data: {msgspec.json.encode(_SUBSCRIBED).decode()}

id: {FIRST["stop"]}
data: {_told(FIRST, 2).decode()}

id: {SECOND["stop"]}
data: {_told(SECOND, 1).decode()}

data: {msgspec.json.encode(_LIVE).decode()}

"""
HEALTH = {
    "name": "pxl-hub",
    "message": "ready for queries and writes",
    "status": "pass",
    "checks": [{"name": "store", "status": "pass", "message": None}],
    "version": "2.9.1",
    "commit": "none",
}
READY = {
    "ready": True,
    "store": {"name": "duckdb::memory:", "ok": True, "message": None},
    "spool": None,
    "queries": {"plans": 0, "streams": 1},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A request of an endpoint and its answer: JSON as it is decoded, other text as it stands, None for no body.

    The answer of one that asks for what is just now is not the same twice, and not shown: `is_steady` is false.
    """

    name: str
    endpoint: str
    summary: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    accept: str | None = None
    authorization: str | None = None
    body: Any = None
    status: int = 200
    answer: Any = None
    is_steady: bool = True


EXAMPLES = (
    Example(
        name="now",
        endpoint="write",
        summary="A point without a time, which gets the hub's",
        body="weather,site=roof temp=21.5,hum=48i\n",
        status=204,
    ),
    Example(
        name="three_points",
        endpoint="write",
        summary="Three points, their times in milliseconds",
        parameters={"precision": "ms"},
        body=LINES,
        status=204,
    ),
    Example(
        name="bad_line",
        endpoint="write",
        summary="A line without a value: the other one is stored",
        parameters={"precision": "ms"},
        body=f"rain,site=roof fallen= {BEGIN}\nrain,site=roof fallen=0.2 {BEGIN}\n",
        status=400,
        answer={
            "code": "invalid",
            "message": (
                f"partial write: line 1: unable to parse 'rain,site=roof fallen= {BEGIN}': "
                "a field has no value after its '=' dropped=1"
            ),
            "line": 1,
        },
    ),
    Example(
        name="wrong_type",
        endpoint="write",
        summary="A text where numbers are stored",
        parameters={"precision": "ms"},
        body=f'weather,site=roof temp="warm" {BEGIN + 2_000}\n',
        status=422,
        answer={
            "code": "unprocessable entity",
            "message": "line 1: field 'temp' of measurement 'weather' is float, not string dropped=1",
            "line": 1,
        },
    ),
    Example(
        name="one_point",
        endpoint="write_v1",
        summary="A point, its time in milliseconds",
        parameters={"db": "any", "precision": "ms"},
        body=f"rain,site=yard fallen=0.4 {BEGIN}\n",
        status=204,
    ),
    Example(name="all", endpoint="streams", summary="The streams", answer={"streams": [WEATHER]}),
    Example(name="weather", endpoint="stream", summary="A stream", parameters={"name": "weather"}, answer=WEATHER),
    Example(
        name="misspelt",
        endpoint="stream",
        summary="A stream that there is not",
        parameters={"name": "wether"},
        status=404,
        answer={
            "code": "unknown_stream",
            "message": "no stream is named 'wether'; did you mean 'weather'? There are weather",
            "remedy": (
                "Use one of those that the message and GET /v1/streams name, or define it in the configuration file."
            ),
        },
    ),
    Example(
        name="latest",
        endpoint="windows",
        summary="Those of the last minute",
        parameters={"name": "weather", "history": "1m"},
        is_steady=False,
    ),
    Example(
        name="two_windows",
        endpoint="windows",
        summary="Two windows",
        parameters={"name": "weather", **TIMES},
        answer=WINDOWS,
    ),
    Example(
        name="as_csv",
        endpoint="windows",
        summary="The same as CSV",
        parameters={"name": "weather", **TIMES},
        accept="text/csv",
        answer=(
            "start,stop,revision,site,temp.mean,temp.max,hum.last\r\n"
            f"{BEGIN},{BEGIN + 10_000},0,roof,22.0,22.5,47\r\n"
            f"{BEGIN + 10_000},{BEGIN + 20_000},0,yard,19.0,19.0,60\r\n"
        ),
    ),
    Example(
        name="of_one_site",
        endpoint="windows",
        summary="Only one site",
        parameters={"name": "weather", **TIMES, "where.site": "yard"},
        answer={**WINDOWS, "plan": "27cc896519253fb9", "windows": [{**FIRST, "rows": []}, SECOND]},
    ),
    Example(
        name="no_time",
        endpoint="windows",
        summary="A time that is none",
        parameters={"name": "weather", "start": "yesterday"},
        status=400,
        answer={
            "code": "invalid_query",
            "message": (
                "start: 'yesterday' is no time; "
                "write milliseconds since 1970, or 2026-01-31T12:00:00Z with its time zone"
            ),
            "remedy": "Correct that key.",
        },
    ),
    Example(
        name="from_now_on",
        endpoint="events",
        summary="Those of the last minute, then those to come",
        parameters={"name": "weather", "history": "1m"},
        is_steady=False,
    ),
    Example(
        name="from_the_past_on",
        endpoint="events",
        summary="The windows of the past, then those to come",
        parameters={"name": "weather", "after": str(BEGIN)},
        answer=EVENTS,
    ),
    Example(
        name="latest",
        endpoint="query",
        summary="The mean of the last minutes",
        body={
            "query": {"measurement": "weather", "select": {"temp": ["mean"]}, "group_by": ["site"], "every": "10s"},
            "history": "5m",
        },
        is_steady=False,
    ),
    Example(
        name="hottest",
        endpoint="query",
        summary="The highest temperature on the roof",
        body={
            "query": {"measurement": "weather", "select": {"temp": ["max"]}, "where": {"site": "roof"}, "every": "10s"},
            "start": BEGIN,
            "stop": BEGIN + 10_000,
        },
        answer={
            "plan": "805dd47f36f82b28",
            "columns": [{"name": "temp.max", "kind": "float", "unit": None}],
            **DURATIONS,
            "final_until": BEGIN + 10_000,
            "windows": [{**FIRST, "rows": [[22.5]]}],
        },
    ),
    Example(
        name="no_aggregate",
        endpoint="query",
        summary="An aggregate that there is not",
        body={"query": {"measurement": "weather", "select": {"temp": ["average"]}, "every": "10s"}},
        status=400,
        answer={
            "code": "invalid_query",
            "message": (
                "select.temp: 'average' is no aggregate; there are count sum mean min max first last spread stddev "
                "median mode distinct rate increase integral and p1 to p99.9"
            ),
            "remedy": "Correct that key.",
        },
    ),
    Example(
        name="weather",
        endpoint="schema",
        summary="One measurement",
        parameters={"measurement": "weather"},
        answer={
            "measurements": [
                {
                    "name": "weather",
                    "tags": [{"name": "site", "values": ["roof", "yard"], "more": False}],
                    "fields": [{"name": "hum", "kinds": ["integer"]}, {"name": "temp", "kinds": ["float"]}],
                }
            ],
            "more": False,
        },
    ),
    Example(name="there", endpoint="ping", summary="It is there", status=204),
    Example(name="passes", endpoint="health", summary="It can acknowledge", answer=HEALTH),
    Example(name="alive", endpoint="alive", summary="It works", answer={"status": "alive"}),
    Example(name="ready", endpoint="ready", summary="It can acknowledge", answer=READY),
)
