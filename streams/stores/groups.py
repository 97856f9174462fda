"""The groups of a query's windows: numbered as they come, and in the order of their tags in every window. Pure."""

from collections.abc import Callable, Iterable, Sequence
from itertools import compress
from operator import itemgetter
from typing import Any

from streams.stores.base import Row


class Groups:
    """Rows of tags, each with its number."""

    def __init__(self) -> None:
        self._numbers: dict[Row, int] = {}
        self._all: tuple[Row, ...] = ()
        self._tagged = 0
        self._tags: list[Sequence[Any]] = []
        self._take: Callable[[Sequence[Any]], Sequence[Any]] | None = None

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, rows: Iterable[Row]) -> None:
        """Number those that are new, as many as there are at once in their order: no window has to sort them then."""
        for row in sorted({row for row in rows if row not in self._numbers}, key=_order):
            self._numbers[row] = len(self._numbers)

    @property
    def all(self) -> tuple[Row, ...]:
        """All of them by their numbers, in the same tuple until there are more."""
        if len(self._all) < len(self._numbers):
            self._all = tuple(self._numbers)
        return self._all

    def number(self, row: Row) -> int:
        """The number of one that was added."""
        return self._numbers[row]

    def rows(self, cells: Iterable[Sequence[Any]], counts: Sequence[int | None]) -> tuple[Row, ...]:
        """A window's rows, of columns with a cell for each group: of those that are counted, sorted, nulls first."""
        if self._tagged < len(self._numbers):
            rows = list(self._numbers)
            order = sorted(range(len(rows)), key=lambda group: _order(rows[group]))
            self._take = itemgetter(*order) if order != list(range(len(order))) else None
            self._tags = list(zip(*(rows[group] for group in order), strict=True))
            self._tagged = len(order)
        if self._take:
            counts, *cells = map(self._take, (counts, *cells))
        found = zip(*self._tags, *cells, strict=True)
        return tuple(found if all(counts) else compress(found, counts))


def _order(tags: Row) -> list[tuple[bool, str]]:
    return [(tag is not None, str(tag or "")) for tag in tags]
