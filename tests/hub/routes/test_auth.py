"""Who gets in, over real sockets: headers, the first message, expiry, revocation, and what stays open."""

import asyncio
import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from hub.auth import Grants
from hub.settings import Settings
from hub.tokens import change, hash_of, with_token, without_token
from tests.hub.running import RunningHub, running_hub
from tests.hub.test_app import closed, told

pytestmark = pytest.mark.anyio

TENANT = Grants(("weather*",), ("weather*",), (("tenant", "a"),))
EVERYTHING = Grants(("*",), ("*",), admin=True, backfill=True)
TOKENS = {"tenant": TENANT, "all": EVERYTHING, "writer": Grants(write=("*",)), "nothing": Grants(read=("nothing",))}
CONFIGURATION = """
[streams.weather]
measurement = "weather"
select = {temp = ["count"]}
group_by = ["tenant"]
every = "1s"
"""


class Locked(NamedTuple):
    """A hub with tokens, each the text of its name, and the file of them."""

    hub: RunningHub
    file: Path

    def add(self, name: str, grants: Grants, lives_ms: int | None = None) -> None:
        expires = None if lives_ms is None else time.time_ns() // 10**6 + lives_ms
        change(self.file, lambda text: with_token(text, name, hash_of(name), grants, expires))

    def revoke(self, name: str) -> None:
        change(self.file, lambda text: without_token(text, name))


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Locked]:
    folder = tmp_path_factory.mktemp("locked")
    (folder / "hub.toml").write_text(CONFIGURATION)
    file = folder / "tokens.toml"
    settings = Settings(
        store="duckdb::memory:",
        data_folder=str(folder),
        config=str(folder / "hub.toml"),
        tokens=str(file),
        auth_timeout=300,
        max_connections_per_token=3,
    )
    for name, grants in TOKENS.items():
        Locked(RunningHub(0), file).add(name, grants)
    with running_hub(settings) as hub:
        yield Locked(hub, file)


async def says(socket: ClientConnection, **message: Any) -> None:
    await socket.send(json.dumps(message))


async def known(locked: Locked, token: str) -> None:
    """Wait until the hub knows a token."""
    async with asyncio.timeout(5):
        while locked.hub.get("/v1/streams", headers=bearer(token)).status == 401:
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("path", ["/v1/write", "/v1/live"])
async def test_ready_follows_the_header_or_the_first_message(locked: Locked, path: str) -> None:
    async with connect(locked.hub.sockets + path, additional_headers=bearer("all")) as socket:
        assert (await told(socket, "ready"))["session"]
    async with connect(locked.hub.sockets + path) as socket:
        await says(socket, type="auth", token="all")
        assert (await told(socket, "ready"))["session"]


@pytest.mark.parametrize("path", ["/v1/write", "/v1/live"])
async def test_who_says_nothing_is_dropped(locked: Locked, path: str) -> None:
    async with connect(locked.hub.sockets + path) as socket:
        assert await closed(socket) == (4408, "no token in the header, and no auth message in 0.3 s")


@pytest.mark.parametrize(
    ("path", "first"),
    [
        ("/v1/write", "weather temp=1"),
        ("/v1/write", b"weather temp=1"),
        ("/v1/write", "{"),
        ("/v1/write?format=json", '{"measurement":"auth","fields":{"v":1}}'),
        ("/v1/live", '{"type":"unsubscribe","id":"a"}'),
        ("/v1/live", "auth"),
        ("/v1/live", '{"type":"auth","token":"unknown"}'),
        ("/v1/live", '{"type":"auth","token":""}'),
        ("/v1/live", '{"type":"auth"}'),
        ("/v1/live", '{"type":"auth","token":1}'),
        ("/v1/live", b"\xff\xff"),
        ("/v1/write", " " * 100_000),
    ],
)
async def test_anything_else_first_is_not_let_in(locked: Locked, path: str, first: str | bytes) -> None:
    async with connect(locked.hub.sockets + path) as socket:
        await socket.send(first)
        code, reason = await closed(socket)
        assert code == 4401
        assert "unknown" not in reason


@pytest.mark.parametrize("header", ["Bearer x", "Bearer", "Basic eDphbGw=", "all", "Bearer all all"])
async def test_a_wrong_header_is_not_let_in(locked: Locked, header: str) -> None:
    async with connect(locked.hub.sockets + "/v1/live", additional_headers={"Authorization": header}) as socket:
        assert (await closed(socket))[0] == 4401


async def test_another_sites_page_never_has_a_socket(locked: Locked) -> None:
    for origin in ("https://evil.example", "null"):
        with pytest.raises(InvalidStatus) as caught:
            await connect(locked.hub.sockets + "/v1/live", additional_headers={"Origin": origin} | bearer("all"))
        assert caught.value.response.status_code == 403
        assert json.loads(caught.value.response.body or b"")["code"] == "origin_not_allowed"
    own = f"http://127.0.0.1:{locked.hub.port}"
    async with connect(locked.hub.sockets + "/v1/live", additional_headers={"Origin": own} | bearer("all")) as socket:
        await told(socket, "ready")


async def test_the_tokens_tags_are_on_what_it_writes_and_in_what_it_reads(locked: Locked) -> None:
    sockets = locked.hub.sockets
    async with (
        connect(f"{sockets}/v1/write", additional_headers=bearer("tenant")) as a,
        connect(f"{sockets}/v1/write", additional_headers=bearer("all")) as b,
        connect(f"{sockets}/v1/live", additional_headers=bearer("tenant")) as live,
    ):
        await a.send("weather,dev=1 temp=1\nweather,tenant=b temp=1\nother temp=1")
        reject = await told(a, "reject")
        assert reject["accepted"] == 1
        assert [(point["line"], point["code"]) for point in reject["rejected"]] == [
            (2, "stamped_tag"),
            (3, "forbidden"),
        ]
        await b.send("weather,tenant=b temp=1\nweather temp=1")
        await told(b, "ack")
        await says(live, type="subscribe", id="s", stream="weather", history="10s")
        rows: list[Any] = []
        while not rows:
            message = await told(live, "window", "history", "error")
            assert message["type"] != "error", message
            rows = [row for window in message.get("windows", [message]) for row in window["rows"]]
        assert rows == [["a", 1]]
        await says(live, type="subscribe", id="t", stream="weather", where={"tenant": "b"})
        assert (await told(live, "error"))["code"] == "forbidden"
        await says(
            live, type="subscribe", id="u", query={"measurement": "other", "select": {"v": "sum"}, "every": "1s"}
        )
        assert (await told(live, "error"))["code"] == "forbidden"


async def test_backfill_is_a_grant_of_its_own(locked: Locked) -> None:
    address = f"{locked.hub.sockets}/v1/write?backfill=true"
    async with connect(address, additional_headers=bearer("writer")) as socket:
        assert await closed(socket) == (4403, "backfill: the token does not allow points of any age")
    async with connect(address, additional_headers=bearer("all")) as socket:
        await told(socket, "ready")


@pytest.mark.parametrize("path", ["/v1/write", "/v1/live"])
async def test_an_open_socket_closes_soon_after_its_token_is_revoked(locked: Locked, path: str) -> None:
    locked.add("brief", EVERYTHING)
    await known(locked, "brief")
    async with connect(locked.hub.sockets + path, additional_headers=bearer("brief")) as socket:
        await told(socket, "ready")
        locked.revoke("brief")
        began = time.monotonic()
        assert await closed(socket) == (4401, "the token was revoked")
        assert time.monotonic() - began < 5


async def test_an_open_socket_closes_when_its_token_expires_unless_it_is_renewed(locked: Locked) -> None:
    locked.add("short", EVERYTHING, lives_ms=4_000)
    await known(locked, "short")
    address = f"{locked.hub.sockets}/v1/write"
    async with connect(address, additional_headers=bearer("short")) as ends, connect(address) as goes_on:
        await says(goes_on, type="auth", token="short")
        await told(goes_on, "ready")
        await says(goes_on, type="auth", token="all")
        assert await closed(ends) == (4401, "the token has expired")
        await goes_on.send("weather temp=1")
        assert (await told(goes_on, "ack"))["frame"] == 1
        await says(goes_on, type="auth", token="short")
        assert await closed(goes_on) == (4401, "the token has expired")
    locked.revoke("short")


async def test_subscriptions_end_that_a_newer_token_does_not_allow(locked: Locked) -> None:
    async with connect(f"{locked.hub.sockets}/v1/live", additional_headers=bearer("all")) as live:
        await says(live, type="subscribe", id="s", stream="weather")
        await told(live, "live")
        await says(live, type="auth", token="all")
        await says(live, type="auth", token="tenant")
        error = await told(live, "error")
        assert (error["id"], error["code"]) == ("s", "forbidden")
        await says(live, type="subscribe", id="s", stream="weather")
        await told(live, "live")
        await says(live, type="auth", token="nothing")
        assert (await told(live, "error"))["message"] == "the token may not read 'weather'; there are none"


async def test_events_end_when_the_token_is_revoked(locked: Locked) -> None:
    locked.add("brief", EVERYTHING)
    await known(locked, "brief")
    reader, writer = await asyncio.open_connection("127.0.0.1", locked.hub.port)
    request = "GET /v1/streams/weather/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer brief\r\n\r\n"
    writer.write(request.encode())
    assert b"200" in await reader.readline()
    locked.revoke("brief")
    async with asyncio.timeout(5):
        rest = await reader.readuntil(b"0\r\n\r\n")
    assert b'"code":"unauthenticated","message":"the token was revoked"' in rest
    writer.close()


async def test_connections_of_a_token_are_limited(locked: Locked) -> None:
    address = f"{locked.hub.sockets}/v1/write"
    held = [await connect(address, additional_headers=bearer("writer")) for _ in range(3)]
    try:
        for socket in held:
            await told(socket, "ready")
        async with connect(address, additional_headers=bearer("writer")) as more:
            assert await closed(more) == (4413, "the token has 3 connections already")
        async with connect(address, additional_headers=bearer("all")) as other:
            await told(other, "ready")
            await says(other, type="auth", token="writer")
            assert (await closed(other))[0] == 4413
    finally:
        for socket in held:
            await socket.close()
    metrics = locked.hub.get("/metrics", headers=bearer("all")).text
    assert 'hub_refusals_total{code="too_many_connections_of_token"} 2.0' in metrics


@pytest.mark.parametrize("path", ["/", "/page.js", "/healthz", "/readyz", "/ping", "/health"])
def test_what_tells_nothing_is_open(locked: Locked, path: str) -> None:
    assert locked.hub.get(path).status in {200, 204}


def test_addresses_and_reasons_are_for_the_operator(locked: Locked) -> None:
    assert locked.hub.get("/readyz").body["store"] == {"name": "duckdb", "ok": True, "message": None}
    assert locked.hub.get("/readyz", headers=bearer("all")).body["store"]["name"] == "duckdb::memory:"


def test_metrics_are_for_the_operator(locked: Locked) -> None:
    assert [
        locked.hub.get("/metrics", headers=headers).status for headers in ({}, bearer("tenant"), bearer("all"))
    ] == [401, 403, 200]


def test_without_a_token_a_request_is_told_what_to_send(locked: Locked) -> None:
    answer = locked.hub.get("/v1/streams")
    assert (answer.status, answer.body["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("path", "authorization", "status"),
    [
        ("/api/v2/write", "Token all", 204),
        ("/api/v2/write", "Bearer all", 204),
        ("/write", "Token user:all", 204),
        ("/write", "Basic " + base64.b64encode(b"user:all").decode(), 204),
        ("/write", "Basic " + base64.b64encode(b"user:other").decode(), 401),
        ("/write", "", 401),
        ("/api/v2/write", "Token other", 401),
        ("/write?u=user&p=all", "", 400),
        ("/write?u=user&p=all", "Token all", 400),
        ("/api/v2/write?token=all", "", 400),
    ],
)
def test_influxdbs_clients_show_tokens_their_way(locked: Locked, path: str, authorization: str, status: int) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    answer = locked.hub.get(path, "POST", headers=headers, body=b"weather temp=1")
    assert answer.status == status
    assert answer.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)


def test_influxdbs_clients_are_told_what_they_may_not_write(locked: Locked) -> None:
    answer = locked.hub.get(
        "/api/v2/write", "POST", headers=bearer("tenant"), body=b"weather temp=1\nother temp=1\nweather,tenant=b temp=1"
    )
    assert answer.status == 422
    assert "line 2: the token may not write 'other'" in answer.body["message"]
    assert "line 3: the token puts tenant=a on every point" in answer.body["message"]


def test_streams_and_their_windows_are_the_tokens(locked: Locked) -> None:
    def get(path: str, token: str, **more: Any) -> Any:
        return locked.hub.get(path, headers=bearer(token), **more)

    (stream,) = get("/v1/streams", "tenant").body["streams"]
    assert stream["where"] == {"tenant": ["a"]}
    assert get("/v1/streams", "all").body["streams"][0]["where"] == {}
    assert get("/v1/streams", "nothing").body["streams"] == []
    assert get("/v1/streams/weather", "nothing").status == 403
    assert get("/v1/streams/weather/windows", "nothing").status == 403
    assert get("/v1/streams/weather/events", "nothing").status == 403
    assert get("/v1/streams/weather/windows?where.tenant=b", "tenant").status == 403
    assert get("/v1/streams/weather/windows", "tenant").body["plan"] == stream["plan"]
    query = {"measurement": "weather", "select": {"temp": "count"}, "every": "1s", "group_by": ["tenant"]}
    body = json.dumps({"query": query}).encode()
    assert get("/v1/query", "tenant", method="POST", body=body).status == 200
    body = json.dumps({"query": {**query, "measurement": "other"}}).encode()
    assert get("/v1/query", "tenant", method="POST", body=body).status == 403


def test_the_schema_is_the_tokens(locked: Locked) -> None:
    lines = b"weather,tenant=b,dev=9 temp=1,secret=2\nhidden,tenant=a v=1\nweather,tenant=a temp=1"
    assert locked.hub.get("/write", "POST", headers=bearer("all"), body=lines).status == 204
    assert locked.hub.get("/v1/schema").status == 401
    (weather,) = locked.hub.get("/v1/schema", headers=bearer("tenant")).body["measurements"]
    assert weather["name"] == "weather"
    assert [field["name"] for field in weather["fields"]] == ["temp"]
    assert next(tag["values"] for tag in weather["tags"] if tag["name"] == "tenant") == ["a"]
    assert "9" not in [value for tag in weather["tags"] for value in tag["values"]]
    assert locked.hub.get("/v1/schema?measurement=hidden", headers=bearer("tenant")).status == 403
    assert locked.hub.get("/v1/schema?measurement=hidden", headers=bearer("all")).status == 200


def test_no_token_gets_into_a_log(locked: Locked, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        for token in ("all", "pxl_wrong"):
            locked.hub.get("/v1/streams", headers=bearer(token))
            locked.hub.get(f"/v1/streams?token={token}")
            locked.hub.get(f"/v1/streams/x/windows?access_token={token}")
    assert "pxl_wrong" not in caplog.text
