"""Every format over a real socket, with its parameters: the same points whichever way they come."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from hub.settings import Settings
from tests.hub.routes.test_influx import AT, Client, stored
from tests.hub.running import RunningHub, running_hub

pytestmark = pytest.mark.anyio

MILLISECONDS = AT * 1_000


@pytest.fixture(scope="module")
def hub() -> Iterator[RunningHub]:
    with running_hub(Settings(store="duckdb::memory:", max_objects=5)) as hub:
        yield hub


async def told(hub: RunningHub, frames: list[str | bytes], **parameters: str) -> list[dict[str, Any]]:
    """What is said of frames, each sent when the one before has its outcome."""
    messages = []
    async with connect(f"{hub.sockets}/v1/write?{urlencode(parameters)}") as device, asyncio.timeout(10):
        await device.recv()
        for frame in frames:
            await device.send(frame)
            messages.append(json.loads(await device.recv()))
    return messages


async def closed(hub: RunningHub, frame: str | bytes | None = None, **parameters: str) -> tuple[int, str]:
    """How the socket is closed."""
    async with connect(f"{hub.sockets}/v1/write?{urlencode(parameters)}") as device, asyncio.timeout(10):
        if frame is not None:
            await device.send(frame)
        with suppress(ConnectionClosed):
            while True:
                await device.recv()
    return device.close_code or 0, device.close_reason or ""


async def columns(hub: RunningHub, measurement: str, *fields: str) -> dict[str, str | None]:
    """The kinds of fields, as a dashboard is told them."""
    query = {"measurement": measurement, "select": dict.fromkeys(fields, "last"), "every": "1s"}
    async with connect(f"{hub.sockets}/v1/live") as live:
        await live.send(json.dumps({"type": "subscribe", "id": "a", "query": query}))
        await live.recv()
        subscribed = json.loads(await live.recv())
        return {column["name"].split(".")[0]: column["kind"] for column in subscribed["columns"]}


def acks(*frames: int) -> list[dict[str, Any]]:
    return [{"type": "ack", "frame": frame, "stored": "store"} for frame in frames]


def point(measurement: str, after: int = 0, /, time_unit: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "measurement": measurement,
        "tags": {"a": "b"},
        "fields": fields,
        "time": (MILLISECONDS + after) * time_unit,
    }


async def test_json_objects_and_arrays_in_milliseconds(hub: RunningHub) -> None:
    array = [point("j", 1, v=2), point("j", 2, v=3)]
    assert await told(hub, [json.dumps(point("j", v=1)), json.dumps(array), "[]", ""], format="json") == acks(
        1, 2, 3, 4
    )
    assert await stored(hub, "j") == [3, 6.0]
    assert await columns(hub, "j", "v") == {"v": "float"}


async def test_a_json_number_takes_the_kind_that_its_field_has(hub: RunningHub) -> None:
    client = Client(hub)
    assert client.post("/write?precision=s", f"kinds v=1i,u=1u,f=1 {AT}").status == 204
    client.connection.close()
    frames: list[str | bytes] = [json.dumps(point("kinds", 1, v=2, u=2, f=2)), json.dumps(point("kinds", 2, v=2.5))]
    ack, reject = await told(hub, frames, format="json")
    assert ack == acks(1)[0]
    assert (reject["type"], reject["accepted"]) == ("reject", 0)
    assert await columns(hub, "kinds", "v", "u", "f") == {"v": "integer", "u": "unsigned", "f": "float"}
    assert await stored(hub, "kinds") == [2, 3]


async def test_msgpack_keeps_integers_and_floats_apart(hub: RunningHub) -> None:
    frame = msgspec.msgpack.encode([point("p", 0, 10**6, v=1, f=1.0), point("p", 1, 10**6, v=2, f=2.0)])
    assert await told(hub, [frame], format="msgpack") == acks(1)
    assert await stored(hub, "p") == [2, 3]
    assert await columns(hub, "p", "v", "f") == {"v": "integer", "f": "float"}
    assert await closed(hub, "[]", format="msgpack") == (1003, "this format comes in binary frames, not in text")


async def test_graphite_without_and_with_templates(hub: RunningHub) -> None:
    assert await told(hub, [f"plain.path 1.5 {AT}\nplain.path 2.5 {AT + 1}\n"], format="graphite") == acks(1)
    assert await columns(hub, "plain.path", "value") == {"value": "float"}
    template = "servers.* .host.measurement.field region=north"
    frame = f"servers.web.cpu.v 1 {AT}\nservers.db.cpu.v 2 {AT}\nother 3 {AT}"
    assert await told(hub, [frame.encode()], format="graphite", template=template) == acks(1)
    assert await stored(hub, "cpu") == [2, 3.0]


@pytest.mark.parametrize("format_name", ["json", "graphite"])
async def test_bad_points_are_named_and_good_ones_kept(hub: RunningHub, format_name: str) -> None:
    name = f"bad_{format_name}"
    frame = {
        "json": json.dumps([point(name, v=1), {"measurement": name}, point(name, 1, v=2)]),
        "graphite": f"{name} 1 {AT}\n{name} x {AT}\n{name} 2 {AT + 1}",
    }[format_name]
    (reject,) = await told(hub, [frame], format=format_name)
    assert (reject["accepted"], [bad["line"] for bad in reject["rejected"]]) == (2, [2])


@pytest.mark.parametrize("format_name", ["json", "msgpack"])
async def test_the_first_objects_of_a_frame_with_too_many_are_kept(hub: RunningHub, format_name: str) -> None:
    unit = 10**6 if format_name == "msgpack" else 1
    points = [point("many", i, unit, v=1) for i in range(7)]
    frame = msgspec.msgpack.encode(points) if format_name == "msgpack" else json.dumps(points)
    (reject,) = await told(hub, [frame], format=format_name)
    assert (reject["accepted"], [bad["line"] for bad in reject["rejected"]]) == (5, [6])


@pytest.mark.parametrize(
    ("format_name", "frame"),
    [
        ("json", "{"),
        ("json", "1"),
        ("msgpack", b"\xc1"),
    ],
)
async def test_a_frame_that_cannot_be_read_is_refused_whole(hub: RunningHub, format_name: str, frame: Any) -> None:
    (reject,) = await told(hub, [frame], format=format_name)
    assert (reject["accepted"], [bad["code"] for bad in reject["rejected"]]) == (0, ["unreadable_frame"])


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"format": "xml"}, "format: 'xml' is none; there are line, json, msgpack, graphite"),
        ({"format": "json", "template": "x"}, "template: only format=graphite has templates, not json"),
        ({"template": "x"}, "template: only format=graphite has templates, not line"),
        ({"format": "graphite", "template": "a.b"}, "template: 'a.b' has no 'measurement' among its parts"),
        ({"format": "json", "precision": "m"}, "precision: 'm' is none; there are ns, us, ms, s"),
    ],
)
async def test_a_parameter_that_cannot_be_meant_is_named(
    hub: RunningHub, parameters: dict[str, str], reason: str
) -> None:
    assert await closed(hub, **parameters) == (4400, reason)


async def test_kinds_are_known_after_a_restart_too(tmp_path: Path) -> None:
    settings = Settings(store=f"duckdb:{tmp_path / 'hub.duckdb'}", data_folder=str(tmp_path))
    with running_hub(settings) as hub:
        assert await told(hub, [f"again v=1i {time.time_ns()}"]) == acks(1)
    with running_hub(settings) as hub:
        assert await told(hub, [json.dumps(point("again", v=2))], format="json") == acks(1)
        assert await columns(hub, "again", "v") == {"v": "integer"}


async def test_what_depends_on_a_store_that_is_away_is_asked_for_again(tmp_path: Path) -> None:
    settings = Settings(store="influxdb:http://127.0.0.1:9", influx_bucket="none", data_folder=str(tmp_path))
    with running_hub(settings) as hub:
        frames: list[str | bytes] = [json.dumps(point("away", v=1))] * 2
        assert await told(hub, frames, format="json") == [
            {"type": "retry", "frame": 1, "after_ms": 500},
            {"type": "retry", "frame": 2, "after_ms": 500},
        ]
        (ack,) = await told(hub, [f"away v=1 {AT * 10**9}"])
        assert ack == {"type": "ack", "frame": 1, "stored": "spool"}
