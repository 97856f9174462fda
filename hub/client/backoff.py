"""How long to wait before the next attempt (pure: chance is an argument)."""

import random
from collections.abc import Callable


class Backoff:
    """Exponential delays with full jitter, in seconds, so that clients cut off together do not come back together."""

    def __init__(self, first: float = 0.25, longest: float = 30.0, chance: Callable[[], float] = random.random) -> None:
        self._first = first
        self._longest = longest
        self._chance = chance
        self._failures = 0

    def delay(self, retry_after: float = 0.0) -> float:
        """The delay after one more failure: never less than `retry_after`, which the hub asked for."""
        ceiling = min(self._longest, self._first * 2.0 ** min(self._failures, 32))
        self._failures += 1
        return retry_after + ceiling * self._chance()

    def succeeded(self) -> None:
        """Something went well: the next failure is a first one again."""
        self._failures = 0
