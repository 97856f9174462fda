"""Points as MessagePack: like JSON, with integers and floats kept apart."""

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import FrameUnreadable
from streams.formats import msgpack
from streams.formats.line import decode_fields
from streams.points import Kind, Scan, Unsigned, Value

TOO_LONG = [b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff"]
TOO_DEEP = [b"\x91" * 100_000, b"\x81\x01" * 100_000]
NOW = 1_700_000_000_123_456_789


def scan(data: bytes, stored: Kind | None = None) -> Scan:
    return msgpack.scan(data, now=NOW, kinds=lambda _measurement, _field: stored)


def packed(value: Any) -> bytes:
    """A frame with a good point and one with this value."""
    return msgspec.msgpack.encode(
        [{"measurement": "good", "fields": {"v": 1}}, {"measurement": "m", "fields": {"v": value}, "time": 7}]
    )


def test_points_become_columns() -> None:
    point = {"measurement": "cpu", "tags": {"host": "a"}, "fields": {"user": 1.0, "n": 1, "ok": False}, "time": 7}
    assert list(scan(msgspec.msgpack.encode(point)).batch.lines) == [b"cpu,host=a user=1.0,n=1i,ok=false 7"]
    assert list(scan(msgspec.msgpack.encode([point, point])).batch.numbers) == [1, 2]
    many = {**point, "fields": {f"f{number}": number for number in range(9_000)}}
    assert len(scan(msgspec.msgpack.encode(many)).batch.shapes[0]) == 9_000


def test_a_point_of_any_number_of_parts_is_not_looked_at() -> None:
    endless = {"measurement": "m", "fields": {f"f{number}": 1 for number in range(70_000)}}
    (reject,) = scan(msgspec.msgpack.encode(endless)).rejects
    assert (reject.code, "more than 10000 fields and tags" in reject.message) == ("invalid_point", True)


@pytest.mark.parametrize("data", [b"", b"\x90"])
def test_an_empty_frame_has_no_points(data: bytes) -> None:
    assert (len(scan(data).batch), scan(data).rejects) == (0, [])


@pytest.mark.parametrize(
    ("sent", "stored", "value"),
    [
        (7, None, 7),
        (7.0, None, 7.0),
        (7, Kind.FLOAT, 7.0),
        (7.0, Kind.INTEGER, 7.0),
        (7, Kind.UNSIGNED, Unsigned(7)),
        (-7, Kind.UNSIGNED, -7),
        (2**63 - 1, None, 2**63 - 1),
        (2**63, None, Unsigned(2**63)),
        (True, Kind.INTEGER, True),
        ("7", Kind.INTEGER, "7"),
    ],
)
def test_integers_and_floats_are_kept_apart(sent: Any, stored: Kind | None, value: Value) -> None:
    decoded = decode_fields(scan(packed(sent), stored).batch.lines[1])["v"]
    assert (decoded, type(decoded)) == (value, type(value))


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (math.nan, "invalid_number"),
        (math.inf, "invalid_number"),
        (b"bytes", "invalid_point"),
        (None, "missing_fields"),
        ([1], "invalid_point"),
        (msgspec.Raw(b"\xa1\xff"), "not_utf8"),
    ],
)
def test_a_hostile_point_is_refused_and_the_others_are_not(value: Any, code: str) -> None:
    scanned = scan(packed(value))
    assert len(scanned.batch) == 1
    assert [(reject.line, reject.code) for reject in scanned.rejects] == [(2, code)]


@pytest.mark.parametrize("data", [b"\xc1", b"\x05", b"\x90\x90", b"\x91", b"\x80\x80", b"[]", *TOO_LONG, *TOO_DEEP])
def test_an_unreadable_frame_is_refused_as_a_whole(data: bytes) -> None:
    with pytest.raises(FrameUnreadable):
        scan(data)


def test_a_frame_has_so_many_points_at_most() -> None:
    point = {"measurement": "m", "fields": {"v": 1}}
    scanned = scan(msgspec.msgpack.encode([point] * 5_001))
    assert len(scanned.batch) == 5_000
    assert [(reject.line, reject.code) for reject in scanned.rejects] == [(5_001, "too_many_points")]


@given(st.binary(max_size=60))
def test_no_bytes_make_it_raise_anything_else(data: bytes) -> None:
    for frame in (data, b"\x91" + data, b"\x91\x82\xabmeasurement\xa1m\xa6fields" + data):
        try:
            scanned = scan(frame)
        except FrameUnreadable:
            continue
        assert all(decode_fields(line) for line in scanned.batch.lines)


@pytest.mark.parametrize("part", ["fields", "tags"])
def test_a_point_of_too_many_parts_is_not_decoded(part: str) -> None:
    sent = {"measurement": "m", "fields": {"v": 1}, part: {f"f{number}": "1" for number in range(70_000)}}
    (reject,) = scan(msgspec.msgpack.encode(sent)).rejects
    assert (reject.line, reject.code) == (1, "invalid_point")
    assert "10000 fields" in reject.message
