"""The main job: known points in by one socket, and every window of them out by another, compared row by row."""

import asyncio
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from tests.integration.observer import Sent, Subscription, acknowledged, expected_rows, same, send_frame
from tests.servers.hub import HubProcess

pytestmark = pytest.mark.anyio

AGGREGATES = ["count", "mean", "min", "max", "first", "last", "p95", "sum"]
QUERY = {"measurement": "weather", "select": {"temp": AGGREGATES}, "group_by": ["site"], "every": "1s"}
PLANS = {"tumbling": QUERY, "hopping": {**QUERY, "window": "10s"}}
SITES = ["s1", "s2", "s3"]
PAST_SECONDS, LIVE_SECONDS = 170, 10


@pytest.fixture(params=["duckdb", "influxdb2", "influxdb2 two workers", "influxdb1"])
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HubProcess]:
    """A hub on each store."""
    store, _, workers = request.param.partition(" ")
    environment, options = {}, []
    if store != "duckdb":
        server = request.getfixturevalue(store)
        environment = {
            "HUB_STORE": f"influxdb:{server.url}",
            "HUB_INFLUX_TOKEN": server.token,
            "HUB_INFLUX_ORG": server.organization,
            "HUB_INFLUX_BUCKET": server.new_bucket(),
        }
        options = ["--workers", "2"] if workers else []
    with HubProcess(tmp_path, *options, environment=environment) as running:
        yield running


def made_points(start: int, seconds: int, rate: int, seed: int) -> list[Sent]:
    """`rate` points a second for each site from `start` (ms) on, at random nanoseconds, none twice at one time."""
    chance = random.Random(seed)
    return [
        Sent({"site": site}, {"temp": round(chance.gauss(20, 5), 3)}, (start + second * 1_000) * 1_000_000 + offset)
        for second in range(seconds)
        for site in SITES
        for offset in chance.sample(range(10**9), rate)
    ]


async def test_every_row_is_what_the_points_say(hub: HubProcess) -> None:
    begin = int(time.time()) * 1_000
    past = made_points(begin - PAST_SECONDS * 1_000, PAST_SECONDS, 5, seed=1)
    live = made_points(begin, LIVE_SECONDS, 5, seed=2)
    subscriptions = {name: Subscription() for name in PLANS}

    watching = asyncio.create_task(watch(hub, subscriptions, until=begin + (LIVE_SECONDS + 2) * 1_000))
    async with connect(f"{hub.sockets}/v1/write") as device:
        frames = [past[i : i + 100] for i in range(0, len(past), 100)]
        # The past comes in any order while the dashboard already watches; the present as it happens, a little late.
        random.Random(3).shuffle(frames)
        for frame in frames:
            await send_frame(device, (point.line("weather") for point in frame))
        sent = len(frames)
        for second in range(LIVE_SECONDS):
            await asyncio.sleep(max(0, (begin / 1_000 + second + 1.2) - time.time()))
            await send_frame(device, (point.line("weather") for point in live[second * 15 : second * 15 + 15]))
            sent += 1
        await acknowledged(device, sent)
    await watching

    for name, subscription in subscriptions.items():
        compare(name, subscription, past + live, begin)


async def watch(hub: HubProcess, subscriptions: dict[str, Subscription], until: int) -> None:
    """Subscribe with history and follow until every window that stopped by `until` is final."""
    async with connect(f"{hub.sockets}/v1/live") as dashboard:
        for name, query in PLANS.items():
            await dashboard.send(json.dumps({"type": "subscribe", "id": name, "query": query, "history": "200s"}))
        by_plan: dict[str, Subscription] = {}
        async with asyncio.timeout(60):
            while not all(subscription.final_until >= until for subscription in subscriptions.values()):
                message = json.loads(await dashboard.recv())
                assert message["type"] != "error", message
                if message["type"] == "subscribed":
                    by_plan[message["plan"]] = subscriptions[message["id"]]
                if "plan" in message:
                    by_plan[message["plan"]].take(message)


def compare(name: str, subscription: Subscription, points: list[Sent], begin: int) -> None:
    """Every window of the time that the points cover is there once, and says what they say."""
    window_ms = 10_000 if name == "hopping" else 1_000
    stops = range(begin - (PAST_SECONDS - 1) * 1_000, begin + (LIVE_SECONDS + 2) * 1_000 + 1, 1_000)
    missing = [stop for stop in stops if stop not in subscription.windows]
    assert not missing, f"{name}: {len(missing)} windows of {len(stops)} never came"
    wrong: list[Any] = []
    for stop in stops:
        wanted = expected_rows(points, stop - window_ms, stop, group_by="site", field_name="temp")
        rows = subscription.windows[stop]["rows"]
        if len(rows) != len(wanted) or not all(map(same, rows, wanted)):
            wrong.append((stop - begin, rows, wanted))
    assert not wrong, f"{name}: {len(wrong)} windows of {len(stops)} differ, first {wrong[:2]}"


def test_the_comparison_finds_one_wrong_value() -> None:
    points = made_points(0, PAST_SECONDS + LIVE_SECONDS, 2, seed=4)
    begin = PAST_SECONDS * 1_000
    subscription = Subscription()
    for stop in range(1_000, begin + (LIVE_SECONDS + 2) * 1_000 + 1, 1_000):
        rows = expected_rows(points, stop - 1_000, stop, group_by="site", field_name="temp")
        subscription.take({"type": "window", "stop": stop, "revision": 0, "rows": rows})
    compare("tumbling", subscription, points, begin)

    subscription.windows[begin]["rows"][1][5] += 0.001
    with pytest.raises(AssertionError, match="1 windows of"):
        compare("tumbling", subscription, points, begin)
    del subscription.windows[begin]
    with pytest.raises(AssertionError, match="never came"):
        compare("tumbling", subscription, points, begin)
