"""The same caps at every door: frames and points that are too large are refused by name, the others are stored."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.asyncio.client import connect

from hub.codes import remedy_of
from hub.settings import Settings
from tests.hub.routes.test_influx import Client
from tests.hub.running import RunningHub, running_hub

pytestmark = pytest.mark.anyio

SETTINGS = Settings(
    store="duckdb::memory:",
    max_frame_points=4,
    max_tags=2,
    max_fields=2,
    max_name_bytes=10,
    max_value_bytes=30,
    max_new_series=3,
)
TOO_MUCH = {
    "m,a=1,b=2,c=3 v=1": "too_many_tags",
    "m a=1,b=2,c=3": "too_many_fields",
    "measurement v=1": "name_too_long",
    "m measurement=1": "name_too_long",
    'm s="1234567890123456789012345678901"': "value_too_long",
}


@pytest.fixture
def hub() -> Iterator[RunningHub]:
    with running_hub(SETTINGS) as hub:
        yield hub


async def outcome(hub: RunningHub, frame: str) -> dict[str, Any]:
    """What is said of one frame."""
    async with connect(f"{hub.sockets}/v1/write") as device:
        await device.recv()
        await device.send(frame)
        message: dict[str, Any] = json.loads(await device.recv())
        return message


async def test_a_socket_is_told_which_points_have_too_much(hub: RunningHub) -> None:
    for line, code in TOO_MUCH.items():
        told = await outcome(hub, f"m v=1\n{line}\nm v=2")
        assert (told["type"], told["accepted"]) == ("reject", 2)
        assert [(point["line"], point["code"]) for point in told["rejected"]] == [(2, code)]
        assert remedy_of(code)


async def test_a_frame_with_too_many_points_keeps_the_first(hub: RunningHub) -> None:
    told = await outcome(hub, "\n".join(f"m v={i}" for i in range(6)))
    assert told["accepted"] == 4
    assert [(point["line"], point["code"]) for point in told["rejected"]] == [(5, "too_many_points")]


def test_a_request_is_told_which_points_have_too_much(hub: RunningHub) -> None:
    client = Client(hub)
    for line in TOO_MUCH:
        answer = client.post("/api/v2/write", f"m v=1\n{line}\nm v=2")
        assert (answer.status, json.loads(answer.body)["line"]) == (422, 2)
    # How many points a request may have is for its size alone to say.
    assert client.post("/api/v2/write", "\n".join(f"m v={i}" for i in range(6))).status == 204
    client.connection.close()


async def test_new_series_are_counted_for_an_address_through_both_doors(hub: RunningHub) -> None:
    assert (await outcome(hub, "m,t=1 v=1\nm,t=2 v=1"))["type"] == "ack"
    client = Client(hub)
    answer = client.post("/write", "m,t=2 v=1\nm,t=3 v=1\nm,t=4 v=1")
    assert answer.status == 400
    assert "line 3: the series 'm,t=4' is new" in answer.message
    client.connection.close()
    told = await outcome(hub, "m,t=5 v=1\nm,t=3 v=1")
    assert [(point["line"], point["code"]) for point in told["rejected"]] == [(1, "too_many_series")]
