"""SIGHUP to a real Gunicorn with our worker: who answers before, during and after it."""

import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psutil
import pytest

from tests.servers.hub import ROOT, GunicornProcess, HubProcess, free_port

CONFIGURATION = """
import os, socket
from pathlib import Path
from hub.server.options import gunicorn_options
from hub.server.takeover import guard
from hub.settings import SettingInvalid, Settings
from hub import systemd

systemd.adopt()
globals().update(gunicorn_options(Settings(port={port}, workers=2)))

def check():
    if Path(os.environ["INVALID_FILE"]).exists():
        raise SettingInvalid("told to be invalid")

def on_starting(arbiter):
    guard(arbiter, check)
"""


class Gunicorn:
    """Two workers of `refusing.app`; `notified` is what systemd would hear."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.log = folder / "log"
        self.refuse, self.invalid = folder / "refuse", folder / "invalid"
        self.notified: list[str] = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._listener.bind(str(folder / "notify"))
        self._hearing = threading.Thread(target=self._hear)
        self._hearing.start()
        configuration = folder / "conf.py"
        configuration.write_text(CONFIGURATION.format(port=self.port))
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "-c", str(configuration), "tests.hub.server.refusing:app"],
                cwd=ROOT,
                env={
                    "PYTHONPATH": str(ROOT),
                    "REFUSE_FILE": str(self.refuse),
                    "INVALID_FILE": str(self.invalid),
                    "NOTIFY_SOCKET": str(folder / "notify"),
                },
                stdout=log,
                stderr=log,
            )

    def _hear(self) -> None:
        while (state := self._listener.recv(1_000).decode()) != "the test ends":
            self.notified.append(state)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(15)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"the test ends", self._listener.getsockname())
        self._hearing.join(5)
        self._listener.close()

    def workers(self) -> set[int]:
        """The process ids of the workers."""
        return {child.pid for child in psutil.Process(self.process.pid).children()}

    def answers(self) -> int:
        """The process id of the worker that answers a request."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=10) as answer:
            return int(answer.read())

    def wait(self, text: str) -> None:
        """Until this stands in the log."""
        until = time.monotonic() + 30
        while text not in self.log.read_text():
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.02)


@pytest.fixture
def gunicorn(tmp_path: Path) -> Iterator[Gunicorn]:
    server = Gunicorn(tmp_path)
    try:
        until = time.monotonic() + 20
        while True:
            try:
                server.answers()
                if len(server.workers()) == 2:
                    break
            except OSError:
                pass
            assert time.monotonic() < until, server.log.read_text()
            time.sleep(0.05)
        yield server
    finally:
        server.close()


def reload(gunicorn: Gunicorn) -> None:
    gunicorn.process.send_signal(signal.SIGHUP)


def gone(gunicorn: Gunicorn, workers: set[int]) -> bool:
    """Whether all of these end soon."""
    until = time.monotonic() + 20
    while workers & gunicorn.workers() and time.monotonic() < until:
        time.sleep(0.05)
    return not workers & gunicorn.workers()


def test_the_old_workers_go_when_the_new_ones_serve(gunicorn: Gunicorn) -> None:
    old = gunicorn.workers()
    reload(gunicorn)
    assert gone(gunicorn, old)
    assert len(gunicorn.workers()) == 2
    assert gunicorn.answers() in gunicorn.workers()


def test_an_invalid_configuration_changes_nothing(gunicorn: Gunicorn) -> None:
    old = gunicorn.workers()
    gunicorn.invalid.touch()
    reload(gunicorn)
    gunicorn.wait("not reloaded, the hub goes on as it was: told to be invalid")
    assert gunicorn.workers() == old
    assert gunicorn.answers() in old


def test_new_workers_that_cannot_start_leave_the_old_ones_in_place(gunicorn: Gunicorn) -> None:
    old = gunicorn.workers()
    gunicorn.refuse.touch()
    reload(gunicorn)
    gunicorn.wait("the new workers did not start")
    assert gunicorn.answers() in old
    gunicorn.refuse.unlink()
    reload(gunicorn)
    assert gone(gunicorn, old)
    assert gunicorn.answers() in gunicorn.workers()


def test_systemd_hears_of_the_stop_and_not_of_gunicorns_own_readiness(gunicorn: Gunicorn) -> None:
    gunicorn.process.terminate()
    gunicorn.process.wait(15)
    assert gunicorn.notified == ["STOPPING=1"]


def test_a_lone_worker_on_sighup_stops_in_order(tmp_path: Path) -> None:
    with HubProcess(tmp_path) as hub:
        hub.process.send_signal(signal.SIGHUP)
        assert hub.process.wait(15) == 0
        assert "Traceback" not in hub.log.read_text()


def test_a_reload_on_duckdb_changes_nothing_and_says_what_to_do(tmp_path: Path) -> None:
    with GunicornProcess(tmp_path) as hub:

        def write(line: bytes) -> None:
            urllib.request.urlopen(urllib.request.Request(f"{hub.url}/write", line, method="POST"), timeout=30).close()

        workers = psutil.Process(hub.process.pid).children()
        write(b"weather temp=1")
        hub.process.send_signal(signal.SIGHUP)
        until = time.monotonic() + 60
        while "not reloaded" not in hub.log.read_text():
            assert time.monotonic() < until, hub.log.read_text()
            time.sleep(0.05)
        assert "only one process can have DuckDB open" in hub.log.read_text()
        write(b"weather temp=2")
        assert psutil.Process(hub.process.pid).children() == workers
        assert hub.stop() == 0
    with duckdb.connect(str(tmp_path / "hub.duckdb"), read_only=True) as file:
        assert file.execute("SELECT sum(f0) FROM points_0").fetchall() == [(3.0,)]
