"""Queries as one writes them at a prompt: what they mean, and which word is wrong."""

import json
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.commands.query_text import EXAMPLE, WORDS, Asked, QueryTextWrong, parse_query_text, spell_query
from streams.aggregates import TABLE
from streams.durations import format_duration

SHARED = json.loads(Path(__file__).parents[1].joinpath("query_texts.json").read_text())
"""What the page's reader of this language is held to as well: see query_text.test.ts."""
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8) | st.sampled_from([*WORDS, "10s"])
AGGREGATES = st.sampled_from([*(name for name in TABLE if name != "percentile"), "p5", "p95", "p99.9"])
VALUES = st.lists(st.none() | NAMES, min_size=1, max_size=3)


@st.composite
def questions(draw: st.DrawFn) -> Asked:
    where = draw(st.dictionaries(NAMES, VALUES, max_size=3))
    history = draw(st.none() | st.integers(1, 10**6).map(format_duration))
    if draw(st.booleans()):
        return Asked(None, draw(NAMES), where, history)
    every = draw(st.integers(100, 10**6))
    query = {
        "measurement": draw(NAMES),
        "select": draw(
            st.dictionaries(NAMES, st.lists(AGGREGATES, min_size=1, max_size=3, unique=True), min_size=1, max_size=3)
        ),
        "group_by": draw(st.lists(NAMES, max_size=3, unique=True)),
        "every": format_duration(every),
    }
    if draw(st.booleans()):
        query["window"] = format_duration(every * draw(st.integers(1, 60)))
    return Asked(query, None, where, history)


@pytest.mark.parametrize("case", SHARED["asked"], ids=lambda case: case["text"])
def test_what_a_text_asks(case: dict[str, Any]) -> None:
    asked = parse_query_text(case["text"])
    assert asked == Asked(case["query"], case["stream"], case["where"], case["history"])
    assert spell_query(asked) == case["spelled"]


def test_the_request_of_the_example_and_of_a_stream() -> None:
    query = {"measurement": "weather", "select": {"temp": ["mean", "p95"]}, "group_by": ["site"], "every": "10s"}
    assert parse_query_text(EXAMPLE).request() == {"query": query, "history": "1h"}
    assert parse_query_text("weather").request() == {"stream": "weather"}


@pytest.mark.parametrize("case", SHARED["wrong"], ids=lambda case: case["text"])
def test_a_mistake_is_pointed_at(case: dict[str, str]) -> None:
    with pytest.raises(QueryTextWrong) as caught:
        parse_query_text(case["text"])
    said, shown, marked = caught.value.pointing(case["text"]).splitlines()
    assert case["says"] in said
    assert shown == f"  {case['text']}"
    assert marked == f"  {case['marks']}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("weather temp:avrage 10s", "'avrage' is no aggregate; did you mean mean?"),
        ("weather temp:zzz 10s", "'zzz' is no aggregate; there are count sum mean"),
        ("weather temp:mean bi site 10s", "'bi' is not understood here; did you mean by?"),
        ("weather temp:mean 10", "'10' is not a duration; write a whole number and ms, s"),
    ],
)
def test_what_was_meant_is_guessed(text: str, sentence: str) -> None:
    with pytest.raises(QueryTextWrong) as caught:
        parse_query_text(text)
    assert str(caught.value).startswith(sentence)


@given(questions())
def test_a_question_that_is_spelled_is_read_as_it_was(asked: Asked) -> None:
    assert parse_query_text(spell_query(asked)) == asked


SYNTAX = st.lists(st.sampled_from([*WORDS, "weather", "temp", "mean", "p95", "10s", "1h", *':=,"\\ ']), max_size=12)


@given(SYNTAX.map("".join) | SYNTAX.map(" ".join) | st.text(string.printable + "ä€"))
def test_any_text_is_read_or_a_place_in_it_is_named(text: str) -> None:
    match read(text):
        case QueryTextWrong(start=start, end=end) as wrong:
            assert 0 <= start < end <= len(text) + 1
            assert "\n" not in str(wrong)
        case asked:
            assert parse_query_text(spell_query(asked)) == asked


def read(text: str) -> Asked | QueryTextWrong:
    try:
        return parse_query_text(text)
    except QueryTextWrong as wrong:
        return wrong
