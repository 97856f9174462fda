"""What a dashboard that was away is told when it comes back, in simulated time."""

from typing import Any

from tests.hub.dashboards import Dashboard, Message, World, play
from tests.streams.simulation import BEGIN


def past_of(messages: list[Message]) -> dict[int, Any]:
    """The rows of the windows of the past by their stops, in seconds after the beginning."""
    parts = [message["windows"] for message in messages if message["type"] == "history"]
    return {(window["stop"] - BEGIN) // 1_000: window["rows"] for windows in parts for window in windows}


async def watching(world: World) -> Dashboard:
    """A dashboard that stays, so that the plan does; for so long that all that is written then is the plan's own."""
    stays = Dashboard(world)
    stays.says(type="subscribe", id="s", stream="weather")
    await stays.hears(60_000)
    return stays


def test_who_comes_back_gets_the_windows_that_were_corrected_meanwhile() -> None:
    async def scenario(world: World) -> None:
        stays = await watching(world)
        goes, comes = Dashboard(world), Dashboard(world)
        goes.says(type="subscribe", id="a", stream="weather")
        world.put(1, at=60_500)
        world.put(1, at=61_500)
        windows = [message for message in await goes.hears(3_200) if message["type"] == "window"]
        goes.consumer.close()
        after, seen = max(w["stop"] for w in windows), max(w["sent"] for w in windows)
        assert after == BEGIN + 63_000
        world.put(2, at=60_600)
        world.put(4, at=63_300)
        await stays.hears(3_000)
        comes.says(type="subscribe", id="a", stream="weather", after=after, seen=seen)
        told = past_of(await comes.hears(200))
        assert (told[61], told[64]) == ([[3]], [[4]])
        assert min(told) > 0
        assert sorted(told)[-3:] == [64, 65, 66]

    play(scenario)


def test_without_seen_only_what_stopped_later_comes() -> None:
    async def scenario(world: World) -> None:
        stays = await watching(world)
        world.put(1, at=60_500)
        await stays.hears(3_200)
        world.put(2, at=60_600)
        await stays.hears(3_000)
        dashboard = Dashboard(world)
        dashboard.says(type="subscribe", id="a", stream="weather", after=BEGIN + 63_000)
        assert list(past_of(await dashboard.hears(200))) == [64, 65, 66]

    play(scenario)


def test_a_hub_that_was_not_there_tells_every_window_that_can_have_been_corrected() -> None:
    async def scenario(world: World) -> None:
        world.put(1, at=-90_500)
        dashboard = Dashboard(world)
        dashboard.says(type="subscribe", id="a", stream="weather", after=BEGIN - 2_000, seen=BEGIN - 2_000)
        told = past_of(await dashboard.hears(5_000))
        assert told[-90] == [[1]]
        assert sorted(told)[-2:] == [-1, 0]

    play(scenario)


def test_a_provisional_window_of_a_new_hub_replaces_the_one_of_the_old() -> None:
    async def scenario(world: World) -> None:
        world.put(7, at=-200)
        dashboard = Dashboard(world)
        await world.clock.sleep(100)
        dashboard.says(type="subscribe", id="a", stream="weather", after=BEGIN, seen=BEGIN + 10)
        assert past_of(await dashboard.hears(2_000))[0] == [[7]]

    play(scenario)
