"""Points straight into InfluxDB: every series once a second as time goes by, or of the past."""

import http.client
import threading
import time
from types import TracebackType
from typing import Self

from tests.benchmarks.processes import CLIENT_CORE, pinned
from tests.servers.influxdb import InfluxDB2

BODY_LINES = 5_000
SITES = 10
LEAD_S = 0.1
"""The points of a second are written so long after it has begun, and have all their times in it: none comes late."""


def lines(series: int, since_ms: int, length_ms: int) -> list[bytes]:
    """A point of each series, in this stretch of time, one after the other."""
    start, step = since_ms * 1_000_000, length_ms * 1_000_000 // series
    return [
        b"weather,site=s%d,dev=d%d temp=%.2f,hum=%di %d"
        % (n % SITES, n, 20 + (n * 31 + since_ms // 1_000 * 17) % 700 / 70, 40 + n % 50, start + n * step)
        for n in range(series)
    ]


class Writing:
    """A connection that posts lines, each body when the one before is stored."""

    def __init__(self, server: InfluxDB2, bucket: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port)
        self._path = f"/api/v2/write?org={server.organization}&bucket={bucket}&precision=ns"
        self._headers = {"Authorization": f"Token {server.token}"}

    def post(self, points: list[bytes]) -> None:
        """Return when they are stored."""
        for first in range(0, len(points), BODY_LINES):
            body = b"\n".join(points[first : first + BODY_LINES])
            self._connection.request("POST", self._path, body, self._headers)
            response = self._connection.getresponse()
            answer = response.read()
            assert response.status == 204, answer


class Feeder:
    """As a context manager it writes every series once a second, in a thread on the clients' core."""

    def __init__(self, server: InfluxDB2, bucket: str, series: int) -> None:
        self._writing = Writing(server, bucket)
        self._series = series
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._late = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        if self._late:
            print(f"  the feeder was late {self._late} times: too much for this machine")

    def _run(self) -> None:
        with pinned(CLIENT_CORE):
            second = int(time.time()) + 1
            while not self._stop.is_set():
                points = lines(self._series, second * 1_000, 900)
                self._stop.wait(max(0, second + LEAD_S - time.time()))
                self._writing.post(points)
                self._late += time.time() > second + 1
                second = max(second, int(time.time())) + 1


def backfill(server: InfluxDB2, bucket: str, series: int, since_ms: int, until_ms: int, step_ms: int) -> None:
    """A point of each series every so often in the past."""
    writing, waiting = Writing(server, bucket), []
    for start in range(since_ms, until_ms, step_ms):
        waiting += lines(series, start, step_ms)
        if len(waiting) >= BODY_LINES:
            writing.post(waiting)
            waiting = []
    writing.post(waiting)
