"""Ranks among values in runs."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.stores import ordered
from streams.stores.ordered import Runs


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordered, "FEW_VALUES", 0)


@given(st.lists(st.lists(st.integers(-20, 20), min_size=1).map(sorted), min_size=1, max_size=9), st.data())
def test_a_rank_is_found_in_runs_as_in_all_of_them_sorted(runs: Sequence[Sequence[int]], data: st.DataObject) -> None:
    values = sorted(value for run in runs for value in run)
    rank = data.draw(st.integers(1, len(values)))
    assert Runs(runs).at(rank) == values[rank - 1]
    assert Runs(runs).counts() == Counter(values)
