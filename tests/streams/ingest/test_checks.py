"""Rules one after the other: each sees what those before it let through."""

from streams.formats.line import scan
from streams.ingest.checks import Check, held_against
from streams.points import Batch, Reject

NOW = 1_700_000_000_000_000_000
LINES = b"m v=1 1\nbad\nm v=2 2\nm v=3 3"


def no_point_at(*times: int) -> Check:
    """A rule."""

    def check(batch: Batch, now: int) -> dict[int, Reject]:
        assert now == NOW
        return {i: Reject(batch.numbers[i], "no", f"{times}") for i, at in enumerate(batch.times) if at in times}

    return check


def test_each_point_is_refused_by_the_first_rule_that_it_breaks() -> None:
    batch, rejects = held_against([no_point_at(1), no_point_at(1, 3)], scan(LINES, now=NOW), NOW)
    assert list(batch.lines) == [b"m v=2 2"]
    assert [reject.line for reject in rejects] == [2, 1, 4]
    assert [reject.message for reject in rejects[1:]] == ["(1,)", "(1, 3)"]


def test_without_objections_the_batch_is_the_same() -> None:
    scanned = scan(LINES, now=NOW)
    assert held_against([no_point_at(), no_point_at(9)], scanned, NOW).batch is scanned.batch
