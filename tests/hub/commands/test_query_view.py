"""Windows as lines of bars."""

from hypothesis import given
from hypothesis import strategies as st

from hub.commands.query_view import shortened


def test_neighbours_share_a_bar() -> None:
    assert shortened([1, 2, 3], 3) == [1, 2, 3]
    assert shortened([1, 3, 5, 7], 2) == [2, 6]
    assert shortened([None, 3, None, None, 5, 7], 3) == [3, None, 6]


@given(st.lists(st.none() | st.integers(-100, 100), min_size=1, max_size=200), st.integers(1, 60))
def test_there_are_never_more_than_asked_for_and_none_beyond_the_others(numbers: list[float | None], most: int) -> None:
    short = shortened(numbers, most)
    assert len(short) == min(len(numbers), most)
    known = [number for number in numbers if number is not None]
    assert all(min(known) <= number <= max(known) for number in short if number is not None)
    assert any(number is not None for number in short) is bool(known)
