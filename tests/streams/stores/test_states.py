"""What is joined from states, and what of numbers that are too large."""

import math

from streams.aggregates import parse_aggregate
from streams.points import Kind
from streams.stores.made import cells_of
from streams.stores.states import Area, Column, Rises, joined


def test_sums_too_large_for_a_double_are_null_and_leave_the_other_groups_be() -> None:
    whole = joined("total", [Column([1.7e308, 1.0], True), Column([1.7e308, 2.0], True)])
    assert not math.isfinite(whole.cells[0])
    assert whole.cells[1] == 3.0
    assert cells_of(parse_aggregate("sum"), Kind.FLOAT, [whole.cells], 2, 1_000) == [None, 3.0]
    assert cells_of(parse_aggregate("mean"), Kind.FLOAT, [[2, 2], whole.cells], 2, 1_000) == [None, 1.5]


def test_groups_that_came_later_have_nothing_in_the_panes_before() -> None:
    assert joined("total", [Column([1.0], True), Column([2.0, 5.0], True)]).cells == [3.0, 5.0]
    assert joined("last", [Column([1], True), Column([None, 5], False)]).cells == [1, 5]


def test_the_step_from_one_pane_to_the_next_counts_where_it_rises() -> None:
    parts = [Column([part], True) for part in (Rises(3, 5, 2), Rises(4, 4, None), Rises(9, 1, None))]
    assert joined("rises", parts).cells == [Rises(3, 1, 2 + 5)]
    assert joined("rises", parts[:2]).cells == [Rises(3, 4, 2)]


def test_the_area_between_two_panes_is_a_trapezoid() -> None:
    second = 1_000_000_000
    parts = [
        Column([Area(2.0, 0, 2.0, second, 2.0)], True),
        Column([Area(4.0, 3 * second, 4.0, 3 * second, 0.0)], True),
    ]
    assert joined("area", parts).cells == [Area(2.0, 0, 4.0, 3 * second, 2.0 + 3.0 * 2)]
