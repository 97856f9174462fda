"""What is found among sorted parts, and what of numbers that are too large."""

import math
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from streams.aggregates import parse_aggregate
from streams.points import Kind
from streams.stores import tail_states
from streams.stores.tail_states import Column, at_rank, cells_of, joined


@given(st.lists(st.lists(st.integers(-20, 20), min_size=1).map(sorted), min_size=1, max_size=9), st.data())
def test_a_rank_is_found_in_parts_as_in_all_of_them_sorted(runs: Sequence[Sequence[int]], data: st.DataObject) -> None:
    values = sorted(value for run in runs for value in run)
    rank = data.draw(st.integers(1, len(values)))
    few, tail_states.FEW_VALUES = tail_states.FEW_VALUES, 0
    try:
        assert at_rank(runs, rank) == values[rank - 1]
    finally:
        tail_states.FEW_VALUES = few


def test_sums_too_large_for_a_double_are_null_and_leave_the_other_groups_be() -> None:
    whole = joined("total", [Column([1.7e308, 1.0], True), Column([1.7e308, 2.0], True)])
    assert not math.isfinite(whole.cells[0])
    assert whole.cells[1] == 3.0
    assert cells_of(parse_aggregate("sum"), Kind.FLOAT, [whole.cells], 2) == [None, 3.0]
    assert cells_of(parse_aggregate("mean"), Kind.FLOAT, [[2, 2], whole.cells], 2) == [None, 1.5]


def test_groups_that_came_later_have_nothing_in_the_panes_before() -> None:
    assert joined("total", [Column([1.0], True), Column([2.0, 5.0], True)]).cells == [3.0, 5.0]
    assert joined("last", [Column([1], True), Column([None, 5], False)]).cells == [1, 5]
