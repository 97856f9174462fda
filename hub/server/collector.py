"""Keeps the stops of the garbage collector short, however many sockets are open.

A full collection looks at every object there is: with 5,000 sockets it held the event loop for half a second. So what
has survived one is set aside, and the next looks only at what came since. Sockets that have closed leave cycles among
what was set aside: each time that has doubled, everything is looked at once again.
"""

import gc
from typing import Any

THRESHOLDS = (700, 5, 1)
"""Of the collector's three generations: a full collection for every 8,000 new objects, in a few milliseconds."""

PYTHONS_THRESHOLDS = gc.get_threshold()

FEW = 100_000
"""Objects that may be set aside without a thought; a look at as many takes some 10 ms."""

COUNTED_EVERY = 25
"""Full collections between two counts of what was set aside, since a count walks along all of it."""


class Collector:
    """The process's garbage collector, from `start` on."""

    def __init__(self) -> None:
        self._kept = 0
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
            self._kept, self._fulls, self._looks_at_all = gc.get_freeze_count(), 0, False
            return
        self._fulls += 1
        if self._fulls % COUNTED_EVERY == 0 and is_much(gc.get_freeze_count(), self._kept):
            self._look_at_all()

    def _look_at_all(self) -> None:
        """Have the next full collection look at everything."""
        gc.unfreeze()
        self._looks_at_all = True


def is_much(aside: int, kept: int) -> bool:
    """Whether so many objects are set aside that garbage among them is worth a look, after `kept` the last time."""
    return aside > 2 * kept + FEW


COLLECTOR = Collector()
