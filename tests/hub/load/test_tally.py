from hub.load.tally import Ledger, Series


def test_a_dashboard_that_was_told_every_window_has_lost_none() -> None:
    series = Series(every_ms=100, after=1_050)
    assert [series.take(stop) for stop in (1_100, 1_200, 1_300)] == [True, True, True]
    assert series.lost(until=1_300) == 0
    assert series.received == 3


def test_a_window_that_was_passed_over_is_lost_until_it_comes() -> None:
    series = Series(every_ms=100, after=1_000)
    series.take(1_100)
    series.take(1_400)
    assert series.lost(until=1_400) == 2
    assert series.lost(until=1_200) == 1
    assert series.take(1_200)
    assert series.lost(until=1_400) == 1


def test_a_correction_is_no_new_window() -> None:
    series = Series(every_ms=100, after=1_000)
    series.take(1_100)
    assert not series.take(1_100)
    assert series.received == 1


def test_windows_after_the_last_that_came_are_lost_too() -> None:
    series = Series(every_ms=100, after=1_000)
    assert series.lost(until=1_000) == 0
    assert series.lost(until=1_300) == 3
    series.take(1_100)
    assert series.lost(until=1_300) == 2


def test_acknowledged_points_are_held_against_what_their_windows_say() -> None:
    ledger = Ledger()
    ledger.acknowledge(0, 1_000, 10)
    ledger.acknowledge(0, 2_000, 10)
    ledger.tell(0, 1_000, 7)
    ledger.tell(0, 1_000, 10)
    assert ledger.compare({0: (0, 1_000)}) == (10, 10)
    assert ledger.compare({0: (0, 2_000)}) == (20, 10)
    ledger.tell(0, 2_000, 4)
    assert ledger.compare({0: (0, 2_000)}) == (20, 14)
    assert ledger.compare({0: (1_000, 2_000)}) == (10, 4)


def test_points_that_are_there_without_having_been_acknowledged_make_up_for_none_that_are_lost() -> None:
    ledger = Ledger()
    ledger.acknowledge(0, 1_000, 10)
    ledger.acknowledge(1, 1_000, 10)
    ledger.tell(0, 1_000, 20)
    assert ledger.compare({0: (0, 1_000), 1: (0, 1_000)}) == (20, 10)
    assert ledger.compare({0: (0, 1_000)}) == (10, 10)


def test_a_rejected_point_is_expected_nowhere() -> None:
    ledger = Ledger()
    ledger.acknowledge(0, 1_000, -1)
    ledger.acknowledge(0, 1_000, 10)
    ledger.tell(0, 1_000, 9)
    assert ledger.compare({0: (0, 1_000)}) == (9, 9)
