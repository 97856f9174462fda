"""Values in windows that move on: ranks and counts as of all that is in them, whatever came and went before."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.stores import ranks
from streams.stores.pane_values import PaneValues, pane_values
from streams.stores.sliding import Sliding
from tests.streams.stores.test_pane_values import OF_GROUPS, Some, each


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranks, "NEAR", 2)
    monkeypatch.setattr(ranks, "MOST_NEAR", 6)
    monkeypatch.setattr(ranks, "MOST_RANKS", 3)


MOVES = st.lists(
    st.tuples(st.dictionaries(st.integers(0, 20), OF_GROUPS, max_size=9), st.integers(0, 20), st.integers(1, 9)),
    min_size=1,
    max_size=12,
)


@given(MOVES, st.data())
def test_a_window_that_moves_over_panes_that_change_has_their_values(
    moves: list[tuple[dict[int, list[tuple[int, Some]]], int, int]], data: st.DataObject
) -> None:
    sliding, panes = Sliding(), dict[int, PaneValues]()
    for changed, first, length in moves:
        for pane, of_groups in changed.items():
            panes[pane] = pane_values(of_groups)
            sliding.change(pane, panes[pane])
        found = sliding.move(panes, first, first + length)
        right: dict[int, list[int]] = {}
        for pane in range(first, first + length):
            for group, values in each(panes[pane]) if pane in panes else ():
                right.setdefault(group, []).extend(values)
        assert found.keys() == right.keys()
        for group, values in right.items():
            assert found[group].count == len(values)
            for rank in data.draw(st.lists(st.integers(1, len(values)), max_size=4)):
                assert found[group].at(rank) == sorted(values)[rank - 1]
            if data.draw(st.booleans()):
                assert found[group].counts() == Counter(values)
