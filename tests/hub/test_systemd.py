"""What a started hub tells systemd."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.hub import HubProcess


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind(str(tmp_path / "notify"))
        bound.settimeout(20)
        yield bound


def test_a_hub_says_that_it_is_ready_that_it_lives_and_that_it_stops(listener: socket.socket, tmp_path: Path) -> None:
    environment = {"NOTIFY_SOCKET": listener.getsockname(), "WATCHDOG_USEC": "200000"}
    with HubProcess(tmp_path, environment=environment) as hub:
        assert listener.recv(1_000) == b"READY=1"
        started = time.monotonic()
        assert [listener.recv(1_000) for _ in range(5)] == [b"WATCHDOG=1"] * 5
        assert time.monotonic() - started < 10
        assert hub.stop() == 0
        heard = b""
        while heard != b"STOPPING=1":
            heard = listener.recv(1_000)


def test_nobody_who_listens_is_no_trouble(tmp_path: Path) -> None:
    with HubProcess(tmp_path, environment={"NOTIFY_SOCKET": str(tmp_path / "nobody")}) as hub:
        assert hub.stop() == 0
