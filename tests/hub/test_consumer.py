"""A dashboard's session as transcripts, with a real engine in simulated time."""

from typing import Any

import pytest

from hub.codes import Close, SessionOver
from tests.hub.dashboards import QUERY, STREAMS, Dashboard, Message, World, kinds_of, play
from tests.streams.simulation import BEGIN


def test_a_subscription_is_described_and_then_live() -> None:
    async def scenario(world: World) -> None:
        dashboard = Dashboard(world)
        dashboard.says(type="subscribe", id="a", stream="by_site")
        subscribed, live = await dashboard.hears()
        assert subscribed == {
            "type": "subscribed",
            "id": "a",
            "plan": STREAMS["by_site"].key,
            "columns": [
                {"name": "site", "kind": "tag"},
                {"name": "v.sum", "kind": "integer", "unit": None},
            ],
            "window_ms": 1_000,
            "every_ms": 1_000,
            "grace_ms": 500,
            "shared_by": 1,
        }
        assert live == {"type": "live", "id": "a", "plan": subscribed["plan"], "from": BEGIN}

    play(scenario)


def test_windows_come_when_they_stop_and_again_when_a_late_point_changed_them() -> None:
    async def scenario(world: World) -> None:
        dashboard = Dashboard(world)
        dashboard.says(type="subscribe", id="a", stream="weather")
        await dashboard.hears()
        world.put(1, at=500)
        progress, window = await dashboard.hears(1_000)
        assert (progress["type"], progress["final_until"]) == ("progress", BEGIN)
        assert (window["stop"], window["revision"], window["final"]) == (BEGIN + 1_000, 0, False)
        assert (window["rows"], window["points"]) == ([[1]], 1)
        world.put(2, at=600, site="b")
        again, progress = await dashboard.hears(500)
        assert (again["stop"], again["revision"], again["final"], again["rows"]) == (BEGIN + 1_000, 1, True, [[3]])
        assert (progress["type"], progress["final_until"]) == ("progress", BEGIN + 1_000)
        assert [m["rows"] for m in await dashboard.hears(500) if m["type"] == "window"] == [[]]

    play(scenario)


def test_history_then_the_seam_then_live_leave_no_hole_while_the_store_is_slow() -> None:
    async def scenario(world: World) -> None:
        for second in range(10):
            world.put(1 << second, at=second * 1_000 - 10_000 + 500)
        world.slow_ms = 900
        dashboard = Dashboard(world)
        dashboard.says(type="subscribe", id="a", stream="weather", history="10s")
        told = await dashboard.hears(20_000)
        assert kinds_of(told)[0] == "subscribed"
        seam = kinds_of(told).index("live")
        past = [window for message in told[1:seam] for window in message["windows"]]
        assert [message["more"] for message in told[1:seam]][-1] is False
        assert [message["more"] for message in told[1 : seam - 1]] == [True] * (seam - 2)
        stops = [window["stop"] for window in past]
        assert stops[0] == BEGIN - 9_000
        assert told[seam]["from"] == max(stops)
        live = [message["stop"] for message in told[seam:] if message["type"] == "window"]
        assert stops + [stop for stop in live if stop > max(stops)] == list(range(BEGIN - 9_000, max(live) + 1, 1_000))
        assert [window["rows"] for window in past[:10]] == [[[1 << second]] for second in range(10)]

    play(scenario)


def test_a_point_that_comes_while_history_is_read_is_not_lost() -> None:
    async def scenario(world: World) -> None:
        other, dashboard = Dashboard(world), Dashboard(world)
        other.says(type="subscribe", id="x", stream="weather")
        world.put(1, at=-5_500)
        await other.hears(3_000)
        world.slow_ms = 300
        dashboard.says(type="subscribe", id="a", stream="weather", history="1m")
        await dashboard.hears(500)
        world.put(2, at=-5_400)
        told = await dashboard.hears(60_000)
        shown: dict[int, tuple[int, Any]] = {}
        for message in told:
            for window in message["windows"] if message["type"] == "history" else [message]:
                if "stop" in window and window["revision"] >= shown.get(window["stop"], (0, None))[0]:
                    shown[window["stop"]] = (window["revision"], window["rows"])
        assert shown[BEGIN - 5_000][1] == [[3]]

    play(scenario)


def test_much_history_waits_for_a_socket_that_does_not_read() -> None:
    async def scenario(world: World) -> None:
        for second in range(20):
            for site in range(100):
                world.put(site, at=second * 1_000 - 20_000, site=f"s{site}")
        query = {**QUERY, "group_by": ["site"]}
        dashboard = Dashboard(world, budget_bytes=10_000)
        dashboard.reads.clear()
        for name in "abc":
            dashboard.says(type="subscribe", id=name, query=query, history="20s")
        assert await dashboard.hears(5_000) == []
        assert dashboard.outbound.closing is None
        dashboard.reads.set()
        told = await dashboard.hears(5_000)
        for name in "abc":
            own = [message for message in told if message.get("id") == name]
            assert (kinds_of(own)[0], kinds_of(own)[-1]) == ("subscribed", "live")
            rows = [len(window["rows"]) for message in own[1:-1] for window in message["windows"]]
            assert rows[:20] == [100] * 20
        assert kinds_of(await dashboard.hears(1_000)) == ["window", "progress"]

    play(scenario)


def test_after_gives_only_windows_that_stopped_later() -> None:
    async def scenario(world: World) -> None:
        dashboard = Dashboard(world)
        dashboard.says(type="subscribe", id="a", stream="weather", after=BEGIN - 3_000)
        told = await dashboard.hears()
        past = [window["stop"] for message in told if message["type"] == "history" for window in message["windows"]]
        assert past == [BEGIN - 2_000, BEGIN - 1_000, BEGIN]
        dashboard.says(type="subscribe", id="b", stream="weather", after=BEGIN + 60_000)
        told = await dashboard.hears()
        assert [message.get("windows") for message in told] == [None, [], None]

    play(scenario)


def test_requests_that_mean_the_same_share_a_plan_and_a_socket_gets_each_window_once() -> None:
    async def scenario(world: World) -> None:
        dashboard, other = Dashboard(world), Dashboard(world)
        dashboard.says(type="subscribe", id="a", stream="by_site", where={"site": ["b", "c"]})
        same = {**QUERY, "every": "1000ms", "group_by": ["site"], "where": {"site": "b"}}
        dashboard.says(type="subscribe", id="b", query=same)
        other.says(type="subscribe", id="a", query=same)
        told = await dashboard.hears()
        assert [message["shared_by"] for message in told if message["type"] == "subscribed"] == [3, 3]
        assert len({message["plan"] for message in told}) == 1
        assert len(world.engine.plans) == 1
        assert kinds_of(await dashboard.hears(1_000)) == ["progress", "window"]
        dashboard.says(type="unsubscribe", id="a")
        assert kinds_of(await dashboard.hears(1_000)) == ["progress", "window"]
        dashboard.says(type="unsubscribe", id="b")
        assert await dashboard.hears(1_000) == []
        assert kinds_of(await other.hears()).count("window") == 3

    play(scenario)


def test_the_plan_ends_with_its_last_subscription() -> None:
    async def scenario(world: World) -> None:
        dashboard = Dashboard(world)
        for name in ("a", "b"):
            dashboard.says(type="subscribe", id=name, stream="weather", history="10s")
        assert world.subscriptions == 2
        dashboard.says(type="unsubscribe", id="a")
        assert kinds_of(await dashboard.hears(400)) == ["subscribed", "history", "history", "live"]
        dashboard.consumer.close()
        assert world.subscriptions == 0
        await dashboard.hears()
        assert world.engine.plans == {}

    play(scenario)


def test_a_socket_that_goes_while_history_is_read_leaves_nothing_behind() -> None:
    async def scenario(world: World) -> None:
        world.slow_ms = 1_000
        dashboard = Dashboard(world)
        dashboard.says(type="subscribe", id="a", stream="weather", history="1m")
        await dashboard.hears(1_500)
        dashboard.consumer.close()
        await dashboard.hears(5_000)
        assert world.engine.plans == {}

    play(scenario)


@pytest.mark.parametrize(
    ("request_", "code", "says"),
    [
        ({"stream": "wether"}, "unknown_stream", "'wether'; did you mean 'weather'? There are by_site, weather"),
        ({"stream": "zzz"}, "unknown_stream", "no stream is named 'zzz'; there are by_site, weather"),
        ({}, "invalid_query", "stream: name a stream, or give a query"),
        ({"stream": "weather", "query": QUERY}, "invalid_query", "not both"),
        ({"query": {**QUERY, "every": "5ms"}}, "invalid_query", "every: 5ms is shorter than 100ms"),
        ({"query": {**QUERY, "select": {"v": ["avg"]}}}, "invalid_query", "'avg' is no aggregate"),
        ({"stream": "by_site", "where": {"site": "c"}}, "invalid_query", "no value of tag 'site' is left"),
        ({"stream": "weather", "history": "1 h"}, "invalid_query", "history: '1 h' is not a duration"),
        ({"stream": "weather", "history": "1h", "after": 0}, "invalid_query", "give one of them"),
        ({"stream": "weather", "history": "1m", "seen": 0}, "invalid_query", "seen: it adds to after"),
        ({"stream": "weather", "history": "3h"}, "too_many_windows", "one request may have 1000"),
        ({"stream": "weather", "histori": "1h"}, "invalid_message", "`histori`"),
        ({"stream": 7}, "invalid_message", "`$.stream`"),
    ],
)
def test_a_request_that_cannot_be_granted_is_answered_and_the_session_lives(
    request_: Message, code: str, says: str
) -> None:
    async def scenario(world: World) -> None:
        dashboard = Dashboard(world)
        dashboard.says(type="subscribe", id="a", **request_)
        error = (await dashboard.hears())[-1]
        assert (error["type"], error["id"], error["code"]) == ("error", "a", code)
        assert says in error["message"]
        assert world.subscriptions == 0
        assert world.engine.plans == {}
        dashboard.says(type="subscribe", id="a", stream="weather")
        assert kinds_of(await dashboard.hears()) == ["subscribed", "live"]

    play(scenario)


def test_ids_and_their_number_are_limited() -> None:
    async def scenario(world: World) -> None:
        dashboard = Dashboard(world)
        for name in ("a", "a", "b", "c", "d"):
            dashboard.says(type="subscribe", id=name, stream="weather")
        dashboard.says(type="unsubscribe", id="d")
        told = await dashboard.hears()
        errors = [(message["id"], message["code"]) for message in told if message["type"] == "error"]
        assert errors == [("a", "id_in_use"), ("d", "too_many_subscriptions"), ("d", "unknown_id")]

    play(scenario)


def test_while_the_store_is_away_a_subscription_stands_and_its_history_comes_later() -> None:
    async def scenario(world: World) -> None:
        world.fails = True
        dashboard = Dashboard(world)
        dashboard.says(type="subscribe", id="a", stream="weather", history="10s")
        told = await dashboard.hears(15_000)
        assert kinds_of(told)[0] == "subscribed"
        assert told[0]["columns"] == [{"name": "v.sum", "kind": None, "unit": None}]
        world.fails = False
        told = await dashboard.hears(15_000)
        assert "live" in kinds_of(told)

    play(scenario)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("{", Close.UNREADABLE),
        ('{"type":"explode","id":"a"}', Close.UNREADABLE),
        (b"{}", Close.WRONG_KIND),
        ("x" * 10_001, Close.TOO_BIG),
    ],
)
def test_what_is_no_message_ends_the_session(data: str | bytes, code: Close) -> None:
    async def scenario(world: World) -> None:
        with pytest.raises(SessionOver) as over:
            Dashboard(world).consumer.receive(data)
        assert over.value.code is code
        assert over.value.reason

    play(scenario)


def test_auth_is_taken_and_needs_no_answer() -> None:
    async def scenario(world: World) -> None:
        dashboard = Dashboard(world)
        dashboard.says(type="auth", token="t")
        assert await dashboard.hears() == []

    play(scenario)
