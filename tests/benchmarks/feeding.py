"""Points straight into InfluxDB: every series once a second as time goes by, or of the past."""

import http.client
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.benchmarks.processes import CLIENT_CORE, Running
from tests.servers.influxdb import ORGANIZATION, TOKEN, InfluxDB2

BODY_LINES = 5_000
SITES = 10
BODIES = 10
"""The points of a second are written in so many bodies, as devices do not all write at the same time."""
LEAD_S = 0.05
"""A body is written so long after the first of its points: the last one is stored before its second is over."""


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

    def __init__(self, port: int, bucket: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._path = f"/api/v2/write?org={ORGANIZATION}&bucket={bucket}&precision=ns"
        self._headers = {"Authorization": f"Token {TOKEN}"}

    def post(self, points: list[bytes]) -> None:
        """Return when they are stored."""
        for first in range(0, len(points), BODY_LINES):
            body = b"\n".join(points[first : first + BODY_LINES])
            self._connection.request("POST", self._path, body, self._headers)
            response = self._connection.getresponse()
            answer = response.read()
            assert response.status == 204, answer


@contextmanager
def feeder(server: InfluxDB2, bucket: str, series: int) -> Iterator[None]:
    """A process on the clients' core that writes every series once a second; what it takes is not what is measured."""
    with Running([sys.executable, "-m", __name__, str(server.port), bucket, str(series)], CLIENT_CORE):
        yield


def feed(writing: Writing, series: int) -> None:
    """Write every series once a second until stdin ends."""
    ended = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    second, late = int(time.time()) + 1, 0
    while not ended.is_set():
        points = lines(series, second * 1_000, 900)
        for part in range(BODIES):
            ended.wait(max(0, second + LEAD_S + 0.9 * part / BODIES - time.time()))
            writing.post(points[part * series // BODIES : (part + 1) * series // BODIES])
        late += time.time() > second + 1
        second = max(second, int(time.time())) + 1
    if late:
        print(f"  the feeder was late {late} times: too much for this machine", file=sys.stderr)


def backfill(server: InfluxDB2, bucket: str, series: int, since_ms: int, until_ms: int, step_ms: int) -> None:
    """A point of each series every so often in the past."""
    writing, waiting = Writing(server.port, bucket), []
    for start in range(since_ms, until_ms, step_ms):
        waiting += lines(series, start, step_ms)
        if len(waiting) >= BODY_LINES:
            writing.post(waiting)
            waiting = []
    writing.post(waiting)


if __name__ == "__main__":
    feed(Writing(int(sys.argv[1]), sys.argv[2]), int(sys.argv[3]))
