"""Moments of several parts, and of many groups at once: the same to the last digit."""

import math
import statistics
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.stores.moments import ManyMoments, Moments, deviations, join_moments, two_moments

FLOATS = st.floats(-1e6, 1e6)
PARTS = st.lists(FLOATS, min_size=1, max_size=8)


def moments(values: Sequence[float]) -> Moments:
    mean = math.fsum(values) / len(values)
    return len(values), math.fsum(values), math.fsum((value - mean) ** 2 for value in values)


@given(st.lists(PARTS, min_size=1, max_size=6))
def test_joined_they_are_those_of_all_values(parts: list[list[float]]) -> None:
    together = [value for part in parts for value in part]
    count, total, squares = join_moments([*map(moments, parts)])
    assert count == len(together)
    assert total == pytest.approx(math.fsum(together), abs=1e-6)
    (deviation,) = deviations([(count, total, squares)])
    if count > 1:
        assert deviation == pytest.approx(statistics.stdev(together), rel=1e-6, abs=1e-5)


@given(st.data(), st.integers(1, 5), st.booleans())
def test_many_groups_are_joined_as_each_alone(data: st.DataObject, groups: int, alike: bool) -> None:
    sizes = st.just(3) if alike else st.integers(1, 4)
    part = sizes.flatmap(lambda size: st.lists(FLOATS, min_size=size, max_size=size)).map(moments)
    one, other = (data.draw(st.lists(part, min_size=groups, max_size=groups)) for _ in range(2))
    found = ManyMoments.of(one).packed().joined(ManyMoments.of(other)).packed()
    assert [*found] == [*map(two_moments, one, other)]
    assert (len(found), found[0], found[-1:]) == (groups, two_moments(one[0], other[0]), [*found][-1:])
    assert ManyMoments.of(found) is found


def test_sums_of_integers_keep_every_digit() -> None:
    one = ManyMoments.of([(1, 2**62, 0.0), (1, 1, 0.0)]).packed()
    assert [total for _, total, _ in one.joined(one)] == [2**63, 2]


def test_there_is_no_deviation_of_one_value_or_of_what_is_too_large() -> None:
    single, large, usual, nothing = deviations([(1, 5.0, 0.0), (2, 1.0, math.inf), (3, 6.0, 2.0), None])
    assert (usual, nothing) == (1.0, None)
    assert math.isnan(single or 0.0)
    assert math.isnan(large or 0.0)
