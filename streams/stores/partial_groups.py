"""Groups made of the series that are in them, where states are kept for each series. Pure."""

from collections.abc import Callable, Sequence
from typing import Any

from streams.stores.moments import join_moments
from streams.stores.states import Area, Rises, total


def across(state: str, cells: Sequence[Any], group_of: Sequence[int], groups: int) -> list[Any]:
    """A state of each group: `cells` has that of each series, None where there is none, and `group_of` its group."""
    parts: list[list[Any]] = [[] for _ in range(groups)]
    for cell, group in zip(cells, group_of, strict=True):
        if cell is not None:
            parts[group].append(cell)
    return [_ACROSS[state](some) if some else None for some in parts]


def _first(parts: Sequence[tuple[int, Any]]) -> Any:
    """The earliest value; of several at that time the greatest, of booleans false."""
    earliest = min(time for time, _ in parts)
    values = [value for time, value in parts if time == earliest]
    return min(values) if isinstance(values[0], bool) else max(values)


def _rises(parts: Sequence[Rises]) -> Rises:
    found = [part.whole for part in parts if part.whole is not None]
    return Rises(None, None, total(found) if found else None)


_ACROSS: dict[str, Callable[[Sequence[Any]], Any]] = {
    "count": sum,
    "total": total,
    "min": min,
    "max": max,
    "first": _first,
    "last": lambda parts: max(parts)[1],
    "moments": join_moments,
    "rises": _rises,
    "area": lambda parts: Area(None, 0, None, 0, total([float(part.whole) for part in parts])),
}
