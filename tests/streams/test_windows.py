"""Where windows lie, and which times they hold."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from streams.points import NANOSECONDS
from streams.queries import parse_query
from streams.windows import boundary, merged, span_ns, touched_stops

HOPPING = parse_query(measurement="m", select={"v": ["count"]}, every="500ms", window="2s")
TIMES = st.integers(-10_000 * NANOSECONDS, 10_000 * NANOSECONDS)


def test_boundaries_are_aligned_to_the_epoch() -> None:
    assert boundary(1_999, 1_000) == 1_000
    assert boundary(2_000, 1_000) == 2_000
    assert boundary(-1, 1_000) == -1_000


def test_a_window_has_its_start_and_not_its_stop() -> None:
    tumbling = parse_query(measurement="m", select={"v": ["count"]}, every="1s")
    assert touched_stops(tumbling, 1_000 * NANOSECONDS, 1_000 * NANOSECONDS) == (2_000, 2_000)
    assert touched_stops(tumbling, 1_000 * NANOSECONDS - 1, 1_000 * NANOSECONDS - 1) == (1_000, 1_000)


def test_a_point_is_in_every_hopping_window_that_spans_it() -> None:
    assert touched_stops(HOPPING, 700 * NANOSECONDS, 700 * NANOSECONDS) == (1_000, 2_500)


@given(TIMES, st.integers(0, 3_000 * NANOSECONDS))
def test_touched_stops_are_those_of_the_windows_that_meet_the_range(start: int, length: int) -> None:
    stop = start + length
    first, last = touched_stops(HOPPING, start, stop)
    met = [
        window_stop
        for window_stop in range(boundary(start // NANOSECONDS, 500) - 5_000, stop // NANOSECONDS + 5_000, 500)
        if (window_stop - 2_000) * NANOSECONDS <= stop and start < window_stop * NANOSECONDS
    ]
    assert list(range(first, last + 1, 500)) == met


def test_the_span_of_several_windows() -> None:
    assert span_ns(HOPPING, 3_000, 4_000) == (1_000 * NANOSECONDS, 4_000 * NANOSECONDS)


@given(st.lists(st.tuples(st.integers(-20, 20), st.integers(0, 5)).map(lambda r: (r[0] * 10, (r[0] + r[1]) * 10))))
def test_merged_ranges_have_the_same_stops_in_as_few_ranges_as_possible(ranges: list[tuple[int, int]]) -> None:
    result = merged(ranges, 10)
    stops = {stop for first, last in ranges for stop in range(first, last + 1, 10)}
    assert [stop for first, last in result for stop in range(first, last + 1, 10)] == sorted(stops)
    assert all(before[1] + 10 < after[0] for before, after in pairwise(result))
