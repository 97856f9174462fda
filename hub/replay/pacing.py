"""When each point is due. Pure: the time is an argument."""

from collections.abc import Sequence

_NANOSECONDS = 1_000_000_000
PATIENCE_SECONDS = 0.02
"""Points that are due within this go together."""


class Pace:
    """The times of points against the time of a clock, which runs `speed` times slower; without a speed, all are due.

    Both begin with the first point. A point earlier than one before it is due at once, and so is everything that was
    held up: what comes after it keeps its time.
    """

    def __init__(self, speed: float | None) -> None:
        self._speed = speed
        self._first: int | None = None
        self._began = 0.0

    def due(self, times: Sequence[int], first: int, now: float) -> int:
        """Up to which index the points from `first` on are due at `now`, seconds of a clock that never steps back."""
        if self._speed is None:
            return len(times)
        if self._first is None:
            self._first, self._began = times[first], now
        reached = self._first + (now + PATIENCE_SECONDS - self._began) * self._speed * _NANOSECONDS
        index = first
        while index < len(times) and times[index] <= reached:
            index += 1
        return index

    def wait(self, time: int, now: float) -> float:
        """Seconds until a point of this time is due; after `due` was asked once."""
        if self._speed is None or self._first is None:
            return 0.0
        return max(0.0, self._began + (time - self._first) / _NANOSECONDS / self._speed - now)
