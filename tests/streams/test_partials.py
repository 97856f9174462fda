"""The arithmetic of long windows: panes, stretches, and what each aggregate is put together from."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from streams.aggregates import STATES, TABLE
from streams.partials import ASKED, MADE_OF, MOST_PANES, Stretch, pane_length, parts_of, stretches, stretches_of
from streams.queries import Query, parse_query


def query(every: str, window: str, *aggregates: str) -> Query:
    return parse_query(
        measurement="m", select={"f": list(aggregates) or ["mean"]}, every=every, window=window, group_by=["site"]
    )


@given(st.integers(0, 10**9), st.integers(0, 5_000))
def test_stretches_are_the_panes_of_a_window_each_once_and_in_order(first: int, panes: int) -> None:
    found = stretches(first, first + panes)
    assert [pane for one in found for pane in range(one.first, one.stop)] == list(range(first, first + panes))
    assert len({one.number for one in found}) == len(found)


def test_a_day_of_minutes_is_some_thirty_stretches() -> None:
    assert max(len(stretches(first, first + 1_440)) for first in range(3_000)) <= 33


@given(st.integers(0, 10**9), st.integers(1, 8))
def test_a_stretch_is_its_parts(place: int, level: int) -> None:
    whole = Stretch(level, place)
    parts = whole.parts()
    assert (parts[0].first, parts[-1].stop) == (whole.first, whole.stop)
    assert all(one.stop == after.first for one, after in pairwise(parts))
    of_pane = stretches_of(whole.stop - 1)
    assert whole in [next(of_pane) for _ in range(level + 1)]


def test_panes_are_a_minute_or_shorter_unless_there_were_too_many() -> None:
    assert pane_length(query("1m", "24h")) == 60_000
    assert pane_length(query("10s", "1h")) == 10_000
    assert pane_length(query("24h", "24h")) == 60_000
    assert pane_length(query("1h", "30d")) == 1_200_000
    assert pane_length(query("90s", "24h")) == 45_000
    long = query("1w", "40w")
    assert long.every_ms % pane_length(long) == 0
    assert long.window_ms // pane_length(long) <= 2 * MOST_PANES


def test_every_aggregate_has_parts_that_are_kept() -> None:
    assert MADE_OF.keys() == TABLE.keys()
    states = {state for states in MADE_OF.values() for state in states}
    assert {name for state in states for name in ASKED.get(state, (state,))} <= TABLE.keys() | STATES.keys()


def test_what_counts_the_steps_between_points_is_kept_by_series() -> None:
    assert parts_of(query("1m", "24h", "mean", "p95"), ("site", "dev")).query.group_by == ("site",)
    parts = parts_of(query("1m", "24h", "mean", "increase"), ("site", "dev"))
    assert (parts.by_series, parts.query.group_by) == (True, ("site", "dev"))
