"""What an engine did, as lines to compare; times in milliseconds after the beginning."""

from dataclasses import dataclass, field
from typing import Any

from streams.engine import Plan, WindowUpdate
from streams.points import NANOSECONDS, Point, Touched
from tests.streams.simulation import BEGIN, SimulatedClock


def at(time_ms: int, value: int = 1, device: str = "a") -> Point:
    """A point so many milliseconds after the beginning."""
    return Point("m", {"dev": device}, {"v": value}, (BEGIN + time_ms) * NANOSECONDS)


def touched(start_ms: int, stop_ms: int | None = None, measurement: str = "m") -> Touched:
    """A range of times after the beginning."""
    stop = start_ms if stop_ms is None else stop_ms
    return Touched(measurement, (BEGIN + start_ms) * NANOSECONDS, (BEGIN + stop) * NANOSECONDS)


def total(update: WindowUpdate) -> Any:
    """The sum in the only row of a window; None where it has no rows."""
    return update.rows[0][0] if update.rows else None


@dataclass(eq=False)
class Transcript:
    """A listener that writes down what it hears and when, in milliseconds after the beginning."""

    clock: SimulatedClock
    lines: list[tuple[Any, ...]] = field(default_factory=list)

    def window(self, _plan: Plan, update: WindowUpdate) -> None:
        kind = "final" if update.final else "window"
        self.lines.append((self._now(), kind, update.stop - BEGIN, update.revision, total(update)))

    def progress(self, _plan: Plan, final_until: int) -> None:
        self.lines.append((self._now(), "progress", final_until - BEGIN))

    def trouble(self, _plan: Plan, message: str, retry_after_ms: int | None) -> None:
        self.lines.append((self._now(), "trouble", message, retry_after_ms))

    def take(self) -> list[tuple[Any, ...]]:
        """The lines since the last time."""
        lines, self.lines = self.lines, []
        return lines

    def _now(self) -> int:
        return self.clock.now() - BEGIN
