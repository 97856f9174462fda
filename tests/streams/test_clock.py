"""The machine's clock, also when somebody sets it."""

import asyncio
import time

import pytest

from streams.clock import SystemClock
from tests.streams.simulation import simulate

pytestmark = pytest.mark.anyio


class SetForward(SystemClock):
    """A clock that is set forward by a day while somebody sleeps."""

    def __init__(self) -> None:
        self.looks = 0

    def now(self) -> int:
        self.looks += 1
        return 0 if self.looks == 1 else 86_400_000


def test_now_is_in_milliseconds_since_the_epoch() -> None:
    assert abs(SystemClock().now() - time.time() * 1_000) < 1_000


async def test_sleeping_ends_when_the_clock_shows_the_time_and_not_before() -> None:
    clock = SystemClock()
    wanted = clock.now() + 15
    await clock.sleep_until(wanted)
    assert clock.now() >= wanted


async def test_a_time_that_has_passed_is_not_waited_for() -> None:
    clock = SystemClock()
    await asyncio.wait_for(clock.sleep_until(clock.now() - 5), timeout=1)


def test_a_clock_that_is_set_forward_is_noticed_within_a_second() -> None:
    async def scenario() -> float:
        await SetForward().sleep_until(3_600_000)
        return asyncio.get_running_loop().time()

    assert simulate(scenario) <= 1
