"""InfluxDB's write API over real sockets: stored or refused as InfluxDB would, with the hub's own promise."""

import asyncio
import gzip
import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from websockets.asyncio.client import connect

from hub.settings import Settings
from tests.hub.running import RunningHub, running_hub

pytestmark = pytest.mark.anyio

V2, V1 = "/api/v2/write?org=any&bucket=any", "/write?db=any"
BOTH = pytest.mark.parametrize("path", [V2, V1])
LARGEST = 1_000_000
AT = time.time_ns() // 10**9 - 100
"""When the tests' points are, in seconds: long enough ago that their windows have stopped."""


@pytest.fixture(scope="module")
def hub() -> Iterator[RunningHub]:
    with running_hub(Settings(store="duckdb::memory:", max_body_bytes=LARGEST)) as hub:
        yield hub


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def message(self) -> str:
        """An error's text, in the words of either version."""
        error: dict[str, Any] = json.loads(self.body)
        return str(error.get("message") or error["error"])


class Client:
    """One connection, kept open."""

    def __init__(self, hub: RunningHub) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=30)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, body, named)
        response = self.connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, response.read(), found)

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        return self.ask("POST", path, body, **headers)


@pytest.fixture
def client(hub: RunningHub) -> Iterator[Client]:
    made = Client(hub)
    with closing(made.connection):
        yield made


async def stored(hub: RunningHub, measurement: str) -> list[float]:
    """How many values the field `v` has around `AT`, and their sum."""
    query = {"measurement": measurement, "select": {"v": ["count", "sum"]}, "every": "1s"}
    async with connect(f"{hub.sockets}/v1/live") as live, asyncio.timeout(10):
        await live.send(json.dumps({"type": "subscribe", "id": "a", "query": query, "after": (AT - 10) * 1_000}))
        rows: list[list[float]] = []
        while (message := json.loads(await live.recv()))["type"] != "live":
            assert message["type"] != "error", message
            rows += [row for window in message.get("windows", []) for row in window["rows"]]
        return [sum(column) for column in zip(*rows, strict=True)]


@BOTH
async def test_what_is_answered_204_is_stored(hub: RunningHub, client: Client, path: str) -> None:
    name = f"good{len(path)}"
    answer = client.post(f"{path}&precision=s", f"{name},t=a v=1 {AT}\n{name},t=b v=2 {AT + 1}")
    assert (answer.status, answer.body, answer.headers["x-influxdb-version"]) == (204, b"", "2.9.1")
    assert await stored(hub, name) == [2, 3.0]


@BOTH
@pytest.mark.parametrize("body", [b"", b"\n\n", b"# a comment\n"])
def test_nothing_to_store_is_204(client: Client, path: str, body: bytes) -> None:
    assert client.post(path, body).status == 204


@BOTH
async def test_good_lines_are_stored_and_bad_ones_named(hub: RunningHub, client: Client, path: str) -> None:
    name = f"mixed{len(path)}"
    answer = client.post(f"{path}&precision=s", f"{name} v=1 {AT}\nbad\n\n{name} v=2 {AT + 1}\n{name} v= 1")
    assert answer.status == 400
    assert answer.message.startswith("partial write: line 2: unable to parse 'bad': ")
    assert f"\nline 5: unable to parse '{name} v= 1': " in answer.message
    assert answer.message.endswith(" dropped=2")
    assert await stored(hub, name) == [2, 3.0]


@pytest.mark.parametrize(("path", "status"), [(V2, 422), (V1, 400)])
async def test_a_type_conflict_is_named(hub: RunningHub, client: Client, path: str, status: int) -> None:
    name = f"conflict{len(path)}"
    assert client.post(f"{path}&precision=s", f"{name} v=1 {AT}").status == 204
    answer = client.post(f"{path}&precision=s", f'{name} v="x" {AT}\n{name} v=2 {AT + 1}')
    assert answer.status == status
    assert answer.message == f"partial write: line 1: field 'v' of measurement '{name}' is float, not string dropped=1"
    assert await stored(hub, name) == [2, 3.0]


@pytest.mark.parametrize(("path", "status"), [(V2, 422), (V1, 400)])
def test_a_wrong_clock_is_told(client: Client, path: str, status: int) -> None:
    answer = client.post(path, f"clock v=1 {AT}")
    assert answer.status == status
    assert "is older than accept_from allows" in answer.message


UNITS = {"ns": 10**9, "n": 10**9, "us": 10**6, "u": 10**6, "ms": 1_000, "s": 1, "": 10**9}


@pytest.mark.parametrize(
    ("path", "precision"),
    [*((V2, p) for p in ("ns", "us", "ms", "s", "")), *((V1, p) for p in ("ns", "n", "u", "ms", "s", ""))],
)
async def test_times_have_the_precision_asked_for(hub: RunningHub, client: Client, path: str, precision: str) -> None:
    name = f"precision{len(path)}{precision}"
    assert client.post(f"{path}&precision={precision}", f"{name} v=1 {AT * UNITS[precision]}").status == 204
    assert await stored(hub, name) == [1, 1.0]


@pytest.mark.parametrize(("unit", "seconds"), [("m", 60), ("h", 3_600)])
def test_influxdb_1_has_minutes_and_hours(client: Client, unit: str, seconds: int) -> None:
    assert client.post(f"{V1}&precision={unit}", f"coarse v=1 {AT // seconds}").status == 204
    assert client.post(f"{V2}&precision={unit}", f"coarse v=1 {AT // seconds}").status == 400


def test_an_unknown_precision_names_those_there_are(client: Client) -> None:
    v2, v1 = client.post(f"{V2}&precision=n", b"m v=1"), client.post(f"{V1}&precision=x", b"m v=1")
    assert (v2.status, v1.status) == (400, 400)
    assert v2.message == "invalid precision; valid precision units are ns, us, ms, and s"
    assert v1.message == v1.headers["x-influxdb-error"] == "invalid precision (use n, u, ms, s, m or h)"


@BOTH
async def test_gzip_is_read(hub: RunningHub, client: Client, path: str) -> None:
    name = f"packed{len(path)}"
    body = gzip.compress(b"%b v=1 %d\n" % (name.encode(), AT)) + gzip.compress(b"%b v=2 %d" % (name.encode(), AT + 1))
    assert client.post(f"{path}&precision=s", body, content_encoding="gzip").status == 204
    assert await stored(hub, name) == [2, 3.0]


@BOTH
def test_gzip_that_is_none_or_cut_is_400(client: Client, path: str) -> None:
    for body in (b"m v=1", b"", gzip.compress(b"m v=1")[:-4]):
        assert client.post(path, body, content_encoding="gzip").status == 400


@BOTH
def test_an_encoding_that_influxdb_ignores_is_ignored_but_said(client: Client, path: str) -> None:
    assert client.post(path, b"m v=1", content_encoding="identity").status == 204
    assert client.post(path, b"m v=1", content_encoding="br").status == 204
    answer = client.post(path, b"no line", content_encoding="br")
    assert answer.status == 400
    assert answer.message.startswith("the Content-Encoding 'br' is not known, send gzip or none; line 1: ")


@BOTH
@pytest.mark.parametrize("kind", ["announced", "chunked", "packed"])
def test_too_large_is_413_and_the_connection_goes_on(client: Client, path: str, kind: str) -> None:
    body = b"m v=1\n" * (LARGEST // 6 + 1)
    headers = {"content_encoding": "gzip"} if kind == "packed" else {}
    sent: Any = gzip.compress(body) if headers else iter([body]) if kind == "chunked" else body
    answer = client.post(path, sent, **headers)
    assert answer.status == 413
    assert answer.message.endswith(f"max_body_bytes is {LARGEST}")
    if path == V2:
        assert json.loads(answer.body)["code"] == "request too large"
    assert client.post(path, b"m v=1").status == 204


async def test_a_large_body_is_stored_whole_and_in_order(hub: RunningHub, client: Client) -> None:
    lines = [f"large,t={i % 7} v={i} {AT * 10**9 + i // 2 * 7 + i % 7}" for i in range(20_000)]
    lines.insert(15_000, "bad")
    answer = client.post(V2, "\n".join(lines))
    assert (answer.status, answer.message[:35]) == (400, "partial write: line 15001: unable t")
    # A later line of the same point is the newer value.
    latest = {
        line.rsplit(" ", 1)[1] + line.split(" ")[0]: int(line.split("v=")[1].split(" ")[0])
        for line in lines[:15_000] + lines[15_001:]
    }
    assert await stored(hub, "large") == [len(latest), sum(latest.values())]


@BOTH
def test_any_authorization_and_parameter_is_accepted(client: Client, path: str) -> None:
    assert client.post(path, b"m v=1", authorization="Token whatever").status == 204
    assert client.post(f"{path}&rp=x&u=a&p=b&consistency=one&orgID=0", b"m v=1").status == 204
    assert client.post(path.partition("?")[0], b"m v=1", content_type="text/plain").status == 204


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_ping_and_health_tell_clients_that_somebody_is_there(client: Client, method: str) -> None:
    ping = client.ask(method, "/ping")
    assert (ping.status, ping.body, ping.headers["x-influxdb-version"]) == (204, b"", "2.9.1")
    health = client.ask(method, "/health")
    assert health.status == 200
    if method == "GET":
        told = json.loads(health.body)
        assert (told["status"], told["message"]) == ("pass", "ready for queries and writes")
        assert told["checks"] == [{"name": "store", "status": "pass", "message": None}]


def test_a_client_that_goes_away_leaves_no_trace(
    hub: RunningHub, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    for sent in (b"", b"m v=1\n"):
        with socket.create_connection(("127.0.0.1", hub.port)) as gone:
            gone.sendall(b"POST /write HTTP/1.1\r\nhost: hub\r\ncontent-length: 1000\r\n\r\n" + sent)
    assert client.post(V2, b"m v=1").status == 204
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_requests_at_once_all_get_their_own_answer(hub: RunningHub) -> None:
    def one(number: int) -> int:
        client = Client(hub)
        with closing(client.connection):
            bad = "\nbad" if number % 3 == 0 else ""
            lines = "\n".join(f"crowd,n={number} v=1 {AT * 10**9 + i}" for i in range(50))
            return client.post(V2, lines + bad).status

    statuses = await asyncio.gather(*(asyncio.to_thread(one, number) for number in range(30)))
    assert statuses == [400 if number % 3 == 0 else 204 for number in range(30)]
    assert await stored(hub, "crowd") == [1_500, 1_500.0]


def test_nothing_can_be_kept_is_503_with_a_time(tmp_path: Path) -> None:
    settings = Settings(
        store="influxdb:http://127.0.0.1:9", influx_bucket="none", data_folder=str(tmp_path), spool_bytes=1
    )
    with running_hub(settings) as hub:
        client = Client(hub)
        with closing(client.connection):
            for path in (V2, V1):
                answer = client.post(f"{path}&precision=s", f"m v=1 {AT}")
                assert (answer.status, answer.headers["retry-after"]) == (503, "1")
            assert client.ask("GET", "/health").status == 503
