"""Which slices have to be read: the arithmetic of the tail."""

import copy

from hypothesis import given
from hypothesis import strategies as st

from streams.points import NANOSECONDS
from streams.queries import Query, parse_query
from streams.stores.tail_slices import Slices, Span


def query(every: str, grace: str = "1s", window: str | None = None) -> Query:
    return parse_query(measurement="m", select={"f": ["mean"]}, every=every, grace=grace, window=window)


def slices(*queries: Query) -> Slices:
    made = Slices()
    made.fit(queries)
    return made


def read(these: Slices, spans: list[Span], now: int) -> list[Span]:
    """Read what is wanted, at once."""
    for span in spans:
        these.begin(span)
        these.done(span, now)
    return spans


def test_a_slice_is_read_when_it_stops_and_again_when_grace_has_passed() -> None:
    these = slices(query("1s"))
    assert read(these, these.wanted(4_000, 5_000, 5_000), 5_000) == [(4_000, 5_000)]
    assert these.wanted(4_000, 5_000, 5_999) == []
    assert read(these, these.wanted(4_000, 5_000, 6_000), 6_000) == [(4_000, 5_000)]
    assert these.wanted(4_000, 5_000, 60_000) == []


def test_a_provisional_window_does_not_wait_for_slices_to_be_read_again_for_their_grace() -> None:
    these = slices(query("1s"))
    read(these, these.wanted(4_000, 5_000, 5_000), 5_000)
    assert read(these, these.wanted(4_000, 6_000, 6_000, provisional=True), 6_000) == [(5_000, 6_000)]
    these.touch(4_500 * NANOSECONDS, 4_500 * NANOSECONDS)
    assert read(these, these.wanted(4_000, 6_000, 6_000, provisional=True), 6_000) == [(4_000, 5_000)]
    assert these.wanted(4_000, 6_000, 6_000) == []
    assert these.wanted(4_000, 6_000, 7_000) == [(5_000, 6_000)]


def test_each_distinct_grace_costs_one_more_read() -> None:
    these = slices(query("1s", "500ms"), query("1s", "2s"), query("5s", "2s"))
    reads = [len(read(these, these.wanted(4_000, 5_000, now), now)) for now in range(5_000, 9_000, 100)]
    assert sum(reads) == 3


def test_a_hopping_window_reads_the_newest_slice_and_the_one_whose_grace_has_passed_together() -> None:
    these = slices(query("1s", window="10s"))
    assert read(these, these.wanted(0, 10_000, 10_000), 10_000) == [(0, 10_000)]
    assert read(these, these.wanted(1_000, 11_000, 11_000), 11_000) == [(9_000, 11_000)]


def test_a_late_point_makes_the_slice_it_is_in_be_read_again() -> None:
    these = slices(query("1s", window="5s"))
    read(these, these.wanted(0, 5_000, 60_000), 60_000)
    these.touch(2_000 * NANOSECONDS, 2_999 * NANOSECONDS)
    assert these.wanted(0, 5_000, 60_000) == [(2_000, 3_000)]


def test_a_point_that_comes_during_a_read_makes_the_slice_out_of_date() -> None:
    these = slices(query("1s"))
    read(these, these.wanted(0, 1_000, 5_000), 5_000)
    these.touch(0, 0)
    these.begin((0, 1_000))
    these.touch(0, 0)
    these.done((0, 1_000), 5_000)
    assert these.wanted(0, 1_000, 5_000) == [(0, 1_000)]


def test_what_is_touched_while_it_is_read_for_the_first_time_is_read_again() -> None:
    these = slices(query("1s"))
    these.begin((0, 10_000))
    these.touch(2_000 * NANOSECONDS, 2_999 * NANOSECONDS)
    these.done((0, 10_000), 20_000)

    assert these.wanted(0, 10_000, 20_000) == [(2_000, 3_000)]


def test_a_failed_read_is_wanted_again() -> None:
    these = slices(query("1s"))
    read(these, these.wanted(0, 1_000, 5_000), 5_000)
    these.touch(0, 0)
    these.begin((0, 1_000))
    these.failed((0, 1_000))
    assert these.wanted(0, 1_000, 5_000) == [(0, 1_000)]


def test_slices_are_cut_for_a_shorter_step_without_reading_again_and_joined_for_a_longer_one() -> None:
    these = slices(query("10s", window="60s"))
    read(these, these.wanted(0, 60_000, 90_000), 90_000)
    these.fit([query("10s"), query("4s")])
    assert these.step == 2_000
    assert these.wanted(0, 60_000, 90_000) == []
    these.fit([query("20s")])
    assert these.step == 20_000
    assert these.wanted(0, 60_000, 90_000) == []


def test_what_is_dropped_is_not_had() -> None:
    these = slices(query("1s"))
    read(these, these.wanted(0, 5_000, 60_000), 60_000)
    these.drop_before(3_000)
    assert these.wanted(0, 5_000, 60_000) == [(0, 3_000)]


@given(
    st.lists(st.tuples(st.sampled_from(["touch", "ask"]), st.integers(0, 17_000), st.integers(0, 3_000)), max_size=40),
    st.sampled_from([("100ms", "0s"), ("1s", "1s"), ("3s", "500ms")]),
)
def test_no_slice_is_ever_older_than_the_last_point_in_it(
    steps: list[tuple[str, int, int]], settings: tuple[str, str]
) -> None:
    asked = query(*settings)
    these, now = slices(asked), 20_000
    had: dict[int, int] = {}  # for each millisecond when it was read
    written: dict[int, int] = {}
    for kind, at, length in steps:
        now += 1
        if kind == "touch":
            these.touch(at * NANOSECONDS, (at + length) * NANOSECONDS)
            written.update(dict.fromkeys(range(at, at + length + 1), now))
        else:
            for start, stop in read(these, these.wanted(at, at + length, now), now):
                had.update(dict.fromkeys(range(start, stop), now))
            for time in range(at, at + length):
                assert had[time] >= written.get(time, 0)
                assert had[time] > time


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["touch", "ask", "fail", "drop", "put back"]), st.integers(0, 40_000), st.integers(0, 9_000)
        ),
        max_size=40,
    )
)
def test_what_is_known_to_be_settled_need_not_be_looked_through(steps: list[tuple[str, int, int]]) -> None:
    these, now = slices(query("1s"), query("1s", "5s")), 10_000
    for kind, at, length in steps:
        now += 700
        if kind == "touch":
            these.touch(at * NANOSECONDS, (at + length) * NANOSECONDS)
        elif kind == "drop":
            these.drop_before(at)
        elif kind == "put back":
            now = max(0, now - length)
        else:
            unaware = copy.deepcopy(these)
            unaware._settled = range(0)
            found = these.wanted(at, at + length, now)
            assert found == unaware.wanted(at, at + length, now)
            for span in found:
                these.begin(span)
                if kind == "fail":
                    these.failed(span)
                else:
                    these.done(span, now)
