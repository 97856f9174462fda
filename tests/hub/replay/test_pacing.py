"""When points are due; the time is an argument."""

import pytest

from hub.replay.pacing import Pace

SECOND = 10**9
TIMES = [100 * SECOND, 101 * SECOND, 101 * SECOND, 110 * SECOND]


def test_without_a_speed_all_are_due() -> None:
    assert Pace(None).due(TIMES, 1, now=5.0) == 4


def test_the_first_point_is_due_at_once_and_the_others_in_their_time() -> None:
    pace = Pace(1.0)
    assert pace.due(TIMES, 0, now=50.0) == 1
    assert pace.wait(TIMES[1], now=50.25) == pytest.approx(0.75)
    assert pace.due(TIMES, 1, now=50.9) == 1
    assert pace.due(TIMES, 1, now=51.0) == 3
    assert pace.due(TIMES, 3, now=60.0) == 4


def test_ten_times_as_fast() -> None:
    pace = Pace(10.0)
    assert pace.due(TIMES, 0, now=0.0) == 1
    assert pace.wait(TIMES[3], now=0.0) == pytest.approx(1.0)


def test_what_was_held_up_is_due_at_once() -> None:
    pace = Pace(1.0)
    pace.due(TIMES, 0, now=0.0)
    assert pace.due(TIMES, 1, now=600.0) == 4
    assert pace.wait(TIMES[3], now=600.0) == 0


def test_a_point_out_of_order_is_due_at_once() -> None:
    pace = Pace(1.0)
    pace.due(TIMES, 0, now=0.0)
    assert pace.due([SECOND, *TIMES], 0, now=0.0) == 2
