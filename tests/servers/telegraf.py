"""A real Telegraf as a process of its own: what is posted to it goes where its output says."""

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.hub import free_port

CONFIGURATION = """
[agent]
  interval = "100ms"
  flush_interval = "100ms"
  metric_batch_size = {batch}
  metric_buffer_limit = 1000000
  omit_hostname = true

[[inputs.http_listener_v2]]
  service_address = "tcp://127.0.0.1:{port}"
  paths = ["/write"]
  data_format = "influx"
"""


class Telegraf:
    """`telegraf` with an output of the test's; as a context manager it takes metrics inside and is gone afterwards."""

    def __init__(self, binary: Path, folder: Path, output: str, batch: int = 100, **environment: str) -> None:
        self.log = folder / "telegraf.log"
        self.port = free_port()
        self._url = f"http://127.0.0.1:{self.port}/write"
        self._configuration = folder / "telegraf.conf"
        self._configuration.write_text(CONFIGURATION.format(port=self.port, batch=batch) + output)
        self._environment = {**os.environ, **environment}
        self._command = [str(binary), "--config", str(self._configuration)]

    def take(self, lines: bytes) -> None:
        """Give it line protocol; when this returns, it is in Telegraf's buffer."""
        with urllib.request.urlopen(self._url, data=lines, timeout=5) as response:
            assert response.status == 204

    def __enter__(self) -> Self:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )
        until = time.monotonic() + 20
        while time.monotonic() < until and self._process.poll() is None:
            try:
                self.take(b"")
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.05)
            else:
                return self
        self._process.kill()
        raise AssertionError(f"Telegraf is not ready; its log says:\n{self.log.read_text()}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
