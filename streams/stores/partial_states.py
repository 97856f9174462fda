"""States of a pane, made of the columns of what a store was asked of it. Pure."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from types import NoneType
from typing import Any

from streams.points import Kind
from streams.queries import Query
from streams.stores.base import Row
from streams.stores.moments import Moments
from streams.stores.pane import Pane
from streams.stores.states import Area, Column, Rises, packed

Asked = Mapping[str, Sequence[Any]]
"""What a field was asked for, by name: a cell for each row."""

_PYTHON = {Kind.FLOAT: float, Kind.INTEGER: int, Kind.UNSIGNED: int, Kind.STRING: str, Kind.BOOLEAN: bool}
_TYPED = ("total", "min", "max", "first", "last", "rises")


class KindsUnknown(Exception):
    """A field has values and no known kind, or values of another kind than is known."""


def asked_of(query: Query, rows: Sequence[Row]) -> dict[str, Asked]:
    """What these rows of a window have of each field."""
    columns = iter(list(zip(*rows, strict=True))[len(query.group_by) :])
    return {field: {one.name: next(columns, ()) for one in aggregates} for field, aggregates in query.select}


def check(asked: Asked, kind: Kind | None) -> None:
    """KindsUnknown where these are not of a field of this kind."""
    if kind is None:
        known = any(cell not in {None, 0} if name == "count" else cell is not None for name, cell in _each(asked))
    else:
        typed = [asked[name] for name in _TYPED if name in asked]
        values = chain.from_iterable(filter(None, asked.get("values", ())))
        allowed = {_PYTHON[kind], NoneType}
        known = not all(set(map(type, cells)) <= allowed for cells in (*typed, values))
    if known:
        raise KindsUnknown


def check_kinds(pane: Pane, kinds: Mapping[str, Kind]) -> None:
    """KindsUnknown where a field that has states in a pane is of another kind than is known."""
    for (field, _), column in pane.states.items():
        if column.cells and kinds.get(field) is not pane.kinds[field]:
            raise KindsUnknown


def column_of(state: str, asked: Asked, keys: Sequence[int], size: int, *, by_series: bool) -> Column:
    """A state of so many keys, where these are the rows' keys. Where it is `by_series`, edges have their times."""
    if by_series and state in {"first", "last"}:
        cells: Sequence[Any] = [
            None if value is None else (time, value)
            for time, value in zip(asked[f"{state}_time"], asked[state], strict=True)
        ]
    else:
        cells = _OF_ASKED[state](asked) if state in _OF_ASKED else asked[state]
    return placed(cells, keys, size, state)


def placed(cells: Sequence[Any], keys: Sequence[int], size: int, state: str = "") -> Column:
    """The cells of rows with these keys, as a column of so many."""
    if len(keys) == size and all(map(int.__eq__, keys, range(size))):
        found = list(cells)
    else:
        found = [None] * size
        for key, cell in zip(keys, cells, strict=True):
            found[key] = cell
    whole = None not in found
    return Column(packed(found, state) if whole else found, whole)


def moved(column: Column, numbers: Sequence[int], size: int) -> Column:
    """The same states of groups that have these numbers here, a range where they are the same as there; size in all."""
    if isinstance(numbers, range):
        return column
    return placed(column.cells, numbers[: len(column.cells)], size)


def _each(asked: Asked) -> Iterable[tuple[str, Any]]:
    return ((name, cell) for name, cells in asked.items() for cell in cells)


def _totals(asked: Asked) -> Sequence[Any]:
    """Where there are values and no sum it is too large."""
    if "count" not in asked:
        return asked["total"]
    return [
        math.nan if count and whole is None else whole
        for count, whole in zip(asked["count"], asked["total"], strict=True)
    ]


def _moments(asked: Asked) -> list[Moments | None]:
    """InfluxQL has only the root of the mean of the squared deviations, and none of a single value."""
    return [
        (count, whole, 0.0 if count < 2 else math.inf if root is None else root * root * (count - 1)) if count else None
        for count, whole, root in zip(asked["count"], _totals(asked), asked["stddev"], strict=True)
    ]


def _rises(asked: Asked) -> list[Rises | None]:
    found = map(Rises, asked["first"], asked["last"], asked["rises"])
    return [one if one.first is not None else None for one in found]


def _areas(asked: Asked) -> list[Area | None]:
    found = map(Area, asked["first"], asked["first_time"], asked["last"], asked["last_time"], asked["area"])
    return [one if one.first is not None else None for one in found]


_OF_ASKED: dict[str, Callable[[Asked], Sequence[Any]]] = {
    "count": lambda asked: [count or None for count in asked["count"]],  # as where there are no values
    "total": _totals,
    "moments": _moments,
    "rises": _rises,
    "area": _areas,
}
