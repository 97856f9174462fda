"""What a window was made of, over a real InfluxDB that others write into too."""

import asyncio
import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.servers.hub import HubProcess
from tests.servers.influxdb import InfluxDB2

pytestmark = pytest.mark.anyio


async def told(socket: ClientConnection, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            message: dict[str, Any] = json.loads(await socket.recv())
            if message["type"] == kind:
                return message


async def test_explain_and_schema_over_influxdb(influxdb2: InfluxDB2, tmp_path: Path) -> None:
    bucket = influxdb2.new_bucket()
    environment = {
        "HUB_STORE": f"influxdb:{influxdb2.url}",
        "HUB_INFLUX_TOKEN": influxdb2.token,
        "HUB_INFLUX_ORG": influxdb2.organization,
        "HUB_INFLUX_BUCKET": bucket,
    }
    query = {"measurement": "weather", "select": {"temp": ["sum"]}, "every": "1s", "grace": "0s"}
    with HubProcess(tmp_path, environment=environment) as hub:
        async with connect(f"{hub.sockets}/v1/live") as live, connect(f"{hub.sockets}/v1/write?precision=ms") as device:
            await live.send(json.dumps({"type": "subscribe", "id": "a", "query": query}))
            seam = await told(live, "live")
            at = seam["from"] + 1_500
            await device.send(f"weather,site=a temp=1 {at}")
            await told(device, "ack")
            while not (window := await told(live, "window"))["rows"]:
                pass
            influxdb2.write(bucket, f"weather,site=b temp=2 {(at + 1) * 1_000_000}".encode())
            await live.send(json.dumps({"type": "explain", "id": "a", "stop": window["stop"]}))
            explained = await told(live, "explained")
            assert (explained["way"], explained["rows"], explained["points"]) == ("tail", [[3.0]], 2)
            assert (explained["first"], explained["last"], explained["late"]) == (at, at + 1, 1)
            assert [revision["points"] for revision in explained["revisions"]] == [1]
            assert explained["query"].count("SELECT") >= 2
            while (corrected := await told(live, "window"))["stop"] != window["stop"]:
                pass
            assert (corrected["revision"], corrected["rows"]) == (1, [[3.0]])
            await live.send(json.dumps({"type": "explain", "id": "a", "stop": window["stop"] - 3_600_000}))
            assert (await told(live, "explained"))["way"] in ("duckdb", "influxql")
        schema = await asyncio.to_thread(_get, hub, "/v1/schema")
        assert schema["measurements"] == [
            {
                "name": "weather",
                "tags": [{"name": "site", "values": ["a", "b"], "more": False}],
                "fields": [{"name": "temp", "kinds": ["float"]}],
            }
        ]


def _get(hub: HubProcess, path: str) -> Any:
    with urllib.request.urlopen(hub.url + path, timeout=10) as response:
        return json.loads(response.read())
