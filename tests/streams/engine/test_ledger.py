"""What was sent of a plan's windows decides what is due, which revision it has, and what need not be sent."""

import pytest

from streams.engine.ledger import Ledger, Memory, Read, Stale
from streams.engine.records import MOST_SENDINGS, digest
from streams.queries import parse_query
from streams.stores.base import Row, Window
from streams.windows import WindowUpdate

EVERY = 1_000
GRACE = parse_query(measurement="m", select={"v": ["sum"]}, every="1s", grace="500ms")
LONG_GRACE = parse_query(measurement="m", select={"v": ["sum"]}, every="1s", grace="5s")
NO_GRACE = parse_query(measurement="m", select={"v": ["sum"]}, every="1s", grace="0s")
HOUR = Memory(correct_for_ms=3_600_000, most_records=1_000)


def window(stop: int, total: int | None, points: int = 1) -> Window:
    rows: tuple[Row, ...] = () if total is None else ((total,),)
    return Window(stop - EVERY, stop, rows, points if rows else 0)


def sent(update: WindowUpdate | None) -> tuple[int, int, bool, int] | None:
    return update and (update.stop, update.revision, update.final, update.late)


def advance(ledger: Ledger, now: int, *windows: Window) -> list[tuple[int, int, bool, int] | None]:
    """Answer all that is due at a time."""
    read = ledger.due(now, ledger.settled(now), 100)
    assert read
    assert [one.stop for one in windows] == list(range(read.first, read.last + 1, EVERY))
    return [sent(update) for update in ledger.answered(read, windows, 1.5, now)]


def test_a_plan_begins_with_the_windows_that_are_still_within_grace() -> None:
    ledger = Ledger(LONG_GRACE, 10_300, HOUR)
    assert (ledger.final_until, ledger.last_stop) == (5_000, 5_000)
    assert ledger.due(10_300, 5_000, 100) == Read(6_000, 10_000, final_until=5_000)


def test_a_window_is_sent_when_it_stops_and_is_final_after_grace_without_being_sent_again() -> None:
    ledger = Ledger(GRACE, 10_600, HOUR)
    assert ledger.next_due(0) == 11_000
    assert advance(ledger, 11_000, window(11_000, 1)) == [(11_000, 0, False, 0)]
    assert [update.stop for update in ledger.recent()] == [11_000]
    assert ledger.next_due(0) == 11_500
    assert ledger.due(11_499, ledger.settled(11_499), 100) is None
    assert advance(ledger, 11_500, window(11_000, 1)) == []
    assert (ledger.final_until, ledger.recent()) == (11_000, [])


def test_a_window_that_changed_within_grace_is_sent_again_as_final() -> None:
    ledger = Ledger(GRACE, 10_600, HOUR)
    advance(ledger, 11_000, window(11_000, 1))
    assert advance(ledger, 11_500, window(11_000, 4, points=3)) == [(11_000, 1, True, 2)]


def test_a_window_that_has_just_stopped_comes_before_the_last_look_at_the_one_before() -> None:
    ledger = Ledger(parse_query(measurement="m", select={"v": ["sum"]}, every="1s", grace="1s"), 10_600, HOUR)
    advance(ledger, 10_600, window(10_000, 1))
    assert advance(ledger, 11_000, window(11_000, 2)) == [(11_000, 0, False, 0)]
    assert (ledger.final_until, ledger.due(11_000, 10_000, 100)) == (9_000, Read(10_000, 10_000, final_until=10_000))
    assert advance(ledger, 11_000, window(10_000, 3)) == [(10_000, 1, True, 0)]
    assert ledger.due(11_000, ledger.settled(11_000), 100) is None


def test_without_grace_a_window_is_sent_once_and_final() -> None:
    ledger = Ledger(NO_GRACE, 10_600, HOUR)
    assert ledger.due(11_000, 10_000, 100) is None, "it waits while it may not be final"
    assert advance(ledger, 11_000, window(11_000, 1)) == [(11_000, 0, True, 0)]
    assert (ledger.final_until, ledger.last_stop) == (11_000, 11_000)


def test_what_is_due_together_is_read_together() -> None:
    ledger = Ledger(GRACE, 10_600, HOUR)
    advance(ledger, 11_000, window(11_000, 1))
    assert ledger.due(13_000, 12_000, 100) == Read(11_000, 13_000, final_until=12_000)


def test_new_windows_come_before_final_ones_that_lie_apart() -> None:
    ledger = Ledger(LONG_GRACE, 10_000, HOUR)
    advance(ledger, 10_000, *(window(stop, 1) for stop in range(6_000, 11_000, EVERY)))
    assert ledger.due(11_000, 6_000, 100) == Read(11_000, 11_000, final_until=5_000)
    advance(ledger, 11_000, window(11_000, 1))
    assert ledger.due(11_000, 6_000, 100) == Read(6_000, 6_000, final_until=6_000)


def test_an_engine_that_lags_skips_nothing_and_sends_old_windows_once() -> None:
    ledger = Ledger(GRACE, 10_600, HOUR)
    assert ledger.due(15_200, 14_000, 2) == Read(11_000, 12_000, final_until=12_000)
    windows = [window(stop, 1) for stop in range(11_000, 16_000, EVERY)]
    finals = [update and update[2] for update in advance(ledger, 15_200, *windows)]
    assert finals == [True, True, True, True, False]


def test_a_window_whose_points_are_held_is_sent_but_not_final() -> None:
    ledger = Ledger(GRACE, 10_600, HOUR)
    assert ledger.due(12_600, 10_000, 100) == Read(11_000, 12_000, final_until=10_000)


def test_a_correction_is_sent_only_when_rows_have_changed() -> None:
    ledger = Ledger(NO_GRACE, 10_600, HOUR)
    advance(ledger, 11_000, window(11_000, 1))
    assert ledger.corrected(window(11_000, 1), ledger.change, 1, 13_000) is None
    assert sent(ledger.corrected(window(11_000, 3, points=2), ledger.change, 1, 13_000)) == (11_000, 1, True, 1)
    assert sent(ledger.corrected(window(11_000, 9, points=3), ledger.change, 1, 14_000)) == (11_000, 2, True, 2)


def test_every_sending_is_on_record() -> None:
    ledger = Ledger(NO_GRACE, 10_600, HOUR)
    advance(ledger, 11_000, window(11_000, 1))
    ledger.corrected(window(11_000, 3, points=2), ledger.change, 1, 13_000)
    assert ledger.records[11_000].sendings == ((0, 11_000, 1), (1, 13_000, 2))


def test_of_very_many_sendings_the_first_and_the_latest_are_kept() -> None:
    ledger = Ledger(NO_GRACE, 10_600, HOUR)
    advance(ledger, 11_000, window(11_000, 0))
    for total in range(1, 100):
        ledger.corrected(window(11_000, total), ledger.change, 1, 13_000)
    sendings = ledger.records[11_000].sendings
    assert len(sendings) == MOST_SENDINGS
    assert [sendings[0].revision, sendings[1].revision, sendings[-1].revision] == [0, 100 - MOST_SENDINGS + 1, 99]


def test_a_window_from_before_the_plan_is_corrected_as_a_later_revision_of_the_history() -> None:
    ledger = Ledger(GRACE, 10_600, HOUR)
    assert sent(ledger.corrected(window(7_000, 5), ledger.change, 1, 11_000)) == (7_000, 1, True, 0)


def test_history_is_remembered_so_that_it_is_not_corrected_for_nothing() -> None:
    ledger = Ledger(GRACE, 10_600, HOUR)
    update, correction = ledger.recalled(window(7_000, 5), ledger.change, 1, 11_000)
    assert (sent(update), correction) == ((7_000, 0, True, 0), False)
    assert ledger.corrected(window(7_000, 5), ledger.change, 1, 12_000) is None
    assert sent(ledger.corrected(window(7_000, 6), ledger.change, 1, 12_000)) == (7_000, 1, True, 0)


def test_history_has_the_revision_of_the_running_plan() -> None:
    ledger = Ledger(NO_GRACE, 10_600, HOUR)
    advance(ledger, 11_000, window(11_000, 1))
    ledger.corrected(window(11_000, 3), ledger.change, 1, 13_000)
    update, correction = ledger.recalled(window(11_000, 3), ledger.change, 1, 14_000)
    assert (sent(update), correction) == ((11_000, 1, True, 0), False)


def test_history_that_finds_a_change_is_a_correction_for_all_others() -> None:
    ledger = Ledger(NO_GRACE, 10_600, HOUR)
    advance(ledger, 11_000, window(11_000, 1))
    update, correction = ledger.recalled(window(11_000, 3), ledger.change, 1, 14_000)
    assert (sent(update), correction) == ((11_000, 1, True, 0), True)


def test_a_reading_that_began_before_a_change_is_stale() -> None:
    ledger = Ledger(NO_GRACE, 10_600, HOUR)
    advance(ledger, 11_000, window(11_000, 1))
    before = ledger.change
    ledger.corrected(window(11_000, 3), before, 1, 13_000)
    with pytest.raises(Stale):
        ledger.recalled(window(11_000, 1), before, 1, 13_100)
    with pytest.raises(Stale):
        ledger.corrected(window(11_000, 1), before, 1, 13_100)
    assert ledger.corrected(window(11_000, 3), before, 1, 13_100) is None, "it agrees, so it may be as old as it likes"


def test_few_touched_windows_are_all_read_again_and_of_many_those_on_record() -> None:
    ledger = Ledger(GRACE, 10_600, HOUR)
    advance(ledger, 11_500, window(11_000, 1))
    ledger.recalled(window(4_000, 1), ledger.change, 1, 11_500)
    assert ledger.correctable(3_000, 5_000, 3, 11_600) == [(3_000, 5_000)]
    assert ledger.correctable(3_000, 11_000, 3, 11_600) == [(4_000, 4_000), (11_000, 11_000)]


def test_history_under_way_over_touched_windows_that_are_not_read_again_is_stale() -> None:
    ledger = Ledger(GRACE, 10_600, HOUR)
    before = ledger.change
    ledger.correctable(3_000, 9_000, 3, 11_000)
    with pytest.raises(Stale):
        ledger.recalled(window(5_000, 1), before, 1, 11_000)
    assert sent(ledger.recalled(window(5_000, 1), ledger.change, 1, 11_000)[0]) == (5_000, 0, True, 0)


def test_records_are_dropped_when_they_are_too_old() -> None:
    ledger = Ledger(NO_GRACE, 10_600, Memory(correct_for_ms=2_000, most_records=1_000))
    for stop in range(11_000, 15_000, EVERY):
        advance(ledger, stop, window(stop, 1))
    assert list(ledger.records) == [13_000, 14_000]


def test_records_are_dropped_when_they_are_too_many_for_all_plans_together() -> None:
    memory = Memory(correct_for_ms=3_600_000, most_records=4)
    ledger = Ledger(NO_GRACE, 10_600, memory)
    for stop in range(11_000, 16_000, EVERY):
        advance(ledger, stop, window(stop, 1))
    assert list(ledger.records) == [12_000, 13_000, 14_000, 15_000]
    memory.ledgers = 2
    advance(ledger, 16_000, window(16_000, 1))
    assert list(ledger.records) == [15_000, 16_000]


def test_a_correction_without_a_record_has_a_higher_revision_than_any_that_was_dropped() -> None:
    ledger = Ledger(NO_GRACE, 10_600, Memory(correct_for_ms=3_600_000, most_records=1))
    advance(ledger, 11_000, window(11_000, 1))
    ledger.corrected(window(11_000, 2), ledger.change, 1, 11_100)
    advance(ledger, 12_000, window(12_000, 1))
    assert sent(ledger.corrected(window(11_000, 3), ledger.change, 1, 12_100)) == (11_000, 2, True, 0)


def test_who_was_away_is_given_the_windows_that_were_corrected_meanwhile() -> None:
    ledger = Ledger(NO_GRACE, 10_000, HOUR)
    for stop in range(11_000, 16_000, EVERY):
        advance(ledger, stop, window(stop, 1))
    for stop in (11_000, 12_000, 14_000):
        ledger.corrected(window(stop, 2), ledger.change, 1, 15_500)
    assert ledger.changed_since(15_100, 15_000, 16_000) == [(11_000, 12_000), (14_000, 14_000)]
    assert ledger.changed_since(15_100, 13_000, 16_000) == [(11_000, 12_000)]


def test_who_was_away_since_before_the_plan_is_given_all_that_may_have_been_corrected() -> None:
    ledger = Ledger(NO_GRACE, 10_000, Memory(correct_for_ms=5_000, most_records=1_000))
    assert ledger.changed_since(9_999, 10_000, 10_500) == [(6_000, 10_000)]
    assert ledger.changed_since(10_000, 10_000, 10_500) == []


def test_who_was_away_while_records_were_dropped_for_room_is_given_all_too() -> None:
    ledger = Ledger(NO_GRACE, 10_000, Memory(correct_for_ms=3_000, most_records=1))
    for stop in range(11_000, 14_000, EVERY):
        advance(ledger, stop, window(stop, 1))
    assert ledger.changed_since(11_500, 13_000, 13_500) == [(11_000, 13_000)]


def test_who_was_away_while_many_windows_were_touched_is_given_those() -> None:
    ledger = Ledger(NO_GRACE, 10_000, HOUR)
    ledger.correctable(3_000, 9_000, 3, 12_000)
    assert ledger.changed_since(11_000, 8_000, 12_500) == [(3_000, 8_000)]


def test_digests_tell_apart_what_python_takes_for_equal() -> None:
    rows: list[Row] = [(1,), (1.0,), (True,), (-1,), (-2,), (None,), ("1",), (0.0,), (-0.0,), (2**64 + 1,)]
    assert len({digest((row,)) for row in rows}) == len(rows)
