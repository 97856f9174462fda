"""A real Telegraf that writes to the hub as it is: everything it was given is in InfluxDB, with its values, once."""

import time
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.servers.hub import HubProcess
from tests.servers.influxdb import InfluxDB2
from tests.servers.telegraf import Telegraf

pytestmark = [pytest.mark.telegraf, pytest.mark.influxdb]

EXAMPLES = Path(__file__).parents[2] / "infra" / "examples" / "telegraf"
OVER_HTTP = (EXAMPLES / "http.conf").read_text()
OVER_A_SOCKET = (EXAMPLES / "websocket.conf").read_text().replace('"30s"', '"1s"')
BOTH = pytest.mark.parametrize("output", [OVER_HTTP, OVER_A_SOCKET], ids=["influxdb_v2", "websocket"])


class Wired:
    """A hub in front of an InfluxDB of its own, and what was given to the Telegraf before it."""

    def __init__(self, influxdb: InfluxDB2, folder: Path, binary: Path, **settings: str) -> None:
        self.influxdb, self.bucket = influxdb, influxdb.new_bucket()
        self._folder, self._binary = folder, binary
        self._begin = time.time_ns() - 10**9
        self._given: dict[int, float] = {}
        environment = {
            "HUB_STORE": f"influxdb:{influxdb.url}",
            "HUB_INFLUX_TOKEN": influxdb.token,
            "HUB_INFLUX_ORG": influxdb.organization,
            "HUB_INFLUX_BUCKET": self.bucket,
            "HUB_PING_INTERVAL": "400ms",
            **{f"HUB_{name.upper()}": value for name, value in settings.items()},
        }
        self.hub = HubProcess(folder, environment=environment)

    def telegraf(self, output: str) -> AbstractContextManager[Telegraf]:
        """A Telegraf that writes to the hub."""
        return Telegraf(self._binary, self._folder, output, HUB_URL=self.hub.url, HUB_SOCKETS=self.hub.sockets)

    def give(self, telegraf: Telegraf, count: int) -> None:
        """So many metrics more, each at a time of its own."""
        new = range(len(self._given), len(self._given) + count)
        telegraf.take(b"\n".join(b'made,n=%d v=%d.5,s="a b" %d' % (i % 5, i, self._begin + i) for i in new))
        self._given.update({self._begin + i: i + 0.5 for i in new})

    def compare(self, seconds: float = 20) -> None:
        """Wait until there are as many points as were given, and see that they are those."""
        until = time.monotonic() + seconds
        found: dict[int, float] = {}
        while len(found) < len(self._given) and time.monotonic() < until:
            time.sleep(0.1)
            series = self.influxdb.query(self.bucket, "SELECT v, n FROM made")
            rows = series[0]["values"] if series else []
            found = {at: value for at, value, _ in rows}
            assert len(found) == len(rows), "a point is there twice"
        assert found == self._given


@pytest.fixture
def wired(influxdb2: InfluxDB2, tmp_path: Path, telegraf: Path) -> Callable[..., Wired]:
    """Makes a `Wired` with these settings of the hub."""
    return lambda **settings: Wired(influxdb2, tmp_path, telegraf, **settings)


def connections(hub: HubProcess) -> float:
    """How many sockets devices have open."""
    with urllib.request.urlopen(f"{hub.url}/metrics", timeout=5) as response:
        lines = response.read().decode().splitlines()
    return next(float(line.split(" ")[1]) for line in lines if line.startswith('hub_connections{endpoint="write"}'))


@BOTH
def test_everything_given_is_stored(wired: Callable[..., Wired], output: str) -> None:
    made = wired()
    with made.hub, made.telegraf(output) as telegraf:
        for _ in range(20):
            made.give(telegraf, 250)
        made.compare()


@BOTH
def test_a_restart_of_the_hub_loses_nothing(wired: Callable[..., Wired], output: str) -> None:
    made = wired()
    with made.hub, made.telegraf(output) as telegraf:
        made.give(telegraf, 500)
        made.compare()
        made.hub.stop()
        made.give(telegraf, 500)
        made.hub.start()
        made.hub.wait()
        made.give(telegraf, 500)
        made.compare()


def test_a_hub_killed_while_telegraf_writes_loses_nothing(wired: Callable[..., Wired]) -> None:
    made = wired()
    with made.hub, made.telegraf(OVER_HTTP) as telegraf:
        for _ in range(4):
            made.give(telegraf, 1_000)
            made.hub.kill()
            made.hub.start()
            made.hub.wait()
        made.compare()


def test_telegraf_splits_what_is_too_large(wired: Callable[..., Wired]) -> None:
    made = wired(max_body_bytes="1KiB")
    with made.hub, made.telegraf(OVER_HTTP) as telegraf:
        made.give(telegraf, 300)
        made.compare()


def test_a_socket_without_metrics_stays_open(wired: Callable[..., Wired]) -> None:
    made = wired()
    with made.hub, made.telegraf(OVER_A_SOCKET) as telegraf:
        made.give(telegraf, 10)
        made.compare()
        time.sleep(2.5)  # longer than its read_timeout here: only the hub's pings keep it
        assert connections(made.hub) == 1
        made.give(telegraf, 10)
        made.compare()
        assert "error" not in telegraf.log.read_text().lower()
