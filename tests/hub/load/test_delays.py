import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.load.delays import Delays


def of(*milliseconds: float) -> Delays:
    delays = Delays()
    for delay in milliseconds:
        delays.add(delay)
    return delays


@given(st.lists(st.floats(min_value=0.01, max_value=1e7), min_size=1), st.floats(min_value=0, max_value=1))
def test_a_quantile_is_right_to_one_in_a_hundred(milliseconds: list[float], share: float) -> None:
    exact = sorted(milliseconds)[max(1, math.ceil(share * len(milliseconds))) - 1]
    told = of(*milliseconds).quantile(share)
    assert told == pytest.approx(exact, rel=0.01)


def test_the_largest_is_exact_and_none_is_exceeded() -> None:
    delays = of(1, 2, 1_234.5)
    assert delays.largest == 1_234.5
    assert delays.quantile(1) == 1_234.5


def test_what_took_less_than_nothing_counts_as_nothing_and_is_told() -> None:
    delays = of(-5, 0)
    assert delays.least == -5
    assert delays.quantile(0.5) == 0


def test_there_is_no_quantile_of_nothing() -> None:
    assert Delays().quantile(0.99) is None
