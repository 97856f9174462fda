"""Which windows are read again after points came late."""

from streams.clock import NEVER
from streams.engine.corrections import GATHER_MS, MOST_UNKNOWN, Late
from streams.engine.ledger import Ledger, Memory
from streams.queries import parse_query

QUERY = parse_query(measurement="m", select={"v": ["sum"]}, every="1s", grace="0s")
NOW = 5_000_000


def begin(correct_for_ms: int = 3_600_000) -> tuple[Late, Ledger]:
    return Late(QUERY.every_ms), Ledger(QUERY, NOW, Memory(correct_for_ms, 1_000))


def test_touches_are_gathered_and_then_read_in_one_go() -> None:
    late, ledger = begin()
    assert late.touch((NOW - 9_000, NOW - 9_000), NOW)
    assert late.touch((NOW - 8_000, NOW - 7_000), NOW + 100)
    assert not late.touch((NOW - 9_000, NOW - 8_000), NOW + 200)
    assert late.due_at(ledger.final_until) == NOW + GATHER_MS
    assert late.take(ledger, NOW + GATHER_MS - 1, 100) is None
    assert late.take(ledger, NOW + GATHER_MS, 100) == (NOW - 9_000, NOW - 7_000)
    assert late.due_at(ledger.final_until) == NEVER
    assert late.take(ledger, NOW + GATHER_MS, 100) is None


def test_at_most_so_many_are_read_at_once() -> None:
    late, ledger = begin()
    late.touch((NOW - 9_000, NOW - 5_000), NOW - GATHER_MS)
    assert late.take(ledger, NOW, 2) == (NOW - 9_000, NOW - 8_000)
    assert late.due_at(ledger.final_until) == 0
    assert late.take(ledger, NOW, 2) == (NOW - 7_000, NOW - 6_000)
    assert late.take(ledger, NOW, 2) == (NOW - 5_000, NOW - 5_000)
    assert late.take(ledger, NOW, 2) is None


def test_what_failed_is_read_again_at_once_or_when_told() -> None:
    late, ledger = begin()
    late.again((NOW - 9_000, NOW - 9_000))
    assert late.take(ledger, NOW, 100) == (NOW - 9_000, NOW - 9_000)
    late.again((NOW - 9_000, NOW - 9_000), NOW + 50)
    assert late.due_at(ledger.final_until) == NOW + 50
    assert late.take(ledger, NOW + 49, 100) is None
    assert late.take(ledger, NOW + 50, 100) == (NOW - 9_000, NOW - 9_000)


def test_windows_that_are_about_to_be_final_wait_until_they_are() -> None:
    late, ledger = begin()
    late.touch((NOW, NOW + 2_000), NOW - GATHER_MS)
    assert late.take(ledger, NOW, 100) == (NOW, NOW)
    assert late.take(ledger, NOW, 100) is None
    assert late.due_at(ledger.final_until) == NEVER
    ledger.final_until = NOW + 2_000
    assert late.due_at(ledger.final_until) == 0
    assert late.take(ledger, NOW, 100) == (NOW + 1_000, NOW + 2_000)


def test_windows_that_are_too_old_are_left_as_they_are() -> None:
    late, ledger = begin(correct_for_ms=4_000)
    late.touch((NOW - 9_000, NOW - 2_000), NOW - GATHER_MS)
    late.touch((NOW - 20_000, NOW - 15_000), NOW - GATHER_MS)
    assert late.take(ledger, NOW, 100) == (NOW - 3_000, NOW - 2_000)
    assert late.take(ledger, NOW, 100) is None


def test_of_a_huge_range_only_windows_on_record_are_read() -> None:
    late, ledger = begin()
    late.touch((NOW - MOST_UNKNOWN * 1_000, NOW), NOW - GATHER_MS)
    assert late.take(ledger, NOW, 100) is None
