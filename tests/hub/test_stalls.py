import asyncio
import time

import pytest

from hub.stalls import LOOK_S, watch_stalls

pytestmark = pytest.mark.anyio


async def test_a_loop_that_was_held_is_told_for_how_long() -> None:
    told: list[float] = []
    watching = asyncio.create_task(watch_stalls(told.append))
    while not told:
        await asyncio.sleep(0)
    before = len(told)
    time.sleep(5 * LOOK_S)
    while len(told) == before:
        await asyncio.sleep(0)
    assert told[before] >= 4 * LOOK_S * 0.9
    assert all(late >= 0 for late in told)
    watching.cancel()
