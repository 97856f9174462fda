import asyncio

import pytest

from hub.server.inbox import UNREAD_BYTES, UNREAD_MESSAGES, Event, Inbox

pytestmark = pytest.mark.anyio


def inbox() -> Inbox:
    return Inbox(asyncio.get_running_loop())


def text(number: int) -> Event:
    return {"type": "websocket.receive", "text": str(number)}


async def test_events_come_in_order() -> None:
    box = inbox()
    box.put_nowait(text(1))
    box.put_nowait(text(2))
    assert [await box.get(), await box.get()] == [text(1), text(2)]


async def test_a_reader_waits_for_the_next_event() -> None:
    box = inbox()
    reading = asyncio.create_task(box.get())
    await asyncio.sleep(0)
    assert not reading.done()
    box.put_nowait(text(1))
    box.put_nowait(text(2))
    assert await reading == text(1)
    assert await box.get() == text(2)


async def test_a_reader_that_gave_up_loses_nothing() -> None:
    box = inbox()
    reading = asyncio.create_task(box.get())
    await asyncio.sleep(0)
    reading.cancel()
    await asyncio.wait([reading])
    box.put_nowait(text(1))
    assert await box.get() == text(1)


async def test_what_has_come_is_taken_without_waiting_up_to_the_first_event_that_is_no_message() -> None:
    box = inbox()
    binary: Event = {"type": "websocket.receive", "bytes": b"2"}
    for event in (text(1), binary, {"type": "websocket.disconnect"}, text(4)):
        box.put_nowait(event, size=1)
    assert box.take(1, 100) == ["1"]
    assert box.take(9, 100) == [b"2"]
    assert box.take(9, 100) == []
    assert (await box.get())["type"] == "websocket.disconnect"
    assert box.take(9, 0) == []
    assert box.take(9, 1) == ["4"]
    assert box.low


async def test_it_is_full_by_number_and_low_again_at_half() -> None:
    box = inbox()
    for number in range(UNREAD_MESSAGES):
        assert not box.full
        box.put_nowait(text(number), size=1)
    assert box.full
    for _ in range(UNREAD_MESSAGES // 2):
        assert not box.low
        await box.get()
    assert box.low
    assert not box.full


async def test_it_is_full_by_size() -> None:
    box = inbox()
    box.put_nowait(text(1), size=UNREAD_BYTES)
    assert box.full
    await box.get()
    assert box.low
