"""What a connection had goes with it, with Python's search for garbage switched off: see `hub.server.collector`."""

import gc
import json
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from hub.consumer import Consumer
from hub.outbound import Outbound
from hub.producer import Producer
from hub.server.http import HubHttpProtocol
from hub.server.protocol import HubProtocol
from hub.settings import Settings
from tests.hub.running import RunningHub, running_hub

OF_A_CONNECTION = (HubHttpProtocol, HubProtocol, Outbound, Consumer, Producer)
QUERY = {"measurement": "m", "select": {"f": "mean"}, "window": "1s"}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    folder: Path = tmp_path_factory.mktemp("hub")
    with running_hub(Settings(store=f"duckdb:{folder / 'hub.duckdb'}", data_folder=str(folder))) as running:
        yield running


@pytest.fixture
def uncollected() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def alive() -> Counter[str]:
    """How many there are of what only connections have."""
    return Counter(type(one).__name__ for one in gc.get_objects() if type(one) in OF_A_CONNECTION)


def half_a_request(hub: RunningHub) -> None:
    with socket.create_connection(("127.0.0.1", hub.port)) as client:
        client.sendall(b"GET /readyz HTTP/1.1\r\nHo")


def a_request(hub: RunningHub) -> None:
    assert hub.get("/readyz").status == 200


def on_a_socket(path: str, *requests: object, answers: int) -> Callable[[RunningHub], None]:
    """One socket that says good-bye and one that vanishes; each sends these requests and reads so many answers."""

    def visit(hub: RunningHub) -> None:
        for vanishes in (False, True):
            with connect(f"{hub.sockets}{path}") as client:
                client.recv(timeout=10)
                for request in requests:
                    client.send(request if isinstance(request, str) else json.dumps(request))
                for _ in range(answers):
                    client.recv(timeout=10)
                if vanishes:
                    client.socket.shutdown(socket.SHUT_RDWR)

    return visit


VISITS = {
    "half a request": half_a_request,
    "a request": a_request,
    "a silent dashboard": on_a_socket("/v1/live", answers=0),
    "a dashboard": on_a_socket("/v1/live", {"type": "subscribe", "id": "a", "query": QUERY}, answers=2),
    "history": on_a_socket("/v1/live", {"type": "subscribe", "id": "a", "query": QUERY, "history": "10m"}, answers=1),
    "a refusal": on_a_socket("/v1/live", {"type": "subscribe", "id": "a", "stream": "none"}, answers=1),
    "a device": on_a_socket("/v1/write", "m f=1", answers=1),
    "a broken device": on_a_socket("/v1/write", "m f=", answers=1),
}


@pytest.mark.parametrize("visit", VISITS.values(), ids=VISITS.keys())
def test_a_connection_leaves_nothing_to_be_collected(
    visit: Callable[[RunningHub], None], hub: RunningHub, uncollected: None
) -> None:
    for _ in range(5):
        visit(hub)
    deadline = time.monotonic() + 30
    while alive().total() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert alive() == {}
