"""Server-sent events over real connections."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from hub.settings import Settings
from tests.hub.running import RunningHub, running_hub

CONFIGURATION = """
[streams.weather]
measurement = "weather"
select = {temp = ["sum"]}
every = "200ms"
grace = "200ms"
"""
Event = dict[str, Any]


def settings_in(folder: Path) -> Settings:
    (folder / "hub.toml").write_text(CONFIGURATION)
    return Settings(
        store="duckdb::memory:",
        data_folder=str(folder),
        config=str(folder / "hub.toml"),
        max_connections=3,
        max_history=1_000,
        ping_interval=300,
    )


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    with running_hub(settings_in(tmp_path_factory.mktemp("hub"))) as hub:
        yield hub


@contextmanager
def listening(hub: RunningHub, query: str = "", **headers: str) -> Iterator[http.client.HTTPResponse]:
    with closing(http.client.HTTPConnection("127.0.0.1", hub.port, timeout=10)) as connection:
        connection.request("GET", f"/v1/streams/weather/events?{query}", headers=headers)
        response = connection.getresponse()
        assert (response.status, response.headers["content-type"]) == (200, "text/event-stream")
        yield response


def fields_of(response: http.client.HTTPResponse) -> dict[str, str]:
    """The fields of the next block; a comment has an empty name. None are left at the end."""
    fields: dict[str, str] = {}
    while (line := response.readline().decode().rstrip("\n")) or not fields:
        if not line:
            return fields
        name, _, value = line.partition(":")
        fields[name] = value.strip()
    return fields


def told(response: http.client.HTTPResponse, *kinds: str) -> Event:
    """The next message of one of these types, with the event's id."""
    while fields := fields_of(response):
        if "data" in fields and (message := json.loads(fields["data"]))["type"] in kinds:
            return {**message, "event_id": int(fields["id"]) if "id" in fields else None}
    raise AssertionError("the events have ended")


def write(hub: RunningHub, value: int, time_ms: int) -> None:
    assert hub.get("/write?precision=ms", "POST", body=f"weather temp={value} {time_ms}".encode()).status == 204


def until_gone(hub: RunningHub) -> None:
    until = time.monotonic() + 5
    while 'hub_connections{endpoint="events"} 0.0' not in hub.get("/metrics").text:
        assert time.monotonic() < until, hub.get("/metrics").text
        time.sleep(0.02)


def test_a_point_becomes_an_event(hub: RunningHub) -> None:
    with listening(hub) as response:
        assert response.headers["cache-control"] == "no-store"
        assert 1_000 <= int(fields_of(response)["retry"]) <= 3_000
        assert told(response, "subscribed")["columns"] == [{"name": "temp.sum", "kind": None, "unit": None}]
        live = told(response, "live")
        write(hub, 5, live["from"] + 500)
        while not (window := told(response, "window"))["rows"]:
            pass
        assert (window["stop"], window["rows"]) == (live["from"] + 600, [[5.0]])
        assert window["event_id"] < window["stop"]
        assert (progress := told(response, "progress"))["event_id"] == progress["final_until"]
    until_gone(hub)


def test_the_last_event_id_is_where_it_goes_on(hub: RunningHub) -> None:
    begin = int(time.time()) * 1_000 - 60_000
    write(hub, 7, begin + 300)
    with listening(hub, "history=5m", **{"last-event-id": str(begin)}) as response:
        windows = [told(response, "window") for _ in range(3)]
        assert [window["stop"] for window in windows] == [begin + 200, begin + 400, begin + 600]
        assert [window["event_id"] for window in windows] == [begin + 200, begin + 400, begin + 600]
        assert windows[1]["rows"] == [[7.0]]
    with listening(hub, f"after={begin}&where.site=x") as response:
        assert told(response, "window")["stop"] == begin + 200
        assert told(response, "window")["rows"] == []


def test_a_comment_keeps_the_connection_when_there_is_nothing_to_say(hub: RunningHub) -> None:
    with listening(hub) as response:
        until = time.monotonic() + 5
        while "" not in fields_of(response):
            assert time.monotonic() < until


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("wether/events", {}, 404, "unknown_stream"),
        ("weather/events?after=x", {}, 400, "invalid_request"),
        ("weather/events?start=5", {}, 400, "invalid_request"),
        ("weather/events?history=5m&after=5", {}, 400, "invalid_query"),
        ("weather/events?history=1d", {}, 400, "too_many_windows"),
        ("weather/events", {"last-event-id": "x"}, 400, "invalid_request"),
        ("weather/events", {"last-event-id": "5"}, 400, "too_many_windows"),
    ],
)
def test_what_cannot_be_had_is_refused_with_a_status(
    hub: RunningHub, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    answer = hub.get(f"/v1/streams/{path}", headers=headers)
    assert (answer.status, answer.body["code"]) == (status, code)
    assert answer.body["message"]


def test_connections_are_limited_and_a_head_is_no_stream(hub: RunningHub) -> None:
    assert hub.get("/v1/streams/weather/events", "HEAD").headers["content-type"] == "text/event-stream"
    with listening(hub), listening(hub), listening(hub):
        refused = hub.get("/v1/streams/weather/events")
        assert (refused.status, refused.body["code"]) == (503, "too_many_connections")
        assert refused.headers["retry-after"] == "1"
    until_gone(hub)


def test_events_end_at_once_and_whole_when_the_hub_stops(tmp_path: Path) -> None:
    with running_hub(settings_in(tmp_path)) as hub:
        stuck = socket.create_connection(("127.0.0.1", hub.port))
        stuck.sendall(b"GET /v1/streams/weather/events HTTP/1.1\r\nhost: hub\r\n\r\n")
        response = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=10)
        response.request("GET", "/v1/streams/weather/events")
        answer = response.getresponse()
        told(answer, "live")
        rest: list[bytes] = []
        reading = threading.Thread(target=lambda: rest.append(answer.read()))
        reading.start()
        began = time.monotonic()
    assert time.monotonic() - began < 3
    reading.join(5)
    assert rest
    assert rest[0] == b"" or rest[0].endswith(b"\n\n")
    response.close()
    stuck.close()
