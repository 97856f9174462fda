"""A scan in the making: good points as columns, the others as rejects."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from streams.errors import PointRefused
from streams.formats.codes import Code
from streams.points import Batch, Reject, Scan, Series, Shape

Part = TypeVar("Part")


class Columns:
    """What a format fills point by point, in the order of the frame."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.series: list[Series] = []
        self.shapes: list[Shape] = []
        self.times: list[int] = []
        self.numbers: list[int] = []
        self.rejects: list[Reject] = []

    def add(self, line: bytes, series: Series, shape: Shape, time: int, number: int) -> None:
        """A good point: its whole line, and the number it has in the frame."""
        self.lines.append(line)
        self.series.append(series)
        self.shapes.append(shape)
        self.times.append(time)
        self.numbers.append(number)

    def reject(self, number: int, refused: PointRefused) -> None:
        """A point that can never be stored."""
        self.rejects.append(Reject(number, refused.code, str(refused)))

    def too_many(self, number: int) -> None:
        """The points from this number on are more than a frame may have, and are not looked at."""
        message = "a frame may have no more points: those from here on were not read, send them in other frames"
        self.reject(number, PointRefused(Code.TOO_MANY_POINTS, message))

    @property
    def count(self) -> int:
        """How many points there are so far, rejected ones included."""
        return len(self.lines) + len(self.rejects)

    def scan(self) -> Scan:
        """All of it."""
        return Scan(Batch(self.lines, self.series, self.shapes, self.times, self.numbers), self.rejects)


def in_steps(
    parts: Iterable[tuple[int, Part]], scan: Callable[[Part, int], Iterable[Scan]], at_most: int
) -> Iterator[Scan]:
    """The scans of a frame's parts, which start at these numbers, until there are more than `at_most` points.

    `scan` is told how many points it may still find; as in a frame of its own, it numbers them from 1.
    """
    for first, part in parts:
        for batch, rejects in scan(part, at_most):
            at_most -= len(batch) + len(rejects)
            yield Scan(batch, rejects) if first == 1 else _moved(batch, rejects, first - 1)
        if at_most < 0:
            return


def joined(steps: Iterable[Scan]) -> Scan:
    """The scan of a whole frame."""
    scans = list(steps)
    if len(scans) == 1:
        return scans[0]
    return Scan(Batch.concat([scan.batch for scan in scans]), [reject for scan in scans for reject in scan.rejects])


def _moved(batch: Batch, rejects: list[Reject], by: int) -> Scan:
    old = batch.numbers
    numbers = range(old.start + by, old.stop + by) if isinstance(old, range) else [number + by for number in old]
    return Scan(batch.numbered(numbers), [Reject(line + by, code, message) for line, code, message in rejects])
