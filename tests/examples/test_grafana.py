"""What Grafana would ask by the provisioned files: its queries of a real InfluxDB, its plug-in's socket to a real hub.

Grafana itself is none of the packages that can be had; what it and its plug-in do with the files is small, and here.
"""

import json
import string
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from websockets.sync.client import connect

from tests.examples.asking import EXAMPLES
from tests.node import NODE
from tests.servers.hub import HubProcess
from tests.servers.influxdb import InfluxDB2

PROVISIONING = EXAMPLES / "grafana" / "provisioning"
DASHBOARD = json.loads((PROVISIONING / "dashboards" / "weather.json").read_text())
PAGE = Path(__file__).parents[2] / "hub" / "dashboard"
EVALUATE = """
const { JSONPath } = require("jsonpath-plus");
const { messages, path } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(messages.flatMap((json) => JSONPath({ path, json }))));
"""
"""As the plug-in does with each field, by the library that it uses."""
STREAMS = """
[streams.weather]
measurement = "weather"
select = { temp = ["mean", "p95"], hum = ["last"] }
group_by = ["site"]
every = "1s"
grace = "100ms"
"""


def sources(**environment: str) -> dict[str, dict[str, Any]]:
    """The provisioned data sources by their uid, with Grafana's environment in them."""
    text = (PROVISIONING / "datasources" / "pxl-hub.yaml").read_text()
    found = yaml.safe_load(string.Template(text).substitute(environment))["datasources"]
    return {source["uid"]: source for source in found}


def headers(source: dict[str, Any], name: str, value: str) -> dict[str, str]:
    """The header that the data source sends."""
    return {source["jsonData"][name]: source["secureJsonData"][value]}


def panel(uid: str) -> dict[str, Any]:
    """What the panel of this data source asks for."""
    (found,) = (panel for panel in DASHBOARD["panels"] if panel["datasource"]["uid"] == uid)
    target: dict[str, Any] = found["targets"][0]
    return target


def evaluated(messages: list[dict[str, Any]], path: str) -> list[Any]:
    """What a JSONPath finds in these messages."""
    given = json.dumps({"messages": messages, "path": path})
    run = subprocess.run([NODE, "-e", EVALUATE], input=given, cwd=PAGE, capture_output=True, text=True, check=True)
    values: list[Any] = json.loads(run.stdout)
    return values


@pytest.mark.influxdb
def test_every_point_is_on_the_panel_of_influxdb(influxdb2: InfluxDB2, tmp_path: Path) -> None:
    bucket = influxdb2.new_bucket()
    now = time.time_ns() // 10**9
    settings = {
        "HUB_STORE": f"influxdb:{influxdb2.url}",
        "HUB_INFLUX_TOKEN": influxdb2.token,
        "HUB_INFLUX_ORG": influxdb2.organization,
        "HUB_INFLUX_BUCKET": bucket,
    }
    with HubProcess(tmp_path, environment=settings) as hub, connect(f"{hub.sockets}/v1/write?precision=s") as socket:
        socket.recv()
        socket.send(f"weather,site=roof temp=20 {now}\nweather,site=cellar temp=12.5 {now}")
        assert json.loads(socket.recv())["stored"] == "store"
    source = sources(
        HUB_INFLUX_URL=influxdb2.url, HUB_INFLUX_BUCKET=bucket, HUB_INFLUX_TOKEN=influxdb2.token, HUB_SOCKETS="",
        HUB_TOKEN="",
    )["pxl-influxdb"]  # fmt: skip
    query = panel("pxl-influxdb")["query"]
    query = query.replace("$timeFilter", f"time >= {now - 900}s and time <= {now + 60}s").replace("$__interval", "15m")
    form = urllib.parse.urlencode({"db": source["jsonData"]["dbName"], "epoch": "ms", "q": query}).encode()
    sent = headers(source, "httpHeaderName1", "httpHeaderValue1")
    with urllib.request.urlopen(urllib.request.Request(f"{source['url']}/query", form, sent), timeout=10) as response:
        (result,) = json.load(response)["results"]
    means = {
        each["tags"]["site"]: [mean for _, mean in each["values"] if mean is not None] for each in result["series"]
    }
    assert means == {"roof": [20.0], "cellar": [12.5]}


def test_windows_are_on_the_panel_of_the_hub_as_they_close(tmp_path: Path) -> None:
    (tmp_path / "hub.toml").write_text(STREAMS)
    with HubProcess(tmp_path, "--config", str(tmp_path / "hub.toml")) as hub:
        source = sources(
            HUB_INFLUX_URL="", HUB_INFLUX_BUCKET="", HUB_INFLUX_TOKEN="", HUB_SOCKETS=hub.sockets, HUB_TOKEN="none"
        )["pxl-hub"]
        target = panel("pxl-hub")
        sent = headers(source, "headerName1", "headerValue1")
        messages: list[dict[str, Any]] = []
        with (
            connect(f"{source['jsonData']['host']}/{target['path']}", additional_headers=sent) as grafana,
            connect(f"{hub.sockets}/v1/write") as device,
        ):
            device.recv()
            while sum(bool(message.get("rows")) for message in messages) < 3:
                device.send("weather,site=cellar temp=12\nweather,site=roof temp=20.5")
                messages.append(json.loads(grafana.recv(timeout=10)))
    assert [message["type"] for message in messages[:2]] == ["ready", "subscribed"]
    times, means, p95 = (evaluated(messages, field["jsonPath"]) for field in target["fields"])
    stops = [message["stop"] for message in messages if message.get("rows")]
    assert times == stops
    assert set(means) == set(p95) == {20.5}
    assert len(means) == len(p95) == len(stops)
