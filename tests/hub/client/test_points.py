"""Points as lines; `test_the_hub_reads_what_was_meant` holds them against the hub's own scanner."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.client import Point
from streams.formats import line


def test_every_kind_of_value_is_spelled_so_that_it_keeps_its_kind() -> None:
    point = Point("m", {"f": 1.0, "i": 1, "s": 'say "hi" \\', "b": True}, {}, 5)
    assert point.line() == b'm f=1.0,i=1i,s="say \\"hi\\" \\\\",b=true 5'


def test_names_are_escaped_and_empty_tags_left_out() -> None:
    point = Point("my m,x", {"a=b": 1}, {"t g": "v,1", "none": ""}, 5)
    assert point.line() == b"my\\ m\\,x,t\\ g=v\\,1 a\\=b=1i 5"


def test_a_point_has_the_time_at_which_it_was_made() -> None:
    point = Point("m", {"f": 1})
    assert point.line() == f"m f=1i {point.time}".encode()
    assert point.time > 1_700_000_000 * 10**9


@pytest.mark.parametrize(
    ("point", "reason"),
    [
        (Point("m", {}), "at least one field"),
        (Point("m", {"time": 1}), "cannot be called time"),
        (Point("#m", {"f": 1}), "cannot start with #"),
        (Point("", {"f": 1}), "cannot be empty"),
        (Point("m", {"f": 1}, {"t": "line\nbreak"}), "control characters"),
        (Point("m", {"f\\": 1}), "backslash"),
        (Point("m", {"f": float("nan")}), "nan cannot be stored"),
        (Point("m", {"f": float("-inf")}), "-inf cannot be stored"),
        (Point("m", {"f": 2**63}), "does not fit"),
    ],
)
def test_what_cannot_be_stored_is_named(point: Point, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        point.line()


names = st.text(st.characters(codec="utf-8", min_codepoint=32, exclude_characters="\\"), min_size=1, max_size=8)
values = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**63 - 1) | st.text() | st.booleans()


@given(
    measurement=names.filter(lambda name: not name.startswith("#")),
    tags=st.dictionaries(names, names, max_size=3),
    fields=st.dictionaries(names.filter(lambda name: name != "time"), values, min_size=1, max_size=3),
    time=st.integers(0, 2**62),
)
def test_the_hub_reads_what_was_meant(
    measurement: str, tags: dict[str, str], fields: dict[str, float | int | str | bool], time: int
) -> None:
    scan = line.scan(Point(measurement, fields, tags, time).line() + b"\nnext f=1 1", now=0)
    assert scan.rejects == []
    assert (scan.batch.series[0].measurement, dict(scan.batch.series[0].tags)) == (measurement, tags)
    assert line.decode_fields(scan.batch.lines[0]) == fields
    assert scan.batch.times == [time, 1]
