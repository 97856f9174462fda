"""`pxl-hub serve --store influxdb:…` against a real InfluxDB: refused, away, back, and with two workers."""

import asyncio
import json
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.hub.commands.test_serve import serve
from tests.servers.hub import HubProcess, free_port
from tests.servers.influxdb import InfluxDB2

pytestmark = [pytest.mark.anyio, pytest.mark.influxdb]


def environment(server: InfluxDB2, bucket: str, **changes: str) -> dict[str, str]:
    return {
        "HUB_INFLUX_TOKEN": server.token,
        "HUB_INFLUX_ORG": server.organization,
        "HUB_INFLUX_BUCKET": bucket,
        **changes,
    }


async def told(socket: ClientConnection, *types: str) -> dict[str, Any]:
    """The next message of one of these types."""
    async with asyncio.timeout(20):
        while (message := json.loads(await socket.recv()))["type"] not in types:
            pass
    return dict(message)


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    "changes", [{"HUB_INFLUX_TOKEN": "forged"}, {"HUB_INFLUX_ORG": "nobody"}, {"HUB_INFLUX_BUCKET": "nothing"}]
)
def test_what_influxdb_refuses_is_one_sentence_and_exit_code_2(
    influxdb2: InfluxDB2, changes: dict[str, str], workers: str, tmp_path: Path
) -> None:
    settings = environment(influxdb2, influxdb2.new_bucket(), **changes)
    result = serve(tmp_path, "--store", f"influxdb:{influxdb2.url}", "--workers", workers, "--port", "0", **settings)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert influxdb2.url in line
    assert influxdb2.token not in line
    assert "forged" not in line


def test_while_influxdb_does_not_answer_the_hub_listens_and_says_so(influxdb2: InfluxDB2, tmp_path: Path) -> None:
    settings = environment(influxdb2, "any")
    hub = HubProcess(tmp_path, "--store", f"influxdb:http://127.0.0.1:{free_port()}", environment=settings)
    hub.start()
    try:
        hub.wait("/healthz")
        until = time.monotonic() + 10
        while "does not answer" not in hub.log.read_text() and time.monotonic() < until:
            time.sleep(0.05)
        assert "does not answer" in hub.log.read_text()
        assert "Traceback" not in hub.log.read_text()
    finally:
        assert hub.stop() == 0


async def test_two_workers_serve_the_same_windows(influxdb2: InfluxDB2, tmp_path: Path) -> None:
    settings = environment(influxdb2, influxdb2.new_bucket())
    query = {"measurement": "two", "select": {"v": ["sum", "count"]}, "every": "500ms"}
    with HubProcess(tmp_path, "--store", f"influxdb:{influxdb2.url}", "--workers", "2", environment=settings) as hub:
        lives = [await connect(f"{hub.sockets}/v1/live") for _ in range(4)]
        devices = [await connect(f"{hub.sockets}/v1/write") for _ in range(4)]
        try:
            seams = []
            for live in lives:
                await live.send(json.dumps({"type": "subscribe", "id": "a", "query": query}))
                seams.append((await told(live, "live"))["from"])
            at = max(seams) + 700
            for number, device in enumerate(devices):
                await device.send(f"two,dev=d{number} v={number} {at}000000")
                assert (await told(device, "ack", "retry", "reject"))["type"] == "ack"
            for live in lives:
                while (window := await told(live, "window"))["stop"] <= at:
                    pass
                assert window["rows"] == [[6.0, 4]]
            # Whichever worker is asked answers for both.
            with urllib.request.urlopen(f"{hub.url}/metrics", timeout=5) as answer:
                text = answer.read().decode()
            assert "hub_frames_total 4.0" in text
            assert 'hub_connections{endpoint="live"} 4.0' in text
        finally:
            for socket in (*lives, *devices):
                await socket.close()
    assert hub.process.returncode == 0
    assert "Traceback" not in hub.log.read_text()
