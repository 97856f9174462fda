"""Lines out of the pieces in which they come."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hub.listen.lines import MOST_LINE_BYTES, LineBuffer, timed


def test_a_line_is_given_when_it_is_complete() -> None:
    buffer = LineBuffer()
    assert buffer.feed(b"a.b 1 1") == []
    assert buffer.feed(b"7\r\nc 2 3\n\nd") == [b"a.b 1 17", b"c 2 3"]
    buffer.end()
    assert buffer.dropped == 1


def test_a_line_without_an_end_is_dropped_and_the_next_is_read() -> None:
    buffer = LineBuffer()
    for _ in range(5):
        assert buffer.feed(b"x" * MOST_LINE_BYTES) == []
    assert buffer.feed(b"y 1 1\na 1 1\n") == [b"a 1 1"]
    assert buffer.feed(b"z" * (MOST_LINE_BYTES + 1) + b"\nb 1 1\n") == [b"b 1 1"]
    assert buffer.dropped == 2


@given(lines=some.lists(some.binary(max_size=30).map(lambda line: line.replace(b"\n", b"."))), data=some.data())
def test_wherever_tcp_cuts_the_lines_are_the_same(lines: list[bytes], data: some.DataObject) -> None:
    text = b"".join(line + b"\n" for line in lines)
    buffer, found, position = LineBuffer(), [], 0
    while position < len(text):
        size = data.draw(some.integers(1, len(text) - position))
        found += buffer.feed(text[position : position + size])
        position += size
    assert found == [line.rstrip(b"\r") for line in lines if line.rstrip(b"\r")]
    assert buffer.dropped == 0


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        (b"a.b 1", b"a.b 1 99"),
        (b"a.b 1 -1", b"a.b 1 99"),
        (b"a.b  1 N", b"a.b 1 99"),
        (b"a.b 1 17", b"a.b 1 17"),
        (b"garbage", b"garbage"),
        (b"more than it may have", b"more than it may have"),
    ],
)
def test_a_line_without_a_time_gets_one(line: bytes, sent: bytes) -> None:
    assert timed(line, 99) == sent
