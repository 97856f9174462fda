"""Whose turn it is to scan."""

import asyncio
import itertools
from collections.abc import Iterator

import pytest

from hub.turns import SMALL_BYTES, ScanTurns

pytestmark = pytest.mark.anyio

LONG = SMALL_BYTES + 1


def steps(log: list[str], name: str, count: int = 3) -> Iterator[None]:
    """A scan yields between two of its steps."""
    for number in range(count):
        if number:
            yield
        log.append(name)


async def test_long_frames_take_their_steps_in_turn_and_others_are_served_between_two_of_them() -> None:
    turns, log = ScanTurns(), list[str]()

    async def others() -> None:
        while True:
            log.append("others")
            await asyncio.sleep(0)

    serving = asyncio.create_task(others())
    await asyncio.gather(*(turns.take(steps(log, name), LONG) for name in "abc"))
    serving.cancel()
    assert [name for name in log if name != "others"] == list("abcabcabc")
    assert all("others" in pair for pair in itertools.pairwise(log))


async def test_a_small_frame_is_scanned_at_once_and_waits_for_nobody() -> None:
    turns, log = ScanTurns(), list[str]()
    long = asyncio.create_task(turns.take(steps(log, "long"), LONG))
    await asyncio.sleep(0)
    await turns.take(steps(log, "small", count=1), SMALL_BYTES)
    assert log == ["small"]
    await long
    assert log == ["small", "long", "long", "long"]


async def test_a_scan_that_fails_or_is_given_up_leaves_the_turn_to_others() -> None:
    turns, log = ScanTurns(), list[str]()

    def failing() -> Iterator[None]:
        yield
        raise ValueError("unreadable")

    with pytest.raises(ValueError, match="unreadable"):
        await turns.take(failing(), LONG)
    given_up = asyncio.create_task(turns.take(steps(log, "given up"), LONG))
    await asyncio.sleep(0)
    given_up.cancel()
    await turns.take(steps(log, "next"), LONG)
    assert log == ["next"] * 3
