"""Every limit over real sockets: each says its own code, and is counted."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from hub.codes import remedy_of
from hub.settings import Settings
from tests.hub.running import RunningHub, running_hub
from tests.hub.test_app import closed, told

pytestmark = pytest.mark.anyio

QUERY = {"measurement": "m", "select": {"v": "count"}, "every": "1s", "group_by": ["t"]}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    settings = Settings(
        store="duckdb::memory:",
        data_folder=str(tmp_path_factory.mktemp("hub")),
        max_message_rate=5,
        max_groups=2,
        max_range=60_000,
        max_history=50,
        max_subscriptions=1,
        header_timeout=300,
    )
    with running_hub(settings) as hub:
        yield hub


def counted(hub: RunningHub, name: str) -> float:
    for line in hub.get("/metrics").text.splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    return 0.0


def refused(hub: RunningHub, code: str) -> float:
    return counted(hub, f'hub_refusals_total{{code="{code}"}}')


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/streams/none/windows", "unknown_stream"),
        ("/v1/streams/none/events", "unknown_stream"),
        ("/v1/schema?no=1", "invalid_request"),
        ("/nowhere", "not_found"),
    ],
)
def test_an_error_over_http_is_counted_by_its_code(hub: RunningHub, path: str, code: str) -> None:
    before = refused(hub, code)
    assert hub.get(path).body["code"] == code
    assert refused(hub, code) == before + 1


@pytest.mark.parametrize("path", ["/write?precision=years", "/api/v2/write?precision=years"])
def test_a_refusal_in_influxdbs_words_is_counted_by_the_hubs_code(hub: RunningHub, path: str) -> None:
    before = refused(hub, "invalid_request")
    assert hub.get(path, "POST", body=b"m v=1").status == 400
    assert refused(hub, "invalid_request") == before + 1


async def test_points_beyond_a_limit_are_counted_by_its_code(hub: RunningHub) -> None:
    name = 'hub_rejected_points_total{code="too_many_tags"}'
    before = counted(hub, name)
    async with connect(f"{hub.sockets}/v1/write") as device:
        await device.send("m," + ",".join(f"t{number}=a" for number in range(65)) + " v=1")
        assert (await told(device, "reject"))["rejected"][0]["code"] == "too_many_tags"
    assert counted(hub, name) == before + 1


@pytest.mark.parametrize(("path", "message"), [("/v1/write", "m v=1"), ("/v1/live", '{"type":"unsubscribe","id":"a"}')])
async def test_messages_that_come_too_fast_close_the_socket(hub: RunningHub, path: str, message: str) -> None:
    before = counted(hub, 'hub_closes_total{code="4429"}')
    async with connect(hub.sockets + path) as socket:
        for _ in range(6):
            await socket.send(message)
        assert await closed(socket) == (4429, "a socket may send 5 messages a second (max_message_rate)")
    assert counted(hub, 'hub_closes_total{code="4429"}') == before + 1


async def test_a_subscription_that_costs_too_much_is_refused_by_name(hub: RunningHub) -> None:
    codes = ("range_too_long", "too_many_windows", "too_many_subscriptions")
    before = [refused(hub, code) for code in codes]
    async with connect(f"{hub.sockets}/v1/live") as live:
        for number, (past, code) in enumerate(
            [("61s", "range_too_long"), ("55s", "too_many_windows"), ("10s", ""), ("", "too_many_subscriptions")]
        ):
            asked = {"type": "subscribe", "id": str(number), "query": QUERY, **({"history": past} if past else {})}
            await live.send(json.dumps(asked))
            message = await told(live, "error", "live")
            assert message.get("code", "") == code, message
            assert not code or remedy_of(code)
    assert [refused(hub, code) for code in codes] == [count + 1 for count in before]


async def test_a_window_with_too_many_groups_ends_its_subscription(hub: RunningHub) -> None:
    before = refused(hub, "too_many_groups")
    async with connect(f"{hub.sockets}/v1/live") as live, connect(f"{hub.sockets}/v1/write") as device:
        await live.send(json.dumps({"type": "subscribe", "id": "a", "query": QUERY}))
        await told(live, "live")
        start = time.time_ns() // 10**9 * 1_000
        await device.send("\n".join(f"m,t={tag} v=1 {start * 10**6}" for tag in "123"))
        error = await told(live, "error")
        assert (error["id"], error["code"]) == ("a", "too_many_groups")
        assert "max_groups" in error["message"]
        assert refused(hub, "too_many_groups") == before + 1
        fewer = {**QUERY, "group_by": []}
        await live.send(json.dumps({"type": "subscribe", "id": "a", "query": fewer, "history": "5s"}))
        await told(live, "live")
    async with asyncio.timeout(10):
        while (answer := ask(hub, start=start, stop=start + 1_000)).body.get("windows") == []:
            await asyncio.sleep(0.2)
    assert (answer.status, answer.body["code"]) == (400, "too_many_groups")


def ask(hub: RunningHub, **asked: Any) -> Any:
    return hub.get("/v1/query", "POST", body=json.dumps({"query": QUERY, **asked}).encode())


@pytest.mark.parametrize(("history", "code"), [("2m", "range_too_long"), ("55s", "too_many_windows")])
def test_a_request_that_costs_too_much_is_refused_by_name(hub: RunningHub, history: str, code: str) -> None:
    answer = ask(hub, history=history)
    assert (answer.status, answer.body["code"]) == (400, code)


@pytest.mark.parametrize("sent", [b"", b"GET /v1/live HT", b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgr"])
async def test_who_sends_no_whole_request_is_cut_off(hub: RunningHub, sent: bytes) -> None:
    before = counted(hub, 'hub_refusals_total{code="slow_headers"}')
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
    writer.write(sent)
    began = time.monotonic()
    async with asyncio.timeout(5):
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
    assert time.monotonic() - began > 0.2
    writer.close()
    assert counted(hub, 'hub_refusals_total{code="slow_headers"}') == before + 1


async def test_bytes_one_by_one_are_no_way_around_it(hub: RunningHub) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
    sent = 0
    try:
        for byte in b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 1_000:
            writer.write(bytes([byte]))
            await writer.drain()
            sent += 1
            await asyncio.sleep(0.01)
            if reader.at_eof():
                break
    except ConnectionError:
        pass
    assert sent < 500
    writer.close()


async def test_a_connection_may_rest_between_two_requests(hub: RunningHub) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
    for _ in range(2):
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200" in await reader.readline()
        await reader.readuntil(b'{"status":"alive"}')
        await asyncio.sleep(0.5)
    writer.close()


async def test_addresses_have_limits_of_their_own_where_they_are_set(tmp_path: Path) -> None:
    settings = Settings(
        store="duckdb::memory:",
        data_folder=str(tmp_path),
        max_connections_per_address=1,
        max_request_rate=6,
        limit_loopback=True,
    )
    with running_hub(settings) as hub:
        async with connect(f"{hub.sockets}/v1/live") as first:
            await told(first, "ready")
            async with connect(f"{hub.sockets}/v1/live") as second:
                assert await closed(second) == (4413, "127.0.0.1 has 1 connections already")
        answers = [hub.get("/v1/streams") for _ in range(6)]
        assert (answers[0].status, answers[-1].status) == (200, 429)
        assert answers[-1].body["code"] == "too_many_requests"
        assert answers[-1].headers["retry-after"] == "1"
        with pytest.raises(InvalidStatus) as caught:
            await connect(f"{hub.sockets}/v1/live")
        assert caught.value.response.status_code == 429
