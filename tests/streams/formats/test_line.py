"""Line protocol: what is taken, with which value, and what is refused, where and why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.formats.line import (
    AWKWARD_COMMENT,
    STEP_AWKWARD,
    STEP_LEAST_BYTES,
    STEP_LINES,
    _Lines,
    decode_fields,
    scan,
    steps,
)
from streams.formats.line_pieces import MOST_LOOKS
from streams.points import TIME_MAX, TIME_MIN, Batch, Kind, Scan, Unsigned
from tests.streams.formats import awkward

NOW = 1_700_000_000_123_456_789


def lines(text: bytes, precision: str = "ns") -> list[bytes]:
    """The lines of a text that is good as a whole."""
    scanned = scan(text, precision=precision, now=NOW)
    assert scanned.rejects == []
    return list(scanned.batch.lines)


def refusals(scanned: Scan) -> list[tuple[int, str]]:
    return [(reject.line, reject.code) for reject in scanned.rejects]


def test_a_frame_becomes_columns() -> None:
    scanned = scan(b'cpu,host=b,dc=a user=1.5,n=2i 7\nup ok=t,note="a b",total=3u 8', now=NOW)
    assert scanned.rejects == []
    batch = scanned.batch
    assert list(batch.lines) == [b"cpu,dc=a,host=b user=1.5,n=2i 7", b'up ok=t,note="a b",total=3u 8']
    assert [series.measurement for series in batch.series] == ["cpu", "up"]
    assert batch.series[0].tags == (("dc", "a"), ("host", "b"))
    assert batch.series[0].key == b"cpu,dc=a,host=b"
    assert list(batch.shapes) == [
        (("user", Kind.FLOAT), ("n", Kind.INTEGER)),
        (("ok", Kind.BOOLEAN), ("note", Kind.STRING), ("total", Kind.UNSIGNED)),
    ]
    assert list(batch.times) == [7, 8]
    assert list(batch.numbers) == [1, 2]


def test_equal_series_are_one_object_however_they_are_spelled() -> None:
    batch = scan(b"m,a=1,b=2 v=1 1\nm,b=2,a=1 v=1 1\nm,b=2,a=1 w=1 1", now=NOW).batch
    assert batch.series[0] is batch.series[1] is batch.series[2]
    assert batch.shapes[0] is batch.shapes[1]


@pytest.mark.parametrize("text", awkward.ACCEPTED + awkward.UNREADABLE)
def test_awkward_lines_are_taken(text: bytes) -> None:
    scanned = scan(text, now=NOW)
    assert (len(scanned.batch), scanned.rejects) == (1, [])
    again = scan(b"\n".join([*scanned.batch.lines, b"after v=1 1"]), now=NOW)
    assert list(again.batch.lines) == [*scanned.batch.lines, b"after v=1 1"]
    assert again.batch.series[0] == scanned.batch.series[0]


@pytest.mark.parametrize("text", awkward.WITHOUT_TIME)
def test_lines_without_a_time_get_the_time_of_the_hub(text: bytes) -> None:
    assert list(scan(text, now=NOW).batch.times) == [NOW]


@pytest.mark.parametrize("text", [*awkward.EMPTY, b"\r\n", b"# comment\r\n"])
def test_comments_and_blank_lines_are_no_points(text: bytes) -> None:
    assert lines(text) == []


@pytest.mark.parametrize(("text", "code"), awkward.REFUSED + awkward.REFUSED_HERE)
def test_awkward_lines_are_refused(text: bytes, code: str) -> None:
    scanned = scan(text, now=NOW)
    assert (len(scanned.batch), refusals(scanned)) == (0, [(1, code)])
    assert scanned.rejects[0].message.isprintable()
    assert len(scanned.rejects[0].message) < 300


@pytest.mark.parametrize("text", awkward.DEADLY)
def test_lines_that_would_end_the_database_are_refused(text: bytes) -> None:
    assert refusals(scan(text, now=NOW)) == [(1, "invalid_string")]


@pytest.mark.parametrize("text", awkward.ACCEPTED_HERE)
def test_a_line_may_end_in_cr_lf(text: bytes) -> None:
    assert all(b"\r" not in line for line in lines(text))


def test_a_cr_without_lf_is_refused() -> None:
    assert refusals(scan(b"m v=1 1\r", now=NOW)) == [(1, "invalid_time")]
    assert refusals(scan(b"m v=1\rm v=2", now=NOW)) == [(1, "invalid_number")]


def test_a_string_keeps_its_cr_and_its_line_breaks() -> None:
    scanned = scan(b'm v="a\r\nb\n" 1\r\nm v="c" 2\n', now=NOW)
    assert [decode_fields(line)["v"] for line in scanned.batch.lines] == ["a\r\nb\n", "c"]


def test_rejects_say_the_line_where_the_point_starts() -> None:
    text = b'# one\n\nm v=1 1\nm v="a\nb\nc" 1\nbad\r\nm v=1 1\\\nx\nm v=\nm v=1 1'
    scanned = scan(text, now=NOW)
    assert list(scanned.batch.numbers) == [3, 4, 11]
    assert refusals(scanned) == [(7, "missing_fields"), (8, "invalid_time"), (10, "missing_field_value")]


def test_an_open_quote_takes_the_rest_of_the_frame_as_it_does_in_influxdb() -> None:
    assert refusals(scan(b'm v="a 1\nm v=1 1\nm v=1 1', now=NOW)) == [(1, "invalid_string")]


@pytest.mark.parametrize("line", [b"m,t=cap v=1 1", b"bad", b'm v="a\n" 1'])
@pytest.mark.parametrize("spare", [b"", b"\n \r\n", b"\n# c"])
def test_what_follows_so_many_points_is_one_reject(line: bytes, spare: bytes) -> None:
    frame = b"\n".join([line] * 100)
    whole = scan(frame + spare.removesuffix(b"# c"), now=NOW, at_most=100)
    assert len(whole.batch) + len(whole.rejects) == 100
    assert "too_many_points" not in {reject.code for reject in whole.rejects}
    more = scan(frame + spare + b"\nm v=1 1\nm v=1 1", now=NOW, at_most=100)
    assert (list(more.batch.numbers), more.rejects[:-1]) == (list(whole.batch.numbers), whole.rejects)
    assert more.rejects[-1].code == "too_many_points"


@pytest.mark.parametrize(("precision", "unit"), [("ns", 1), ("us", 10**3), ("ms", 10**6), ("s", 10**9)])
def test_times_are_in_the_units_of_the_precision(precision: str, unit: int) -> None:
    most = TIME_MAX // unit
    text = b"m v=1 7\nm v=1 -7\nm v=1\nm v=1 %d\nm v=1 %d\nm v=1 %d\nm v=1 %d" % (most, -most, most + 1, -most - 1)
    scanned = scan(text, precision=precision, now=NOW)
    assert list(scanned.batch.times) == [7 * unit, -7 * unit, NOW - NOW % unit, most * unit, -most * unit]
    assert list(scanned.batch.lines)[:2] == [b"m v=1 %d" % (7 * unit), b"m v=1 %d" % (-7 * unit)]
    assert refusals(scanned) == [(6, "time_out_of_range"), (7, "time_out_of_range")]
    assert min(scanned.batch.times) >= TIME_MIN


@pytest.mark.parametrize(
    ("fields", "values"),
    [
        (b"a=1,b=-2.5e3,c=.5", {"a": 1.0, "b": -2500.0, "c": 0.5}),
        (b"a=1i,b=-9223372036854775808i", {"a": 1, "b": -(2**63)}),
        (b"a=18446744073709551615u", {"a": Unsigned(2**64 - 1)}),
        (b"a=t,b=FALSE", {"a": True, "b": False}),
        (b'a="",b="x,y=\\"\\\\ \\n"', {"a": "", "b": 'x,y="\\ \\n'}),
        (b'a\\ b\\,c\\=d\\"e=1', {'a b,c=d"e': 1.0}),
        (b"a=1,a=2", {"a": 2.0}),
        (b"a=" + b"0" * 5_000 + b"7i", {"a": 7}),
    ],
)
def test_fields_decode_to_values_of_their_kinds(fields: bytes, values: dict[str, object]) -> None:
    (line,) = lines(b"m,t=1 " + fields + b" 1")
    decoded = decode_fields(line)
    assert decoded == values
    assert [type(value) for value in decoded.values()] == [type(value) for value in values.values()]


@given(st.binary(max_size=200) | st.text(alphabet=' ,="\\\n\r#mtv01i.e-', max_size=60).map(str.encode))
def test_no_bytes_make_it_raise_and_no_line_goes_missing(data: bytes) -> None:
    scanned = scan(data, now=NOW)
    numbers = [*scanned.batch.numbers, *(reject.line for reject in scanned.rejects)]
    assert all(1 <= number <= data.count(b"\n") + 1 for number in numbers)
    assert len(set(numbers)) == len(numbers)
    assert list(scan(b"\n".join(scanned.batch.lines), now=0).batch.lines) == list(scanned.batch.lines)
    for line in scanned.batch.lines:
        assert decode_fields(line)


AWKWARD = st.sampled_from([b"bad", b"m v=1 1", b'm\\" v=1 1', b"# none", b'm s="a\nb" 2', b"n v=1e999"])


@given(st.lists(AWKWARD, max_size=60), st.integers(1, 400))
def test_awkward_lines_in_many_steps_are_what_they_are_at_once(lines: list[bytes], at_most: int) -> None:
    frame = b"\n".join(lines * 20)
    found = list(steps(frame, now=NOW, at_most=at_most))
    whole = Scan(Batch.concat([part.batch for part in found]), [reject for part in found for reject in part.rejects])
    assert all(len(part.batch) + len(part.rejects) <= STEP_LINES for part in found)
    expected = _Lines(frame, 1, NOW, at_most)
    expected_scans = list(expected.scans(text=False))
    assert list(whole.batch.numbers) == [number for part in expected_scans for number in part.batch.numbers]
    assert whole.rejects == [reject for part in expected_scans for reject in part.rejects]


def test_bad_lines_are_read_in_short_steps() -> None:
    found = list(steps(b"bad\n" * 900, now=NOW))
    assert [len(part.rejects) for part in found] == [STEP_AWKWARD] * 7 + [900 - 7 * STEP_AWKWARD]
    assert [part.rejects[0].line for part in found] == list(range(1, 901, STEP_AWKWARD))


@pytest.mark.parametrize(
    "nothing", [b"\n", b" \t\r\n", b"#\n", b"  # m v=1 1\r\n", b"# \xff\n", b'#"\n', b'# =""\n', b"#\\.=\n"]
)
def test_lines_without_points_take_few_steps_however_many_they_are(nothing: bytes) -> None:
    found = list(steps(nothing * 100_000 + b"m v=1 1", now=NOW))
    assert len(found) <= len(nothing) * 100_000 // STEP_LEAST_BYTES + 1
    assert [number for part in found for number in part.batch.numbers] == [100_001]


def test_comments_that_may_go_on_in_the_next_line_take_some_steps_more() -> None:
    found = list(steps(b'# ="="\n' * 100_000 + b"m v=1 1", now=NOW))
    assert len(found) <= 100_000 * (AWKWARD_COMMENT / STEP_AWKWARD + 1 / MOST_LOOKS) + 1
    assert [number for part in found for number in part.batch.numbers] == [100_001]


def test_comments_behind_the_last_point_that_a_frame_may_have_are_none_too_many() -> None:
    assert scan(b'm v=1 1\n# done\n#="done"\n', now=NOW, at_most=1).rejects == []
