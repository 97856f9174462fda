"""A real InfluxDB as a process of its own, in a folder of its own, on a free port."""

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.servers import build
from tests.servers.hub import free_port

ORGANIZATION = "pxl"
TOKEN = "a-token-for-tests"


class InfluxDB:
    """A server of one version; as a context manager it is ready inside and gone afterwards.

    `token` and `organization` are what a client needs; a 1.x server, which knows neither, ignores them.
    """

    version: str
    token = TOKEN
    organization = ORGANIZATION

    def __init__(self, folder: Path) -> None:
        self._binary = build.find(f"influxd-{self.version}")
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.log = folder / "influxd.log"

    @property
    def url(self) -> str:
        """`http://…`, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._running.pid

    def start(self) -> None:
        """Start it, again after `kill` too, and return when it answers; what it has stored is still there."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._binary), *self._arguments()],
                env={**os.environ, **self._environment()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait(30)

    def stop(self) -> None:
        """SIGTERM, and wait."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: nothing is flushed."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Hold it: it accepts connections and never answers."""
        self._running.send_signal(signal.SIGSTOP)
        os.waitpid(self._running.pid, os.WUNTRACED)  # returns when it has stopped

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self._running.send_signal(signal.SIGCONT)

    def create_bucket(self, name: str) -> str:
        """Make a bucket, or a database where the version has those; its name."""
        raise NotImplementedError

    def new_bucket(self) -> str:
        """A bucket of nobody else's; its name."""
        return self.create_bucket(f"test-{uuid.uuid4().hex[:12]}")

    def request(self, method: str, path: str, body: bytes | None = None, **parameters: str) -> bytes:
        """The body of an answer; urllib's HTTPError when it is none of 200 to 299."""
        url = f"{self.url}{path}?{urllib.parse.urlencode(parameters)}"
        headers = {"Authorization": f"Token {self.token}"}
        request = urllib.request.Request(url, data=body, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as response:
            return bytes(response.read())

    def write(self, bucket: str, lines: bytes) -> None:
        """Line protocol with nanoseconds, as it is."""
        parameters = {"org": self.organization, "bucket": bucket, "precision": "ns"}
        self.request("POST", "/api/v2/write", lines, **parameters)

    def query(self, bucket: str, text: str) -> list[dict[str, Any]]:
        """The series of all statements of an InfluxQL text."""
        return [series for result in self.results(bucket, text) for series in result.get("series", [])]

    def results(self, bucket: str, text: str) -> list[dict[str, Any]]:
        """What each statement of an InfluxQL text gives: `series`, or an `error`, after which none is looked at."""
        results: list[dict[str, Any]] = json.loads(self.request("POST", "/query", b"", db=bucket, q=text, epoch="ns"))[
            "results"
        ]
        return results

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the server was not started"
        return self._process

    def _end(self, with_signal: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(with_signal)
            self._process.wait(30)
            self._process = None

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and self._running.poll() is None:
            try:
                self.request("GET", "/ping")
                return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.05)
        raise AssertionError(f"InfluxDB {self.version} is not ready; its log says:\n{self.log.read_text()}")

    def _arguments(self) -> list[str]:
        raise NotImplementedError

    def _environment(self) -> dict[str, str]:
        return {}


class InfluxDB2(InfluxDB):
    """InfluxDB 2, set up with an organisation, a token that may do everything, and no bucket of interest."""

    version = "2.9.1"

    def start(self) -> None:
        first = not (self._folder / "engine").exists()
        super().start()
        if first:
            settings = {"username": "tests", "password": "a-password", "org": ORGANIZATION, "bucket": "first"}
            self.request("POST", "/api/v2/setup", json.dumps({**settings, "token": TOKEN}).encode())
            organizations = json.loads(self.request("GET", "/api/v2/orgs", org=ORGANIZATION))["orgs"]
            self.organization_id: str = organizations[0]["id"]

    def create_bucket(self, name: str, retention_seconds: int = 0) -> str:
        rules = [{"type": "expire", "everySeconds": retention_seconds}] if retention_seconds else []
        settings = {"orgID": self.organization_id, "name": name, "retentionRules": rules}
        self.request("POST", "/api/v2/buckets", json.dumps(settings).encode())
        return name

    def create_token(self, bucket: str, *actions: str) -> str:
        """A token that may do no more than these actions, `read` or `write`, in one bucket."""
        buckets = json.loads(self.request("GET", "/api/v2/buckets", name=bucket, orgID=self.organization_id))["buckets"]
        resource = {"type": "buckets", "id": buckets[0]["id"], "orgID": self.organization_id}
        permissions = [{"action": action, "resource": resource} for action in actions]
        settings = {"orgID": self.organization_id, "permissions": permissions}
        created = self.request("POST", "/api/v2/authorizations", json.dumps(settings).encode())
        return str(json.loads(created)["token"])

    def _arguments(self) -> list[str]:
        paths = {"engine-path": "engine", "bolt-path": "bolt", "sqlite-path": "sqlite"}
        return [
            f"--http-bind-address=127.0.0.1:{self.port}",
            "--reporting-disabled",
            "--log-level=error",
            *(f"--{option}={self._folder / name}" for option, name in paths.items()),
        ]


class InfluxDB1(InfluxDB):
    """InfluxDB 1.8, open to everybody unless it is `locked`; `token` is its administrator's name and password."""

    version = "1.8.10"
    token = "tests:a-password"

    def __init__(self, folder: Path, *, locked: bool = False) -> None:
        super().__init__(folder)
        self._locked = locked

    def start(self) -> None:
        first = self._locked and not (self._folder / "meta").exists()
        super().start()
        if first:
            self.request("POST", "/query", b"", q="CREATE USER tests WITH PASSWORD 'a-password' WITH ALL PRIVILEGES")

    def create_bucket(self, name: str) -> str:
        self.request("POST", "/query", b"", q=f'CREATE DATABASE "{name}"')
        return name

    def _arguments(self) -> list[str]:
        return ["run", "-config", os.devnull]

    def _environment(self) -> dict[str, str]:
        return {
            "INFLUXDB_BIND_ADDRESS": f"127.0.0.1:{free_port()}",
            "INFLUXDB_DATA_DIR": str(self._folder / "data"),
            "INFLUXDB_HTTP_AUTH_ENABLED": str(self._locked).lower(),
            "INFLUXDB_DATA_WAL_DIR": str(self._folder / "wal"),
            "INFLUXDB_HTTP_BIND_ADDRESS": f"127.0.0.1:{self.port}",
            "INFLUXDB_HTTP_LOG_ENABLED": "false",
            "INFLUXDB_LOGGING_LEVEL": "error",
            "INFLUXDB_META_DIR": str(self._folder / "meta"),
            "INFLUXDB_MONITOR_STORE_ENABLED": "false",
            "INFLUXDB_REPORTING_DISABLED": "true",
        }
