"""Graphite's lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.formats import graphite
from streams.formats.graphite_templates import Templates
from streams.formats.line import decode_fields
from streams.formats.line import scan as scan_lines
from streams.points import Kind

NOW = 1_700_000_000_123_456_789


def lines(data: bytes, precision: str = "s") -> list[bytes]:
    scanned = graphite.scan(data, precision=precision, now=NOW)
    assert scanned.rejects == []
    return list(scanned.batch.lines)


def test_lines_become_columns() -> None:
    scanned = graphite.scan(b"a.b 1.5 7\n\n c.d\t2\t8 \r\ne 3", now=NOW)
    assert scanned.rejects == []
    assert list(scanned.batch.lines) == [
        b"a.b value=1.5 7000000000",
        b"c.d value=2.0 8000000000",
        b"e value=3.0 1700000000000000000",
    ]
    assert list(scanned.batch.numbers) == [1, 3, 4]
    assert set(scanned.batch.shapes) == {(("value", Kind.FLOAT),)}


@pytest.mark.parametrize(
    ("value", "stored"), [(b"1", b"1.0"), (b"-.5", b"-0.5"), (b"+1e3", b"1000.0"), (b"5.", b"5.0"), (b"1E-5", b"1e-05")]
)
def test_values_are_floats(value: bytes, stored: bytes) -> None:
    assert lines(b"a " + value + b" 1") == [b"a value=" + stored + b" 1000000000"]


@pytest.mark.parametrize(
    ("time", "precision", "nanoseconds"),
    [
        (b"7", "s", 7_000_000_000),
        (b"7", "ms", 7_000_000),
        (b"7.25", "s", 7_250_000_000),
        (b"7.123456789123", "s", 7_123_456_789),
        (b"7.9", "ns", 7),
        (b"-2.5", "s", -2_500_000_000),
        (b"-1", "s", 1_700_000_000_000_000_000),
    ],
)
def test_times(time: bytes, precision: str, nanoseconds: int) -> None:
    assert lines(b"a 1 " + time, precision) == [b"a value=1.0 %d" % nanoseconds]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"a", "invalid_point"),
        (b"a 1 2 3", "invalid_point"),
        (b"a x 1", "invalid_number"),
        (b"a nan 1", "invalid_number"),
        (b"a inf 1", "invalid_number"),
        (b"a 0x1 1", "invalid_number"),
        (b"a 1_0 1", "invalid_number"),
        (b"a 1e999 1", "out_of_range"),
        (b"a 1 x", "invalid_time"),
        (b"a 1 1e9", "invalid_time"),
        (b"a 1 " + b"9" * 30, "invalid_time"),
        (b"a 1 9999999999999", "time_out_of_range"),
        (b"\xff 1 1", "not_utf8"),
        (b"#a 1 1", "invalid_name"),
        (b"a\\ 1 1", "invalid_name"),
        (b";t=x 1 1", "missing_measurement"),
        (b"a;time=x 1 1", "reserved_name"),
        (b"a" * 70_000 + b" 1 1", "key_too_long"),
    ],
)
def test_what_is_refused(line: bytes, code: str) -> None:
    scanned = graphite.scan(b"good 1 1\n" + line + b"\ngood 1 2", now=NOW)
    assert [(reject.line, reject.code) for reject in scanned.rejects] == [(2, code)]
    assert list(scanned.batch.numbers) == [1, 3]


def test_what_follows_so_many_points_is_one_reject() -> None:
    scanned = graphite.scan(b"a 1 1\n\nbad\na 1 1\na 1 1\n", now=NOW, at_most=2)
    assert list(scanned.batch.numbers) == [1]
    assert [(reject.line, reject.code) for reject in scanned.rejects] == [(3, "invalid_point"), (4, "too_many_points")]


def test_templates_make_tags_and_fields_of_the_path() -> None:
    templates = Templates(["servers.* .host.measurement.field*"], separator="_")
    scanned = graphite.scan(b"servers.web01.disk.root.free 5 1", now=NOW, templates=templates)
    assert list(scanned.batch.lines) == [b"disk,host=web01 root_free=5.0 1000000000"]


@given(st.binary(max_size=80) | st.text(alphabet='ab.;=\\"# \n-1e,', max_size=60).map(str.encode))
def test_no_bytes_make_it_raise_and_what_it_makes_is_line_protocol(data: bytes) -> None:
    batch = graphite.scan(data, now=NOW).batch
    again = scan_lines(b"\n".join(batch.lines), now=0)
    assert again.rejects == []
    assert list(again.batch.series) == list(batch.series)
    assert [shape[0][0] for shape in batch.shapes] == [next(iter(decode_fields(line))) for line in batch.lines]
