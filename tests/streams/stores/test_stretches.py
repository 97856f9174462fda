"""What is kept of stretches is what all of their panes give, however they change."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.stores import stretches
from streams.stores.states import Column
from streams.stores.stretches import Found, Key, Stretches

KEYS: list[Key] = [("a", "total"), ("a", "min"), ("b", "last")]
Pane = tuple[int | None, ...]

changes = st.dictionaries(
    st.integers(0, 70), st.lists(st.none() | st.integers(-9, 9), min_size=1, max_size=3).map(tuple), max_size=12
)


class Panes:
    """Panes with a cell for each of up to three groups, which are asked for when they are wanted."""

    def __init__(self, passing: int | None) -> None:
        self.cells: dict[int, Pane] = {}
        self.asked = 0
        self.kept = Stretches(self._find, passing or 0)
        self._lasting = passing is None

    def _find(self, pane: int, keys: Sequence[Key]) -> Found:
        self.asked += 1
        return Found({key: self._column(pane) for key in keys}, self._lasting)

    def _column(self, pane: int) -> Column:
        cells = self.cells.get(pane, ())
        return Column(cells, bool(cells) and None not in cells)

    def change(self, changed: dict[int, Pane]) -> None:
        for pane, cells in changed.items():
            self.cells[pane] = cells
            if pane % 2:
                self.kept.forget(pane, pane + 1)
            else:
                self.kept.put(pane, {key: self._column(pane) for key in KEYS})

    def right(self, state: str, first: int, stop: int, group: int) -> int | None:
        of_group = [cells[group] for pane in range(first, stop) if len(cells := self.cells.get(pane, ())) > group]
        found = [cell for cell in of_group if cell is not None]
        if not found:
            return None
        return found[-1] if state == "last" else min(found) if state == "min" else sum(found)

    def check(self, first: int, stop: int) -> None:
        found = self.kept.together(first, stop, KEYS, 3)
        assert {key: list(cells) for key, cells in found.items()} == {
            key: [self.right(key[1], first, stop, group) for group in range(3)] for key in KEYS
        }


@given(st.sampled_from([None, 1, 5]), st.lists(st.tuples(changes, st.integers(0, 40), st.integers(1, 40)), max_size=8))
def test_states_are_those_of_all_panes(passing: int | None, steps: list[tuple[dict[int, Pane], int, int]]) -> None:
    panes = Panes(passing)
    for changed, first, length in steps:
        panes.kept.prepare(first, first + length, KEYS[:2])
        panes.change(changed)
        panes.check(first, first + length)
        panes.check(first + 1, first + 1 + length)
    panes.kept.forget(0, 200)
    assert panes.kept.cells == 0


def test_neighbouring_windows_find_each_pane_once_and_join_few(monkeypatch: pytest.MonkeyPatch) -> None:
    joinings: list[int] = []

    def joined(_state: str, columns: Sequence[Column]) -> Column:
        joinings.append(len(columns))
        return columns[0]

    monkeypatch.setattr(stretches, "joined", joined)
    panes = Panes(None)
    panes.cells = dict.fromkeys(range(1_539), (1, 2, 3))
    for first in range(100):
        joinings.clear()
        panes.kept.together(first, first + 1_440, [("a", "total")], 3)
    assert panes.asked == len(panes.cells)
    assert sum(joinings) <= 40


def test_what_is_before_a_time_is_forgotten() -> None:
    panes = Panes(None)
    panes.cells = dict.fromkeys(range(64), (1,))
    panes.check(0, 64)
    panes.kept.drop_before(64)
    assert panes.kept.cells == 0
