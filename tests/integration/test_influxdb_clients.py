"""InfluxDB's official client and `curl` against the hub, and the hub's answers beside those of real InfluxDBs."""

import gzip
import http.client
import json
import shutil
import subprocess
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.client.write.point import Point
from influxdb_client.client.write_api import SYNCHRONOUS, WriteOptions
from influxdb_client.rest import ApiException

from tests.conftest import missing
from tests.servers.hub import HubProcess
from tests.servers.influxdb import InfluxDB, InfluxDB1, InfluxDB2

pytestmark = [pytest.mark.anyio, pytest.mark.influxdb]

AT = time.time_ns() - 60 * 10**9


class Wired(HubProcess):
    """A hub in front of a bucket of its own."""

    def __init__(self, influxdb: InfluxDB2, folder: Path) -> None:
        self.influxdb, self.bucket = influxdb, influxdb.new_bucket()
        environment = {
            "HUB_STORE": f"influxdb:{influxdb.url}",
            "HUB_INFLUX_TOKEN": influxdb.token,
            "HUB_INFLUX_ORG": influxdb.organization,
            "HUB_INFLUX_BUCKET": self.bucket,
        }
        super().__init__(folder, environment=environment)

    def values(self, measurement: str) -> list[Any]:
        """The field `v` in order of time."""
        series = self.influxdb.query(self.bucket, f'SELECT v FROM "{measurement}"')
        return [value for _, value in series[0]["values"]] if series else []


@pytest.fixture(scope="module")
def hub(influxdb2: InfluxDB2, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wired]:
    with Wired(influxdb2, tmp_path_factory.mktemp("hub")) as running:
        yield running


@pytest.mark.parametrize("compressed", [False, True])
def test_the_official_client_writes_at_once(hub: Wired, compressed: bool) -> None:
    name = f"at_once_{compressed}"
    points = [
        Point.from_dict({"measurement": name, "tags": {"n": i % 3}, "fields": {"v": float(i)}, "time": AT + i})
        for i in range(500)
    ]
    with (
        InfluxDBClient(hub.url, token="any", org="any", enable_gzip=compressed) as client,
        client.write_api(write_options=SYNCHRONOUS) as writer,
    ):
        writer.write("any", record=points)
        writer.write("any", record=f"{name} v=500.0 {AT // 10**6 + 1_000}", write_precision="ms")
    assert hub.values(name) == [float(i) for i in range(501)]


def test_the_official_client_writes_in_batches(hub: Wired) -> None:
    failures: list[Any] = []
    options = WriteOptions(batch_size=100, flush_interval=100)
    with (
        InfluxDBClient(hub.url, token="any", org="any") as client,
        client.write_api(write_options=options, error_callback=lambda *told: failures.append(told)) as writer,
    ):
        for i in range(950):
            writer.write("any", record=f"batched v={i} {AT + i}")
    assert failures == []
    assert hub.values("batched") == [float(i) for i in range(950)]


@pytest.mark.parametrize("compressed", [False, True])
async def test_the_official_client_writes_asynchronously(hub: Wired, compressed: bool) -> None:
    name = f"async_{compressed}"
    async with InfluxDBClientAsync(hub.url, token="any", org="any", enable_gzip=compressed) as client:
        assert await client.ping()
        assert await client.version() == "2.9.1"
        assert await client.write_api().write("any", record=[f"{name} v={i} {AT + i}" for i in range(300)])
    assert hub.values(name) == [float(i) for i in range(300)]


def test_the_official_client_finds_the_hub_healthy(hub: Wired) -> None:
    with InfluxDBClient(hub.url, token="any", org="any") as client:
        assert client.ping()
        assert client.version() == "2.9.1"
        with pytest.warns(DeprecationWarning, match="Call 'ping"):
            assert client.health().status == "pass"


def test_the_official_client_raises_what_it_raises_with_influxdb(hub: Wired) -> None:
    with InfluxDBClient(hub.url, token="any", org="any") as client, client.write_api(SYNCHRONOUS) as writer:
        writer.write("any", record=f"raises v=1 {AT}")
        with pytest.raises(ApiException) as error:
            writer.write("any", record=f'raises v=2 {AT + 1}\nraises v="x" {AT + 2}\nbad')
        assert error.value.status == 400
        assert json.loads(error.value.body)["code"] == "invalid"
        with pytest.raises(ApiException) as error:
            writer.write("any", record=f'raises v="x" {AT}')
        assert error.value.status == 422
    assert hub.values("raises") == [1.0, 2.0]


@pytest.fixture(scope="module")
def curl() -> str:
    path = shutil.which("curl")
    return path or missing("curl is not installed; install your system's package of that name")


def run(*command: str) -> str:
    """Its output; CalledProcessError when it fails."""
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


@pytest.mark.parametrize("path", ["/api/v2/write?org=a&bucket=b&precision=ms", "/write?db=a&precision=ms"])
@pytest.mark.parametrize("compressed", [False, True])
def test_curl_sends_a_file(hub: Wired, curl: str, tmp_path: Path, path: str, compressed: bool) -> None:
    name = f"curl{len(path)}{compressed}"
    # More than a MiB, so that curl asks with Expect: 100-continue before it sends.
    text = "\n".join(f"{name},padding={'x' * 150} v={i} {AT // 10**6 + i}" for i in range(9_000)).encode()
    file = tmp_path / "lines.txt"
    file.write_bytes(gzip.compress(text) if compressed else text)
    headers = ["-H", "Content-Encoding: gzip"] if compressed else []
    status = run(curl, "-sS", "-w", "%{http_code}", *headers, "--data-binary", f"@{file}", hub.url + path)
    assert status == "204"
    assert hub.values(name) == [float(i) for i in range(9_000)]


def test_curl_shows_what_is_wrong(hub: Wired, curl: str) -> None:
    told = run(curl, "-sS", "-i", "--data-binary", "bad", f"{hub.url}/write?db=a")
    assert told.startswith("HTTP/1.1 400 Bad Request\n")
    assert "x-influxdb-error: line 1: unable to parse 'bad'" in told


# Not among them: broken or empty gzip, which is a 500 to InfluxDB 2, as if it were worth another try, and a 400 here.
REQUESTS: list[tuple[str, bytes, dict[str, str]]] = [
    ("", b"", {}),
    ("", b"# nothing\n\n", {}),
    ("", b"m v=1", {}),
    ("", b"m v=1\nbad\nm v=2", {}),
    ("", b"bad", {}),
    ("", b'm v="x"', {}),
    ("", b'm v="x"\nm v=2', {}),
    ("", b"m v=1 99999999999999999999", {}),
    ("", gzip.compress(b"m v=1"), {"Content-Encoding": "gzip"}),
    ("", gzip.compress(b""), {"Content-Encoding": "gzip"}),
    ("", b"m v=1", {"Content-Encoding": "identity"}),
    ("", b"m v=1", {"Content-Encoding": "br"}),
    ("", b"bad", {"Content-Encoding": "br"}),
    ("", b"m v=1", {"Content-Type": "application/json"}),
    *((f"&precision={unit}", b"m v=1", {}) for unit in ("", "ns", "n", "us", "u", "ms", "s", "m", "h", "x", "MS")),
]


def ask(url: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of a POST."""
    with closing(http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=10)) as connection:
        connection.request("POST", path, body, {"Authorization": "Token a-token-for-tests", **headers})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def compare(hub: Wired, influxdb: InfluxDB, path: str, errors: tuple[str, ...]) -> None:
    """Each request has the same status from both, and where that is none of 2xx, the same keys and error headers."""
    for query, body, headers in REQUESTS:
        request = (path + query, body, headers)
        theirs, ours = ask(influxdb.url, *request), ask(hub.url, *request)
        assert ours[0] == theirs[0], (request, ours, theirs)
        if theirs[0] >= 400:
            assert json.loads(theirs[2]).keys() <= json.loads(ours[2]).keys(), (request, ours, theirs)
            assert {theirs[1].get(name) is None for name in errors} == {ours[1].get(name) is None for name in errors}
            assert ours[1]["content-type"].split(";")[0] == theirs[1]["content-type"].split(";")[0]
            if "x-platform-error-code" in theirs[1]:
                assert (
                    ours[1]["x-platform-error-code"]
                    == theirs[1]["x-platform-error-code"]
                    == json.loads(ours[2])["code"]
                )


def test_answers_are_those_of_influxdb_2(hub: Wired) -> None:
    bucket = hub.influxdb.new_bucket()
    compare(hub, hub.influxdb, f"/api/v2/write?org=pxl&bucket={bucket}", ("x-platform-error-code",))


def test_answers_are_those_of_influxdb_1(hub: Wired, influxdb1: InfluxDB1) -> None:
    database = influxdb1.new_bucket()
    compare(hub, influxdb1, f"/write?db={database}", ("x-influxdb-error",))
