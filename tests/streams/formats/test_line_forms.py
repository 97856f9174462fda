"""The fast way and the careful one: whatever the first takes, it takes as the second does."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.formats import line as line_module
from streams.formats.columns import joined
from streams.formats.line import scan
from streams.formats.line_forms import FORMS, Forms, scan_columns
from streams.formats.line_grammar import split_line
from streams.lines import Text, size_of, text_of
from streams.points import Batch, Scan
from tests.streams.formats import awkward

NOW = 1_700_000_000_123_456_789

NINES = b"9" * 18
NUMBERS = b"1 -1 1.5 -0.25 1e3 1e99 1. 1e 1e999 --1 0x1 .5 1i -1i 1u -1u t true tru TRUE F".split(b" ")
LONG_NUMBERS = [NINES + end for end in (b"", b"9", b"i", b"9i", b"9u", b"99u", NINES)]
STRINGS = [b'"a"', b'"a b"', b'"a\nb"', b'"a\\"b"', b'"a"b', b""]
VALUES = st.sampled_from([*NUMBERS, *LONG_NUMBERS, *STRINGS])
NAMES = st.sampled_from([b"temp", b"hum", b"p95", b"p99", b"load1", b"load5", b"e", b"a\\ b", b'q"', b"time"])
TAGS = b"|,t=1|,t=2,s=1|,s=1,t=2|,t==1|,t=a\\ b|,t=a\\\\ b|,t=|,t=1,t=1".split(b"|")
KEYS = st.sampled_from([b"#m", b"\tm", *(b"m" + tags for tags in TAGS)])
EDGES = [b" %d" % (2**63 - 1 - below) for below in (0, 1, 2, 10**18)]
TIMES = st.sampled_from([*b"| | 1| 1700000000000000000| -5| 1.5| 1 |  1| 0001".split(b"|"), *EDGES, b" 1" + NINES * 2])
FIELDS = st.lists(st.tuples(NAMES, VALUES).map(b"=".join), min_size=1, max_size=3).map(b",".join)
LINES = st.tuples(KEYS, st.just(b" "), FIELDS, TIMES).map(b"".join)
BREAKS = st.sampled_from([b"\n", b"\n", b"\n", b"\r\n", b"\n\n"])
FRAMES = st.lists(st.tuples(LINES, BREAKS).map(b"".join), min_size=1, max_size=6).map(b"".join)


def careful(data: bytes, precision: str) -> Scan:
    """The frame with no form known."""
    forms = FORMS.of_key
    FORMS.of_key = {}
    try:
        return joined(line_module._Lines(data, line_module.UNITS[precision], NOW, 10**9).scans(text=False))
    finally:
        FORMS.of_key = forms


def same(fast: Scan, slow: Scan) -> bool:
    """Whether they hold the same points; a line passed on as it came may have its tags in another order."""
    return (
        fast.rejects == slow.rejects
        and list(fast.batch.series) == list(slow.batch.series)
        and list(fast.batch.shapes) == list(slow.batch.shapes)
        and list(fast.batch.times) == list(slow.batch.times)
        and list(fast.batch.numbers) == list(slow.batch.numbers)
        and [line_module.decode_fields(line) for line in fast.batch.lines]
        == [line_module.decode_fields(line) for line in slow.batch.lines]
        and found_out(fast.batch) == found_out(replace(fast.batch, lines=list(fast.batch.lines)))
    )


def found_out(batch: Batch) -> tuple[object, ...]:
    """What is asked of a batch beside its columns, whether somebody knew it or it has to be found out now."""
    times = (batch.first_time, batch.last_time) if batch else ()
    return [*batch.different_series], {*batch.different_shapes}, times, size_of(batch.lines), text_of(batch.lines)


@given(FRAMES, st.sampled_from(["ns", "us", "ms", "s"]))
def test_all_ways_agree(frame: bytes, precision: str) -> None:
    slow = careful(frame, precision)
    for _ in range(17):  # by then every form in it is known
        fast = scan(frame, precision=precision, now=NOW)
        assert same(fast, slow), frame
    columns = scan_columns(frame, line_module.UNITS[precision])
    assert columns is None or same(Scan(columns, []), slow), frame
    assert same(scan(frame * 20, precision=precision, now=NOW), careful(frame * 20, precision)), frame


def test_all_ways_agree_on_awkward_lines() -> None:
    random = Random(1)
    for number in range(1_000):
        text = awkward.generated(random, number % 7)
        slow = careful(text, "ns")
        for _ in range(2):
            assert same(scan(text, now=NOW), slow), text


def frame_of(text: bytes, count: int = 40) -> bytes:
    """A frame of as many lines, the text with `%d` being the number of each."""
    return b"".join(text.replace(b"%d", b"%d" % (number % 10)) + b"\n" for number in range(count))


@pytest.mark.parametrize(
    "text",
    [
        b"m,dev=d%d temp=%d.5,hum=4%d,n=%di,up=t 170000000000000000%d",
        b"system load1=%d.1,load5=0.2,load15=0.3%d 170000000000000000%d",
        b"seen_here_alone v=1.%de5 %d",
    ],
)
def test_plain_lines_go_as_columns_once_they_are_known(text: bytes) -> None:
    frame = frame_of(text)
    scan(frame, now=NOW)
    columns = scan_columns(frame, 1)
    assert columns is not None
    assert isinstance(columns.lines, Text)
    assert list(columns.lines) == frame.splitlines()
    assert same(Scan(columns, []), careful(frame, "ns"))


def test_lines_of_several_forms_go_as_columns_in_their_order() -> None:
    frame = frame_of(b"cpu,h=%d user=%d.5 %d\nmem,h=%d used=%di,free=%di 1%d\nup,h=%d ok=true 2%d")
    scan(frame, now=NOW)
    columns = scan_columns(frame, 1)
    assert columns is not None
    assert list(columns.lines) == frame.splitlines()
    assert list(columns.numbers) == list(range(1, 121))


def test_a_name_that_differs_in_a_digit_is_not_taken_for_another() -> None:
    for _ in range(3):
        scan(frame_of(b"m p95=%d.5 %d"), now=NOW)
    frame = frame_of(b"m p99=%d.5 %d")
    for _ in range(3):
        assert {shape[0][0] for shape in scan(frame, now=NOW).batch.shapes} == {"p99"}


@pytest.mark.parametrize(
    "odd",
    [
        b"# c",
        b"",
        b"m v=1",
        b"m v=1 1 1",
        b"v=1 1",
        b"m  v=1 1",
        b'm v="a" 1',
        b"m v=x 1",
        b"m,t= v=1 1",
        b"#m v=1 1",
        b"m v=1 x",
    ],
)
def test_one_odd_line_among_plain_ones_is_seen(odd: bytes) -> None:
    plain = frame_of(b"m v=%d.5 %d")
    scan(plain, now=NOW)
    assert scan_columns(plain + odd + b"\n" + plain, 1) is None
    assert same(scan(plain + odd + b"\n" + plain, now=NOW), careful(plain + odd + b"\n" + plain, "ns"))


def test_a_line_break_in_the_place_of_a_space_is_seen() -> None:
    scan(frame_of(b"m v=%d.5 %d"), now=NOW)
    shifted = b"m\nv=1.5 1" * 1 + b"\n" + frame_of(b"m v=%d.5 %d")
    assert scan_columns(shifted, 1) is None
    assert [reject.line for reject in scan(shifted, now=NOW).rejects] == [1, 2]


def test_a_line_break_in_the_place_of_the_fields_is_seen_among_lines_of_several_forms() -> None:
    for letter in "abcdfghijklmnopqrsuvwxyz":  # which form is looked at first depends on what it hashes to
        frame = frame_of(b"m %b=%%d 1\nm %b=%%di 2\nm %b=%%d,n=%%d 3" % ((letter.encode(),) * 3))
        scan(frame, now=NOW)
        broken = frame + b"m\n1\n" + frame
        assert scan_columns(broken, 1) is None
        assert same(scan(broken, now=NOW), careful(broken, "ns"))


def test_forms_are_forgotten_when_there_are_too_many() -> None:
    forms = Forms(sightings=1, forms=10, keys=20)
    for number in range(500):
        parts = split_line(b"m,t=%d f%d=1 1" % (number, number))
        assert forms.learn(parts) == parts.shape
    assert len(forms.of_key) <= 20
    assert len(forms.of_outline) <= 40
