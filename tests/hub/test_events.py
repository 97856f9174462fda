"""Server-sent events as transcripts, with a real engine in simulated time, and what a browser does after a loss."""

import json
from typing import Any

from hub.consumer import Consumer
from hub.encodings import Encoding
from hub.events import EVENTS, as_windows
from hub.messages import Subscribe
from hub.outbound import Outbound
from hub.wires import SendingWire
from tests.hub.dashboards import Dashboard, Message, World, kinds_of, play
from tests.streams.simulation import BEGIN


class Browser:
    """An EventSource without a connection: it remembers the last id, as browsers do."""

    def __init__(self, world: World, budget_bytes: int = 10_000) -> None:
        self.world = world
        self.budget_bytes = budget_bytes
        self.last_id: int | None = None
        self.told: list[Message] = []
        self.connect()

    def connect(self) -> None:
        wire = SendingWire(self._hear, text=False)
        self.outbound = Outbound(
            self._hear, encoding=Encoding.JSON, budget_bytes=self.budget_bytes, wire=wire, form=EVENTS
        )
        self.consumer = Consumer(self.world.shared, self.outbound, lambda _: None, as_windows)
        self.consumer.subscribe(Subscribe(id="e", stream="weather", after=self.last_id))

    async def _hear(self, data: str | bytes) -> None:
        assert isinstance(data, bytes)
        *events, rest = data.decode().split("\n\n")
        assert rest == ""
        for event in events:
            fields = dict(line.split(": ", 1) for line in event.split("\n"))
            self.last_id = int(fields.get("id", self.last_id or 0)) or None
            self.told.append(json.loads(fields["data"]))

    async def hears(self, after_ms: int = 100) -> list[Message]:
        """What it was told until so much later, since the last time."""
        await self.world.clock.sleep(after_ms)
        told, self.told = self.told, []
        return told


def windows_of(messages: list[Message]) -> list[tuple[int, int, bool, Any]]:
    """Stop in seconds after the beginning, revision, whether it is final, and its rows."""
    return [
        ((m["stop"] - BEGIN) // 1_000, m["revision"], m["final"], m["rows"]) for m in messages if m["type"] == "window"
    ]


def test_the_same_messages_as_on_a_socket_and_the_past_as_windows() -> None:
    async def scenario(world: World) -> None:
        world.put(1, at=-1_500)
        socket, browser = Dashboard(world), Browser(world)
        socket.says(type="subscribe", id="e", stream="weather")
        assert kinds_of(await browser.hears()) == ["subscribed", "live"]
        await socket.hears()
        world.put(2, at=500)
        assert await browser.hears(1_500) == await socket.hears(0)
        browser.consumer.close()
        browser.last_id = BEGIN - 2_000
        browser.connect()
        told = await browser.hears()
        assert kinds_of(told) == ["subscribed", "window", "window", "window", "live"]
        assert windows_of(told) == [(-1, 0, True, [[1]]), (0, 0, True, []), (1, 0, True, [[2]])]

    play(scenario)


def test_whoever_comes_back_with_the_last_id_misses_nothing_that_was_not_final() -> None:
    async def scenario(world: World) -> None:
        browser = Browser(world)
        await browser.hears()
        world.put(1, at=1_200)
        assert windows_of(await browser.hears(2_100)) == [(1, 0, False, []), (2, 0, False, [[1]])]
        assert browser.last_id == BEGIN + 1_000
        browser.consumer.close()
        world.put(2, at=1_300)
        await browser.hears(1_000)
        browser.connect()
        assert windows_of(await browser.hears()) == [(2, 1, True, [[3]]), (3, 0, False, [])]

    play(scenario)


def test_ids_only_grow_while_nothing_is_corrected() -> None:
    async def scenario(world: World) -> None:
        browser = Browser(world)
        ids = []
        for _ in range(50):
            await browser.hears()
            ids.append(browser.last_id)
        known = [last_id for last_id in ids if last_id is not None]
        assert known == sorted(known)
        assert known[-1] == BEGIN + 4_000

    play(scenario)


def test_a_slow_reader_gets_the_newest_and_is_told_what_was_left_out() -> None:
    async def scenario(world: World) -> None:
        browser = Browser(world, budget_bytes=1_000)
        await browser.hears()
        browser.outbound.on_full()
        await world.clock.sleep(9_000)
        assert browser.told == []
        browser.outbound.on_drained()
        told = await browser.hears(0)
        (skipped,) = [message for message in told if message["type"] == "skipped"]
        assert skipped["from"] == BEGIN + 1_000
        assert windows_of(told)[0][0] * 1_000 + BEGIN > skipped["to"]
        assert windows_of(told)[-1][0] == 9

    play(scenario)
