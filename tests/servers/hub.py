"""The hub itself as a process of its own, for tests and benchmarks that want the real thing."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

COMMAND = Path(sys.executable).with_name("pxl-hub")
ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """A port that nobody on this machine listens on at the moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class HubProcess:
    """`pxl-hub serve` with these options and environment, on a free port; its output goes to `log`.

    As a context manager it waits until the hub is ready, and stops it at the end.
    """

    def __init__(self, folder: Path, *options: str, environment: Mapping[str, str] | None = None) -> None:
        self.port = free_port()
        self.log = folder / "hub.log"
        self._options = options
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HUB_")},
            "HUB_DATA_FOLDER": str(folder),
            "HUB_STORE": f"duckdb:{folder / 'hub.duckdb'}",
            **(environment or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """`http://…`, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def sockets(self) -> str:
        """`ws://…`, without a slash at the end."""
        return f"ws://127.0.0.1:{self.port}"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running process; an error before `start`."""
        assert self._process is not None, "the hub was not started"
        return self._process

    def start(self) -> None:
        """Start it without waiting."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(COMMAND), "serve", "--port", str(self.port), *self._options],
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait(self, path: str = "/readyz", seconds: float = 60) -> None:
        """Return when a GET of this path answers 200; fail with the log when it does not, or the hub has ended."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.process.poll() is None:
            try:
                with urllib.request.urlopen(self.url + path, timeout=2):
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.05)
        raise AssertionError(f"the hub is not ready; its log says:\n{self.log.read_text()}")

    def stop(self) -> int:
        """SIGTERM; its exit code, within 15 s."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)

    def kill(self) -> None:
        """SIGKILL to it and to its workers: no warning, nothing flushed."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(15)

    def __enter__(self) -> Self:
        self.start()
        try:
            self.wait()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            try:
                self.stop()
            finally:
                if self.process.poll() is None:
                    self.kill()


class GunicornProcess(HubProcess):
    """The same hub under a plain `gunicorn -c infra/gunicorn.conf.py hub.app:app`."""

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "-c", "infra/gunicorn.conf.py", "hub.app:app"],
                cwd=ROOT,
                env=self._environment | {"HUB_PORT": str(self.port), "PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
