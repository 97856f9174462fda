"""What a backfill gathers, and when it tells; the time is an argument."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as some

from streams.ingest.backfill import _MOST_RANGES, MARGIN_MS, PAUSE_MS, Backfill
from streams.points import NANOSECONDS, Touched

HOUR = 3_600_000
MINUTE_NS = 60_000 * NANOSECONDS
NOW = 1_700_000_000_000 // 60_000 * 60_000


def touched(ago_ms: int, length_ms: int = 0, measurement: str = "m") -> Touched:
    start = (NOW - ago_ms) * NANOSECONDS
    return Touched(measurement, start, start + length_ms * NANOSECONDS)


def covers(ranges: list[Touched], item: Touched) -> bool:
    return any(r.measurement == item.measurement and r.start <= item.start and item.stop <= r.stop for r in ranges)


def is_due(backfill: Backfill, now: int, *, closed: bool = False, idle: bool = True) -> bool:
    return backfill.due(now, closed=closed, idle=idle)


def test_a_backfill_without_points_tells_nothing() -> None:
    assert not is_due(Backfill(HOUR), NOW, closed=True)


def test_it_tells_when_it_has_paused() -> None:
    backfill = Backfill(HOUR)
    backfill.add([touched(HOUR // 2)], NOW)
    backfill.add([touched(HOUR // 2)], NOW + 5_000)
    assert not is_due(backfill, NOW + PAUSE_MS)
    assert not is_due(backfill, NOW + 5_000 + PAUSE_MS, idle=False)
    assert is_due(backfill, NOW + 5_000 + PAUSE_MS)


def test_it_tells_when_it_is_closed_and_all_of_it_is_stored() -> None:
    backfill = Backfill(HOUR)
    backfill.add([touched(HOUR // 2)], NOW)
    assert not is_due(backfill, NOW, closed=True, idle=False)
    assert is_due(backfill, NOW, closed=True)


def test_what_was_told_is_told_again_only_when_points_come_again() -> None:
    backfill = Backfill(HOUR)
    backfill.add([touched(HOUR // 2)], NOW)
    backfill.told()
    assert not is_due(backfill, NOW + HOUR, closed=True)
    assert backfill.add([touched(HOUR // 2)], NOW)


def test_one_that_never_pauses_tells_before_its_windows_are_too_old() -> None:
    backfill = Backfill(HOUR)
    backfill.add([touched(HOUR // 2)], NOW)
    assert not is_due(backfill, NOW + HOUR // 2 - MARGIN_MS - 1, idle=False)
    assert is_due(backfill, NOW + HOUR // 2 - MARGIN_MS, idle=False)


def test_windows_that_are_too_old_already_hurry_nobody() -> None:
    backfill = Backfill(HOUR)
    backfill.add([touched(30 * HOUR)], NOW)
    assert not is_due(backfill, NOW, idle=False)


def test_points_of_a_minute_that_is_known_add_nothing() -> None:
    backfill = Backfill(HOUR)
    assert backfill.add([touched(HOUR)], NOW) == [
        Touched("m", (NOW - HOUR) * NANOSECONDS, (NOW - HOUR) * NANOSECONDS + MINUTE_NS - 1)
    ]
    assert backfill.add([touched(HOUR, 59_000)], NOW) == []
    assert backfill.add([touched(HOUR, 60_000)], NOW) != []
    assert len(backfill.ranges()) == 1


@given(
    some.lists(
        some.tuples(
            some.integers(-(2**62), 2**62) | some.integers(0, 100 * MINUTE_NS),
            some.integers(0, 10 * MINUTE_NS),
            some.sampled_from("ab"),
        ),
        min_size=1,
    )
)
def test_every_point_is_told_and_what_is_added_is_all_there_is(items: list[tuple[int, int, str]]) -> None:
    backfill = Backfill(HOUR)
    journal: list[Touched] = []
    given_ranges = [Touched(measurement, start, start + length) for start, length, measurement in items]
    for item in given_ranges:
        journal += backfill.add([item], NOW)
    ranges = backfill.ranges()
    assert all(covers(ranges, item) for item in given_ranges)
    assert all(covers(journal, item) or covers(_joined(journal), item) for item in given_ranges)
    for measurement in "ab":
        own = [item for item in ranges if item.measurement == measurement]
        assert own == sorted(own)
        assert all(later.start > earlier.stop + 1 for earlier, later in pairwise(own))


def _joined(ranges: list[Touched]) -> list[Touched]:
    joined: list[Touched] = []
    for item in sorted(ranges):
        if joined and joined[-1].measurement == item.measurement and item.start <= joined[-1].stop + 1:
            joined[-1] = joined[-1]._replace(stop=max(joined[-1].stop, item.stop))
        else:
            joined.append(item)
    return joined


def test_scattered_points_are_told_in_a_bounded_number_of_ranges() -> None:
    backfill = Backfill(HOUR)
    items = [Touched("m", i * 7 * MINUTE_NS, i * 7 * MINUTE_NS) for i in range(3 * _MOST_RANGES)]
    for item in items:
        backfill.add([item], NOW)
    ranges = backfill.ranges()
    assert len(ranges) <= _MOST_RANGES
    assert all(covers(ranges, item) for item in items[:: _MOST_RANGES // 10])
