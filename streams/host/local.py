"""A host with one worker: everything is in its memory, and there is nobody to tell."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import count

import anyio

from streams.host.base import HeldElsewhere, Hold, OnTouched, ignore
from streams.points import Touched


class LocalHost:
    """The host of a hub that runs as one process."""

    def __init__(self) -> None:
        self.on_touched: OnTouched = ignore
        self.held_elsewhere: HeldElsewhere | None = None
        self._numbers = count()
        self._late_write = False
        self._held: dict[str, dict[int, Touched]] = defaultdict(dict)
        self._measurements: dict[int, str] = {}

    def hold(self, touched: Sequence[Touched]) -> Hold:
        numbers = []
        for item in touched:
            number = next(self._numbers)
            self._held[item.measurement][number] = item
            self._measurements[number] = item.measurement
            numbers.append(number)
        return tuple(numbers)

    def release(self, hold: Hold) -> None:
        for number in hold:
            measurement = self._measurements.pop(number)
            held = self._held[measurement]
            del held[number]
            if not held:
                del self._held[measurement]

    def holds(self, measurement: str, start: int, stop: int) -> bool:
        held = self._held.get(measurement)
        if held and any(item.start < stop and item.stop >= start for item in held.values()):
            return True
        return self.held_elsewhere is not None and self.held_elsewhere(measurement, start, stop)

    def publish_final(self, until: int) -> None:
        pass

    def announce(self, touched: Sequence[Touched]) -> None:
        pass

    def write_late(self, *, under_way: bool) -> None:
        self._late_write = under_way

    def late_writes(self) -> bool:
        return self._late_write

    def lead(self, role: str) -> bool:  # noqa: ARG002 - the only worker leads in everything
        return True

    def poll(self) -> None:
        pass

    async def run(self) -> None:
        await anyio.sleep_forever()

    def close(self) -> None:
        self._held.clear()
        self._measurements.clear()
