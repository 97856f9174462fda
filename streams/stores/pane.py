"""A pane as a store with its points at hand gives it: the states of its groups, which need not be made of rows."""

from collections.abc import Mapping
from dataclasses import dataclass

from streams.points import Kind
from streams.stores.base import Row, Window
from streams.stores.states import Column


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pane(Window):
    """A window of a `PanesQuery`; it has no rows.

    `counts` says how many points each of the `groups` has, None where it has none, and `states` has by field and name
    what the groups have of a state; what is missing no group has. `kinds` are those of the fields that are known.
    The same tuple of groups is given for every pane for as long as there are no others.
    """

    groups: tuple[Row, ...]
    counts: Column
    states: Mapping[tuple[str, str], Column]
    kinds: Mapping[str, Kind]
