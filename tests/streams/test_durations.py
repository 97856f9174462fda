"""Durations as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.durations import LONGEST_MS, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("0s", 0),
        ("250ms", 250),
        ("10s", 10_000),
        ("5m", 300_000),
        ("1h", 3_600_000),
        ("30d", 2_592_000_000),
        ("2w", 1_209_600_000),
        ("010s", 10_000),
    ],
)
def test_a_whole_number_and_a_unit(text: str, milliseconds: int) -> None:
    assert parse_duration(text) == milliseconds


@pytest.mark.parametrize("text", ["", "10", "s", "1.5s", "-1s", "1 s", " 1s", "1s\n", "1S", "1y", "1h30m", "٣s", "1us"])
def test_anything_else_is_named_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration; write a whole number and ms, s, m, h, d or w, as in 10s"):
        parse_duration(text)


def test_a_hundred_years_are_the_longest() -> None:
    assert parse_duration("36600d") == LONGEST_MS
    for text in ("36601d", "999999999999999w"):
        with pytest.raises(ValueError, match="longer than a hundred years"):
            parse_duration(text)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0s"),
        (1, "1ms"),
        (1_500, "1500ms"),
        (60_000, "1m"),
        (90_000, "90s"),
        (86_400_000, "1d"),
        (604_800_000, "1w"),
    ],
)
def test_the_largest_unit_that_divides_is_written(milliseconds: int, text: str) -> None:
    assert format_duration(milliseconds) == text


@given(st.integers(0, LONGEST_MS))
def test_what_is_written_reads_the_same(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds)) == milliseconds
