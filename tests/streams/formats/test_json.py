"""Points as JSON, and what hostile frames come to."""

import json as plain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import FrameUnreadable
from streams.formats import json
from streams.formats.line import decode_fields
from streams.points import Kind, Scan, Unsigned, Value

NOW = 1_700_000_000_123_456_789


def scan(data: bytes, stored: Kind | None = None, precision: str = "ms", at_most: int = 5_000) -> Scan:
    return json.scan(data, precision=precision, now=NOW, kinds=lambda _measurement, _field: stored, at_most=at_most)


def with_value(text: bytes) -> bytes:
    """A good point, and one with this value."""
    return b'[{"measurement":"good","fields":{"v":1}},{"measurement":"m","fields":{"v":%b}}]' % text


def with_time(text: bytes) -> bytes:
    return b'{"measurement":"m","fields":{"v":1},"time":%b}' % text


def test_points_become_columns() -> None:
    scanned = scan(
        b'[{"measurement":"cpu","tags":{"host":"b","dc":"a b"},"fields":{"user":1.5,"ok":true,"note":"x"},"time":7},'
        b' {"measurement":"up","fields":{"n":1}}]'
    )
    assert scanned.rejects == []
    assert list(scanned.batch.lines) == [
        b'cpu,dc=a\\ b,host=b user=1.5,ok=true,note="x" 7000000',
        b"up n=1.0 1700000000123000000",
    ]
    assert list(scanned.batch.numbers) == [1, 2]
    assert scanned.batch.shapes[0] == (("user", Kind.FLOAT), ("ok", Kind.BOOLEAN), ("note", Kind.STRING))


def test_one_point_needs_no_array() -> None:
    assert list(scan(b' {"measurement":"m","fields":{"v":1},"time":1}\n').batch.lines) == [b"m v=1.0 1000000"]


def test_what_is_null_is_not_there() -> None:
    scanned = scan(
        b'[{"measurement":"m","tags":{"a":null,"b":"x"},"fields":{"v":1,"w":null},"time":1},'
        b' {"measurement":"m","fields":{"v":null}}]'
    )
    assert list(scanned.batch.lines) == [b"m,b=x v=1.0 1000000"]
    assert [(reject.line, reject.code) for reject in scanned.rejects] == [(2, "missing_fields")]


@pytest.mark.parametrize("data", [b"", b" \r\n", b"[]"])
def test_an_empty_frame_has_no_points(data: bytes) -> None:
    assert scan(data) == ((scan(data).batch), [])
    assert len(scan(data).batch) == 0


@pytest.mark.parametrize(
    ("text", "stored", "value"),
    [
        (b"7", None, 7.0),
        (b"7", Kind.FLOAT, 7.0),
        (b"7", Kind.INTEGER, 7),
        (b"7.0", Kind.INTEGER, 7),
        (b"7.5", Kind.INTEGER, 7.5),
        (b"9223372036854775808", Kind.INTEGER, 9223372036854775808.0),
        (b"7", Kind.UNSIGNED, Unsigned(7)),
        (b"18446744073709551615", Kind.UNSIGNED, Unsigned(2**64 - 1)),
        (b"-7", Kind.UNSIGNED, -7.0),
        (b"7", Kind.STRING, 7.0),
        (b"true", Kind.INTEGER, True),
        (b'"7"', Kind.INTEGER, "7"),
        (b"1e5", Kind.INTEGER, 100_000),
        (b"123456789012345678901234567890", None, 1.2345678901234568e29),
    ],
)
def test_a_number_takes_the_stored_kind_where_it_fits(text: bytes, stored: Kind | None, value: Value) -> None:
    decoded = decode_fields(scan(with_value(text), stored).batch.lines[1])["v"]
    assert (decoded, type(decoded)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        (b"7", 7_000_000),
        (b"-7", -7_000_000),
        (b"null", 1_700_000_000_123_000_000),
        (b'"1970-01-01T00:00:01Z"', 1_000_000_000),
        (b'"1969-12-31T23:59:59.5Z"', -500_000_000),
        (b'"2024-02-29T12:00:00.123456789+01:00"', 1_709_204_400_123_456_789),
        (b'"2024-02-29t12:00:00z"', 1_709_208_000_000_000_000),
    ],
)
def test_times(text: bytes, nanoseconds: int) -> None:
    assert list(scan(with_time(text)).batch.times) == [nanoseconds]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"1.5", "invalid_point"),
        (b"true", "invalid_point"),
        (b'"now"', "invalid_time"),
        (b'"2024-02-29"', "invalid_time"),
        (b'"2024-02-29T12:00:00"', "invalid_time"),
        (b'"2023-02-29T12:00:00Z"', "invalid_time"),
        (b'"2023-02-28T12:00:60Z"', "invalid_time"),
        (b'"9999-01-01T00:00:00Z"', "time_out_of_range"),
        (b"9223372036855", "time_out_of_range"),
        (b"9" * 30, "time_out_of_range"),
        (b"9" * 5_000, "invalid_point"),
    ],
)
def test_times_that_are_none(text: bytes, code: str) -> None:
    assert [reject.code for reject in scan(with_time(text)).rejects] == [code]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"NaN", "invalid_number"),
        (b"-Infinity", "invalid_number"),
        (b"1e999", "invalid_point"),
        (b"9" * 5_000, "invalid_point"),
        (b'"x","w":NaN,"n":' + b"9" * 5_000, "invalid_number"),
        (b'"\\ud800"', "not_utf8"),
        (b'"\\udc00 \\ud800"', "not_utf8"),
        (b'"\xff"', "not_utf8"),
        (b"null", "missing_fields"),
        (b"[1]", "invalid_point"),
        (b'{"a":1}', "invalid_point"),
        (b'1},"tags":{"t":1', "invalid_point"),
        (b'1},"tags":{"time":"x"', "reserved_name"),
        (b'1},"tags":{"t":"x\\\\"', "invalid_name"),
        (b'1,"":2', "missing_field_key"),
        (b'1},"timestamp":{"a":1', "invalid_point"),
    ],
)
def test_a_hostile_point_is_refused_and_the_others_are_not(text: bytes, code: str) -> None:
    scanned = scan(with_value(text))
    assert [series.measurement for series in scanned.batch.series] == ["good"]
    assert [(reject.line, reject.code) for reject in scanned.rejects] == [(2, code)]
    assert scanned.rejects[0].message.encode()


@pytest.mark.parametrize(
    "data",
    [
        b"5",
        b"null",
        b'"text"',
        b"[",
        b"[{]",
        b"{}{}",
        b'{"measurement":"m","fields":{"v":1}},{"measurement":"m","fields":{"v":1}}',
        b"\xff",
        b"\xef\xbb\xbf[]",
        b"m v=1 1",
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 100_000 + b"NaN",
        b'[NaN,"\xff"]',
        b"[NaN",
    ],
)
def test_an_unreadable_frame_is_refused_as_a_whole(data: bytes) -> None:
    with pytest.raises(FrameUnreadable) as refused:
        scan(data)
    assert len(str(refused.value)) < 300


def test_a_frame_has_so_many_points_at_most() -> None:
    point = plain.dumps({"measurement": "m", "fields": {"v": 1}})
    scanned = scan(("[" + ",".join([point] * 5_003) + "]").encode())
    assert len(scanned.batch) == 5_000
    assert [(reject.line, reject.code) for reject in scanned.rejects] == [(5_001, "too_many_points")]


@pytest.mark.parametrize("element", [b"1", b"{}", b"[]", b"NaN", b'{"fields":{"v":NaN}}'])
def test_an_array_of_millions_of_parts_is_split_in_steps_and_not_to_its_end(element: bytes) -> None:
    data = b"[" + b",".join([element] * 300_000) + b", and what is no JSON"
    found = list(json.steps(data, now=NOW, at_most=200))
    assert len(found) > 200 / json.STEP_PARTS
    assert [len(part.rejects) for part in found[:3]] == [0, 0, 0]
    rejects = [reject for part in found for reject in part.rejects]
    assert [reject.line for reject in rejects] == list(range(1, 202))
    assert {reject.code for reject in rejects[:-1]} == {"invalid_point"}
    assert rejects[-1].code == "too_many_points"


@pytest.mark.parametrize("end", [b"", b",", b"]]", b"] 1", b" 2]", b":", b",]"])
def test_a_long_array_that_is_broken_is_refused_as_a_whole(end: bytes) -> None:
    with pytest.raises(FrameUnreadable):
        scan(b"[" + b",".join([b"1"] * 300_000) + end, at_most=10**6)


def test_points_between_values_that_are_none_are_found_in_a_long_array() -> None:
    point = b'{"measurement":"m","fields":{"v":1}}'
    scanned = scan(b"[" + b",".join([b"1"] * 250_000 + [point]) + b"]", at_most=10**6)
    assert list(scanned.batch.numbers) == [250_001]
    assert len(scanned.rejects) == 250_000


@pytest.mark.parametrize("frame", [b"%b", b"[%b]"])
def test_a_point_of_too_many_fields_is_not_decoded(frame: bytes) -> None:
    fields = b",".join(b'"f%d":1' % number for number in range(json.MOST_NAMES + 1))
    (reject,) = scan(frame % (b'{"measurement":"m","fields":{%b}}' % fields)).rejects
    assert (reject.line, reject.code) == (1, "invalid_point")
    assert "10000 fields" in reject.message


@given(st.lists(st.recursive(st.none() | st.floats() | st.text(max_size=5), st.lists, max_leaves=8), max_size=200),
       st.sampled_from([None, 1]))  # fmt: skip
def test_an_array_split_in_steps_is_what_it_is_as_a_whole(sent: list[Any], indent: int | None) -> None:
    text = plain.dumps(sent, indent=indent)
    found = [one for part in json._parts(f" {text}\n".encode(), 1_000) for one in part]
    assert repr(found) == repr(plain.loads(text))


@pytest.mark.parametrize("part", [b'"measurement":"m","tags":"\\ud800"', b'"measurement":"m","\\ud800":1'])
def test_half_a_surrogate_pair_anywhere_is_one_bad_point(part: bytes) -> None:
    (reject,) = scan(b'{%b,"fields":{"f":1}}' % part).rejects
    assert reject.code == "not_utf8"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
POINTS = st.fixed_dictionaries(
    {
        "measurement": ANYTHING | st.text(max_size=4),
        "fields": ANYTHING | st.dictionaries(st.text(max_size=4), ANYTHING),
    },
    optional={"tags": ANYTHING, "time": ANYTHING},
)


@given(ANYTHING | st.lists(POINTS, max_size=4))
def test_no_json_makes_it_raise_anything_else(sent: Any) -> None:
    _never_raises(plain.dumps(sent).encode("utf-8", "surrogatepass"))


@given(st.binary(max_size=60) | st.text(alphabet='[]{}",:0123456789.eE-\\utfalsrn', max_size=60).map(str.encode))
def test_no_bytes_make_it_raise_anything_else(data: bytes) -> None:
    _never_raises(data)


def _never_raises(data: bytes) -> None:
    try:
        scanned = scan(data)
    except FrameUnreadable:
        return
    assert all(decode_fields(line) for line in scanned.batch.lines)
