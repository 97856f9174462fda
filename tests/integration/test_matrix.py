"""Who may what: every role, every message, every stream, every way to show a token. What is right is written here.

Each cell is an attempt on one hub over real sockets; `MAY` says which roles it is granted to, the others are refused.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from hub.auth import Grants
from hub.settings import Settings
from hub.tokens import change, hash_of, with_token
from tests.hub.running import RunningHub, running_hub

pytestmark = pytest.mark.anyio

CONFIGURATION = """
[streams.weather]
measurement = "weather"
select = { temp = ["mean"] }
every = "1s"

[streams.power]
measurement = "meter"
select = { w = ["sum"] }
every = "1s"
"""

ROLES = {
    "writer": Grants(write=("weather*",)),
    "reader": Grants(read=("weather*",)),
    "stream": Grants(read=("power",)),
    "tenant": Grants(write=("weather*",), read=("weather*",), tags=(("tenant", "a"),)),
    "operator": Grants(admin=True),
    "archivist": Grants(write=("*",), backfill=True),
    "everything": Grants(("*",), ("*",), (), admin=True, backfill=True),
}
STRANGERS = ("nobody", "unknown", "expired")
EVERYBODY = (*ROLES, *STRANGERS)

WRITES = ("writer", "tenant", "archivist", "everything")
READS = ("reader", "tenant", "everything")
MAY = {
    "write weather": WRITES,
    "write weather of b": ("writer", "archivist", "everything"),
    "write meter": ("archivist", "everything"),
    "backfill": ("archivist", "everything"),
    "read weather": READS,
    "read weather of b": ("reader", "everything"),
    "read meter": ("everything",),
    "see power": ("stream", "everything"),
    "operate": ("operator", "everything"),
    "know": tuple(ROLES),
    "be there": EVERYBODY,
}

_WEATHER = {"measurement": "weather", "select": {"temp": "mean"}, "every": "1s"}
_METER = {"measurement": "meter", "select": {"w": "sum"}, "every": "1s"}
_OF_B = {"where": {"tenant": "b"}}


class Request(NamedTuple):
    """A request over HTTP, and what it takes."""

    takes: str
    path: str
    method: str = "GET"
    body: Any = None


REQUESTS = (
    Request("write weather", "/api/v2/write", "POST", b"weather temp=1"),
    Request("write weather of b", "/api/v2/write", "POST", b"weather,tenant=b temp=1"),
    Request("write meter", "/api/v2/write", "POST", b"meter w=1"),
    Request("write weather", "/write", "POST", b"weather temp=1"),
    Request("write meter", "/write", "POST", b"meter w=1"),
    Request("know", "/v1/streams"),
    Request("read weather", "/v1/streams/weather"),
    Request("see power", "/v1/streams/power"),
    Request("read weather", "/v1/streams/weather/windows"),
    Request("read weather of b", "/v1/streams/weather/windows?where.tenant=b"),
    Request("see power", "/v1/streams/power/windows"),
    Request("read weather", "/v1/streams/weather/events", "HEAD"),
    Request("see power", "/v1/streams/power/events", "HEAD"),
    Request("read weather", "/v1/query", "POST", {"query": _WEATHER}),
    Request("read weather of b", "/v1/query", "POST", {"query": {**_WEATHER, **_OF_B}}),
    Request("read meter", "/v1/query", "POST", {"query": _METER}),
    Request("read weather", "/v1/query", "POST", {"stream": "weather"}),
    Request("see power", "/v1/query", "POST", {"stream": "power"}),
    Request("know", "/v1/schema"),
    Request("read weather", "/v1/schema?measurement=weather"),
    Request("read meter", "/v1/schema?measurement=meter"),
    Request("operate", "/metrics"),
    Request("be there", "/healthz"),
    Request("be there", "/readyz"),
    Request("be there", "/health"),
    Request("be there", "/ping"),
    Request("be there", "/"),
    Request("be there", "/docs"),
    Request("be there", "/openapi.json"),
    Request("be there", "/asyncapi.json"),
)
FRAMES = {
    "line": {
        "write weather": "weather temp=1",
        "write weather of b": "weather,tenant=b temp=1",
        "write meter": "meter w=1",
    },
    "json": {
        "write weather": '{"measurement":"weather","fields":{"temp":1}}',
        "write weather of b": '{"measurement":"weather","tags":{"tenant":"b"},"fields":{"temp":1}}',
        "write meter": '{"measurement":"meter","fields":{"w":1}}',
    },
    "graphite": {"write weather": "weather 1", "write meter": "meter 1"},
}
QUESTIONS = (
    ("read weather", {"stream": "weather"}),
    ("see power", {"stream": "power"}),
    ("read weather of b", {"stream": "weather", **_OF_B}),
    ("read weather", {"query": _WEATHER}),
    ("read weather of b", {"query": {**_WEATHER, **_OF_B}}),
    ("read meter", {"query": _METER}),
    ("read weather", {"stream": "weather", "history": "5s"}),
    ("see power", {"stream": "power", "history": "5s"}),
)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    folder = tmp_path_factory.mktemp("matrix")
    (folder / "hub.toml").write_text(CONFIGURATION)
    tokens = folder / "tokens.toml"
    past = time.time_ns() // 10**6 - 1_000
    for name, grants in {**ROLES, "expired": ROLES["everything"]}.items():
        expires = past if name == "expired" else None
        change(tokens, lambda text: with_token(text, name, hash_of(name), grants, expires))  # noqa: B023
    settings = Settings(
        store="duckdb::memory:", data_folder=str(folder), config=str(folder / "hub.toml"), tokens=str(tokens)
    )
    with running_hub(settings) as hub:
        assert (
            hub.get(
                "/write", "POST", headers=headers_of("everything", "Bearer"), body=b"meter w=1\nweather temp=1"
            ).status
            == 204
        )
        yield hub


def headers_of(role: str, scheme: str) -> dict[str, str]:
    return {} if role == "nobody" else {"Authorization": f"{scheme} {role}"}


def refusal_of(request: Request, role: str) -> int:
    if role in STRANGERS:
        return 401
    return {"/write": 400, "/api/v2/write": 422}.get(request.path, 403)


@pytest.mark.parametrize("scheme", ["Bearer", "Token"])
@pytest.mark.parametrize("role", EVERYBODY)
def test_requests(hub: RunningHub, role: str, scheme: str) -> None:
    for request in REQUESTS:
        body = request.body if isinstance(request.body, bytes | None) else json.dumps(request.body).encode()
        answer = hub.get(request.path, request.method, headers=headers_of(role, scheme), body=body)
        granted = role in MAY[request.takes]
        expected = {200, 204} if granted else {refusal_of(request, role)}
        assert answer.status in expected, (role, request, answer)
        if answer.status == 401:
            assert answer.headers["www-authenticate"] == "Bearer"


async def opened(hub: RunningHub, path: str, role: str, by: str) -> ClientConnection:
    """A socket whose token has been shown, in the header or in the first message."""
    headers = headers_of(role, "Bearer") if by == "header" else {}
    socket = await connect(hub.sockets + path, additional_headers=headers)
    if by == "message" or role == "nobody":
        await socket.send(json.dumps({"type": "auth", "token": "" if role == "nobody" else role}))
    return socket


async def outcome(socket: ClientConnection, *types: str) -> str:
    """The next of these messages, by its type and code; or how the socket closed."""
    with suppress(ConnectionClosed):
        async with asyncio.timeout(10):
            while True:
                message = json.loads(await socket.recv())
                if message["type"] in types:
                    codes = {point["code"] for point in message.get("rejected", [])} | {message.get("code", "")}
                    return " ".join([message["type"], *sorted(codes - {""})])
    return str(socket.close_code)


def refused_write(role: str, takes: str) -> str:
    if role in STRANGERS:
        return "4401"
    return "reject stamped_tag" if (role, takes) == ("tenant", "write weather of b") else "reject forbidden"


@pytest.mark.parametrize("by", ["header", "message"])
@pytest.mark.parametrize("role", EVERYBODY)
async def test_frames(hub: RunningHub, role: str, by: str) -> None:
    for name, frames in FRAMES.items():
        for takes, frame in frames.items():
            socket = await opened(hub, f"/v1/write?format={name}", role, by)
            with suppress(ConnectionClosed):
                await socket.send(frame)
            expected = "ack" if role in MAY[takes] else refused_write(role, takes)
            assert await outcome(socket, "ack", "reject") == expected, (role, by, name, takes)
            await socket.close()
    socket = await opened(hub, "/v1/write?backfill=true", role, by)
    expected = "ready" if role in MAY["backfill"] else "4401" if role in STRANGERS else "4403"
    assert await outcome(socket, "ready") == expected
    await socket.close()


@pytest.mark.parametrize("subprotocol", ["header", "message"])
@pytest.mark.parametrize("role", EVERYBODY)
async def test_questions(hub: RunningHub, role: str, subprotocol: str) -> None:
    for takes, asked in QUESTIONS:
        socket = await opened(hub, "/v1/live", role, subprotocol)
        granted = role in MAY[takes]
        with suppress(ConnectionClosed):
            await socket.send(json.dumps({"type": "subscribe", "id": "a", **asked}))
            got = await outcome(socket, "live", "error")
            assert got == ("live" if granted else "4401" if role in STRANGERS else "error forbidden"), (role, asked)
            stop = time.time_ns() // 10**9 * 1_000 - 1_000
            await socket.send(json.dumps({"type": "explain", "id": "a", "stop": stop}))
            assert await outcome(socket, "explained", "error") == ("explained" if granted else "error unknown_id")
            await socket.send(json.dumps({"type": "unsubscribe", "id": "b"}))
            assert await outcome(socket, "error") == "error unknown_id"
        await socket.close()


def test_there_are_enough_cells() -> None:
    frames = sum(map(len, FRAMES.values())) + 1
    assert 2 * len(EVERYBODY) * (len(REQUESTS) + frames + 3 * len(QUESTIONS)) >= 200
