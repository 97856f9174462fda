"""Queries as one writes them at a prompt: what they mean, and which word is wrong."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.commands.query_text import EXAMPLE, WORDS, Asked, QueryTextWrong, parse_query_text, spell_query
from streams.aggregates import TABLE
from streams.durations import format_duration

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


def test_the_example() -> None:
    assert parse_query_text(EXAMPLE).request() == {
        "query": {
            "measurement": "weather",
            "select": {"temp": ["mean", "p95"]},
            "group_by": ["site"],
            "every": "10s",
        },
        "history": "1h",
    }


@pytest.mark.parametrize(
    ("text", "key", "meaning"),
    [
        ("m a:mean b:min,max 1s", "select", {"a": ["mean"], "b": ["min", "max"]}),
        ("m a:last 1s last 1h", "select", {"a": ["last"]}),
        ("m a : mean , p99.9 1s", "select", {"a": ["mean", "p99.9"]}),
        ("m 1m a:mean by x, y", "group_by", ["x", "y"]),
        ("m a:mean every 1m", "every", "1m"),
        ("m a:mean window 5m every 1m", "window", "5m"),
        ('"my m" "a:b":mean 1s', "measurement", "my m"),
        (r'm "say \"a\" \\":mean 1s', "select", {'say "a" \\': ["mean"]}),
    ],
)
def test_what_a_text_asks(text: str, key: str, meaning: object) -> None:
    query = parse_query_text(text).query
    assert query is not None
    assert query[key] == meaning


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("m a:mean where site=s1 1s", {"site": ["s1"]}),
        ("m a:mean where site=s1,s2 and dev=7 1s", {"site": ["s1", "s2"], "dev": ["7"]}),
        ('m a:mean where site="New York" 1s', {"site": ["New York"]}),
        ("m a:mean where site= 1s", {"site": [None]}),
        ("m a:mean where site=s1, 1s", {"site": ["s1", None]}),
        ("weather where site=s1 last 1h", {"site": ["s1"]}),
    ],
)
def test_conditions(text: str, where: object) -> None:
    assert parse_query_text(text).where == where


def test_a_name_alone_is_a_stream() -> None:
    assert parse_query_text("weather").request() == {"stream": "weather"}
    assert parse_query_text("weather last 1h").request() == {"stream": "weather", "history": "1h"}


@pytest.mark.parametrize(
    ("text", "marks", "sentence"),
    [
        ("weather temp:avrage 10s", "             ^^^^^^", "'avrage' is no aggregate; did you mean mean?"),
        ("weather temp:zzz 10s", "             ^^^", "'zzz' is no aggregate; there are count sum mean"),
        ("weather temp:mean,mean 10s", "                  ^^^^", "mean is asked for twice"),
        ("weather temp: 10s", "              ^^^", "'10s' is no aggregate"),
        ("weather temp 10s", "        ^^^^", "of a field, name the aggregates, as in temp:mean"),
        ("weather temp:mean", "                 ^", "how long is a window? Say so after the fields, as in `10s`"),
        ("weather temp:mean bi site 10s", "                  ^^", "'bi' is not understood here; did you mean by?"),
        ("weather temp:mean 10", "                  ^^", "'10' is not a duration; write a whole number and ms, s"),
        ("weather temp:mean 50ms", "                  ^^^^", "every: 50ms is shorter than 100ms"),
        ("weather temp:mean 10s 20s", "                      ^^^", "every is given twice"),
        ("weather temp:mean 10s window 15s", "                             ^^^", "not a whole multiple of every"),
        ("weather temp:mean by 10s", "                     ^^^", "expected a tag to group by, not the duration 10s"),
        ("weather temp:mean by site,site 10s", "                          ^^^^", "tag 'site' is named twice"),
        ("weather temp:mean where site 10s", "                        ^^^^", "which value of site? Write site=…"),
        ("weather temp:mean 10s last", "                          ^", "something is missing here: a duration"),
        ("weather temp:mean 10s last week", "                           ^^^^", "'week' is not a duration"),
        ("weather by site", "        ^^^^^^^", "'weather' without fields is a stream"),
        ('weather "temp:mean 10s', "        ^^^^^^^^^^^^^^", "a quote is opened and not closed"),
        ("by temp:mean 10s", "^^", "expected the name of a measurement or of a stream, not 'by'"),
        ("", "^", "something is missing here: the name of a measurement or of a stream"),
    ],
)
def test_a_mistake_is_pointed_at(text: str, marks: str, sentence: str) -> None:
    with pytest.raises(QueryTextWrong) as caught:
        parse_query_text(text)
    said, shown, marked = caught.value.pointing(text).splitlines()
    assert sentence in said
    assert shown == f"  {text}"
    assert marked == f"  {marks}"


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
