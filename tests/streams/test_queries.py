"""Queries: what is accepted, what is refused and how that is said, and what makes two of them one plan."""

from typing import Any

import pytest

from streams.errors import QueryInvalid
from streams.points import Kind
from streams.queries import MOST_COLUMNS, MOST_PANES, Query, parse_query, refine

WEATHER: dict[str, Any] = {"measurement": "weather", "select": {"temp": ["mean", "p95"], "hum": "last"}, "every": "1s"}


def parsed(**changes: Any) -> Query:
    return parse_query(**{**WEATHER, **changes})


def refusal(**changes: Any) -> str:
    with pytest.raises(QueryInvalid) as raised:
        parsed(**changes)
    return str(raised.value)


def test_what_is_left_out_has_a_default() -> None:
    query = parsed()
    assert (query.window_ms, query.every_ms, query.grace_ms) == (1_000, 1_000, 1_000)
    assert (query.where, query.group_by, query.fields) == ((), (), ("temp", "hum"))
    assert parsed(every=None, window="10s").every_ms == 10_000


def test_a_window_is_named_by_its_stop() -> None:
    assert parsed(window="10s").span(1_700_000_010_000) == (1_700_000_000_000, 1_700_000_010_000)


@pytest.mark.parametrize(
    "alike",
    [
        {"every": "1000ms"},
        {"window": "1s"},
        {"grace": "1s"},
        {"where": {}},
        {"group_by": []},
        {"select": {"temp": ("mean", "p95.0"), "hum": ["last"]}},
    ],
    ids=str,
)
def test_requests_that_mean_the_same_share_a_plan(alike: dict[str, Any]) -> None:
    assert parsed(**alike) == parsed()
    assert parsed(**alike).key == parsed().key


def test_the_order_of_values_means_nothing() -> None:
    one = parsed(where={"site": ["s2", "s1", None, "s2"], "dev": "a"})
    other = parsed(where={"dev": ["a"], "site": ["", "s1", "s2"]})
    assert one == other
    assert one.key == other.key
    assert one.where == (("dev", ("a",)), ("site", (None, "s1", "s2")))


@pytest.mark.parametrize(
    "different",
    [
        {"measurement": "Weather"},
        {"select": {"hum": "last", "temp": ["mean", "p95"]}},
        {"select": {"temp": ["p95", "mean"], "hum": "last"}},
        {"every": "2s"},
        {"window": "2s"},
        {"grace": "0s"},
        {"where": {"site": "s1"}},
        {"where": {"site": None}},
        {"group_by": ["site"]},
    ],
    ids=str,
)
def test_requests_that_differ_have_plans_of_their_own(different: dict[str, Any]) -> None:
    assert parsed(**different).key != parsed().key


def test_a_plan_keeps_its_name_from_one_version_to_the_next() -> None:
    assert parsed(where={"site": ["s1", None]}, group_by=["dev"]).key == "935fbf2690ca57a9"


def test_columns_are_the_tags_and_then_the_aggregates_in_the_order_asked_for() -> None:
    columns = parsed(group_by=["site", "dev"]).columns({"temp": Kind.INTEGER})
    assert [(column.name, column.kind) for column in columns] == [
        ("site", Kind.TAG),
        ("dev", Kind.TAG),
        ("temp.mean", Kind.FLOAT),
        ("temp.p95", Kind.INTEGER),
        ("hum.last", None),
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"measurement": ""}, "measurement: expected a name, not ''"),
        ({"measurement": None}, "measurement: expected a name, not None"),
        ({"measurement": "\ud800"}, r"measurement: expected a name, not '\ud800'"),
        ({"select": {}}, "select: name at least one field and its aggregates, as in {'temp': ['mean', 'p95']}"),
        ({"select": ["temp"]}, "select: name at least one field and its aggregates, as in {'temp': ['mean', 'p95']}"),
        ({"select": {"temp": []}}, "select.temp: name at least one aggregate, as in ['mean']"),
        ({"select": {"temp": [5]}}, "select.temp: expected a name, not 5"),
        ({"select": {"temp": ["mean", "mean"]}}, "select.temp: a name is given twice"),
        ({"select": {"temp": ["p5", "p05"]}}, "select.temp: an aggregate is named twice"),
        ({"select": {"": "mean"}}, "select: expected a name, not ''"),
        ({"where": {"time": "a"}}, "where: no tag can be called 'time'"),
        ({"group_by": ["site", "time"]}, "group_by: no tag can be called 'time'"),
        ({"every": None}, "every: a window's step is missing; write for instance every = '10s'"),
        ({"every": 10}, "every: expected a duration such as '10s', not 10"),
        ({"every": "99ms"}, "every: 99ms is shorter than 100ms, the least possible"),
        ({"every": "0s"}, "every: 0s is shorter than 100ms, the least possible"),
        ({"window": "1500ms"}, "window: 1500ms is not a whole multiple of every, 1s"),
        ({"window": "500ms"}, "window: 500ms is not a whole multiple of every, 1s"),
        ({"window": f"{MOST_PANES + 1}s"}, f"window: it may cover at most {MOST_PANES} steps of every, 1s"),
        ({"where": ["site"]}, "where: expected tags and their values, as in {'site': ['s1', 's2']}"),
        ({"where": {"site": []}}, "where.site: expected a text, null for a missing tag, or a list of them"),
        ({"where": {"site": 5}}, "where.site: expected a text, null for a missing tag, or a list of them"),
        ({"where": {"site": "\udfff"}}, "where.site: expected a text, null for a missing tag, or a list of them"),
        ({"where": {"": "s1"}}, "where: expected a name, not ''"),
        ({"group_by": "site"}, "group_by: expected a list of names"),
        ({"group_by": ["site", "site"]}, "group_by: a name is given twice"),
        ({"group_by": [None]}, "group_by: expected a name, not None"),
    ],
    ids=str,
)
def test_what_cannot_be_answered_is_named(changes: dict[str, Any], said: str) -> None:
    assert refusal(**changes) == said


def test_an_unknown_aggregate_is_answered_with_the_known_ones() -> None:
    assert refusal(select={"temp": ["avg"]}).startswith("select.temp: 'avg' is no aggregate; there are count sum mean")


def test_a_duration_that_is_none_names_its_key() -> None:
    assert refusal(grace="soon").startswith("grace: 'soon' is not a duration; write a whole number")


def test_grace_is_bounded_by_steps_of_every() -> None:
    assert parsed(grace=f"{MOST_PANES}s").grace_ms == MOST_PANES * 1_000
    assert refusal(grace="365d").startswith("grace: ")


def test_columns_are_bounded() -> None:
    fields = {f"f{number}": ["mean", "max"] for number in range(MOST_COLUMNS // 2)}
    assert len(parsed(select=fields).columns({})) == MOST_COLUMNS
    assert refusal(select=fields, group_by=["dev"]) == "select: 257 columns are asked for; at most 256 are possible"


def test_a_refined_query_keeps_the_common_values() -> None:
    stream = parsed(where={"site": ["s1", "s2"], "dev": ["a", None]})
    refined = refine(stream, {"site": ["s2", "s3"], "rack": "r"})
    assert refined == parsed(where={"site": ["s2"], "dev": ["a", None], "rack": ["r"]})
    assert refine(stream, {}) == stream


def test_a_query_without_any_value_left_is_refused() -> None:
    with pytest.raises(QueryInvalid, match="where: no value of tag 'site' is left; the stream allows others"):
        refine(parsed(where={"site": "s1"}), {"site": "s2"})
