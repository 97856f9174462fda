"""Work on panes: what is little is done at once, and the rest in a thread, during what is awaited or after it."""

import asyncio
import gc
import threading

import anyio
import pytest

from streams.stores.partial_work import LITTLE, Workshop

pytestmark = pytest.mark.anyio


async def test_a_little_is_done_at_once_and_more_in_a_thread() -> None:
    workshop, here = Workshop(), threading.get_ident()
    assert await workshop.do(threading.get_ident, LITTLE) == here
    assert await workshop.do(threading.get_ident, LITTLE + 1) != here
    await workshop.close()


@pytest.mark.parametrize("cells", [LITTLE, LITTLE + 1])
async def test_work_is_done_while_something_else_is_awaited(cells: int) -> None:
    workshop, done = Workshop(), threading.Event()
    async with workshop.meanwhile(done.set, cells, only_if=True):
        assert await asyncio.to_thread(done.wait, 10)
    await workshop.close()


@pytest.mark.parametrize("only_if", [True, False])
async def test_nothing_is_done_where_that_is_soon_over_or_not_asked_for(only_if: bool) -> None:
    workshop, done = Workshop(), threading.Event()
    async with workshop.meanwhile(done.set, 1, only_if=only_if):
        if not only_if:
            await anyio.sleep(0.01)
    assert not done.is_set()
    await workshop.close()


@pytest.mark.parametrize("cells", [LITTLE, LITTLE + 1])
async def test_what_goes_wrong_meanwhile_is_left_to_go_wrong_again(cells: int) -> None:
    workshop, tried = Workshop(), threading.Event()

    def fail() -> None:
        tried.set()
        raise ValueError

    async with workshop.meanwhile(fail, cells, only_if=True):
        assert await asyncio.to_thread(tried.wait, 10)
    with pytest.raises(ValueError):
        await workshop.do(fail, cells)
    await workshop.close()


async def test_a_failure_that_nobody_waits_for_any_more_is_no_trouble() -> None:
    workshop, begun, go_on = Workshop(), threading.Event(), threading.Event()

    def fail() -> None:
        begun.set()
        go_on.wait(10)
        raise ValueError

    work = asyncio.create_task(workshop.do(fail, LITTLE + 1))
    await asyncio.to_thread(begun.wait, 10)
    work.cancel()
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.wait([work])
    assert work.cancelled()
    del work
    gc.collect()  # what nobody has looked at is reported when it goes, and fails the test
    await workshop.close()
