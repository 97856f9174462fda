"""Values in windows that move on: ranks and counts as of all that is in them, whatever came and went before."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.stores import sliding as module
from streams.stores.sliding import NEAR, PaneValues, Sliding, pane_values

Some = Sequence[int] | Mapping[int, int]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NEAR", 2)
    monkeypatch.setattr(module, "MOST_NEAR", 6)
    monkeypatch.setattr(module, "MOST_RANKS", 3)


def each(pane: PaneValues) -> Iterator[tuple[int, list[int]]]:
    """The values of each group of a pane, as many times as they are there."""
    for group in pane.groups:
        start, stop = pane.of(group)
        numbers = pane.numbers[start:stop] if pane.numbers is not None else [1] * (stop - start)
        values = [v for v, number in zip(pane.values[start:stop], numbers, strict=True) for _ in range(number)]
        assert pane.how_many(start, stop) == len(values)
        yield group, values


def values_of(some: Some) -> list[int]:
    return list(Counter(some).elements())


VALUES = st.lists(st.integers(-30, 30), max_size=6).map(sorted) | st.dictionaries(
    st.integers(-30, 30), st.integers(1, 4), max_size=4
)
OF_GROUPS = st.lists(st.tuples(st.integers(0, 2), VALUES), max_size=3)


@given(OF_GROUPS)
def test_a_pane_has_the_values_of_each_group_in_order(of_groups: list[tuple[int, Some]]) -> None:
    right: dict[int, list[int]] = {}
    for group, some in of_groups:
        right.setdefault(group, []).extend(values_of(some))
    found = pane_values(of_groups)
    assert dict(each(found)) == {group: sorted(values) for group, values in right.items() if values}
    assert found.of(7) == (0, 0)


def test_a_value_takes_a_row_and_a_number_a_quarter_of_one() -> None:
    for values, rows in (([1.5, 2.5, 3.5], 1), ([1, 2, 3, 4, 5], 2), (["a", "b"], 2), ([1, 2**63], 2), ([True], 1)):
        pane = pane_values([(0, values)])
        assert ([*pane.values], pane.rows) == (values, rows)
        assert [*map(type, pane.values)] == [*map(type, values)]


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


@pytest.mark.parametrize("slope", [0, 1, -1, 7])
def test_ranks_are_right_however_values_rise_or_fall(slope: int) -> None:
    sliding = Sliding()
    panes = {pane: pane_values([(0, sorted(pane * slope + n * n % 23 for n in range(8)))]) for pane in range(200)}
    for first in range(150):
        values = sliding.move(panes, first, first + 50)[0]
        right = sorted(chain.from_iterable(of for pane in range(first, first + 50) for _, of in each(panes[pane])))
        for rank in (20, 200, 201, 380, 400):
            assert values.at(rank) == right[rank - 1]


def test_what_is_kept_does_not_grow_with_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NEAR", NEAR)
    sliding = Sliding()
    panes = {pane: pane_values([(0, [pane + n / 7 for n in range(60)])]) for pane in range(1_440)}
    values = sliding.move(panes, 0, 1_440)[0]
    assert values.at(1_440 * 57) == sorted(chain.from_iterable(pane.values for pane in panes.values()))[1_440 * 57 - 1]
    sliding.count()
    assert 0 < sliding.size <= 2 * NEAR + 1
