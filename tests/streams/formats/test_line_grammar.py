"""What can be passed over without a look at each line ends where the lines do when they are looked at one by one."""

from hypothesis import given
from hypothesis import strategies as st

from streams.formats.line_grammar import BLANK, POINTLESS, end_of, line_end


@given(st.lists(st.sampled_from([b"#", b"\n", b"\r", b" ", b"=", b",", b'"', b"\\", b"a", b"\xff"])).map(b"".join))
def test_lines_without_points_end_where_each_of_them_does(data: bytes) -> None:
    position, stop = 0, end_of(POINTLESS, data, 0)
    while position < stop:
        end = line_end(data, position)
        assert data[position:end].lstrip(BLANK).strip(b"\r")[:1] in {b"", b"#"}
        position = end + 1
    assert position == stop


def test_a_comment_whose_string_hides_its_line_break_has_to_be_looked_at() -> None:
    assert end_of(POINTLESS, b'#a ="\n"\n', 0) == 0
    assert end_of(POINTLESS, b'#a "\n#a=b\n#="" ",\n#a=", "\n', 0) == len(b'#a "\n#a=b\n')
    assert end_of(POINTLESS, b'#a "\n# a="",b="c"\n', 0) == len(b'#a "\n# a="",b="c"\n')
