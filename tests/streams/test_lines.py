from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from streams.lines import Text, size_of, text_of, together

LINES = st.lists(st.binary(max_size=5).map(lambda line: line.replace(b"\n", b" ")), min_size=1)


@given(LINES, st.integers(0, 5), st.integers(0, 5))
def test_a_text_is_the_lines_in_it(lines: list[bytes], start: int, stop: int) -> None:
    text = Text(b"\n".join(lines), len(lines))
    assert (text_of(text), size_of(text)) == (text_of(lines), size_of(lines))
    assert len(text) == len(lines)
    assert text[start:stop] == lines[start:stop]
    assert (text[0], text[-1]) == (lines[0], lines[-1])
    assert list(text) == lines


@given(st.lists(st.tuples(LINES, st.booleans())))
def test_lines_of_several_parts_are_one_text_where_each_of_them_is(parts: list[tuple[list[bytes], bool]]) -> None:
    given: list[Sequence[bytes]] = [
        Text(b"\n".join(lines), len(lines)) if is_text else lines for lines, is_text in parts
    ]
    whole = together(given)
    assert list(whole) == [line for lines, _ in parts for line in lines]
    assert isinstance(whole, Text) == all(is_text for _, is_text in parts)


def test_no_lines_are_no_bytes() -> None:
    assert (list(Text(b"", 0)), text_of(Text(b"", 0)), size_of(Text(b"", 0))) == ([], b"", 0)
    assert list(together([Text(b"", 0), Text(b"a", 1)])) == [b"a"]
