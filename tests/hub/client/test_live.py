"""Live windows from a hub on a real socket."""

from dataclasses import dataclass

import pytest

from hub.client import Backoff, HubError, HubRefused, Live
from tests.hub.client.scripted_hub import Peer, scripted_hub

pytestmark = pytest.mark.anyio


def quick() -> Backoff:
    return Backoff(first=0.01, longest=0.01)


async def grant(peer: Peer) -> None:
    columns = [{"name": "host", "kind": "tag"}, {"name": "temp.mean", "kind": None, "unit": None}]
    durations = {"window_ms": 1_000, "every_ms": 1_000, "grace_ms": 1_000}
    await peer.say(type="subscribed", id="1", plan="P", columns=columns, shared_by=1, **durations)


async def history(peer: Peer, *stops: int) -> None:
    windows = [past(stop) for stop in stops]
    await peer.say(type="history", id="1", plan="P", windows=windows, more=False)
    await peer.say(type="live", id="1", plan="P", **{"from": stops[-1]})


def past(stop: int) -> dict[str, object]:
    return {"start": stop - 1_000, "stop": stop, "revision": 0, "final": True, "rows": [["a", 20.5]]}


async def window(peer: Peer, stop: int) -> None:
    details = {"points": 1, "late": 0, "queried_ms": 0.1, "sent": stop}
    await peer.say(type="window", plan="P", **past(stop), **details)


async def test_windows_come_over_connections_that_break_without_a_hole() -> None:
    async def breaks(peer: Peer) -> None:
        assert peer.path == "/v1/live"
        await peer.ready("s1")
        assert (await peer.request())["history"] == "1m"
        await grant(peer)
        await history(peer, 1_000, 2_000)
        await window(peer, 3_000)
        peer.abort()

    async def goes_on(peer: Peer) -> None:
        await peer.ready("s2")
        assert (await peer.request())["after"] == 2_000
        await grant(peer)
        await history(peer, 3_000, 4_000)
        await peer.stay()

    async with scripted_hub(breaks, goes_on) as url:
        received = []
        async with Live(url, stream="weather", history="1m", backoff=quick()) as windows:
            async for one in windows:
                received.append((one.stop, one.rows))
                if one.stop == 4_000:
                    break
        assert [stop for stop, _ in received] == [1_000, 2_000, 3_000, 3_000, 4_000]
        assert received[0] == (1_000, (("a", 20.5),))
        assert [column.name for column in windows.columns] == ["host", "temp.mean"]
        assert windows.final_until == 4_000


async def test_a_request_that_is_refused_ends_the_iteration() -> None:
    async def refuses(peer: Peer) -> None:
        await peer.ready()
        await peer.request()
        await peer.say(type="error", id="1", code="unknown_stream", message="no stream is named x", retry_after_ms=None)
        await peer.stay()

    async with scripted_hub(refuses) as url, Live(url, stream="x") as windows:
        with pytest.raises(HubRefused, match="no stream is named x"):
            await anext(windows)


async def test_a_request_that_fails_for_a_while_is_made_again() -> None:
    async def recovers(peer: Peer) -> None:
        await peer.ready()
        await peer.request()
        await peer.say(type="error", id="1", code="store_unavailable", message="the store is away", retry_after_ms=1)
        await peer.request()
        await grant(peer)
        await window(peer, 1_000)
        await peer.stay()

    heard: list[str] = []
    async with (
        scripted_hub(recovers) as url,
        Live(url, stream="x", backoff=quick(), on_setback=lambda setback, _: heard.append(setback.message)) as windows,
    ):
        assert (await anext(windows)).stop == 1_000
    assert heard == ["the store is away"]


async def test_what_was_skipped_is_fetched() -> None:
    async def skips(peer: Peer) -> None:
        await peer.ready()
        await peer.request()
        await grant(peer)
        await history(peer, 1_000)
        await peer.say(type="skipped", plan="P", windows=1, **{"from": 2_000, "to": 2_000})
        await window(peer, 3_000)
        assert (await peer.request())["type"] == "unsubscribe"
        assert (await peer.request())["after"] == 1_000
        await grant(peer)
        await history(peer, 2_000, 3_000, 4_000)
        await peer.stay()

    async with scripted_hub(skips) as url, Live(url, stream="x", history="1m") as windows:
        assert [(await anext(windows)).stop for _ in range(4)] == [1_000, 2_000, 3_000, 4_000]


def explained(stop: int, name: str = "1") -> dict[str, object]:
    return {
        "type": "explained",
        "id": name,
        "plan": "P",
        "start": stop - 1_000,
        "stop": stop,
        "way": "duckdb",
        "query": "SELECT",
        "query_ms": 1.5,
        "points": 1,
        "first": stop - 500,
        "last": stop - 500,
        "late": 0,
        "revisions": [{"revision": 0, "sent": stop, "points": 1}],
        "rows": [["a", 20.5]],
    }


async def test_a_question_is_answered_also_on_another_connection() -> None:
    async def breaks(peer: Peer) -> None:
        await peer.ready()
        await peer.request()
        await grant(peer)
        await history(peer, 1_000)
        assert await peer.request() == {"type": "explain", "id": "1", "stop": 1_000}
        peer.abort()

    async def answers(peer: Peer) -> None:
        await peer.ready()
        await peer.request()
        await grant(peer)
        await history(peer, 1_000)
        assert await peer.request() == {"type": "explain", "id": "2", "stop": 1_000}
        await peer.say(**explained(1_000, "2"))
        await peer.stay()

    async with scripted_hub(breaks, answers) as url, Live(url, stream="x", history="1m", backoff=quick()) as windows:
        answer = await windows.explain(1_000)
        assert (answer.points, answer.rows, answer.revisions[0].sent) == (1, (("a", 20.5),), 1_000)


async def test_questions_that_fail_leave_the_windows_alone() -> None:
    async def fails(peer: Peer) -> None:
        await peer.ready()
        await peer.request()
        await grant(peer)
        await history(peer, 1_000)
        error = {"type": "error", "id": "1", "message": "no window stops then"}
        await peer.request()
        await peer.say(**error, code="invalid_query", retry_after_ms=None)
        await peer.request()
        await peer.say(**error, code="store_unavailable", retry_after_ms=500)
        await window(peer, 2_000)
        await peer.stay()

    async with scripted_hub(fails) as url, Live(url, stream="x", history="1m") as windows:
        with pytest.raises(HubRefused, match="no window stops then"):
            await windows.explain(1_500)
        with pytest.raises(HubError, match="no window stops then"):
            await windows.explain(1_000)
        assert [(await anext(windows)).stop for _ in range(2)] == [1_000, 2_000]


async def test_a_question_of_what_is_refused_ends() -> None:
    async def refuses(peer: Peer) -> None:
        await peer.ready()
        await peer.request()
        await peer.say(type="error", id="1", code="unknown_stream", message="no stream is named x", retry_after_ms=None)
        await peer.stay()

    async with scripted_hub(refuses) as url, Live(url, stream="x") as windows:
        with pytest.raises(HubRefused, match="no stream is named x"):
            await windows.explain(1_000)


async def test_rows_come_as_a_type_of_ones_own() -> None:
    @dataclass
    class Reading:
        host: str
        temp_mean: float

    async def tells(peer: Peer) -> None:
        await peer.ready()
        await peer.request()
        await grant(peer)
        await history(peer, 1_000)
        await peer.stay()

    async with scripted_hub(tells) as url, Live(url, stream="x", history="1m") as windows:
        assert windows.typed_rows(await anext(windows), Reading) == [Reading("a", 20.5)]


async def test_iterating_outside_the_context_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await anext(Live("ws://127.0.0.1:8000", stream="x"))
