"""Ranks among values in runs, and in windows that move on."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.stores import ordered
from streams.stores.ordered import OfPane, Ordered, Runs, Sliding


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordered, "FEW_VALUES", 0)
    monkeypatch.setattr(ordered, "BUCKET", 3)


@given(st.lists(st.lists(st.integers(-20, 20), min_size=1).map(sorted), min_size=1, max_size=9), st.data())
def test_a_rank_is_found_in_runs_as_in_all_of_them_sorted(runs: Sequence[Sequence[int]], data: st.DataObject) -> None:
    values = sorted(value for run in runs for value in run)
    rank = data.draw(st.integers(1, len(values)))
    assert Runs(runs).at(rank) == values[rank - 1]
    assert Runs(runs).counts() == Counter(values)


@given(st.lists(st.integers(-20, 20), max_size=60), st.lists(st.integers(-20, 20), max_size=60))
def test_values_that_come_and_go_stay_in_order(before: list[int], coming: list[int]) -> None:
    values = Ordered(Counter(before))
    values.add((value, 1) for value in coming)
    check(values, sorted(before + coming))
    values.add((value, -1) for value in before)
    check(values, sorted(coming))
    values.add((value, -number) for value, number in Counter(coming).items())
    check(values, [])


def check(values: Ordered, right: list[int]) -> None:
    assert values.count == len(right)
    assert [values.at(rank) for rank in range(1, len(right) + 1)] == right
    assert values.counts() == Counter(right)


PANES = st.dictionaries(
    st.integers(0, 12), st.lists(st.tuples(st.integers(0, 2), st.lists(st.integers(0, 9), min_size=1)), max_size=3)
)


@given(st.lists(st.tuples(PANES, st.integers(0, 12), st.integers(1, 6)), min_size=1, max_size=8))
def test_a_window_that_moves_over_panes_that_change_has_their_values(
    moves: list[tuple[dict[int, list[tuple[int, list[int]]]], int, int]],
) -> None:
    sliding, panes = Sliding(), dict[int, OfPane]()
    for changed, first, length in moves:
        for pane, values_of in changed.items():
            panes[pane] = [(group, tuple(Counter(values).items())) for group, values in values_of]
            sliding.change(pane, panes[pane])
        found = sliding.move(panes, first, first + length)
        right: dict[int, Counter[int]] = {}
        for pane in range(first, first + length):
            for group, counts in panes.get(pane, ()):
                right.setdefault(group, Counter()).update(dict(counts))
        assert {group: dict(values.counts()) for group, values in found.items()} == right
        assert sliding.size == sum(map(len, right.values()))
