"""The times that a batch touches."""

from hypothesis import given
from hypothesis import strategies as st

from streams.formats.line import batch_of
from streams.ingest.ranges import APART, touched_by
from streams.points import Batch, Point, Touched


def at(*times: int, measurement: str = "m") -> Batch:
    return batch_of([Point(measurement, {}, {"f": 1.0}, time) for time in times], range(1, len(times) + 1))


def test_one_measurement_close_together_is_one_range() -> None:
    assert touched_by(at(30, 10, 20)) == [Touched("m", 10, 30)]


def test_a_live_point_and_an_old_one_touch_nothing_between() -> None:
    assert touched_by(at(10 * APART, 5, 7)) == [Touched("m", 5, 7), Touched("m", 10 * APART, 10 * APART)]


def test_measurements_are_apart() -> None:
    both = Batch.concat([at(1, 2), at(8, 9, measurement="n")])
    assert sorted(touched_by(both)) == [Touched("m", 1, 2), Touched("n", 8, 9)]


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=40))
def test_every_point_lies_in_a_range_and_every_range_begins_and_ends_with_a_point(times: list[int]) -> None:
    ranges = touched_by(at(*times))
    assert all(any(touched.start <= time <= touched.stop for touched in ranges) for time in times)
    assert all(touched.start in times and touched.stop in times for touched in ranges)
