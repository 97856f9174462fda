"""The app on servers without our extensions says what it says on our own, in the same order."""

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvicorn
from starlette.testclient import TestClient
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from hub.app import create_app
from hub.server.options import uvicorn_options
from hub.server.single import listen
from hub.settings import Settings

QUERY = {"measurement": "m", "select": {"f": ["sum"]}, "every": "100ms", "grace": "0s"}
Message = dict[str, Any]


class Socket:
    """A socket of any client: what it sends, and the next message that comes, or the code with which it was closed."""

    def __init__(
        self, send: Callable[[str | bytes], None], receive: Callable[[], str | bytes | int], *subprotocols: str
    ) -> None:
        self._send = send
        self._receive = receive
        self._is_binary = "hub.v1.msgpack" in subprotocols

    def says(self, **message: Any) -> None:
        self._send(msgspec.msgpack.encode(message) if self._is_binary else json.dumps(message))

    def sends(self, data: str | bytes) -> None:
        self._send(data)

    def hears(self) -> Any:
        """The next message, or the code of the close."""
        data = self._receive()
        if isinstance(data, int):
            return data
        assert isinstance(data, bytes) is self._is_binary
        message: Message = msgspec.msgpack.decode(data) if isinstance(data, bytes) else json.loads(data)
        return message


class Served:
    """A hub on some server."""

    def __init__(self, socket: Callable[..., Any], get: Callable[[str], str]) -> None:
        self.socket = socket
        self.get = get


@contextmanager
def by_uvicorn(settings: Settings, **options: Any) -> Iterator[Served]:
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(create_app(settings), log_config=None, **options))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    port = listener.getsockname()[1]

    @contextmanager
    def socket(path: str, *subprotocols: str) -> Iterator[Socket]:
        offered = [Subprotocol(name) for name in subprotocols] or None
        with connect(f"ws://127.0.0.1:{port}{path}", subprotocols=offered) as client:

            def receive() -> str | bytes | int:
                try:
                    return client.recv(timeout=10)
                except Exception:
                    return client.close_code or 0

            yield Socket(client.send, receive, *subprotocols)

    def get(path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as response:
            return str(response.read().decode())

    try:
        while not server.started:
            time.sleep(0.01)
        yield Served(socket, get)
    finally:
        server.should_exit = True
        thread.join(20)


@contextmanager
def by_our_server(settings: Settings) -> Iterator[Served]:
    with by_uvicorn(settings, **uvicorn_options(settings)) as served:
        yield served


@contextmanager
def by_plain_uvicorn(settings: Settings) -> Iterator[Served]:
    with by_uvicorn(settings, ws="websockets-sansio", lifespan="on") as served:
        yield served


@contextmanager
def by_starlettes_test_client(settings: Settings) -> Iterator[Served]:
    with TestClient(create_app(settings), "http://127.0.0.1", client=("127.0.0.1", 50_000)) as client:

        @contextmanager
        def socket(path: str, *subprotocols: str) -> Iterator[Socket]:
            with client.websocket_connect(f"ws://127.0.0.1{path}", subprotocols=list(subprotocols) or None) as session:

                def send(data: str | bytes) -> None:
                    session.send_text(data) if isinstance(data, str) else session.send_bytes(data)

                def receive() -> str | bytes | int:
                    event = session.receive()
                    if event["type"] == "websocket.close":
                        return int(event["code"])
                    return event.get("text") or event.get("bytes") or b""

                yield Socket(send, receive, *subprotocols)

        yield Served(socket, lambda path: client.get(path).text)


SERVERS = [by_our_server, by_plain_uvicorn, by_starlettes_test_client]


@pytest.fixture(params=SERVERS, ids=lambda server: server.__name__)
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    with request.param(Settings(store="duckdb::memory:", data_folder=str(tmp_path))) as served:
        yield served


def test_a_device_has_its_outcomes_in_order(served: Served) -> None:
    with served.socket("/v1/write?precision=ms") as device:
        assert device.hears()["type"] == "ready"
        device.sends("m f=1\nm f=oops")
        rejected = device.hears()
        assert (rejected["type"], rejected["frame"], rejected["rejected"][0]["line"]) == ("reject", 1, 2)
        for frame in range(2, 30):
            device.sends(b"m f=1" if frame % 2 else "m f=2")
        last = 1
        while last < 29:
            acknowledged = device.hears()
            assert acknowledged["type"] == "ack"
            assert acknowledged["frame"] > last
            last = acknowledged["frame"]


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_a_dashboard_is_told_every_window_in_its_encoding(served: Served, encoding: str) -> None:
    with served.socket("/v1/live", f"hub.v1.{encoding}") as dashboard:
        assert dashboard.hears()["type"] == "ready"
        dashboard.says(type="subscribe", id="a", query=QUERY)
        assert dashboard.hears()["type"] == "subscribed"
        stop = dashboard.hears()["from"]
        for _ in range(5):
            stop += 100
            window = dashboard.hears()
            assert (window["type"], window["stop"], window["final"]) == ("window", stop, True)
            assert dashboard.hears()["final_until"] == stop
        dashboard.says(type="unsubscribe", id="a")
        dashboard.says(type="unsubscribe", id="a")
        while (message := dashboard.hears())["type"] != "error":
            pass
        assert message["code"] == "unknown_id"


def test_what_cannot_be_read_closes_the_socket_with_its_code(served: Served) -> None:
    with served.socket("/v1/live") as dashboard:
        assert dashboard.hears()["type"] == "ready"
        dashboard.sends("no JSON")
        assert dashboard.hears() == 4400
    with served.socket("/v1/live", "mqtt") as stranger:
        assert stranger.hears() == 4400


def test_streams_and_health_are_told_over_http(served: Served) -> None:
    assert json.loads(served.get("/v1/streams")) == {"streams": []}
    assert json.loads(served.get("/healthz"))["status"] == "alive"
