"""Names, tags, values and filters that would bend a query, on each store: they come back as themselves.

Whatever is asked, a snapshot of the victim's points and of everything that is stored stays as it was.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from websockets.asyncio.client import connect

from hub.client import Point
from hub.settings import Settings, load_settings
from tests.hub.running import Answer, RunningHub, running_hub
from tests.servers.influxdb import InfluxDB

pytestmark = pytest.mark.anyio

PAYLOADS = (
    # SQL
    "'; DROP TABLE victim; --",
    "' OR '1'='1",
    "' OR 1=1 --",
    "'; DELETE FROM hub_measurements; --",
    "x' UNION SELECT name FROM hub_measurements --",
    '"; DROP TABLE points_0; --',
    '" OR ""="',
    "1; ATTACH '/etc/passwd' AS p; --",
    "'); COPY (SELECT 1) TO '/tmp/pxl_injected'; --",
    "x'; PRAGMA database_list; --",
    "$$; DROP TABLE series_0; $$",
    "E'\\'; DROP TABLE x; --",
    "? ; DROP TABLE victim",
    "/* */ victim /* */",
    "victim--",
    "read_csv('/etc/passwd')",
    # InfluxQL
    '"; DROP MEASUREMENT "victim"; --',
    "'; DROP MEASUREMENT victim; --",
    'x" WHERE time > 0; DELETE FROM "victim',
    "'; DROP SERIES FROM victim; --",
    "' OR \"t\" = 'a",
    "' OR \"t\"::tag =~ /.*/ OR '",
    "a' OR time > 0 --",
    "=~ /.*/",
    "/.*/",
    "/victim/",
    '"a"::field',
    "x::tag",
    "*",
    "*::field",
    "; SHOW DATABASES",
    "\\'; DROP MEASUREMENT victim; --",
    '\\"; DROP MEASUREMENT victim; --',
    "\\",
    "\\\\",
    "trailing\\",
    "\\'",
    '\\"',
    "$p0",
    "$identifier",
    "now() - 1h",
    "GROUP BY *",
    "INTO evil FROM victim",
    "fill(0)",
    # Flux
    'from(bucket:"b") |> drop()',
    '") |> yield(name:"x") //',
    "${victim}",
    'import "influxdata/influxdb/v1"',
    # Line protocol
    "victim,t=a v=666",
    "x v=1\nvictim,t=a v=666",
    "x v=1 1\nvictim,t=a v=666 1",
    "a,b=c",
    "a=b",
    "a b",
    "a\\ b\\,c\\=d",
    "#comment",
    "v=1i",
    '"quoted"',
    'open"quote',
    # JSON, templates, headers, paths
    '"},"tags":{"t":"a"}',
    '{"$ne":null}',
    "{{7*7}}",
    "%s%n%x",
    "{0.__class__}",
    "../../etc/passwd",
    "x\r\nSet-Cookie: a=b",
    "%27%20OR%201=1",
    "<script>alert(1)</script>",
    # Letters
    "\x00",
    "a\x00b",
    "a\rb",
    "a\tb",
    "a\nb",
    "\x1b[2J",
    "\u2028",
    "\u202evictim",
    "ｖｉｃｔｉｍ",
    "VICTIM",
    "süß 🎈",
    "ﬁ",
    " ",
    " leading",
    "time",
    "_field",
    "_measurement",
    "tag",
    "SELECT",
    "x" * 500,
)
NO_TAG = ("time",)
"""What a query is told that no tag can be called."""
HOUR = 3_600_000
VICTIM = {"measurement": "victim", "select": {"v": ["count", "sum"], "s": "last"}, "group_by": ["t"]}
CONFIGURATION = """
[streams.victim]
measurement = "victim"
select = { v = ["count"] }
group_by = ["t"]
every = "1h"
grace = "0s"
"""


class World(NamedTuple):
    """A hub on one store, and the hour into which everything is written."""

    hub: RunningHub
    start: int

    @property
    def time_ns(self) -> int:
        return (self.start + HOUR // 2) * 10**6

    def ask(self, **query: Any) -> Answer:
        """The windows of a query over the hour, which is over."""
        asked = {"query": {"every": "1h", "grace": "0s", **query}, "start": self.start, "stop": self.start + HOUR}
        return self.hub.get("/v1/query", "POST", body=json.dumps(asked).encode())

    def rows(self, **query: Any) -> Any:
        answer = self.ask(**query)
        assert answer.status == 200, (query, answer)
        return answer.body["windows"][0]["rows"]

    def snapshot(self) -> Any:
        """The victim's points, and all that its schema says."""
        return self.rows(**VICTIM), self.hub.get("/v1/schema?measurement=victim").body

    def measurements(self) -> set[str]:
        return {entry["name"] for entry in self.hub.get("/v1/schema?values=0").body["measurements"]}


@pytest.fixture(params=["duckdb", "influxdb2", "influxdb1"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    config = tmp_path / "hub.toml"
    config.write_text(CONFIGURATION)
    settings = Settings(store=f"duckdb:{tmp_path / 'hub.duckdb'}", data_folder=str(tmp_path), config=str(config))
    if request.param != "duckdb":
        server: InfluxDB = request.getfixturevalue(request.param)
        environment = {
            "HUB_STORE": f"influxdb:{server.url}",
            "HUB_INFLUX_TOKEN": server.token,
            "HUB_INFLUX_ORG": server.organization,
            "HUB_INFLUX_BUCKET": server.new_bucket(),
            "HUB_DATA_FOLDER": str(tmp_path),
        }
        settings = load_settings({"config": str(config)}, environment)
    with running_hub(settings) as hub:
        yield World(hub, time.time_ns() // 10**6 // HOUR * HOUR - HOUR)


def points_of(number: int, payload: str, time_ns: int) -> dict[str, dict[str, Any]]:
    """The payload in every position of a point."""
    point = {"tags": {"id": str(number)}, "fields": {"v": 1}, "time": time_ns // 10**6}
    tags = {"id": str(number)}
    return {
        "measurement": {**point, "measurement": payload},
        "tag": {**point, "measurement": "inj_tag", "tags": {**tags, payload: "x"}},
        "value": {**point, "measurement": "inj_value", "tags": {**tags, "t": payload}},
        "field": {**point, "measurement": "inj_field", "fields": {payload: 1}},
        "text": {**point, "measurement": "inj_text", "fields": {"s": payload}},
    }


async def test_payloads_bend_nothing_and_come_back_as_themselves(world: World) -> None:
    seed = f'victim,t=a v=1,s="keep" {world.time_ns}\nvictim,t=b v=2,s="it" {world.time_ns}'
    assert world.hub.get("/write", "POST", body=seed.encode()).status == 204
    before = world.snapshot()
    stored = await written(world)
    by_line = written_over_http(world)
    asked = sum(look_for(world, number, payload, stored[number]) for number, payload in enumerate(PAYLOADS))
    asked += sum(filter_over_http(world, payload) for payload in PAYLOADS)
    asked += await subscribe(world)
    sent = len(PAYLOADS) * (len(points_of(0, "", 0)) + 1)
    assert world.snapshot() == before
    accepted = {payload for payload, kinds in zip(PAYLOADS, stored, strict=True) if "measurement" in kinds}
    expected = accepted | {"victim", "inj_tag", "inj_value", "inj_field", "inj_text", "inj_line"}
    assert world.measurements() == expected
    assert not Path("/tmp/pxl_injected").exists()
    assert sent + asked >= 500
    print(f"\n{sent} payloads written, {sum(map(len, stored)) + by_line} of them stored; {asked} asked with")


async def written(world: World) -> list[set[str]]:
    """Write each payload in each position over the socket: the positions that were stored, for each payload."""
    stored: list[set[str]] = []
    async with connect(f"{world.hub.sockets}/v1/write?format=json") as device:
        await device.recv()
        for number, payload in enumerate(PAYLOADS):
            points = points_of(number, payload, world.time_ns)
            await device.send(json.dumps(list(points.values())))
            message = json.loads(await device.recv())
            assert message["type"] in {"ack", "reject"}, message
            refused = {point["line"] - 1 for point in message.get("rejected", [])}
            stored.append({name for index, name in enumerate(points) if index not in refused})
    return stored


def written_over_http(world: World) -> int:
    """Write each payload as line protocol: how many were stored. Each is found again."""
    count = 0
    for number, payload in enumerate(PAYLOADS):
        try:
            line = Point("inj_line", {"s": payload}, {"id": str(number), "t": payload}, world.time_ns).line()
        except ValueError:
            continue
        if world.hub.get("/api/v2/write", "POST", body=line).status == 204:
            where = {"id": str(number), "t": payload}
            rows = world.rows(measurement="inj_line", select={"s": "last"}, where=where, group_by=["t"])
            assert rows == [[payload, payload]], payload
            count += 1
    assert count > len(PAYLOADS) // 2
    return count


def look_for(world: World, number: int, payload: str, stored: set[str]) -> int:
    """Ask for a payload in each position of a query; what was stored comes back as itself. How many questions."""
    mine = {"id": str(number)}
    questions: dict[str, tuple[dict[str, Any], list[Any]]] = {
        "measurement": ({"measurement": payload, "select": {"v": "count"}, "where": mine}, [[1]]),
        "tag": (
            {"measurement": "inj_tag", "select": {"v": "count"}, "where": {payload: "x"}, "group_by": [payload]},
            [["x", 1]],
        ),
        "value": (
            {"measurement": "inj_value", "select": {"v": "count"}, "where": {"t": payload}, "group_by": ["t"]},
            [[payload, 1]],
        ),
        "field": ({"measurement": "inj_field", "select": {payload: "count"}, "where": mine}, [[1]]),
        "text": ({"measurement": "inj_text", "select": {"s": "last"}, "where": mine}, [[payload]]),
    }
    for name, (query, rows) in questions.items():
        answer = world.ask(**query)
        if name in stored:
            assert answer.status == 200, (name, payload, answer)
            assert answer.body["windows"][0]["rows"] == rows, (name, payload)
        else:
            assert answer.status in {200, 400}, (name, payload, answer)
            assert answer.status == 400 or answer.body["windows"][0]["rows"] == [], (name, payload)
    return len(questions)


def filter_over_http(world: World, payload: str) -> int:
    """The payload in addresses."""
    name = quote(payload, safe="")
    window = f"start={world.start}&stop={world.start + HOUR}"
    found = {
        f"/v1/schema?measurement={name}": {200},
        f"/v1/streams/{name}/windows": {400, 404},
        f"/v1/streams/victim/windows?{window}&where.t={name}": {200},
        f"/v1/streams/victim/windows?{window}&where.{name}={name}": {200},
        f"/v1/streams/victim/windows?start={name}": {400},
    }
    for path, statuses in found.items():
        answer = world.hub.get(path)
        assert answer.status in statuses or (payload in NO_TAG and answer.status == 400), (path, answer)
        if "where." in path and answer.status == 200:
            assert answer.body["windows"][0]["rows"] == [], path
    return len(found)


async def subscribe(world: World) -> int:
    """The payload as the condition and the group of a subscription."""
    async with connect(f"{world.hub.sockets}/v1/live") as live:
        for number, payload in enumerate(PAYLOADS):
            query = {
                "measurement": "victim",
                "select": {"v": "sum"},
                "every": "1h",
                "grace": "0s",
                "group_by": [payload],
            }
            asked = {"query": {**query, "where": {"t": payload}}, "after": world.start}
            await live.send(json.dumps({"type": "subscribe", "id": str(number), **asked}))
            while (message := json.loads(await live.recv()))["type"] not in {"history", "error"} or message[
                "id"
            ] != str(number):
                pass
            if payload in NO_TAG:
                assert message["code"] == "invalid_query"
                continue
            assert message["type"] == "history", (payload, message)
            assert [window["rows"] for window in message["windows"]] == [[]] * len(message["windows"]), payload
            await live.send(json.dumps({"type": "unsubscribe", "id": str(number)}))
    return len(PAYLOADS)
