"""`pxl-hub listen graphite` as a process, between carbon senders and a hub."""

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.servers.hub import COMMAND, HubProcess, free_port

NOW = int(time.time())


class Door:
    """The running command; `ended` has its outputs."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self.process = process
        self.port = port
        self.stdout = self.stderr = ""

    def send(self, *pieces: bytes) -> None:
        """What one sender sends, a packet for each piece."""
        with self.connect() as sender:
            sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in pieces:
                sender.sendall(piece)
                time.sleep(0.01)
            sender.shutdown(socket.SHUT_WR)
            while sender.recv(1):
                pass  # it has read everything when it closes

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        self.stdout, self.stderr = self.process.communicate(timeout=20)
        return self.process.returncode


@contextmanager
def door_to(url: str, *options: str) -> Iterator[Door]:
    port = free_port()
    arguments = [str(COMMAND), "listen", "graphite", "--port", str(port), "--url", url, *options]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        assert "carbon lines on" in process.stderr.readline()
        yield Door(process, port)
    finally:
        process.kill()
        process.communicate()


def metric(hub: HubProcess, name: str) -> float:
    with urllib.request.urlopen(hub.url + "/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.split(" ")[1]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))


def test_lines_of_many_senders_are_stored_before_it_ends(tmp_path: Path) -> None:
    with HubProcess(tmp_path) as hub, door_to(hub.sockets, "--template", "measurement.host.field") as door:
        door.send(f"cpu.web1.user 1 {NOW}\ncpu.web1.us".encode(), f"er 2 {NOW - 1}\r\ncpu.web2.user 3\n".encode())
        door.send(b"this is garbage\ncpu.web3.user NaN 1\n", f"cpu.web3.user 4 {NOW}\ncut 1 16".encode())
        assert door.stop() == 0
        assert metric(hub, "hub_committed_points_total") == 4
        assert metric(hub, "hub_rejected_points_total") == 2
    assert "6 lines of 2 senders, 1 cut off or too long, 2 rejected" in door.stderr
    assert door.stdout == ""


def test_what_the_hub_does_not_acknowledge_is_printed_at_the_end() -> None:
    with door_to(f"ws://127.0.0.1:{free_port()}", "--patience", "200ms") as door:
        door.send(b"a 1 1\nb 2 2\n")
        assert door.stop() == 1
    assert door.stdout == "a 1 1\nb 2 2\n"
    assert "are not acknowledged" in door.stderr


def test_lines_wait_for_a_hub_that_comes_later(tmp_path: Path) -> None:
    hub = HubProcess(tmp_path)
    with door_to(hub.sockets) as door:
        door.send(f"a 1 {NOW}\n".encode())
        with hub:
            deadline = time.monotonic() + 20
            while metric(hub, "hub_committed_points_total") < 1 and time.monotonic() < deadline:
                time.sleep(0.05)
            assert door.stop() == 0
            assert metric(hub, "hub_committed_points_total") == 1


def test_senders_wait_while_the_buffer_is_full() -> None:
    url = f"ws://127.0.0.1:{free_port()}"
    with door_to(url, "--buffer", "64KiB", "--patience", "200ms") as door, door.connect() as sender:
        sender.settimeout(1)
        sent = 0
        with suppress(TimeoutError):
            while sent < 64 * 2**20:
                sent += sender.send(b"a.metric.with.a.name 1 17\n" * 1_000)
        assert 64 * 1024 < sent < 64 * 2**20
        assert door.stop() == 1
    lines = door.stdout.split("\n")
    assert set(lines) <= {"a.metric.with.a.name 1 17", ""}
    assert len(lines) > 2_000


def test_a_template_that_cannot_be_meant_ends_it(tmp_path: Path) -> None:
    with HubProcess(tmp_path) as hub, door_to(hub.sockets, "--template", "a b c d e") as door:
        assert door.wait() == 2
    assert "template" in door.stderr


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        arguments = [str(COMMAND), "listen", "graphite", "--port", str(taken.getsockname()[1])]
        ended = subprocess.run(arguments, capture_output=True, text=True, env=dict(os.environ), check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("pxl-hub: port: ")
