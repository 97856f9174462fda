"""A scan in the making: good points as columns, the others as rejects."""

from streams.errors import PointRefused
from streams.formats.codes import Code
from streams.points import Batch, Reject, Scan, Series, Shape


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

    def too_many(self, number: int, at_most: int) -> None:
        """The points from this number on are more than a frame may have, and are not looked at."""
        message = f"a frame may have {at_most} points: those from here on were not read, send them in other frames"
        self.reject(number, PointRefused(Code.TOO_MANY_POINTS, message))

    @property
    def count(self) -> int:
        """How many points there are so far, rejected ones included."""
        return len(self.lines) + len(self.rejects)

    def scan(self) -> Scan:
        """All of it."""
        return Scan(Batch(self.lines, self.series, self.shapes, self.times, self.numbers), self.rejects)
