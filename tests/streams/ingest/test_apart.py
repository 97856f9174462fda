"""Which batches may be stored in any order."""

from hypothesis import given
from hypothesis import strategies as st

from streams.ingest.apart import apart
from streams.points import Batch
from tests.streams.ingest.shelf import batch

BATCHES = st.builds(
    lambda sites, at: batch(*[(site, 1.0) for site in sites], at=at),
    st.lists(st.sampled_from("abc"), min_size=1, max_size=4),
    st.integers(0, 5),
)


def test_one_time_after_another_is_apart() -> None:
    assert apart(batch(("a", 1.0), ("a", 2.0), at=0), batch(("a", 3.0), at=2))


def test_one_time_of_several_series_is_apart_and_that_of_one_is_not() -> None:
    assert apart(batch(("a", 1.0)), batch(("b", 2.0)))
    assert not apart(batch(("a", 1.0)), batch(("a", 2.0)))


def test_a_point_amid_others_is_found() -> None:
    assert not apart(batch(("a", 1.0), ("b", 1.0), ("c", 1.0)), batch(("b", 2.0), at=1))


@given(BATCHES, BATCHES)
def test_apart_are_those_without_a_point_in_common(one: Batch, other: Batch) -> None:
    def points(batch: Batch) -> set[tuple[bytes, int]]:
        return {(series.key, time) for series, time in zip(batch.series, batch.times, strict=True)}

    assert apart(one, other) == apart(other, one) == (not points(one) & points(other))
