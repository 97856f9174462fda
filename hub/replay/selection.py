"""Which points of a source to replay, and with which times. Pure."""

from collections.abc import Collection
from dataclasses import dataclass

from hub.replay.parts import Part


@dataclass(frozen=True, slots=True)
class Selection:
    """Points of these measurements, all if there are none, with times in `[start, stop)`, nanoseconds."""

    only: Collection[str] = ()
    start: int | None = None
    stop: int | None = None

    def of(self, part: Part) -> Part:
        """The part without the points that were not chosen."""
        if not self.only and self.start is None and self.stop is None:
            return part
        chosen = [
            i
            for i, (measurement, time) in enumerate(zip(part.measurements, part.times, strict=True))
            if (not self.only or measurement in self.only)
            and (self.start is None or time >= self.start)
            and (self.stop is None or time < self.stop)
        ]
        return part._replace(
            lines=[part.lines[i] for i in chosen],
            measurements=[part.measurements[i] for i in chosen],
            times=[part.times[i] for i in chosen],
            places=[part.places[i] for i in chosen],
        )


def shifted(part: Part, by: int) -> Part:
    """The same points so many nanoseconds later."""
    if not by:
        return part
    times = [time + by for time in part.times]
    lines = [b"%b %d" % (line[: line.rindex(b" ")], time) for line, time in zip(part.lines, times, strict=True)]
    return part._replace(lines=lines, times=times)
