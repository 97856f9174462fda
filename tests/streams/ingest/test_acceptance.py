"""A device whose clock is wrong."""

import pytest

from streams.formats.line import batch_of
from streams.ingest.acceptance import Acceptance
from streams.points import TIME_MAX, TIME_MIN, Batch, Point

SECOND = 10**9
NOW = 1_700_000_000 * SECOND


def at(*times: int) -> Batch:
    return batch_of([Point("m", {}, {"f": 1.0}, time) for time in times], range(1, len(times) + 1))


def test_both_bounds_are_inside() -> None:
    acceptance = Acceptance(from_ms=10_000, until_ms=5_000)
    assert acceptance.rejects(at(NOW - 10 * SECOND, NOW, NOW + 5 * SECOND), NOW) == {}
    assert acceptance.rejects(at(), NOW) == {}


def test_a_nanosecond_beyond_is_rejected_with_both_times() -> None:
    acceptance = Acceptance(from_ms=10_000, until_ms=5_000)

    rejects = acceptance.rejects(at(NOW - 10 * SECOND - 1, NOW, NOW + 5 * SECOND + 1), NOW)

    assert {index: (reject.line, reject.code) for index, reject in rejects.items()} == {
        0: (1, "too_old"),
        2: (3, "too_new"),
    }
    assert "2023-11-14T22:13:09.999999999Z" in rejects[0].message
    assert "2023-11-14T22:13:20.000000000Z" in rejects[0].message
    assert "2023-11-14T22:13:25.000000001Z" in rejects[2].message


def test_a_backfill_has_no_lower_bound() -> None:
    acceptance = Acceptance(from_ms=None)
    assert acceptance.rejects(at(TIME_MIN, NOW), NOW) == {}


@pytest.mark.parametrize("time", [TIME_MIN, TIME_MAX])
def test_times_that_no_calendar_has_are_told_in_nanoseconds(time: int) -> None:
    [reject] = Acceptance().rejects(at(time), NOW).values()
    assert str(time) in reject.message or "Z is" in reject.message
