"""Keeps the stops of the garbage collector short, however many sockets are open.

A full collection looks at every object there is: with 5,000 sockets it held the event loop for half a second. So what
has survived one is set aside, and the next looks only at what came since. What has become garbage among that is found
when it has doubled beyond what open sockets account for: then everything is looked at once again. A socket that closes
leaves none: nothing that it has refers to itself (`tests/hub/server/test_garbage.py`).
"""

import gc
from collections.abc import Collection
from typing import Any

THRESHOLDS = (700, 5, 1)
"""Of the collector's three generations."""

NEW_OBJECTS = 8_400
"""With these thresholds there is a full collection for every so many, in a few milliseconds."""

PYTHONS_THRESHOLDS = gc.get_threshold()

FEW = 100_000
"""Objects that may be set aside without a thought; a look at as many takes some 10 ms."""

OBJECTS_OF_A_SOCKET = 150
"""What an open one may have; a dashboard's has 110 to 120 and a device's 140."""

COUNTED_EVERY = 25
"""Full collections between two counts of what was set aside, at least: a count walks along all of it, and with 5,000
sockets that takes 50 ms."""


class Collector:
    """The process's garbage collector, from `start` on."""

    def __init__(self) -> None:
        self.connections: Collection[object] = ()
        """Those that are open."""
        self._kept = 0
        self._open = 0
        self._aside = 0
        self._fulls = 0
        self._looks_at_all = False

    def start(self) -> None:
        """Set aside what is loaded, which stays, and from now on what lasts."""
        if self._after not in gc.callbacks:
            gc.callbacks.append(self._after)
        gc.set_threshold(*THRESHOLDS)
        self._look_at_all()
        gc.collect()

    def stop(self) -> None:
        """Leave it to Python again."""
        gc.callbacks.remove(self._after)
        gc.set_threshold(*PYTHONS_THRESHOLDS)
        gc.unfreeze()

    def _after(self, phase: str, info: dict[str, Any]) -> None:
        if phase != "stop" or info["generation"] < 2:
            return
        gc.freeze()
        if self._looks_at_all:
            self._kept = self._aside = gc.get_freeze_count()
            self._open, self._fulls, self._looks_at_all = len(self.connections), 0, False
            return
        self._fulls += 1
        opened = len(self.connections) - self._open
        most = self._aside + self._fulls * NEW_OBJECTS
        if self._fulls >= COUNTED_EVERY and is_much(most, self._kept, opened):
            self._aside, self._fulls = gc.get_freeze_count(), 0
            if is_much(self._aside, self._kept, opened):
                self._look_at_all()

    def _look_at_all(self) -> None:
        """Have the next full collection look at everything."""
        gc.unfreeze()
        self._looks_at_all = True


def is_much(aside: int, kept: int, opened: int) -> bool:
    """Whether so many objects are set aside that garbage among them is worth a look, after `kept` the last time.

    `opened`: how many more sockets are open than then.
    """
    return aside > 2 * kept + FEW + OBJECTS_OF_A_SOCKET * max(0, opened)


COLLECTOR = Collector()
