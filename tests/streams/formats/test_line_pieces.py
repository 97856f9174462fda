"""Cutting line protocol: nothing is lost, no line is torn, and lines keep their numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import FrameUnreadable
from streams.formats.line import scan
from streams.formats.line_pieces import MOST_LINE_BYTES, MOST_LOOKS, pieces
from streams.points import Reject

NOW = 1_700_000_000_000_000_000

LINES = st.lists(
    st.sampled_from(
        [
            b"m v=1 1",
            b'm s="a\nb" 2',
            b'm s="a \\" \n b",v=2 3',
            b"m,t=a\\\nb v=3 4",
            b"# a comment",
            b"",
            b"bad",
            b"m v=1,",
            b'm"x v=5 6\r',
            b'm s="\\\\" 7',
            b'm,t=x a=1,s="1,2=3\n4",b=t 8',
            b'm v=1,,s="a=b" 9',
            b'm,t="a v=",w="b" 10',
            b'm "s="x" 11',
            b'm s="open 12',
            b'# "',
            b"m  v=1 13",
        ]
    )
).map(b"\n".join)


@given(LINES, st.integers(1, 60))
def test_pieces_scanned_one_by_one_are_the_whole(data: bytes, size: int) -> None:
    whole = scan(data, now=NOW)
    lines: list[bytes] = []
    numbers: list[int] = []
    rejects: list[Reject] = []
    for first_line, piece in pieces(data, size):
        batch, refused = scan(piece, now=NOW)
        lines += batch.lines
        numbers += [number + first_line - 1 for number in batch.numbers]
        rejects += [reject._replace(line=reject.line + first_line - 1) for reject in refused]
    assert lines == list(whole.batch.lines)
    assert numbers == list(whole.batch.numbers)
    assert rejects == whole.rejects


@given(st.binary(max_size=200) | LINES, st.integers(1, 60))
def test_nothing_is_lost_and_pieces_are_long_enough(data: bytes, size: int) -> None:
    cut = [piece.data for piece in pieces(data, size)]
    assert b"".join(cut) == data
    assert all(len(piece) >= size for piece in cut[:-1])


@pytest.mark.parametrize("size", [1, 8, 20, 1_000])
def test_a_string_with_line_breaks_stays_whole(size: int) -> None:
    data = b'm s="one\ntwo\nthree" 1\nm v=2 2\n'
    assert [piece.first_line for piece in pieces(data, size)] == ([1] if size > 22 else [1, 4])


@pytest.mark.parametrize("line", [b"m v=" + b"1" * MOST_LINE_BYTES, b'm s="' + b"\n" * MOST_LINE_BYTES + b'" 1'])
def test_a_line_too_long_ends_the_reading_after_what_came_before(line: bytes) -> None:
    cut = pieces(b"m v=1 1\n" + line + b"\nm v=2 2", 1)
    assert next(cut).data == b"m v=1 1\n"
    with pytest.raises(FrameUnreadable, match="longer than 1048576 bytes"):
        next(cut)


def test_a_line_just_short_enough_is_taken() -> None:
    line = b'm s="' + b"\n" * (MOST_LINE_BYTES - 10) + b'" 1'
    assert [piece.data for piece in pieces(line + b"\nm v=2 2", 1)] == [line + b"\n", b"m v=2 2"]


def test_plain_lines_are_cut_without_reading_each() -> None:
    data = b"m v=1 1\n" * 10_000
    cut = list(pieces(data, 800))
    assert {len(piece.data) for piece in cut} == {800}
    assert [piece.first_line for piece in cut[:3]] == [1, 101, 201]


def test_lines_whose_end_has_to_be_looked_for_are_cut_into_smaller_pieces() -> None:
    cut = [piece.data for piece in pieces(b'# ="="\n' * 1_800)]
    assert [data.count(b"\n") for data in cut] == [MOST_LOOKS] * 3 + [1_800 - 3 * MOST_LOOKS]
