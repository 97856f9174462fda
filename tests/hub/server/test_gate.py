import asyncio

import pytest

from hub.server.gate import Gate

pytestmark = pytest.mark.anyio


async def test_all_who_wait_pass_when_it_opens() -> None:
    gate = Gate(asyncio.get_running_loop())
    await gate.wait()
    gate.clear()
    waiting = [asyncio.create_task(gate.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    gate.set()
    await asyncio.gather(*waiting)
    gate.set()


async def test_who_gives_up_does_not_stop_the_others() -> None:
    gate = Gate(asyncio.get_running_loop())
    gate.clear()
    first, second = (asyncio.create_task(gate.wait()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    gate.set()
    await second


async def test_a_gate_shut_again_at_once_lets_nobody_pass() -> None:
    gate = Gate(asyncio.get_running_loop())
    gate.clear()
    waiting = asyncio.create_task(gate.wait())
    await asyncio.sleep(0)
    gate.set()
    gate.clear()
    for _ in range(3):
        await asyncio.sleep(0)
    assert not waiting.done()
    gate.set()
    await waiting
