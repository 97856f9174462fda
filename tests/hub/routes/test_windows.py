"""Windows of the past over HTTP, from a whole hub with points in it."""

import csv
import io
import json
import urllib.parse
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from hub.settings import Settings
from tests.hub.running import Answer, RunningHub, running_hub

CONFIGURATION = """
[streams.weather]
measurement = "weather"
select = {temp = ["mean", "count"]}
group_by = ["site"]
every = "10s"
"""
BEGIN = int(datetime.now(UTC).timestamp() - 600) // 10 * 10
"""When the points begin, seconds since the epoch."""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    folder = tmp_path_factory.mktemp("hub")
    (folder / "hub.toml").write_text(CONFIGURATION)
    settings = Settings(
        store="duckdb::memory:",
        data_folder=str(folder),
        config=str(folder / "hub.toml"),
        max_history=1_000,
        max_body_bytes=10_000,
    )
    with running_hub(settings) as hub:
        lines = [f"weather,site={site} temp={n} {BEGIN + n}" for n in range(30) for site in ("a", "b")]
        lines.append(f"weather temp=-1.5 {BEGIN + 20}")
        written = hub.get("/api/v2/write?precision=s", "POST", body="\n".join(lines).encode())
        assert written.status == 204
        yield hub


def windows(hub: RunningHub, query: str = "", **headers: str) -> Answer:
    return hub.get(f"/v1/streams/weather/windows?{query}", headers=headers)


def of_points(extra: str = "") -> str:
    return f"start={BEGIN * 1_000}&stop={(BEGIN + 30) * 1_000}{extra}"


def ask(hub: RunningHub, **body: Any) -> Answer:
    return hub.get("/v1/query", "POST", body=json.dumps(body).encode())


def test_windows_of_a_stream_as_json(hub: RunningHub) -> None:
    answer = windows(hub, of_points())
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    body = answer.body
    assert body["plan"] == hub.get("/v1/streams/weather").body["plan"]
    assert [column["name"] for column in body["columns"]] == ["site", "temp.mean", "temp.count"]
    assert [column["kind"] for column in body["columns"]] == ["tag", "float", "integer"]
    assert (body["window_ms"], body["every_ms"], body["grace_ms"]) == (10_000, 10_000, 1_000)
    assert body["final_until"] == (BEGIN + 30) * 1_000
    first, second, third = body["windows"]
    assert first == {
        "start": BEGIN * 1_000,
        "stop": (BEGIN + 10) * 1_000,
        "revision": 0,
        "final": True,
        "rows": [["a", 4.5, 10], ["b", 4.5, 10]],
    }
    assert second["rows"] == [["a", 14.5, 10], ["b", 14.5, 10]]
    assert third["rows"] == [[None, -1.5, 1], ["a", 24.5, 10], ["b", 24.5, 10]]


def test_windows_of_a_stream_as_csv(hub: RunningHub) -> None:
    answer = windows(hub, of_points(), accept="text/csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["vary"] == "accept"
    lines = list(csv.reader(io.StringIO(answer.text)))
    assert lines[0] == ["start", "stop", "revision", "site", "temp.mean", "temp.count"]
    assert len(lines) == 8
    assert lines[1] == [str(BEGIN * 1_000), str((BEGIN + 10) * 1_000), "0", "a", "4.5", "10"]
    assert lines[5][3:] == ["", "-1.5", "1"]


def test_times_may_be_written_as_people_do(hub: RunningHub) -> None:
    def shown(second: int) -> str:
        return datetime.fromtimestamp(second, UTC).isoformat()

    query = urllib.parse.urlencode({"start": shown(BEGIN), "stop": shown(BEGIN + 30)})
    assert windows(hub, query).body == windows(hub, of_points()).body


def test_without_times_the_latest_windows_come(hub: RunningHub) -> None:
    body = windows(hub).body
    stops = [window["stop"] for window in body["windows"]]
    assert stops[-1] == body["final_until"]
    assert stops == list(range(stops[0], stops[-1] + 1, 10_000))
    assert 98 <= len(stops) <= 100
    assert len(windows(hub, "history=1m").body["windows"]) in (5, 6)


def test_what_is_not_final_yet_is_not_given(hub: RunningHub) -> None:
    assert windows(hub, f"start={(BEGIN + 10**6) * 1_000}&stop={(BEGIN + 10**6 + 100) * 1_000}").body["windows"] == []
    beyond = windows(hub, f"start={BEGIN * 1_000}&stop={(BEGIN + 10**6) * 1_000}").body
    assert beyond["windows"][-1]["stop"] == beyond["final_until"]
    assert beyond["final_until"] < (BEGIN + 10**4) * 1_000


def test_tags_refine_a_stream(hub: RunningHub) -> None:
    for refined, sites in [
        ("where.site=b", ["b"]),
        ("where.site=b&where.site=a", ["a", "b"]),
        ("where.site=", [None]),
        ("where.other=x", []),
    ]:
        last = windows(hub, of_points(f"&{refined}")).body["windows"][-1]
        assert [row[0] for row in last["rows"]] == sites


def test_a_query_is_answered_without_a_subscription(hub: RunningHub) -> None:
    query = {"measurement": "weather", "select": {"temp": "max"}, "every": "5s", "window": "10s"}
    answer = ask(hub, query=query, start=BEGIN * 1_000, stop=(BEGIN + 30) * 1_000, where={"site": "a"})
    assert [window["rows"] for window in answer.body["windows"]] == [[[n + 4.0]] for n in range(0, 30, 5)]
    assert (
        ask(hub, stream="weather", start=BEGIN * 1_000, stop=(BEGIN + 30) * 1_000).text
        == windows(hub, of_points()).text
    )
    assert len(ask(hub, stream="weather", history="15m").body["windows"]) in (89, 90)


@pytest.mark.parametrize(
    ("query", "code", "says"),
    [
        ("strat=5", "invalid_request", "strat: there is no such parameter; there are start, stop, history, where.TAG"),
        ("start=x", "invalid_query", "start: 'x' is no time"),
        ("start=0&stop=20000000", "too_many_windows", "2000 windows are asked for, and one request may have 1000"),
        ("start=-9223372036854&stop=-9223372036000", "invalid_query", "no point can be as early"),
    ],
)
def test_a_range_that_cannot_be_given_is_refused(hub: RunningHub, query: str, code: str, says: str) -> None:
    answer = windows(hub, query)
    assert (answer.status, answer.body["code"]) == (400, code)
    assert says in answer.body["message"]
    assert answer.body["remedy"]


def test_an_unknown_stream_is_not_found(hub: RunningHub) -> None:
    answer = hub.get("/v1/streams/wether/windows")
    assert (answer.status, answer.body["code"]) == (404, "unknown_stream")
    assert "did you mean 'weather'?" in answer.body["message"]


@pytest.mark.parametrize(
    ("body", "status", "code", "says"),
    [
        (b"{}", 400, "invalid_query", "name a stream, or give a query"),
        (b"", 400, "invalid_request", "truncated"),
        (b'{"quary":{}}', 400, "invalid_request", "`quary`"),
        (b'{"stream":"\xff"}', 400, "invalid_request", "utf-8"),
        (b'{"query":' + b'{"query":' * 900, 400, "invalid_request", "`query`"),
        (b'{"query":{"measurement":"m","select":{"v":["avg"]},"every":"1s"}}', 400, "invalid_query", "'avg'"),
        (b'{"stream":"none"}', 404, "unknown_stream", "'none'"),
        (b" " * 10_001, 413, "too_large", "max_body_bytes is 10000"),
    ],
)
def test_a_body_that_cannot_be_understood_is_refused(
    hub: RunningHub, body: bytes, status: int, code: str, says: str
) -> None:
    answer = hub.get("/v1/query", "POST", body=body)
    assert (answer.status, answer.body["code"]) == (status, code)
    assert says in answer.body["message"]


def test_only_what_is_meant_for_it_is_taken(hub: RunningHub) -> None:
    assert hub.get("/v1/query", "DELETE").status == 405
    assert hub.get("/v1/streams/weather/windows", "HEAD").text == ""
