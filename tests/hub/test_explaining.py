"""Questions about single windows, as transcripts with a real engine in simulated time."""

import pytest

from hub.explaining import MOST_QUESTIONS
from streams.points import NANOSECONDS, Point
from tests.hub.dashboards import STREAMS, Dashboard, World, kinds_of, play
from tests.streams.simulation import BEGIN


def test_a_window_is_explained_with_what_was_sent_of_it() -> None:
    async def scenario(world: World) -> None:
        dashboard = Dashboard(world)
        dashboard.says(type="subscribe", id="a", stream="by_site")
        await dashboard.hears()
        world.put(1, at=500)
        await dashboard.hears(1_000)
        world.put(2, at=600)
        await dashboard.hears(1_000)
        world.put(4, at=700, site="b")
        await dashboard.hears(1_000)
        dashboard.says(type="explain", id="a", stop=BEGIN + 1_000)
        (told,) = [message for message in await dashboard.hears() if message["type"] == "explained"]
        sent = [revision.pop("sent") - BEGIN for revision in told["revisions"]]
        assert sent[0] in range(1_000, 1_100)
        assert sent[1] in range(1_500, 1_600)
        assert sent[2] in range(2_250, 2_500)
        assert round(told.pop("query_ms")) == 10
        assert told == {
            "type": "explained",
            "id": "a",
            "plan": STREAMS["by_site"].key,
            "start": BEGIN,
            "stop": BEGIN + 1_000,
            "way": "memory",
            "query": "",
            "points": 3,
            "first": BEGIN + 500,
            "last": BEGIN + 700,
            "late": 2,
            "revisions": [{"revision": n, "points": n + 1} for n in range(3)],
            "rows": [["a", 3], ["b", 4]],
        }

    play(scenario)


def test_a_window_of_the_past_and_an_empty_one_are_explained_too() -> None:
    async def scenario(world: World) -> None:
        world.put(1, at=-30_500)
        dashboard = Dashboard(world)
        dashboard.says(type="subscribe", id="a", stream="weather")
        dashboard.says(type="explain", id="a", stop=BEGIN - 30_000)
        dashboard.says(type="explain", id="a", stop=BEGIN - 40_000)
        past, empty = [message for message in await dashboard.hears() if message["type"] == "explained"]
        assert (past["rows"], past["points"], past["late"], past["revisions"]) == ([[1]], 1, 0, [])
        assert (empty["rows"], empty["points"], empty["first"], empty["last"]) == ([], 0, None, None)

    play(scenario)


def test_what_was_written_past_the_hub_is_seen_and_the_window_corrected() -> None:
    async def scenario(world: World) -> None:
        dashboard = Dashboard(world)
        dashboard.says(type="subscribe", id="a", stream="weather")
        world.put(1, at=500)
        await dashboard.hears(3_000)
        world.store.put([Point("m", {}, {"v": 2}, (BEGIN + 600) * NANOSECONDS)])
        dashboard.says(type="explain", id="a", stop=BEGIN + 1_000)
        told = await dashboard.hears(500)
        (explained,) = [message for message in told if message["type"] == "explained"]
        assert (explained["rows"], len(explained["revisions"])) == ([[3]], 1)
        (corrected,) = [m for m in told if m["type"] == "window" and m["stop"] == BEGIN + 1_000]
        assert (corrected["revision"], corrected["final"], corrected["rows"]) == (1, True, [[3]])

    play(scenario)


@pytest.mark.parametrize(
    ("name", "stop", "code", "says"),
    [
        ("b", BEGIN, "unknown_id", "no subscription on this socket has the id 'b'"),
        ("a", BEGIN + 1, "invalid_query", "no boundary of these windows; they stop every 1000 ms"),
        ("a", BEGIN + 60_000, "invalid_query", f"has not come yet; the latest window stopped at {BEGIN}"),
        ("a", 10**30, "invalid_query", "has not come yet"),
        ("a", -(10**30), "invalid_query", "no point can be as early"),
        ("a", "now", "invalid_message", "`$.stop`"),
    ],
)
def test_a_question_that_has_no_answer_says_why(name: str, stop: object, code: str, says: str) -> None:
    async def scenario(world: World) -> None:
        dashboard = Dashboard(world)
        dashboard.says(type="subscribe", id="a", stream="weather")
        await dashboard.hears()
        dashboard.says(type="explain", id=name, stop=stop)
        (error,) = await dashboard.hears()
        assert (error["type"], error["id"], error["code"]) == ("error", name, code)
        assert says in error["message"]

    play(scenario)


def test_while_the_store_is_away_the_question_can_be_asked_again_later() -> None:
    async def scenario(world: World) -> None:
        dashboard = Dashboard(world)
        dashboard.says(type="subscribe", id="a", stream="weather")
        await dashboard.hears()
        world.fails = True
        dashboard.says(type="explain", id="a", stop=BEGIN)
        (error,) = await dashboard.hears()
        assert (error["code"], error["retry_after_ms"]) == ("store_unavailable", 1_000)

    play(scenario)


def test_questions_wait_for_each_other_and_too_many_are_refused() -> None:
    async def scenario(world: World) -> None:
        dashboard = Dashboard(world)
        dashboard.says(type="subscribe", id="a", stream="weather")
        await dashboard.hears()
        for number in range(MOST_QUESTIONS + 1):
            dashboard.says(type="explain", id="a", stop=BEGIN - number * 1_000)
        told = [message for message in await dashboard.hears(900) if message["type"] in ("explained", "error")]
        assert (told[0]["code"], told[0]["retry_after_ms"]) == ("too_many_questions", 1_000)
        assert [message["stop"] for message in told[1:]] == [BEGIN - n * 1_000 for n in range(MOST_QUESTIONS)]

    play(scenario)


def test_who_unsubscribes_hears_no_answer_any_more() -> None:
    async def scenario(world: World) -> None:
        dashboard = Dashboard(world)
        dashboard.says(type="subscribe", id="a", stream="weather")
        await dashboard.hears()
        dashboard.says(type="explain", id="a", stop=BEGIN)
        dashboard.says(type="unsubscribe", id="a")
        assert kinds_of(await dashboard.hears(2_000)) == []

    play(scenario)
