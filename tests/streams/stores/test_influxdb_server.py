"""What answers and silences of a server mean: the one place where they become our errors."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from streams.errors import BatchRefused, StoreMisconfigured, StoreUnavailable
from streams.stores.influxdb import InfluxDBStore
from streams.stores.influxdb_server import Server, refusal
from tests.servers.hub import free_port
from tests.streams.stores.answering import Answering

pytestmark = pytest.mark.anyio

SERVER = Server("http://u:secret@h:8086/x/", "t", "o", "b", write_timeout=1, read_timeout=1)


def test_a_name_has_no_secrets() -> None:
    assert SERVER.name == "influxdb:http://h:8086/x"


@pytest.mark.parametrize(
    ("status", "reason", "error", "words"),
    [
        (400, "unable to parse 'x'", BatchRefused, "unable to parse"),
        (413, "too large", BatchRefused, "too large"),
        (422, "partial write: field type conflict dropped=3", BatchRefused, "conflict"),
        (401, "unauthorized access", StoreMisconfigured, "HUB_INFLUX_TOKEN"),
        (403, "insufficient permissions for write", StoreMisconfigured, "HUB_INFLUX_TOKEN"),
        (404, 'organization name "o" not found', StoreMisconfigured, "HUB_INFLUX_ORG"),
        (404, 'bucket "b" not found', StoreMisconfigured, "HUB_INFLUX_BUCKET"),
        (404, 'database not found: "b"', StoreMisconfigured, "HUB_INFLUX_BUCKET"),
        (500, "retention policy not found: p", StoreMisconfigured, "HUB_INFLUX_BUCKET"),
        (404, "Not Found", StoreMisconfigured, "HUB_STORE"),
        (301, "Moved Permanently", StoreMisconfigured, "HUB_STORE"),
        (429, "too many requests", StoreUnavailable, "429"),
        (500, "timeout", StoreUnavailable, "timeout"),
        (503, "overloaded", StoreUnavailable, "overloaded"),
    ],
)
def test_a_refused_write(status: int, reason: str, error: type[Exception], words: str) -> None:
    refused = refusal(SERVER, status, reason, 7.0, writing=True)
    assert type(refused) is error
    assert words in str(refused)
    assert "secret" not in str(refused)


def test_a_refused_write_says_how_many_points_where_the_server_does() -> None:
    counted = refusal(SERVER, 422, "partial write: field type conflict dropped=3", None, writing=True)
    unknown = refusal(SERVER, 400, "partial write: unable to parse 'x' dropped=0", None, writing=True)
    assert isinstance(counted, BatchRefused)
    assert isinstance(unknown, BatchRefused)
    assert (counted.refused, unknown.refused) == (3, None)


def test_a_refused_query_is_not_the_batchs_fault() -> None:
    assert type(refusal(SERVER, 400, "queue is full", None, writing=False)) is StoreUnavailable


@pytest.mark.parametrize("as_date", [False, True])
async def test_retry_after_is_kept(as_date: bool) -> None:
    in_an_hour = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True) if as_date else "3600"
    async with Answering("503 Service Unavailable", b'{"message":"busy"}', Retry_After=in_an_hour) as server:
        store = InfluxDBStore(server.url, "t", "o", "b")
        await store.open()
        with pytest.raises(StoreUnavailable, match="503, busy") as caught:
            await store.check()
        await store.close()
    assert caught.value.retry_after == pytest.approx(3600, abs=60)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("200 OK", b"<html>welcome</html>"),  # a captive portal: nothing was stored
        ("302 Found", b""),  # following it would drop the body
        ("404 Not Found", b"nothing here"),
    ],
)
async def test_something_else_at_that_address_is_told(status: str, body: bytes) -> None:
    async with Answering(status, body, Location="/elsewhere") as server:
        store = InfluxDBStore(server.url, "t", "o", "b")
        with pytest.raises(StoreMisconfigured, match="is no InfluxDB"):
            await store.open()
        await store.close()
    assert server.requests == ["POST /api/v2/write?org=o&bucket=b&precision=ns HTTP/1.1"]


async def test_nobody_at_that_address() -> None:
    store = InfluxDBStore(f"http://127.0.0.1:{free_port()}", "t", "o", "b")
    await store.open()
    for call in (store.check, store.measurements, lambda: store.schema("m")):
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            await call()
    await store.close()
    with pytest.raises(StoreUnavailable, match="not open"):
        await store.check()


@pytest.mark.parametrize(
    ("url", "token", "bucket", "words"),
    [
        ("localhost:8086", "t", "b", "HUB_STORE"),
        ("ftp://h", "t", "b", "HUB_STORE"),
        ("http://", "t", "b", "HUB_STORE"),
        ("http://h:many", "t", "b", "HUB_STORE"),
        ("http://[::1", "t", "b", "HUB_STORE"),
        ("http://h", "t", "", "HUB_INFLUX_BUCKET"),
        ("http://h", "t\n", "b", "HUB_INFLUX_TOKEN"),
        ("http://h", "tökén", "b", "HUB_INFLUX_TOKEN"),
    ],
)
async def test_settings_that_can_never_work(url: str, token: str, bucket: str, words: str) -> None:
    with pytest.raises(StoreMisconfigured, match=words):
        await InfluxDBStore(url, token, "o", bucket).open()
