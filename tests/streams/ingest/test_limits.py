"""Limits of frames and points: what is at the limit passes, what is beyond is named with its size and the setting."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.formats.line import scan
from streams.ingest import limits
from streams.ingest.limits import PointLimits
from streams.points import Batch

NOW = 1_700_000_000_000_000_000


def small() -> PointLimits:
    return PointLimits(tags=2, fields=3, name_bytes=8, value_bytes=20)


def batch_of(*lines: str) -> Batch:
    batch, rejects = scan("\n".join(lines).encode(), now=NOW)
    assert not rejects
    return batch


def refused(*lines: str) -> list[tuple[int, str]]:
    """The numbers and codes of the lines beyond a small limit."""
    return [(reject.line, reject.code) for reject in small().rejects(batch_of(*lines), NOW).values()]


GOOD = [
    "m,a=1,b=2 v=1 1",
    "m a=1,b=2,c=3 1",
    "measurem,tag_name=1 fieldnam=1 1",
    'm s="12345678901234567890" 1',
    "m,t=12345678901234567890 v=1 1",
    "m v=1,w=2,x=1234567890.123456789 1234567890123456789",
]
BAD = {
    "m,a=1,b=2,c=3 v=1 1": "too_many_tags",
    "m a=1,b=2,c=3,d=4 1": "too_many_fields",
    "measureme v=1 1": "name_too_long",
    "m,tag_names=1 v=1 1": "name_too_long",
    "m fieldname=1 1": "name_too_long",
    "üüüüü v=1 1": "name_too_long",
    'm s="123456789012345678901" 1': "value_too_long",
    'm s="üüüüüüüüüüü" 1': "value_too_long",
    "m,t=123456789012345678901 v=1 1": "value_too_long",
}


@pytest.mark.parametrize("line", GOOD)
def test_at_the_limit_is_good(line: str) -> None:
    assert refused(line) == []


@pytest.mark.parametrize(("line", "code"), BAD.items())
def test_beyond_the_limit_is_named(line: str, code: str) -> None:
    assert refused(line) == [(1, code)]


def test_the_message_has_the_size_and_the_setting() -> None:
    lines = ("m,a=1,b=2,c=3 v=1 1", "measureme v=1 1", 'm s="123456789012345678901" 1')
    assert [reject.message for reject in small().rejects(batch_of(*lines), NOW).values()] == [
        "a point may have 2 tags (max_tags), not 3",
        "the name 'measureme' has 9 bytes; 8 are the most (max_name_bytes)",
        "the value '123456789012345678901' has 21 bytes; 20 are the most (max_value_bytes)",
    ]


@given(st.lists(st.sampled_from([*GOOD, *BAD]), max_size=20), st.integers(1, 5))
def test_only_the_bad_lines_of_a_batch_are_refused_however_often_they_come(lines: list[str], times: int) -> None:
    limit = small()
    for _ in range(times):
        found = limit.rejects(batch_of(*lines), NOW)
        assert {index: reject.code for index, reject in found.items()} == {
            index: BAD[line] for index, line in enumerate(lines) if line in BAD
        }


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_REMEMBERED", 10)
    limit = small()
    for start in range(0, 200, 5):
        assert limit.rejects(batch_of(*(f"m,t={i} v=1 1" for i in range(start, start + 5))), NOW) == {}
        assert len(limit._good) <= 20
    assert limit.rejects(batch_of("m,a=1,b=2,c=3 v=1 1"), NOW)
