"""The values of a pane, next to one another: each group has its own, in order, as often as they are there."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from streams.stores.pane_values import PaneValues, pane_values

Some = Sequence[int] | Mapping[int, int]


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
