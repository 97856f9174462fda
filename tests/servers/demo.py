"""`pxl-hub demo` as a process of its own, for the tests that want what a newcomer gets."""

import json
import os
import signal
import subprocess
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.hub import COMMAND, free_port


class Demo:
    """The demo on a port of its own, which keeps its points in `folder`; it can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.log = folder / "demo.log"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """Ours without settings, and with the demo's folder."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
        return {**kept, "HUB_DATA_FOLDER": str(self._folder)}

    def start(self) -> None:
        """Return when it has told its address and this machine's metrics have arrived."""
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [COMMAND, "demo", "--port", str(self.port)],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + 30
        while f"{self.url} " not in self.log.read_text() or not self._has_points():
            assert time.monotonic() < until, self.log.read_text()
            assert self._process.poll() is None, self.log.read_text()
            time.sleep(0.05)

    def _has_points(self) -> bool:
        """A column that takes its field's kind has none until a point has come."""
        with urllib.request.urlopen(f"{self.url}v1/streams/load", timeout=5) as response:
            return json.load(response)["columns"][-1]["kind"] is not None

    def stop(self, number: signal.Signals = signal.SIGTERM, *, group: bool = False) -> int:
        """Its exit code, within 20 s; `group` is what Ctrl-C in a terminal does: all its processes get the signal."""
        assert self._process is not None
        (os.killpg if group else os.kill)(self._process.pid, number)
        return self._process.wait(20)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            try:
                self.stop()
            finally:
                if self._process.poll() is None:
                    os.killpg(self._process.pid, signal.SIGKILL)
                    self._process.wait(5)
