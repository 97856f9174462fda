"""Whose turn it is to scan: long frames of many devices, step by step, between everything else."""

import asyncio
from collections.abc import Iterable

SMALL_BYTES = 4_096
"""A frame of no more is scanned at once: that takes less than to wait for a turn costs."""


class ScanTurns:
    """One step of a long frame in each turn of the event loop, however many devices send such frames.

    Otherwise each turn would take as long as one step of all of them together, and the ack of a frame, which needs
    several turns, would wait for as many steps.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def take(self, steps: Iterable[None], size: int) -> None:
        """Go through the steps of a frame of so many bytes. What a step raises is raised here."""
        rest = iter(steps)
        if size <= SMALL_BYTES and _is_over(rest):
            return
        while True:
            async with self._turn:
                await asyncio.sleep(0)
                if _is_over(rest):
                    return


def _is_over(steps: Iterable[None]) -> bool:
    """Take one step; whether it was the last."""
    for _ in steps:
        return False
    return True
