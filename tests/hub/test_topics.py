import asyncio
from collections.abc import Callable
from typing import Any, cast

import msgspec
import pytest

from hub.encodings import Encoding
from hub.outbound import Outbound
from hub.topics import Topics
from streams.engine import Listener, Plan, WindowUpdate
from streams.queries import Query, parse_query

pytestmark = pytest.mark.anyio

WEATHER = parse_query(measurement="weather", select={"temp": ["mean"]}, every="10s")
HUMIDITY = parse_query(measurement="weather", select={"hum": ["mean"]}, every="10s")


class Running(str):
    """As much of a plan as a topic looks at."""

    final_until = 0


class Ledger:
    """An engine that only notes who listens to what."""

    def __init__(self) -> None:
        self.listening: dict[str, Listener] = {}

    def join(self, query: Query, listener: Listener) -> Plan:
        self.listening[query.key] = listener
        return cast("Plan", Running(query.key))

    def leave(self, plan: Plan, listener: Listener) -> None:
        assert self.listening.pop(cast("str", plan)) is listener


class Reader:
    """A socket that keeps what it is sent."""

    def __init__(self, encoding: Encoding = Encoding.JSON, budget_bytes: int = 2**20) -> None:
        self.raw: list[str | bytes] = []
        self.outbound = Outbound(self._send, encoding=encoding, budget_bytes=budget_bytes)

    async def _send(self, data: str | bytes) -> None:
        self.raw.append(data)

    @property
    def heard(self) -> list[Any]:
        decode: Callable[[Any], Any] = (
            msgspec.json.decode if self.outbound.encoding is Encoding.JSON else msgspec.msgpack.decode
        )
        return [
            {"window": message.get("stop"), "progress": message.get("final_until")}.get(message["type"], message)
            for message in map(decode, self.raw)
        ]


def update(stop: int) -> WindowUpdate:
    return WindowUpdate(
        start=stop - 10, stop=stop, revision=0, final=False, rows=((1.5,),), points=3, late=0, queried_ms=2.0, sent=99
    )


async def quiet() -> None:
    """Let every task that can go on go on."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_equal_queries_share_a_topic_and_one_plan_of_the_engine() -> None:
    engine = Ledger()
    topics = Topics(engine)
    first, second, other = topics.join(WEATHER), topics.join(WEATHER), topics.join(HUMIDITY)
    assert first is second
    assert (first.shared_by, other.shared_by) == (2, 1)
    assert set(engine.listening) == {WEATHER.key, HUMIDITY.key}

    topics.leave(first)
    assert set(engine.listening) == {WEATHER.key, HUMIDITY.key}
    topics.leave(second)
    assert set(engine.listening) == {HUMIDITY.key}
    assert topics.join(WEATHER) is not first


async def test_members_of_both_encodings_hear_windows_and_progress_in_order() -> None:
    topic = Topics(Ledger()).join(WEATHER)
    readers = [Reader(Encoding.JSON), Reader(Encoding.MSGPACK)]
    for reader in readers:
        topic.add(reader.outbound)
    topic.window(topic.plan, update(10))
    topic.progress(topic.plan, 10)
    topic.window(topic.plan, update(20))
    await quiet()

    assert [reader.heard for reader in readers] == [[10, 10, 20]] * 2
    assert isinstance(readers[0].raw[0], str)
    assert isinstance(readers[1].raw[0], bytes)


async def test_a_window_message_says_everything_of_the_window() -> None:
    topic = Topics(Ledger()).join(WEATHER)
    reader = Reader()
    topic.add(reader.outbound)
    topic.window(topic.plan, update(10))
    await quiet()

    assert msgspec.json.decode(reader.raw[0]) == {
        "type": "window", "plan": WEATHER.key, "start": 0, "stop": 10, "revision": 0, "final": False,
        "rows": [[1.5]], "points": 3, "late": 0, "queried_ms": 2.0, "sent": 99,
    }  # fmt: skip


async def test_who_joins_later_hears_only_what_is_published_later() -> None:
    topic = Topics(Ledger()).join(WEATHER)
    early, late = Reader(), Reader()
    topic.add(early.outbound)
    topic.window(topic.plan, update(10))
    topic.add(late.outbound)
    topic.window(topic.plan, update(20))
    await quiet()

    assert early.heard == [10, 20]
    assert late.heard == [20]


async def test_who_has_left_hears_nothing_more_not_even_what_was_under_way() -> None:
    topic = Topics(Ledger()).join(WEATHER)
    reader = Reader()
    topic.add(reader.outbound)
    topic.window(topic.plan, update(10))
    topic.discard(reader.outbound)
    await quiet()

    assert reader.heard == []
    topic.discard(reader.outbound)


async def test_two_subscriptions_of_one_socket_get_each_window_once_until_both_have_left() -> None:
    topic = Topics(Ledger()).join(WEATHER)
    reader = Reader()
    topic.add(reader.outbound)
    topic.add(reader.outbound)
    topic.window(topic.plan, update(10))
    await quiet()
    topic.discard(reader.outbound)
    topic.window(topic.plan, update(20))
    await quiet()
    topic.discard(reader.outbound)
    topic.window(topic.plan, update(30))
    await quiet()

    assert reader.heard == [10, 20]


async def test_trouble_reaches_every_member_as_an_error_without_an_id() -> None:
    topic = Topics(Ledger()).join(WEATHER)
    reader = Reader()
    topic.add(reader.outbound)
    topic.trouble(topic.plan, "the database does not answer", 500)
    await quiet()

    (error,) = reader.heard
    assert error["id"] is None
    assert (error["code"], error["retry_after_ms"]) == ("store_unavailable", 500)
