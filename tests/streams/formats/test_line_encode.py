"""Points to lines and back."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import PointRefused
from streams.formats.line import batch_of, decode_fields, encode_line, scan
from streams.points import INT64_MAX, INT64_MIN, TIME_MAX, TIME_MIN, UINT64_MAX, Point, Unsigned, Value

TEXTS = st.text(min_size=1, max_size=8) | st.text(alphabet=' ,="\\\n\r\t\0#abcdefg', max_size=8)
VALUES = (
    st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(INT64_MIN, INT64_MAX)
    | st.integers(0, UINT64_MAX).map(Unsigned)
    | st.booleans()
    | TEXTS
)
POINTS = st.builds(
    Point,
    TEXTS,
    st.dictionaries(TEXTS, TEXTS, max_size=3),
    st.dictionaries(TEXTS, VALUES, min_size=1, max_size=3),
    st.integers(TIME_MIN, TIME_MAX),
)


@given(POINTS)
def test_what_can_be_encoded_is_scanned_as_the_same_point(point: Point) -> None:
    try:
        batch = batch_of([point], [1])
    except PointRefused:
        return
    scanned = scan(b"\n".join([*batch.lines, b"after v=1 1"]), now=0)
    assert scanned.rejects == []
    assert scanned.batch.select([0]) == batch
    assert scanned.batch.series[0].measurement == point.measurement
    assert dict(scanned.batch.series[0].tags) == {name: value for name, value in point.tags.items() if value}
    decoded = decode_fields(batch.lines[0])
    assert decoded == point.fields
    assert [type(value) for value in decoded.values()] == [type(value) for value in point.fields.values()]
    assert scanned.batch.times[0] == point.time


@given(st.text(alphabet="abü ,=", min_size=1), st.text(alphabet="abü ,=\"'#", min_size=1), VALUES)
def test_ordinary_text_can_always_be_encoded(name: str, text: str, value: Value) -> None:
    encode_line(Point("m " + name, {name: text}, {name: value}, 1))


@pytest.mark.parametrize(
    ("point", "line"),
    [
        (Point("m", {}, {"v": 1.0}, 1), b"m v=1.0 1"),
        (Point("m", {"b": "1", "a": "2", "c": ""}, {"v": -0.0}, -1), b"m,a=2,b=1 v=-0.0 -1"),
        (Point("a b,c", {"d e": "f=g"}, {'h"': 'i"\\\n'}, 0), b'a\\ b\\,c,d\\ e=f\\=g h"="i\\"\\\\\n" 0'),
        (Point("m", {"t": "=x"}, {"v": True, "w": 5, "x": Unsigned(5)}, 0), b"m,t=\\=x v=true,w=5i,x=5u 0"),
    ],
)
def test_spelling(point: Point, line: bytes) -> None:
    assert encode_line(point) == line


@pytest.mark.parametrize(
    ("point", "code"),
    [
        (Point("", {}, {"v": 1.0}, 1), "missing_measurement"),
        (Point("#m", {}, {"v": 1.0}, 1), "invalid_name"),
        (Point("\tm", {}, {"v": 1.0}, 1), "invalid_name"),
        (Point("m\\", {}, {"v": 1.0}, 1), "invalid_name"),
        (Point("a\\ b", {}, {"v": 1.0}, 1), "invalid_name"),
        (Point("m", {"t": "a\\"}, {"v": 1.0}, 1), "invalid_name"),
        (Point("m", {"": "a"}, {"v": 1.0}, 1), "missing_tag_key"),
        (Point("m", {"time": "a"}, {"v": 1.0}, 1), "reserved_name"),
        (Point("m", {}, {"time": 1.0}, 1), "reserved_name"),
        (Point("m", {}, {"": 1.0}, 1), "missing_field_key"),
        (Point("m", {}, {"v\\": 1.0}, 1), "invalid_name"),
        (Point("m", {}, {"v\\": 1.0, "w": 1.0}, 1), "invalid_name"),
        (Point("m", {}, {"\tv": 1.0}, 1), "invalid_name"),
        (Point("m", {}, {}, 1), "missing_fields"),
        (Point("m", {}, {"v": math.nan}, 1), "invalid_number"),
        (Point("m", {}, {"v": -math.inf}, 1), "invalid_number"),
        (Point("m", {}, {"v": 2**63}, 1), "out_of_range"),
        (Point("m", {}, {"v": Unsigned(2**64)}, 1), "out_of_range"),
        (Point("m", {}, {"v": 10**5_000}, 1), "out_of_range"),
        (Point("m", {}, {"v": "\ud800"}, 1), "not_utf8"),
        (Point("\ud800", {}, {"v": 1.0}, 1), "not_utf8"),
        (Point("m", {}, {"\ud800": 1.0}, 1), "not_utf8"),
        (Point("m" * 70_000, {}, {"v": 1.0}, 1), "key_too_long"),
        (Point("m" * 60_000, {}, {"v" * 6_000: 1.0}, 1), "key_too_long"),
        (Point("m", {}, {"v": 1.0}, TIME_MAX + 1), "time_out_of_range"),
    ],
)
def test_what_line_protocol_cannot_say_is_refused(point: Point, code: str) -> None:
    with pytest.raises(PointRefused) as refused:
        encode_line(point)
    assert refused.value.code == code
    assert str(refused.value).encode()
