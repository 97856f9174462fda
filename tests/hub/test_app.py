"""The whole hub over real sockets: from a device's frame to a dashboard's window, and every way to be refused."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from hub.settings import Settings
from tests.hub.running import RunningHub, running_hub

pytestmark = pytest.mark.anyio

CONFIGURATION = """
[streams.weather]
measurement = "weather"
select = {temp = ["mean", "max"]}
where = {site = ["a", "b"]}
group_by = ["site"]
every = "10s"
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    folder = tmp_path_factory.mktemp("hub")
    (folder / "hub.toml").write_text(CONFIGURATION)
    settings = Settings(
        store="duckdb::memory:",
        data_folder=str(folder),
        config=str(folder / "hub.toml"),
        max_frame_bytes=10_000,
        max_unacked=2,
        max_connections=5,
    )
    with running_hub(settings) as hub:
        yield hub


async def told(socket: ClientConnection, *types: str) -> dict[str, Any]:
    """The next message of one of these types."""
    async with asyncio.timeout(10):
        while True:
            data = await socket.recv()
            message: dict[str, Any] = json.loads(data) if isinstance(data, str) else msgspec.msgpack.decode(data)
            if message["type"] in types:
                return message


async def closed(socket: ClientConnection) -> tuple[int, str]:
    """How the hub closes the socket."""
    with suppress(ConnectionClosed):
        async with asyncio.timeout(10):
            async for _ in socket:
                pass
    assert socket.close_code is not None
    return socket.close_code, socket.close_reason or ""


async def test_a_point_becomes_a_window(hub: RunningHub) -> None:
    query = {"measurement": "whole", "select": {"temp": ["mean", "count"]}, "group_by": ["site"], "every": "500ms"}
    async with connect(f"{hub.sockets}/v1/live") as live, connect(f"{hub.sockets}/v1/write") as device:
        await live.send(json.dumps({"type": "subscribe", "id": "a", "query": query}))
        seam = await told(live, "live")
        ready = await told(device, "ready")
        assert (ready["max_frame_bytes"], ready["max_unacked"]) == (10_000, 2)
        at = (seam["from"] + 700) * 1_000_000
        await device.send(f"whole,site=a temp=20 {at}\nwhole,site=a temp=22 {at + 1}\nwhole,site=b temp=1 {at}")
        assert await told(device, "ack") == {"type": "ack", "frame": 1, "stored": "store"}
        while (window := await told(live, "window"))["stop"] < seam["from"] + 1_000:
            pass
        assert window["rows"] == [["a", 21.0, 2], ["b", 1.0, 1]]
        assert (window["plan"], window["points"], window["late"]) == (seam["plan"], 3, 0)


async def test_history_comes_before_live(hub: RunningHub) -> None:
    begin = time.time_ns() // 1_000_000_000 - 60
    async with connect(f"{hub.sockets}/v1/write?precision=s") as device:
        await device.send("\n".join(f"past v={second} {begin + second}" for second in range(50)))
        await told(device, "ack")
    query = {"measurement": "past", "select": {"v": ["sum", "max"]}, "every": "1s", "window": "10s"}
    async with connect(f"{hub.sockets}/v1/live") as live:
        await live.send(json.dumps({"type": "subscribe", "id": "a", "query": query, "after": begin * 1_000}))
        windows: list[dict[str, Any]] = []
        while (message := await told(live, "history", "live"))["type"] == "history":
            windows += message["windows"]
        assert [window["stop"] for window in windows] == list(range((begin + 1) * 1_000, message["from"] + 1, 1_000))
        assert windows[9]["rows"] == [[45.0, 9.0]]
        assert windows[29]["rows"] == [[sum(range(20, 30)), 29.0]]
        assert message["from"] == windows[-1]["stop"]


async def test_named_streams_are_described_and_watched(hub: RunningHub) -> None:
    (stream,) = hub.get("/v1/streams").body["streams"]
    assert stream == hub.get("/v1/streams/weather").body
    assert (stream["name"], stream["measurement"], stream["where"]) == ("weather", "weather", {"site": ["a", "b"]})
    assert (stream["window_ms"], stream["every_ms"], stream["grace_ms"]) == (10_000, 10_000, 1_000)
    assert [column["name"] for column in stream["columns"]] == ["site", "temp.mean", "temp.max"]
    async with connect(f"{hub.sockets}/v1/live") as live:
        await live.send(json.dumps({"type": "subscribe", "id": "a", "stream": "weather"}))
        subscribed = await told(live, "subscribed")
        assert (subscribed["plan"], subscribed["columns"]) == (stream["plan"], stream["columns"])
        await live.send(json.dumps({"type": "subscribe", "id": "b", "stream": "weather", "where": {"site": "b"}}))
        assert (await told(live, "subscribed"))["plan"] != stream["plan"]


async def test_bad_lines_are_named_and_the_good_ones_kept(hub: RunningHub) -> None:
    async with connect(f"{hub.sockets}/v1/write") as device:
        await device.send("# comment\nbad v=1\nbad v=\nbad v=2,w=t\n")
        reject = await told(device, "reject", "ack")
        assert (reject["type"], reject["frame"], reject["accepted"], reject["more"]) == ("reject", 1, 2, 0)
        assert [point["line"] for point in reject["rejected"]] == [3]


async def test_many_frames_in_a_hurry_are_all_acknowledged_in_order(hub: RunningHub) -> None:
    async with connect(f"{hub.sockets}/v1/write") as device:
        for number in range(200):
            await device.send(f"hurry v={number} {time.time_ns()}")
        acks: list[int] = []
        while not acks or acks[-1] < 200:
            acks.append((await told(device, "ack", "reject", "retry"))["frame"])
        assert acks == sorted(set(acks))


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("format=xml", "format: 'xml' is none; there are line"),
        ("precision=m", "precision: 'm' is none; there are ns, us, ms, s"),
        ("presicion=ms", "presicion: there is no such parameter; there are format, precision"),
    ],
)
async def test_a_bad_parameter_is_named(hub: RunningHub, query: str, reason: str) -> None:
    async with connect(f"{hub.sockets}/v1/write?{query}") as device:
        code, told_reason = await closed(device)
    assert code == 4400
    assert told_reason.startswith(reason)


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (None, None),
        (["hub.v1.json"], "hub.v1.json"),
        (["hub.v1.msgpack"], "hub.v1.msgpack"),
        (["chat", "hub.v1.msgpack", "hub.v1.json"], "hub.v1.msgpack"),
    ],
)
async def test_the_first_known_subprotocol_is_spoken(
    hub: RunningHub, offered: list[Subprotocol] | None, chosen: str | None
) -> None:
    async with connect(f"{hub.sockets}/v1/live", subprotocols=offered) as live:
        assert live.subprotocol == chosen
        data = await live.recv()
        binary = chosen == "hub.v1.msgpack"
        assert isinstance(data, bytes) is binary
        request = {"type": "subscribe", "id": "a", "stream": "none"}
        await live.send(msgspec.msgpack.encode(request) if binary else json.dumps(request))
        assert (await told(live, "error"))["code"] == "unknown_stream"


async def test_unknown_subprotocols_alone_are_refused(hub: RunningHub) -> None:
    async with connect(f"{hub.sockets}/v1/live", subprotocols=[Subprotocol("chat")]) as live:
        assert live.subprotocol is None
        assert await closed(live) == (
            4400,
            "no subprotocol of those offered is known; there are hub.v1.json and hub.v1.msgpack",
        )


@pytest.mark.parametrize(
    ("path", "frame", "code"),
    [
        ("/v1/live", b"{}", 1003),
        ("/v1/live", "{", 4400),
        ("/v1/live", '{"type":"subscribe"}', 4400),
        ("/v1/live", " " * 10_001, 1009),
        ("/v1/write", " " * 10_001, 1009),
    ],
)
async def test_what_cannot_be_taken_closes_with_its_code(
    hub: RunningHub, path: str, frame: str | bytes, code: int
) -> None:
    async with connect(hub.sockets + path) as socket:
        await socket.send(frame)
        assert (await closed(socket))[0] == code


async def test_connections_are_limited(hub: RunningHub) -> None:
    open_sockets = [await connect(f"{hub.sockets}/v1/live") for _ in range(5)]
    try:
        async with connect(f"{hub.sockets}/v1/live") as live:
            assert await closed(live) == (4413, "this hub has 5 connections already")
    finally:
        for socket in open_sockets:
            await socket.close()


async def test_operators_see_that_it_is_alive_ready_and_how_busy(hub: RunningHub) -> None:
    assert hub.get("/healthz").body == {"status": "alive"}
    ready = hub.get("/readyz")
    assert ready.status == 200
    assert ready.body["store"] == {"name": "duckdb::memory:", "ok": True, "message": None}
    metrics = hub.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    names = {line.split("{")[0].split(" ")[0] for line in metrics.text.splitlines() if not line.startswith("#")}
    assert {"hub_frames_total", "hub_committed_points_total", "hub_windows_total", "hub_plans"} <= names


async def test_what_is_wrong_over_http_says_what_to_do(hub: RunningHub) -> None:
    missing = hub.get("/v1/streams/none")
    assert (missing.status, missing.body["code"]) == (404, "unknown_stream")
    assert missing.body["message"] == "no stream is named 'none'; there are weather"
    assert set(missing.body) == {"code", "message", "remedy"}
    assert (hub.get("/v2").status, hub.get("/v2").body["code"]) == (404, "not_found")
    refused = hub.get("/healthz", "DELETE")
    assert (refused.status, refused.body["code"]) == (405, "method_not_allowed")
    assert "GET" in refused.headers["allow"]


async def test_the_page_is_served_under_a_strict_policy(hub: RunningHub) -> None:
    page = hub.get("/")
    assert page.status == 200
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for name in ("page.js", "page.css", "favicon.svg"):
        assert name in page.text
        assert hub.get(f"/{name}").status == 200
    for path in ("/../settings.py", "/%2e%2e/settings.py", "/..%2fsettings.py", "//etc/passwd"):
        assert hub.get(path).status == 404
