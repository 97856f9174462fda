"""What a replay would send: counted, and not sent."""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from hub.replay.parts import Source
from hub.replay.selection import Selection


@dataclass(slots=True)
class Counted:
    """Points of one measurement, or of all."""

    points: int = 0
    first: int | None = None
    last: int | None = None

    def add(self, time: int) -> None:
        """One more point, at this time in nanoseconds."""
        self.points += 1
        self.first = time if self.first is None else min(self.first, time)
        self.last = time if self.last is None else max(self.last, time)


@dataclass(slots=True)
class Survey:
    """What is in a source, or in a part of it."""

    measurements: dict[str, Counted] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    first_line: str = ""

    @property
    def points(self) -> int:
        """All points."""
        return sum(counted.points for counted in self.measurements.values())

    @property
    def latest(self) -> int | None:
        """The latest time of all, nanoseconds."""
        return max((c.last for c in self.measurements.values() if c.last is not None), default=None)

    def text(self) -> list[str]:
        """For people."""
        lines = [
            f"{name}: {counted.points:,} points from {moment(counted.first)} to {moment(counted.last)}"
            for name, counted in sorted(self.measurements.items())
        ]
        total = f"{self.points:,} points in {len(self.measurements)} measurements would be sent"
        lines.append(f"{total}, and {self.refused.total():,} rejected before")
        if self.first_line:
            lines.append(f"the first is: {self.first_line}")
        return [*lines, *self.examples]

    def described(self) -> dict[str, Any]:
        """For programs; times in nanoseconds since the epoch."""
        return {
            "points": self.points,
            "rejected": self.refused.total(),
            "codes": dict(self.refused),
            "measurements": {name: asdict(counted) for name, counted in sorted(self.measurements.items())},
        }


async def survey(
    source: Source, selection: Selection, place: int | None, *, most_examples: int, look: Callable[[float], None]
) -> Survey:
    """Read everything from a place on. SourceUnreadable."""
    found = Survey()
    async for part in source.parts(place):
        chosen = selection.of(part)
        for measurement, time in zip(chosen.measurements, chosen.times, strict=True):
            found.measurements.setdefault(measurement, Counted()).add(time)
        if chosen.lines and not found.first_line:
            found.first_line = chosen.lines[0].decode("utf-8", "backslashreplace")
        for where, code, reason in part.refused:
            found.refused[code] += 1
            if found.refused.total() <= most_examples:
                found.examples.append(f"rejected: {where}: {code}: {reason}")
        look(part.done)
    return found


def moment(time: int | None) -> str:
    """A time in nanoseconds as text."""
    if time is None:
        return "-"
    try:
        whole = datetime.fromtimestamp(time // 10**9, UTC)
    except (OverflowError, ValueError):
        return f"{time} ns"
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{time % 10**9 // 10**6:03d}Z"
