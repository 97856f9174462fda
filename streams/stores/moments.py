"""Moments: how many values there are, their sum, and that of the squares of their deviations from the mean. Pure.

Those of two parts are joined as Chan, Golub and LeVeque do it ("Updating Formulae and a Pairwise Algorithm for
Computing Sample Variances", 1979), which loses no digits where the mean is large beside the deviations.
"""

import math
from array import array
from collections.abc import Iterator, Sequence
from functools import reduce
from operator import add
from typing import Any, overload

Moments = tuple[int, Any, float]


def join_moments(parts: Sequence[Moments]) -> Moments:
    """Those of all values together, of which there is at least one."""
    return reduce(two_moments, parts)


def two_moments(one: Moments, other: Moments) -> Moments:
    """Those of the values of both."""
    (m, v, s), (n, w, t) = one, other
    apart = w / n - v / m
    return m + n, v + w, s + (t + apart * apart * (m * n / (m + n)))


def deviations(moments: Sequence[Moments | None]) -> list[float | None]:
    """The standard deviation of each sample; no number where there are no two values, or too large ones."""
    return [
        None if one is None else math.sqrt(one[2] / (one[0] - 1)) if one[0] > 1 and one[2] < math.inf else math.nan
        for one in moments
    ]


class ManyMoments(Sequence[Moments]):
    """Those of many groups, by column, which are joined in half the time of as many tuples.

    `alike` is how many values each group has, where all have as many, else 0.
    """

    __slots__ = ("_alike", "_counts", "_squares", "_totals")

    def __init__(self, counts: Sequence[int], totals: Sequence[Any], squares: Sequence[float], alike: int) -> None:
        self._counts, self._totals, self._squares, self._alike = counts, totals, squares, alike

    @classmethod
    def of(cls, cells: Sequence[Moments]) -> "ManyMoments":
        """The same of each of these groups, of which there is at least one, and none has nothing."""
        if isinstance(cells, ManyMoments):
            return cells
        counts, totals, squares = zip(*cells, strict=True)
        return cls(counts, totals, squares, counts[0] if counts.count(counts[0]) == len(counts) else 0)

    def packed(self) -> "ManyMoments":
        """The same, the numbers next to one another in memory where they are floats."""
        totals = array("d", self._totals) if type(self._totals[0]) is float else self._totals
        return ManyMoments(self._counts, totals, array("d", self._squares), self._alike)

    def __len__(self) -> int:
        return len(self._counts)

    @overload
    def __getitem__(self, place: int) -> Moments: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Moments]: ...
    def __getitem__(self, place: int | slice) -> Any:
        if isinstance(place, slice):
            return [*self][place]
        return self._counts[place], self._totals[place], self._squares[place]

    def __iter__(self) -> Iterator[Moments]:
        return zip(self._counts, self._totals, self._squares, strict=True)

    def joined(self, other: "ManyMoments") -> "ManyMoments":
        """Those of the values of both, to the last digit as `two_moments` has them."""
        totals = [*map(add, self._totals, other._totals)]
        if self._alike and other._alike:
            m, n = self._alike, other._alike
            weight, sums = m * n / (m + n), zip(self._totals, self._squares, other._totals, other._squares, strict=True)
            squares = [s + (t + (d := w / n - v / m) * d * weight) for v, s, w, t in sums]
            return ManyMoments([m + n] * len(squares), totals, squares, m + n)
        counts = [*map(add, self._counts, other._counts)]
        squares = [
            s + (t + (d := w / n - v / m) * d * (m * n / (m + n)))
            for (m, v, s), (n, w, t) in zip(self, other, strict=True)
        ]
        return ManyMoments(counts, totals, squares, 0)
