"""A dashboard's whole session over a real socket, in both encodings."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from hub.settings import Settings
from tests.hub.running import RunningHub, running_hub

pytestmark = pytest.mark.anyio

QUERY = {
    "measurement": "m",
    "select": {"f": ["mean"], "i": ["max"], "u": ["max"], "s": ["last"], "b": ["first"]},
    "group_by": ["site"],
    "every": "500ms",
    "grace": "0s",
}


class Dashboard(NamedTuple):
    """A socket, spoken in one encoding."""

    socket: ClientConnection

    async def says(self, **message: Any) -> None:
        binary = self.socket.subprotocol == "hub.v1.msgpack"
        await self.socket.send(msgspec.msgpack.encode(message) if binary else json.dumps(message))

    async def told(self, *types: str) -> dict[str, Any]:
        """The next message of one of these types."""
        async with asyncio.timeout(10):
            while True:
                data = await self.socket.recv()
                assert isinstance(data, bytes) is (self.socket.subprotocol == "hub.v1.msgpack")
                message: dict[str, Any] = json.loads(data) if isinstance(data, str) else msgspec.msgpack.decode(data)
                if message["type"] in types:
                    return message


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    settings = Settings(store="duckdb::memory:", data_folder=str(tmp_path_factory.mktemp("hub")))
    with running_hub(settings) as hub:
        yield hub


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """A hub with a stream."""
    folder = tmp_path_factory.mktemp("named")
    (folder / "hub.toml").write_text(
        '[streams.weather]\nmeasurement = "m"\nselect = { f = ["mean"] }\nevery = "500ms"\ngrace = "0s"\n'
    )
    settings = Settings(store="duckdb::memory:", data_folder=str(folder), config=str(folder / "hub.toml"))
    with running_hub(settings) as hub:
        yield hub


def write(hub: RunningHub, *lines: str) -> None:
    assert hub.get("/write?precision=ms", "POST", body="\n".join(lines).encode()).status == 204


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
async def test_a_session_from_subscribed_to_explained(hub: RunningHub, encoding: str) -> None:
    name = f"m_{encoding}"
    begin = int(time.time()) * 1_000 - 20_000
    write(
        hub, f'{name},site=a f=1.5,i=-3i,u=18446744073709551615u,s="ä",b=t {begin + 100}', f"{name} f=2 {begin + 200}"
    )
    async with connect(f"{hub.sockets}/v1/live", subprotocols=[Subprotocol(f"hub.v1.{encoding}")]) as socket:
        dashboard = Dashboard(socket)
        assert (await dashboard.told("ready"))["session"]
        await dashboard.says(type="auth", token="not asked for")
        await dashboard.says(type="subscribe", id="a", query={**QUERY, "measurement": name}, after=begin)
        subscribed = await dashboard.told("subscribed")
        assert [column["kind"] for column in subscribed["columns"]] == [
            "tag", "float", "integer", "unsigned", "string", "boolean",
        ]  # fmt: skip
        rows = [[None, 2.0, None, None, None, None], ["a", 1.5, -3, 2**64 - 1, "ä", True]]
        past: list[dict[str, Any]] = []
        while (message := await dashboard.told("history", "live"))["type"] == "history":
            past += message["windows"]
        assert past[0] == {"start": begin, "stop": begin + 500, "revision": 0, "final": True, "rows": rows}
        assert message["from"] == past[-1]["stop"]

        at = message["from"] + 600
        write(hub, f"{name},site=a f=4 {at}")
        while not (window := await dashboard.told("window"))["rows"]:
            pass
        assert (window["stop"], window["final"], window["plan"]) == (message["from"] + 1_000, True, message["plan"])
        assert window["rows"] == [["a", 4.0, None, None, None, None]]

        write(hub, f"{name},site=b f=7 {at + 100}")
        while (corrected := await dashboard.told("window"))["stop"] != window["stop"]:
            pass
        assert (corrected["revision"], corrected["final"], len(corrected["rows"])) == (1, True, 2)

        await dashboard.says(type="explain", id="a", stop=window["stop"])
        explained = await dashboard.told("explained", "error")
        assert explained["rows"] == corrected["rows"]
        assert (explained["way"], explained["points"], explained["late"]) == ("duckdb", 2, 1)
        assert (explained["first"], explained["last"]) == (at, at + 100)
        assert "SELECT" in explained["query"]
        assert explained["query_ms"] > 0
        assert [(r["revision"], r["points"]) for r in explained["revisions"]] == [(0, 1), (1, 2)]
        assert [r["sent"] for r in explained["revisions"]] == [window["sent"], corrected["sent"]]

        await dashboard.says(type="explain", id="a", stop=window["stop"] + 1)
        assert (await dashboard.told("error"))["code"] == "invalid_query"
        await dashboard.says(type="unsubscribe", id="a")
        await dashboard.says(type="explain", id="a", stop=window["stop"])
        assert (await dashboard.told("error"))["code"] == "unknown_id"


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
async def test_who_comes_back_with_after_and_seen_has_everything(hub: RunningHub, encoding: str) -> None:
    query = {**QUERY, "measurement": f"again_{encoding}", "select": {"f": ["sum"]}, "group_by": []}
    subprotocols = [Subprotocol(f"hub.v1.{encoding}")]
    async with connect(f"{hub.sockets}/v1/live", subprotocols=subprotocols) as stays:
        await Dashboard(stays).says(type="subscribe", id="s", query=query)
        await Dashboard(stays).told("live")
        async with connect(f"{hub.sockets}/v1/live", subprotocols=subprotocols) as goes:
            await Dashboard(goes).says(type="subscribe", id="a", query=query)
            window = await Dashboard(goes).told("window")
        write(hub, f"again_{encoding} f=3 {window['start']}")
        while not (corrected := await Dashboard(stays).told("window"))["rows"]:
            pass
        async with connect(f"{hub.sockets}/v1/live", subprotocols=subprotocols) as comes:
            request = {"query": query, "after": window["stop"], "seen": window["sent"]}
            await Dashboard(comes).says(type="subscribe", id="a", **request)
            past: dict[int, dict[str, Any]] = {}
            while (message := await Dashboard(comes).told("history", "live"))["type"] == "history":
                past |= {past_window["stop"]: past_window for past_window in message["windows"]}
            again = past[window["stop"]]
            assert (again["revision"], again["rows"], again["final"]) == (1, [[3.0]], True)
            assert corrected["stop"] == window["stop"]


async def test_a_socket_of_a_stream_begins_with_it(named: RunningHub) -> None:
    async with connect(f"{named.sockets}/v1/streams/weather/live?history=2s&where.site=s1") as socket:
        dashboard = Dashboard(socket)
        subscribed = await dashboard.told("subscribed")
        assert subscribed["id"] == "weather"
        assert [column["name"] for column in subscribed["columns"]] == ["f.mean"]
        assert (await dashboard.told("history"))["windows"]
        write(named, f"m,site=s1 f=1 {(now := time.time_ns() // 10**6)}", f"m,site=s2 f=5 {now}")
        while not (window := await dashboard.told("window"))["rows"]:
            pass
        assert window["rows"] == [[1.0]]
        await dashboard.says(type="unsubscribe", id="weather")
        await dashboard.says(type="explain", id="weather", stop=window["stop"])
        assert (await dashboard.told("error"))["code"] == "unknown_id"


async def test_a_stream_that_is_none_is_an_error_and_a_parameter_that_is_none_ends_the_socket(
    named: RunningHub,
) -> None:
    async with connect(f"{named.sockets}/v1/streams/nobody/live") as socket:
        assert (await Dashboard(socket).told("error"))["code"] == "unknown_stream"
    async with connect(f"{named.sockets}/v1/streams/weather/live?histry=2s") as socket:
        with pytest.raises(ConnectionClosed, match="histry"):
            await Dashboard(socket).told("subscribed")
        assert socket.close_code == 4400
