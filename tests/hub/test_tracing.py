"""Traces, as a collector receives them over HTTP."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from websockets.asyncio.client import connect

from hub.settings import SettingInvalid, Settings
from hub.tracing import check_tracing
from tests.hub.running import running_hub
from tests.servers.hub import free_port

pytestmark = pytest.mark.anyio


class Collector:
    """Takes what is sent to `/v1/traces`, and keeps the spans."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.services: set[str] = set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path == "/v1/traces"
                collector.take(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def take(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            names = {item.key: item.value.string_value for item in resource.resource.attributes}
            self.services.add(names["service.name"])
            for scope in resource.scope_spans:
                self.spans += scope.spans

    def named(self, name: str) -> list[Any]:
        return [span for span in self.spans if span.name == name]


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    serving = threading.Thread(target=collector.server.serve_forever)
    serving.start()
    yield collector
    collector.server.shutdown()
    collector.server.server_close()
    serving.join()


def attributes(span: Any) -> dict[str, Any]:
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in span.attributes}


async def test_a_collector_hears_of_batches_and_of_windows(collector: Collector) -> None:
    with running_hub(Settings(store="duckdb::memory:", otlp_endpoint=collector.url)) as hub:
        async with connect(f"{hub.sockets}/v1/live") as dashboard, connect(f"{hub.sockets}/v1/write") as device:
            query = {"measurement": "weather", "select": {"temp": ["mean"]}, "every": "100ms"}
            await dashboard.send(json.dumps({"type": "subscribe", "id": "a", "query": query}))
            await device.send("weather,site=s1 temp=1\nweather,site=s2 temp=2")
            assert json.loads(await device.recv())["type"] == "ready"
            assert json.loads(await device.recv())["type"] == "ack"
            while json.loads(await dashboard.recv())["type"] != "window":
                pass
    # The hub has stopped, and sent what it still had.
    assert collector.services == {"pxl-hub"}
    [batch] = collector.named("batch")
    told = attributes(batch)
    assert (told["hub.points"], told["hub.frames"], told["hub.devices"], told["hub.spooled"]) == (2, 1, 1, False)
    [commit], [wait] = collector.named("commit"), collector.named("wait")
    assert commit.parent_span_id == wait.parent_span_id == batch.span_id
    assert (
        batch.start_time_unix_nano
        == wait.start_time_unix_nano
        <= wait.end_time_unix_nano
        == commit.start_time_unix_nano
    )
    assert commit.end_time_unix_nano == batch.end_time_unix_nano

    window = collector.named("window")[0]
    told = attributes(window)
    assert told["hub.measurement"] == "weather"
    assert told["hub.window.stop"] - told["hub.window.start"] == 100
    assert window.start_time_unix_nano == told["hub.window.stop"] * 1_000_000 <= window.end_time_unix_nano
    assert window.span_id in {query.parent_span_id for query in collector.named("query")}


async def test_a_collector_that_is_away_holds_nothing_up() -> None:
    settings = Settings(store="duckdb::memory:", otlp_endpoint=f"http://127.0.0.1:{free_port()}")
    with running_hub(settings) as hub:
        async with connect(f"{hub.sockets}/v1/write") as device:
            await device.send("weather temp=1")
            assert json.loads(await device.recv())["type"] == "ready"
            assert json.loads(await device.recv())["type"] == "ack"


def test_without_an_endpoint_nothing_of_it_is_loaded() -> None:
    program = (
        "import sys; from hub.app import create_app; from hub.settings import Settings;"
        "create_app(Settings(store='duckdb::memory:')); print([m for m in sys.modules if 'opentelemetry' in m])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_endpoint_that_is_no_address_is_named() -> None:
    with pytest.raises(SettingInvalid, match=r"otlp_endpoint: expected an address such as http://127\.0\.0\.1:4318"):
        check_tracing(Settings(otlp_endpoint="localhost:4318"))
    check_tracing(Settings(otlp_endpoint="http://localhost:4318"))
